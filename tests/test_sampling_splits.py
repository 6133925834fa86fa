"""Samples are drawn as asked and again the same; splits keep together what belongs together, and leaks are found."""

from __future__ import annotations

from collections import Counter
from datetime import date

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stance.corpus.duplicates import Duplicates
from stance.corpus.groups import near_duplicate_groups
from stance.corpus.sampling import sample_for_annotation
from stance.corpus.splits import assign_splits, check_leaks, find_leaks, split_tables
from stance.errors import InputError
from stance.labels import LABELS


def predicted(n: int) -> list[dict]:
    rng = np.random.default_rng(0)
    p = rng.dirichlet([0.3, 2, 0.5], n)
    return [
        {
            "id": f"q{i}", "stance": str(LABELS[row.argmax()]), "date": f"20{20 + i % 3}-01-01", "speaker": f"s{i % 7}",
            **{f"p_{x}": float(v) for x, v in zip(LABELS, row, strict=True)},
        }
        for i, row in enumerate(p)
    ]  # fmt: skip


def test_strata_get_even_shares_and_weights_that_add_up() -> None:
    rows = predicted(300)
    sample = sample_for_annotation(rows, size=60, strata=["stance", "year"], seed=4)
    sizes = Counter(f"{r['stance']} | {r['date'][:4]}" for r in rows)
    taken = Counter(r["stratum"] for r in sample)
    assert len(sample) == len({r["id"] for r in sample}) == 60 and taken.keys() == sizes.keys()
    assert all(n == sizes[s] or n >= 60 // len(sizes) for s, n in taken.items())
    assert sum(r["weight"] for r in sample) == pytest.approx(300, abs=1e-3)
    assert sample == sample_for_annotation(rows, size=60, strata=["stance", "year"], seed=4)
    assert sample != sample_for_annotation(rows, size=60, strata=["stance", "year"], seed=5)
    assert len(sample_for_annotation(rows, size=1000)) == 300


def test_uncertainty_and_disagreement_take_the_hardest() -> None:
    rows = predicted(50)
    p = np.array([[r[f"p_{x}"] for x in LABELS] for r in rows])
    entropy = -(p * np.log(p)).sum(axis=1)
    unsure = sample_for_annotation(rows, size=5, strategy="uncertainty")
    assert {r["id"] for r in unsure} == {f"q{i}" for i in np.argsort(-entropy)[:5]}
    other = p.copy()
    other[[7, 21]] = other[[7, 21]][:, ::-1]
    rows[7] |= {"p_against": 1.0, "p_neutral": 0.0, "p_favor": 0.0}
    other[7] = [0, 0, 1]
    assert sample_for_annotation(rows, size=1, strategy="disagreement", others=[other])[0]["id"] == "q7"
    with pytest.raises(InputError, match="needs `others`"):
        sample_for_annotation(rows, size=1, strategy="disagreement")
    with pytest.raises(InputError, match="no column 'outlet'"):
        sample_for_annotation(rows, size=1, strata=["outlet"])


def quote(i: str, text: str, article: str, **more: object) -> dict:
    return {"id": i, "text": text, "speaker": "Ann", "article": article, "date": None, "outlet": article, "url": None, **more}


def test_a_wire_story_becomes_one_statement_with_all_its_sources() -> None:
    rows = [
        quote("1", "Ukraine must join NATO before the year is out", "post"),
        quote("2", "Ukraine must join NATO, before the year is out!", "herald"),
        quote("3", "Ukraine must not join NATO before the year is out", "times"),
        quote("4", "The weather on the coast was fine and mild today", "times"),
        quote("5", "Nothing else in this room has anything to do with it", "mail"),
    ]
    kept, dropped = Duplicates(rows).split(rows)
    assert [r["id"] for r in kept] == ["1", "3", "4", "5"]  # the opposite is no reprint
    assert [s["outlet"] for s in kept[0]["sources"]] == ["post", "herald"]
    assert [r["group"] for r in kept] == ["1", "1", "1", "5"]
    assert [r["id"] for r in dropped] == ["2"]


LABELLED = st.lists(
    st.fixed_dictionaries(
        {"text": st.text("abc ", min_size=1, max_size=30), "article": st.sampled_from("uvwxy"), "speaker": st.sampled_from("PQ")}
    ),
    min_size=1,
    max_size=40,
)


@given(LABELLED)
@settings(max_examples=40, deadline=None)
def test_splits_never_leak(rows: list[dict]) -> None:
    groups = near_duplicate_groups([r["text"] for r in rows], [r["article"] for r in rows])
    more = [{"id": str(i), "group": str(g), "date": f"2024-0{1 + g % 9}-01"} for i, g in enumerate(groups)]
    full = [{**r, **m} for r, m in zip(rows, more, strict=True)]
    for options in ({}, {"by": "speaker"}, {"by": "date", "dev_from": date(2024, 4, 1), "test_from": date(2024, 7, 1)}):
        splits = assign_splits(full, **options)
        check_leaks([{**r, "split": s} for r, s in zip(full, splits, strict=True)], **options)
        assert splits == assign_splits(full[::-1], **options)[::-1]


def test_leaks_are_found_whatever_the_groups_say() -> None:
    text = "We will keep the door to the alliance open for Ukraine"
    rows = [
        {**quote("1", text, "a"), "group": "g1", "split": "train"},
        {**quote("2", text.replace("keep", "hold"), "b"), "group": "g2", "split": "test"},
    ]
    assert find_leaks(rows) == ["near-duplicate of '1' stands in test and train"]
    with pytest.raises(InputError, match="leak: near-duplicate"):
        check_leaks(rows)
    rows[1]["text"] = "Something else was on the agenda of that day"
    assert find_leaks(rows) == []
    assert find_leaks(rows, by="speaker") == ["speaker 'ann' stands in test and train"]
    rows[0]["date"] = rows[1]["date"] = "2024-05-01"
    days = {"dev_from": date(2024, 3, 1), "test_from": date(2024, 4, 1)}
    assert find_leaks(rows, by="date", **days) == ["'1' of 2024-05-01 stands in train"]


def test_shares_and_tables() -> None:
    rest = {"form": "direct", "outlet": None, "date": "2024-05-01"}
    rows = [{"group": f"g{i}", "label": LABELS[i % 3], **rest} for i in range(3000)]
    splits = Counter(assign_splits(rows, dev=0.1, test=0.2))
    assert abs(splits["dev"] - 300) < 60 and abs(splits["test"] - 600) < 80
    tables = split_tables([{**r, "split": "dev"} for r in rows[:3]])
    assert tables["label"]["dev"] == {"against": 1, "favor": 1, "neutral": 1} and tables["year"]["dev"] == {"2024": 3}
