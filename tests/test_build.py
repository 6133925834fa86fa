"""From a folder of articles to a data set: everything counted, nothing lost, the same bytes whenever it is killed."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
from pathlib import Path

import pyarrow.parquet as pq
import pytest
import yaml
from articles import article, corpus
from datasets import load_from_disk
from huggingface_hub import DatasetCard
from typer.testing import CliRunner

import stance
from stance.cli import app
from stance.corpus import build_dataset, find_leaks, read_tasks, write_tasks
from stance.corpus.steps import Steps
from stance.models.baseline import BaselineModel
from stance.records import Annotation


def rows(path: Path) -> list[dict]:
    return [json.loads(line) for line in path.read_text().splitlines()]


def tree(folder: Path) -> dict[str, str]:
    files = (f for f in sorted(folder.rglob("*")) if f.is_file())
    return {str(f.relative_to(folder)): hashlib.sha256(f.read_bytes()).hexdigest() for f in files}


def baseline(folder: Path) -> None:
    """A model that loads fast."""
    texts = [("we back membership", "favor"), ("never, a mistake", "against"), ("pages and dates", "neutral")]
    BaselineModel.fit(texts).save(folder)


def annotate_all(folder: Path, built: stance.Build) -> None:
    """Two people label the sample: ann as the model does, bob the first three otherwise."""
    (folder / "labels").mkdir()
    sample = rows(built.review / "sample.jsonl")
    for name in ("ann", "bob"):
        given = [
            Annotation(r["id"], name, "neutral" if name == "bob" and i < 3 and r["stance"] != "neutral" else r["stance"])
            for i, r in enumerate(sample)
        ]
        write_tasks(sample, folder / "labels" / f"{name}.jsonl", kind="stance", annotations=given)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, stance.Build, stance.Build]:
    folder = corpus(tmp_path_factory.mktemp("corpus"))
    first = build_dataset(folder / "build.yaml", output=folder / "out")
    annotate_all(folder, first)
    return folder, first, build_dataset(folder / "build.yaml", output=folder / "out")


def test_everything_is_counted(made: tuple[Path, stance.Build, stance.Build]) -> None:
    _, first, built = made
    counts = built.manifest["counts"]
    assert counts["articles"] == {"read": 25, "unreadable": 2, "renamed": 0}
    assert {u["file"]: u["reason"] for u in rows(built.review / "unreadable.jsonl")}.keys() == {
        "articles/empty.txt", "articles/wire.jsonl",
    }  # fmt: skip
    dropped = rows(built.review / "dropped.jsonl")
    assert sum(counts["dropped"].values()) == len(dropped)
    assert counts["statements"] + len(dropped) == 25 * 4  # every quote of every article is kept or listed
    assert counts["dropped"]["same words by the same speaker; kept as a source of the first"] == 3
    reprinted = [q for q in rows(built.review / "quotes.jsonl") if len(q["sources"]) > 1]
    assert {s["outlet"] for s in reprinted[0]["sources"]} == {"Outlet 0", "The Reprinter"}
    assert (first.manifest["counts"]["labelled"], counts["sample"]) == (0, 60)


def test_the_data_set(made: tuple[Path, stance.Build, stance.Build]) -> None:
    _, _, built = made
    labelled = [r for s in ("train", "dev", "test") for r in rows(built.dataset / "data" / f"{s}.jsonl")]
    undecided = built.manifest["counts"]["undecided"]
    assert len(labelled) + sum(undecided.values()) == 60 and undecided.keys() <= {"no majority"}
    assert not find_leaks(labelled) and {r["split"] for r in labelled} == {"train", "dev", "test"}
    on_disk = stance.load_dataset(built.dataset)
    assert {s: [dict(r) for r in d] for s, d in load_from_disk(str(built.dataset / "hf")).items()}.keys() == on_disk.keys()
    for split, table in on_disk.items():
        assert [r["id"] for r in table] == [r["id"] for r in rows(built.dataset / "data" / f"{split}.jsonl")]
        assert pq.read_table(built.dataset / "data" / f"{split}.parquet").to_pylist() == table.to_list()
    report = built.manifest["agreement"]
    assert report["pairs"][0]["units"] == 60 and 0.8 < report["alpha_nominal"] < 1
    assert len(rows(built.review / "disagreements.jsonl")) == sum(undecided.values()) > 0


def test_people_stand_beside_a_model(made: tuple[Path, stance.Build, stance.Build]) -> None:
    _, _, built = made
    scored = rows(built.dataset / "data" / "train.jsonl")
    assert all(len(r["annotations"]) == 2 and r["annotations"].count(r["label"]) == r["votes"][r["label"]] for r in scored)
    report = stance.evaluate("default", built.dataset / "data" / "train.jsonl", resamples=100)
    (people,) = [r for r in report.rows() if r["system"] == "people"]
    assert people["n"] == 2 * len(scored) and people["value"] == 1.0  # quotes that the two labelled otherwise have no majority


def test_rows_have_the_weight_of_their_draw(tmp_path: Path) -> None:
    folder = corpus(tmp_path, 24)
    baseline(tmp_path / "model")
    values = yaml.safe_load((folder / "build.yaml").read_text())
    values |= {"model": str(tmp_path / "model"), "sampling": {"size": 12, "strata": ["outlet"]}}
    (folder / "build.yaml").write_text(yaml.safe_dump(values))
    annotate_all(folder, build_dataset(folder / "build.yaml", output=folder / "out"))
    built = build_dataset(folder / "build.yaml", output=folder / "out")
    drawn = {r["id"]: (r["stratum"], r["weight"]) for r in rows(built.review / "sample.jsonl")}
    labelled = [r for s in ("train", "dev", "test") for r in rows(built.dataset / "data" / f"{s}.jsonl")]
    assert labelled and all((r["stratum"], r["weight"]) == drawn[r["id"]] and r["weight"] > 1 for r in labelled)


def test_the_card_has_the_figures(made: tuple[Path, stance.Build, stance.Build]) -> None:
    _, _, built = made
    card = DatasetCard.load(built.dataset / "README.md")
    assert card.data.pretty_name == "made" and card.data.configs[0]["data_files"][0]["path"] == "data/train.parquet"
    assert f"{built.manifest['agreement']['alpha_nominal']:.3f}" in card.text
    assert f"| labelled rows | {built.manifest['counts']['labelled']} |" in card.text
    for name, digest in built.manifest["files"].items():
        assert hashlib.sha256((built.dataset / name).read_bytes()).hexdigest() == digest


def test_another_place_gives_the_same_bytes(made: tuple[Path, stance.Build, stance.Build], tmp_path: Path) -> None:
    folder, _, built = made
    (tmp_path / "elsewhere" / "steps" / ".unfinished-abc").mkdir(parents=True)
    again = build_dataset(folder / "build.yaml", output=tmp_path / "elsewhere")
    assert again.unfinished == 1
    assert tree(again.dataset) == tree(built.dataset) and tree(again.review) == tree(built.review)


def test_killed_at_any_moment_it_ends_with_the_same_bytes(made: tuple[Path, stance.Build, stance.Build], tmp_path: Path) -> None:
    folder, _, _ = made
    baseline(tmp_path / "model")
    values = yaml.safe_load((folder / "build.yaml").read_text()) | {"model": str(tmp_path / "model")}
    config = tmp_path / "build.yaml"
    config.write_text(yaml.safe_dump(values))
    built = build_dataset(config, data=folder, output=tmp_path / "undisturbed")
    out = tmp_path / "disturbed"
    command = [sys.executable, str(Path(__file__).with_name("kill_build.py")), str(config), str(folder), str(out)]
    environment = os.environ | {"PYTHONPATH": str(Path(stance.__file__).parents[1])}
    result = json.loads(subprocess.run(command, env=environment, capture_output=True, text=True, check=True).stdout)
    assert result["status"] == 0
    assert len({tuple(finished) for finished in result["stages"]}) >= 4  # the kills came at different steps
    assert tree(out / "dataset") == tree(built.dataset) and tree(out / "review") == tree(built.review)
    assert not list(out.glob(".*")) and not list((out / "steps").glob(".unfinished-*"))


def test_a_new_article_redoes_only_its_shard(tmp_path: Path) -> None:
    folder = corpus(tmp_path, 24)
    first = build_dataset(folder / "build.yaml", output=tmp_path / "out")
    before = {p.name: p.stat().st_mtime_ns for p in (tmp_path / "out" / "steps").glob("quotes-*")}
    (folder / "articles" / "zz.txt").write_text(article(99))
    second = build_dataset(folder / "build.yaml", output=tmp_path / "out")
    after = {p.name: p.stat().st_mtime_ns for p in (tmp_path / "out" / "steps").glob("quotes-*")}
    assert len(before) == 3 and sum(after.get(name) == at for name, at in before.items()) == 2
    assert second.manifest["counts"]["articles"]["read"] == first.manifest["counts"]["articles"]["read"] + 1


def test_bad_annotations_are_listed(made: tuple[Path, stance.Build, stance.Build], tmp_path: Path) -> None:
    folder, _, built = made
    known = rows(built.review / "sample.jsonl")[0]["id"]
    (tmp_path / "ann.jsonl").write_text(
        "".join(
            json.dumps({"quote": q, "annotator": "ann", "label": x, "note": f"on {x}"}) + "\n"
            for q, x in [("gone", "favor"), (known, "pro"), (known, "favor"), (known, "against")]
        )
        + '{"quote": "half'
    )
    values = yaml.safe_load((folder / "build.yaml").read_text()) | {"annotations": [{"path": str(tmp_path / "*.jsonl")}]}
    config = tmp_path / "build.yaml"
    config.write_text(yaml.safe_dump(values))
    result = build_dataset(config, data=folder, output=tmp_path / "out")
    problems = rows(result.review / "problems.jsonl")
    assert len(problems) == 5 and sum(result.manifest["counts"]["annotation_problems"].values()) == 5
    assert {p["reason"].split(":")[0] for p in problems} == {
        "unknown quote", "label 'pro' is outside the scheme", "conflict", "row 5",
    }  # fmt: skip
    assert result.manifest["counts"]["labelled"] == 0
    assert {p["file"] for p in problems} == {os.path.relpath(tmp_path / "ann.jsonl", folder)}
    assert {(p["label"], p["note"]) for p in problems} == {
        ("favor", "on favor"), ("pro", "on pro"), ("against", "on against"), (None, None),
    }  # fmt: skip
    assert result.manifest["counts"]["annotation_files"] == {str(tmp_path / "*.jsonl"): 1}


@pytest.mark.parametrize(
    ("change", "error", "why"),
    [
        ({"sampel": {}}, stance.ConfigError, "sampel: Extra inputs"),
        ({"split": {"by": "date"}}, stance.ConfigError, "dev_from and test_from"),
        ({"adjudication": {"method": "expert"}}, stance.ConfigError, "name of the expert"),
        ({"articles": ["missing"]}, stance.InputError, "missing: no such file or folder"),
        ({"articles": ["articles/empty.txt"]}, stance.InputError, "No article could be read; first: articles/empty.txt"),
    ],
)
def test_bad_configs_are_refused(tmp_path: Path, change: dict, error: type[Exception], why: str) -> None:
    folder = corpus(tmp_path, 2)
    values = yaml.safe_load((folder / "build.yaml").read_text()) | change
    (folder / "build.yaml").write_text(yaml.safe_dump(values))
    with pytest.raises(error, match=why):
        build_dataset(folder / "build.yaml", output=tmp_path / "out")


def test_files_that_people_put_into_the_results_are_never_deleted(tmp_path: Path) -> None:
    folder = corpus(tmp_path, 4)
    first = build_dataset(folder / "build.yaml", output=tmp_path / "out")
    label = json.dumps(Annotation(rows(first.review / "sample.jsonl")[0]["id"], "ann", "favor").to_dict()) + "\n"
    (first.review / "ann.jsonl").write_text(label)
    (first.review / "sheets").mkdir()
    (first.review / "sheets" / "ann.csv").write_text("id,label\n")
    (folder / "articles" / "zz.txt").write_text(article(99))
    second = build_dataset(folder / "build.yaml", output=tmp_path / "out")
    assert (second.review / "ann.jsonl").read_text() == label and (second.review / "sheets" / "ann.csv").is_file()
    assert any(q["article"] == "articles/zz.txt" for q in rows(second.review / "quotes.jsonl"))
    for name in ("notes.txt", "README.md"):
        kept = (second.dataset / name).read_bytes() if name == "README.md" else b""
        (second.dataset / name).write_text("mine")
        with pytest.raises(stance.InputError, match=rf"dataset/{name}: not as the build left it"):
            build_dataset(folder / "build.yaml", output=tmp_path / "out")
        assert (second.dataset / name).read_text() == "mine"
        (second.dataset / name).write_bytes(kept) if kept else (second.dataset / name).unlink()
    build_dataset(folder / "build.yaml", output=tmp_path / "out")


def test_two_builds_at_once_are_refused(tmp_path: Path) -> None:
    with Steps(tmp_path / "steps"), pytest.raises(stance.InputError, match="another build is running"):
        with Steps(tmp_path / "steps"):
            pass


def test_splits_by_date_and_samples_by_disagreement(made: tuple[Path, stance.Build, stance.Build], tmp_path: Path) -> None:
    folder, _, _ = made
    baseline(tmp_path / "other")
    values = yaml.safe_load((folder / "build.yaml").read_text()) | {
        "split": {"by": "date", "dev_from": "2024-04-01", "test_from": "2024-07-01"},
        "sampling": {"size": 10, "strategy": "disagreement", "models": [str(tmp_path / "other")]},
    }
    (tmp_path / "build.yaml").write_text(yaml.safe_dump(values))
    built = build_dataset(tmp_path / "build.yaml", data=folder, output=tmp_path / "out")
    dates = {s: [r["date"] for r in rows(built.dataset / "data" / f"{s}.jsonl")] for s in ("train", "dev", "test")}
    assert max(dates["train"]) < "2024-04-01" <= max(dates["dev"]) < "2024-07-01" <= max(dates["test"])
    counts = built.manifest["counts"]
    assert counts["without a date"] > 0 and counts["sample"] == 10
    assert sum(map(len, dates.values())) == counts["labelled"]


def test_a_second_round_leaves_out_what_is_annotated(made: tuple[Path, stance.Build, stance.Build], tmp_path: Path) -> None:
    folder, _, built = made
    values = yaml.safe_load((folder / "build.yaml").read_text())
    values["sampling"] |= {"skip_annotated": True, "strategy": "uncertainty"}
    (tmp_path / "build.yaml").write_text(yaml.safe_dump(values))
    second = build_dataset(tmp_path / "build.yaml", data=folder, output=tmp_path / "out")
    first = {r["id"] for r in rows(built.review / "sample.jsonl")}
    again = {r["id"] for r in rows(second.review / "sample.jsonl")}
    assert again and not again & first and len(again) == second.manifest["counts"]["statements"] - len(first)


def test_the_commands(tmp_path: Path) -> None:
    folder = corpus(tmp_path, 4)
    result = CliRunner().invoke(app, ["build", str(folder / "build.yaml"), "--output", str(tmp_path / "out")])
    assert result.exit_code == 0, result.output
    assert "articles: read" in result.stdout and "next: stance annotate" in result.stdout
    assert "0  annotation files: labels/*.jsonl" in result.stdout and "no file is labels/*.jsonl" in result.stderr
    sample, tasks, table = tmp_path / "out" / "review" / "sample.jsonl", tmp_path / "tasks.json", tmp_path / "t.csv"
    for args in (
        ["convert", str(sample), "--to", "labelstudio", "-o", str(tasks)],
        ["convert", str(tasks), "--from", "labelstudio", "--to", "table", "-o", str(table)],
    ):
        assert CliRunner().invoke(app, args).exit_code == 0
    assert (tmp_path / "tasks.xml").read_text().startswith("<View>")
    quotes = read_tasks(table, kind="table").rows
    assert quotes == rows(sample)
    for name, label in (("ann", "favor"), ("bob", "against")):
        write_tasks([], tmp_path / f"{name}.jsonl", kind="stance", annotations=[Annotation(quotes[0]["id"], name, label)])
    result = CliRunner().invoke(app, ["agreement", str(tmp_path / "ann.jsonl"), str(tmp_path / "bob.jsonl"), "--json"])
    assert json.loads(result.stdout)["pairs"][0]["agreement"] == 0
    with pytest.raises(stance.InputError, match="no labelled rows to push"):
        build_dataset(folder / "build.yaml", output=tmp_path / "out", push_to_hub="nobody/nothing")
