"""Agreement is checked against published worked examples, and against irrCAC 0.4.4 and scikit-learn.

irrCAC pins scipy 1.12, so it cannot stand among the test tools; its numbers below came from running it once. They are
nominal: its ordinal weights are Gwet's, not Krippendorff's ranks, for which the published example stands.
"""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from stance.corpus.agreement import agreement, cohen_kappa, fleiss_kappa, krippendorff_alpha
from stance.errors import InputError
from stance.labels import LABELS
from stance.records import Annotation

_ = np.nan
KRIPPENDORFF_2011 = np.array(
    [
        [1, 2, 3, 3, 2, 1, 4, 1, 2, _, _, _],
        [1, 2, 3, 3, 2, 2, 4, 1, 2, 5, _, 3],
        [_, 3, 3, 3, 2, 3, 4, 2, 2, 5, 1, _],
        [1, 2, 3, 3, 2, 4, 4, 1, 2, 5, 1, _],
    ]
).T
"""Krippendorff (2011), "Computing Krippendorff's Alpha-Reliability", example C: four observers, missing data."""

STANCES = np.array(
    [
        [2, 2, 0, 2, _, 1, 1, 1, 2, 0, _, 1, 1, 1, 0, 0, 0, 0, 0, 2],
        [2, 2, _, 2, 2, 1, 0, 0, 2, 0, _, _, 0, 1, 0, 0, 0, 1, _, 2],
        [_, 2, 0, _, 1, 1, 1, 0, 2, _, 1, 1, 2, 1, 0, 0, 0, 0, _, 1],
    ]
).T
"""Twenty made quotes, three annotators, gaps."""

FLEISS = [
    [0, 0, 0, 0, 14], [0, 2, 6, 4, 2], [0, 0, 3, 5, 6], [0, 3, 9, 2, 0], [2, 2, 8, 1, 1],
    [7, 7, 0, 0, 0], [3, 2, 6, 3, 0], [2, 5, 3, 2, 2], [6, 5, 2, 1, 0], [0, 2, 2, 3, 7],
]  # fmt: skip
"""The usual worked example of Fleiss' kappa: ten subjects, fourteen raters, five categories, kappa 0.210."""


def test_alpha_of_the_published_example() -> None:
    assert krippendorff_alpha(KRIPPENDORFF_2011) == pytest.approx(0.743, abs=5e-4)
    assert krippendorff_alpha(KRIPPENDORFF_2011, level="ordinal") == pytest.approx(0.815, abs=5e-4)


def test_alpha_equals_irrcac() -> None:
    assert krippendorff_alpha(KRIPPENDORFF_2011) == pytest.approx(0.74342105, abs=1e-5)
    assert krippendorff_alpha(STANCES) == pytest.approx(0.59855453, abs=1e-5)


def test_kappas_of_published_examples() -> None:
    units = np.array([np.repeat(range(5), row) for row in FLEISS])
    assert fleiss_kappa(units) == pytest.approx(0.210, abs=5e-4)
    first = ["yes"] * 25 + ["no"] * 25
    second = ["yes"] * 20 + ["no"] * 5 + ["yes"] * 10 + ["no"] * 15
    assert cohen_kappa(first, second) == pytest.approx(0.4)


MATRICES = arrays(float, st.tuples(st.integers(1, 12), st.integers(2, 4)), elements=st.sampled_from([0.0, 1.0, 2.0, np.nan]))


@given(MATRICES)
@settings(max_examples=60, deadline=None)
def test_alpha_does_not_depend_on_the_order_of_people_or_units(matrix: np.ndarray) -> None:
    for level in ("nominal", "ordinal"):
        alpha = krippendorff_alpha(matrix, level=level)
        again = krippendorff_alpha(matrix[::-1, ::-1], level=level)
        assert alpha is None and again is None or alpha == pytest.approx(again, abs=1e-9)
        assert alpha is None or alpha <= 1 + 1e-9


@given(st.lists(st.tuples(st.sampled_from("afn"), st.sampled_from("afn")), min_size=2, max_size=30))
@settings(max_examples=60, deadline=None)
def test_cohen_equals_scikit_learn(pairs: list[tuple[str, str]]) -> None:
    from sklearn.metrics import cohen_kappa_score

    first, second = zip(*pairs, strict=True)
    own = cohen_kappa(first, second)
    if own is not None:
        assert own == pytest.approx(cohen_kappa_score(first, second), abs=1e-9)


def test_a_report_says_what_people_disagree_on() -> None:
    given = {"ann": "fffnnaaa", "bob": "fffnnaaf", "eve": "ffnn"}
    names = {str(x)[0]: x for x in LABELS}
    rows = [Annotation(f"q{i}", who, names[c]) for who, text in given.items() for i, c in enumerate(text)]
    report = agreement(rows)
    assert report["units"] == report["annotated_twice"] == 8
    assert report["annotators"]["ann"] == {"against": 3, "neutral": 2, "favor": 3}
    assert [d["quote"] for d in report["disagreements"]] == ["q7", "q2"]  # favor against against first
    ann_bob = report["pairs"][0]
    assert (ann_bob["annotators"], ann_bob["units"], ann_bob["agreement"]) == (["ann", "bob"], 8, 0.875)
    assert ann_bob["macro_f1"] == pytest.approx((6 / 7 + 1 + 4 / 5) / 3)
    assert report["per_label"]["neutral"]["specific_agreement"] < 1
    assert 0 < report["alpha_nominal"] < report["ceiling"] < 1  # the pair bob and eve share no quote against; the pool does


def test_nothing_to_compare_is_none_not_zero() -> None:
    alone = agreement([Annotation("q1", "ann", "favor"), Annotation("q2", "ann", "against")])
    assert alone["alpha_nominal"] is alone["fleiss_kappa"] is alone["ceiling"] is None
    assert agreement([])["units"] == 0
    with pytest.raises(InputError, match="ann labelled 'q1' twice"):
        agreement([Annotation("q1", "ann", "favor"), Annotation("q1", "ann", "against")])
