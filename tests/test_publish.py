"""The data set that a build leaves: what is split, and what stands in its rows."""

from __future__ import annotations

import json
from pathlib import Path

from articles import MANIFEST, corpus

import stance
from stance.config import BuildConfig, SplitConfig
from stance.corpus import build_dataset, near_duplicate_groups, split_of
from stance.corpus.publish import package_versions, write_dataset
from stance.models import load_model
from stance.models.baseline import BaselineModel


def test_labelled_rows_nearer_than_their_groups_stand_in_one_split(tmp_path: Path) -> None:
    """The third text is near both others, which are not near each other; in the full set it is grouped with one of them."""
    texts = [
        "kore bare demi kena bami fena funa dami komi gimi",
        "kona bire fure kemi kore bare demi kena bami fena",
        "kona bire fure kemi kore bare demi kena bami fena funa dami",
    ]
    assert near_duplicate_groups(texts) == [0, 1, 1] and near_duplicate_groups([texts[0], texts[2]]) == [0, 0]
    assert split_of("p000", dev=0, test=0.5) != split_of("p001", dev=0, test=0.5)
    labelled = [
        {"id": group, "text": text, "group": group, "label": "favor", "date": None, "votes": {}}
        for group, text in (("p000", texts[0]), ("p001", texts[2]))
    ]
    config = BuildConfig(name="made", output="out", articles=("a",), split=SplitConfig(dev=0, test=0.5))
    write_dataset(labelled, tmp_path / "dataset", config=config, target=stance.UKRAINE_NATO, manifest=MANIFEST)
    kept = [json.loads(x) for f in sorted((tmp_path / "dataset").glob("data/*.jsonl")) for x in f.read_text().splitlines()]
    assert [(r["id"], r["group"], r["split"]) for r in kept] == [("p000", "p000", "train"), ("p001", "p000", "train")]


def test_another_temperature_labels_anew(tmp_path: Path) -> None:
    folder = corpus(tmp_path, 2)
    texts = [("we back membership", "favor"), ("never, a mistake", "against"), ("pages and dates", "neutral")]
    config = BuildConfig(name="made", output=str(tmp_path / "out"), articles=("articles",), model=str(tmp_path / "model"),
                         extractor="rules")  # fmt: skip

    def likeliest(temperature: float) -> float:
        BaselineModel.fit(texts).save(tmp_path / "model")
        (tmp_path / "model" / "calibration.json").write_text(json.dumps({"temperature": temperature}))
        load_model.cache_clear()
        built = build_dataset(config, data=folder)
        return max(json.loads(x)["p_favor"] for x in (built.review / "quotes.jsonl").read_text().splitlines())

    assert likeliest(1.0) > likeliest(5.0)


def test_versions_name_what_decides_the_bytes() -> None:
    assert {"trafilatura", "ftfy", "torch", "transformers", "openpyxl", "warcio"} <= package_versions().keys()
    assert package_versions(["no-such-package"]) == {"no-such-package": "missing"}


def test_each_step_can_be_had_alone() -> None:
    import stance.corpus as corpus_

    steps = {"read_articles", "quotes_on_target", "Duplicates", "sample_for_annotation", "Session", "annotate_in_terminal"}
    steps |= {"annotate_in_notebook", "join_annotations", "adjudicate", "assign_splits", "write_dataset", "dataset_card"}
    assert steps | {"push_dataset"} <= {*corpus_.__all__} and all(hasattr(corpus_, name) for name in corpus_.__all__)
