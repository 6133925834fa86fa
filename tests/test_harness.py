"""Models, callables, files and baselines side by side; probes that catch a careless model; reports that compare."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

import stance
from stance.config import load_evaluate_config
from stance.errors import ConfigError, InputError
from stance.evaluation import Dataset, compare, evaluate_config, run_probes
from stance.evaluation.systems import baseline
from stance.training.examples import Row, dev_example

GOLD = [
    ("Ukraine should join NATO.", "favor"),
    ("Ukraine must never join NATO, and we will not allow it.", "against"),
    ("The envoys met at noon in Brussels.", "neutral"),
]
ROWS = [{"id": f"q{i}", "text": text, "label": label, "group": f"a{i // 4}"} for i, (text, label) in enumerate(GOLD * 8)]


def careless(texts: list[str], claims: list[str]) -> list[str]:
    """Reads single words: any Ukraine or Georgia with NATO is favor, unless "never" stands there."""
    return ["neutral" if "NATO" not in t else "against" if "never" in t else "favor" for t in texts]


def test_a_callable_stands_beside_the_majority() -> None:
    report = stance.evaluate(careless, ROWS)
    ours, majority = report.rows()
    assert (ours["system"], ours["value"], majority["macro_f1"]) == ("careless", 1.0, pytest.approx(1 / 6))
    assert report.values["datasets"][0]["comparisons"][0]["p"] < 0.05  # six groups: 1/32 is the least
    assert report.to_frame().shape[0] == 2
    assert "| rows | careless | 24 | macro_f1 | 1.000 [1.000, 1.000] |" in report.to_markdown()


def test_probabilities_predictions_and_files_serve_alike(tmp_path: Path) -> None:
    p = np.full((len(ROWS), 3), 0.1)
    p[np.arange(len(ROWS)), [["against", "neutral", "favor"].index(r["label"]) for r in ROWS]] = 0.8
    file = tmp_path / "labels.csv"
    file.write_text("id,stance\n" + "".join(f"{r['id']},{r['label']}\n" for r in reversed(ROWS)))
    found = stance.classify([r["text"] for r in ROWS])
    for system in (p, lambda texts, claims: p, file, [r["label"] for r in ROWS]):
        assert stance.evaluate(system, ROWS, baselines=()).rows()[0]["value"] == 1.0
    assert stance.evaluate(found, ROWS, baselines=()).rows() == stance.evaluate("default", ROWS, baselines=()).rows()


@pytest.mark.parametrize(
    ("answers", "why"),
    [
        (["favor"] * 3, "3 answers for the 24 rows"),
        (["favour"] * 24, "row 0: 'favour' is none of"),
        (np.full((24, 3), np.nan), "NaN"),
        (np.full((24, 3), 0.5), "do not sum to one"),
        (np.full((24, 2), 0.5), r"must be \(n, 3\)"),
        (7, "Cannot score int"),
    ],
)
def test_answers_that_do_not_fit(answers: object, why: str) -> None:
    with pytest.raises(InputError, match=why):
        stance.evaluate(answers, ROWS)


def test_an_abstention_is_no_answer() -> None:
    found = stance.classify([r["text"] for r in ROWS], abstain_below=1.0)
    with pytest.raises(InputError, match=r"row 0: no label \(abstained\)"):
        stance.evaluate(found, ROWS)


def test_a_task_without_neutral_is_answered_without_it() -> None:
    rows = tuple(r for r in ROWS if r["label"] != "neutral")
    found = stance.evaluate(lambda t, c: [[0.1, 0.6, 0.3]] * len(t), Dataset("two", rows, labels=("against", "favor")))
    assert found.values["datasets"][0]["systems"][0]["labels"] == ["favor"] * len(rows)


def test_published_human_score_and_people_stand_in_the_table() -> None:
    rows = tuple({**r, "annotations": [r["label"]] * 3 + ["neutral"]} for r in ROWS)
    people = stance.evaluate(careless, Dataset("d", rows)).rows()[0]
    assert people["system"] == "people" and 0.5 < people["value"] < 1
    told = Dataset("d", rows, human={"value": 0.9, "source": "a paper"})
    assert stance.evaluate(careless, told).rows()[0]["value"] == 0.9


def test_a_second_annotator_is_the_human_ceiling(tmp_path: Path) -> None:
    rows = [dict(r) for r in ROWS]
    for i, row in enumerate(rows[:9]):
        row["second_label"] = "neutral" if i == 0 else row["label"]  # of favor, against, neutral by turns: one differs
    data = Dataset("d", tuple(rows), human={"column": "second_label", "source": "two models of one kind: an upper bound"})
    report = stance.evaluate(careless, data)
    people = report.rows()[0]
    # favor 2 of 3 found: F1 .8; neutral 3 found of 3, 4 given: F1 6/7; against: 1
    assert (people["system"], people["n"]) == ("people", 9) and people["value"] == pytest.approx((0.8 + 6 / 7 + 1) / 3)
    said = "People on d: macro_f1 0.886 on 9 labels, Cohen's kappa 0.833 (two models of one kind: an upper bound)."
    assert report.people() == [said] and said in report.to_markdown() and "two models of one kind" in report.to_html()
    with pytest.raises(InputError, match="no row has a label in 'third_label'"):
        stance.evaluate(careless, Dataset("d", tuple(rows), human={"column": "third_label", "source": "x"}))


class Listener:
    """A model that keeps what it was asked."""

    name, languages, temperature = "listener", None, 1.0

    def logits(self, texts: list[str], claims: list[str], *, batch_size: int, progress: bool) -> tuple:
        self.heard = texts
        return np.zeros((len(texts), 3), dtype=np.float32), np.ones(len(texts), dtype=np.int64)


def test_models_read_a_row_as_training_measures_it() -> None:
    rows = [
        {"text": "Yes, of course.", "label": "favor", "speaker": "Ann", "context": "Should Ukraine join NATO?"},
        {"text": GOLD[1][0], "label": "against", "speaker": None, "context": "Critics see it otherwise."},
        {"text": "No.", "label": "against", "context": None},
    ]
    model = Listener()
    stance.evaluate(model, rows, baselines=())
    assert model.heard == ["Ann: Should Ukraine join NATO? Yes, of course.", GOLD[1][0], "No."]
    read = [Row(r["text"], 0, "g", speaker=r.get("speaker"), context=r["context"]) for r in rows]
    assert [dev_example(row).text for row in read] == model.heard


def test_a_baseline_whose_package_is_missing_is_left_out_and_named(tmp_path: Path) -> None:
    rows = [{**r, "split": ("train", "test")[i % 2]} for i, r in enumerate(ROWS)]
    (tmp_path / "quotes.jsonl").write_text("".join(json.dumps(r) + "\n" for r in rows))
    (tmp_path / "evaluate.yaml").write_text(
        "name: T\nsystems: [{baseline: majority}, {baseline: encoder, encoder: 'package:no_such_encoder'}]\n"
        "datasets: [{path: quotes.jsonl, splits: [test], train_splits: [train]}]\n"
    )
    report = evaluate_config(tmp_path / "evaluate.yaml")
    assert [r["system"] for r in report.rows()] == ["majority"]
    said = "frozen encoder + LR was left out: no_such_encoder is not installed; run: pip install no-such-encoder"
    assert report.values["datasets"][0]["notes"] == [said]


def test_setfit_learns_from_few_rows(tiny_encoder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("setfit", reason="the extra setfit")
    monkeypatch.chdir(tmp_path)
    found = baseline("setfit", Dataset("d", tuple(ROWS[:12]), tuple(ROWS[12:])), encoder=str(tiny_encoder))
    assert found.labels == [r["label"] for r in ROWS[:12]] and found.name == "SetFit tiny"
    assert found.probabilities is not None and found.probabilities.sum(axis=1) == pytest.approx(1)
    assert not [*tmp_path.iterdir()]  # it leaves nothing behind


def test_baselines_learn_from_training_rows(tiny_encoder: Path) -> None:
    data = Dataset("d", tuple(ROWS[:12]), tuple(ROWS[12:]))
    assert set(baseline("tfidf", data).labels) == {"against", "neutral", "favor"}
    two = Dataset("d", tuple(ROWS[:2]), tuple(r for r in ROWS[3:] if r["label"] != "neutral"), labels=("favor", "against"))
    assert baseline("tfidf", two).labels == ["favor", "against"]
    frozen = baseline("encoder", data, encoder=str(tiny_encoder))
    assert frozen.probabilities is not None and frozen.probabilities.shape == (12, 3)
    assert frozen.labels == [r["label"] for r in data.rows]
    with pytest.raises(InputError, match="needs training rows"):
        baseline("tfidf", Dataset("d", tuple(ROWS)))


CONFIG = """
name: Two systems
systems:
  - {name: by hand, labels: hand.csv}
  - {baseline: majority}
  - {baseline: tfidf}
datasets:
  - {name: mine, path: quotes.jsonl, splits: [test], slices: [length], human: {value: 0.95, source: our guess}}
"""


def _folder(tmp_path: Path, hand: list[str]) -> Path:
    rows = [{**r, "split": "test"} for r in ROWS]
    (tmp_path / "quotes.jsonl").write_text("".join(json.dumps(r) + "\n" for r in rows))
    (tmp_path / "hand.csv").write_text("id,label\n" + "".join(f"{r['id']},{x}\n" for r, x in zip(ROWS, hand, strict=True)))
    (tmp_path / "evaluate.yaml").write_text(CONFIG)
    return tmp_path / "evaluate.yaml"


def test_a_configuration_leaves_out_what_cannot_learn_and_says_so(tmp_path: Path) -> None:
    report = evaluate_config(_folder(tmp_path, [r["label"] for r in ROWS]))
    assert [row["system"] for row in report.rows()] == ["people", "by hand", "majority"]
    assert report.values["datasets"][0]["notes"] == ["TF-IDF + LR was left out: mine has no training rows here"]
    assert report.values["datasets"][0]["groups"] == 6


@pytest.mark.parametrize(
    ("before", "after", "why"),
    [
        ("labels: hand.csv", "labels: hand.csv, model: default", "one of model, labels and baseline"),
        ("{baseline: tfidf}", "{baseline: encoder}", "need an encoder"),
        ("path: quotes.jsonl", "suite: vast", "a suite has its own splits"),
        ("slices:", "slice:", "Extra inputs"),
        ("{value: 0.95,", "{value: 0.95, column: second,", "one of value and column"),
    ],
)
def test_a_wrong_configuration_is_named(tmp_path: Path, before: str, after: str, why: str) -> None:
    path = tmp_path / "c.yaml"
    path.write_text(CONFIG.replace(before, after))
    with pytest.raises(ConfigError, match=why):
        load_evaluate_config(path)


def test_the_configurations_of_the_repository_are_valid() -> None:
    folder = Path(__file__).parent.parent / "configs"
    assert len([load_evaluate_config(p) for p in sorted(folder.glob("evaluate-*.yaml"))]) == 4


def test_two_reports_are_compared_on_the_same_rows(tmp_path: Path) -> None:
    right = [r["label"] for r in ROWS]
    first = evaluate_config(_folder(tmp_path, right)).save(tmp_path / "a.json")
    second = evaluate_config(_folder(tmp_path, ["neutral"] * 20 + right[20:])).save(tmp_path / "b.json")
    found = compare(first, second)[0]
    assert found["difference"] > 0.3 and found["p_mcnemar"] < 0.01
    assert compare(first, second, system="majority", other="majority")[0]["p"] == 1.0
    with pytest.raises(InputError, match="no system 'by foot'"):
        compare(first, second, system="by foot")
    changed = json.loads(second.read_text())
    changed["datasets"][0]["sha256"] = "0"
    second.write_text(json.dumps(changed))
    with pytest.raises(InputError, match="not made on the same rows"):
        compare(first, second)


def test_probes_catch_a_model_that_reads_single_words() -> None:
    rows = tuple({**r, "speaker": ("Anna Holm", "Piotr Wolski")[i % 2]} for i, r in enumerate(ROWS))
    found = {p["probe"]: p for p in run_probes(careless, Dataset("d", rows))}
    assert found["negation"]["pass_rate"] == 0.0
    assert found["negation"]["failures"][0]["after"].startswith("Ukraine should not join NATO.")
    assert found["target_swap"]["pass_rate"] == 0.0 and "Georgia" in found["target_swap"]["failures"][0]["after"]
    assert found["reported"]["pass_rate"] == 0.0
    for name in ("claim_paraphrase", "speaker_swap", "irrelevant_context"):
        assert found[name]["pass_rate"] == 1.0 and found[name]["n"] == len(ROWS)
    assert found["mark_styles"]["pass_rate"] is None  # no marks in these rows: undefined, not zero


def test_a_minimal_set_passes_only_as_a_whole() -> None:
    made = [("p1", "NATO it is", "favor"), ("p1", "NATO never", "against")]
    made += [("p2", "NATO", "against"), ("p2", "never NATO", "against")]
    rows = [{"text": text, "label": label, "pair": pair} for pair, text, label in made]
    sets = run_probes(careless, Dataset("d", tuple(rows)), names=[])[-1]
    assert (sets["probe"], sets["n"], sets["pass_rate"]) == ("minimal_sets", 2, 0.5)


def test_a_short_turn_is_read_after_the_turns_before_it() -> None:
    turns = ["Should Ukraine join NATO?", "What do you think?"]
    asked = " ".join(turns)
    rows = [{"text": "Yes, it should.", "context": turns, "label": "favor"}]
    rows += [{"text": "No.", "context": asked, "label": "against"}]
    read = []

    class Model:
        name, languages, temperature = "reads", None, 1.0

        def logits(self, texts: list[str], claims: list[str], **_: object) -> tuple[object, object]:
            read.extend(texts)
            return np.eye(3)[[2, 0]], np.ones(2, dtype=int)

    stance.evaluate(Model(), rows)
    assert read == [f"{asked} Yes, it should.", f"{asked} No."]
