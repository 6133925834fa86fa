"""Intervals, tests and corrections against values worked out by hand, by scikit-learn, or by simulation."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from sklearn.metrics import cohen_kappa_score

from stance.calibration import coverage_risk, ece, reliability_curve
from stance.errors import InputError
from stance.evaluation import corrected_shares
from stance.evaluation.metrics import METRICS, macro_f1, weighted_kappa
from stance.evaluation.prevalence import adjusted_count, em_shares
from stance.evaluation.slices import slice_scores
from stance.evaluation.statistics import bootstrap, confusion_counts, holm, interval, mcnemar, permutation_test, power_note

NAMES = ["against", "neutral", "favor"]
labels = arrays(np.int64, 40, elements=st.integers(0, 2))


@given(labels, labels)
def test_weighted_kappa_is_that_of_scikit_learn(y: np.ndarray, z: np.ndarray) -> None:
    ours = float(weighted_kappa(confusion_counts(y, z).sum(axis=0).reshape(3, 3)))
    if len({*y.tolist(), *z.tolist()}) == 1:
        assert np.isnan(ours)  # everything is one label: chance alone is perfect
    else:
        assert ours == pytest.approx(cohen_kappa_score(y, z, labels=[0, 1, 2], weights="linear"))


@given(labels, labels, labels)
def test_counts_by_group_and_target_sum_to_the_whole_table(y: np.ndarray, z: np.ndarray, groups: np.ndarray) -> None:
    whole = confusion_counts(y, z).sum(axis=0)
    split = confusion_counts(y, z, groups=groups, targets=groups)
    assert (split.sum(axis=0).reshape(-1, 9).sum(axis=0) == whole).all()
    assert len(split) == len(set(groups.tolist()))


def test_a_mean_over_targets_is_not_the_pooled_score() -> None:
    y, z = np.array([0, 2, 0, 2]), np.array([0, 2, 2, 0])
    counts = confusion_counts(y, z, targets=["a", "a", "b", "b"]).sum(axis=0).reshape(-1, 3, 3)
    assert float(METRICS["f_avg_by_target"](counts)) == 0.5  # 1 on a, 0 on b
    skewed = confusion_counts(y[:3], z[:3], targets=["a", "a", "b"]).sum(axis=0).reshape(-1, 3, 3)
    assert float(METRICS["f_avg_by_target"](skewed)) != float(METRICS["f_avg"](skewed))


def test_the_interval_covers_the_truth_about_as_often_as_it_says() -> None:
    rng, hits = np.random.default_rng(0), 0
    for trial in range(200):
        y = rng.integers(0, 3, 150)
        z = np.where(rng.random(150) < 0.7, y, (y + rng.integers(1, 3, 150)) % 3)
        low, high = interval(macro_f1(bootstrap(confusion_counts(y, z), seed=trial, resamples=200)[:, 0]))
        hits += low <= 0.7 <= high
    assert 175 <= hits <= 199


def test_the_permutation_test_agrees_with_all_permutations() -> None:
    rng = np.random.default_rng(3)
    y = rng.integers(0, 3, 8)
    a, b = np.where(rng.random(8) < 0.8, y, 1), np.where(rng.random(8) < 0.4, y, 0)
    first, second = confusion_counts(y, a), confusion_counts(y, b)
    observed = macro_f1(first.sum(0).reshape(3, 3)) - macro_f1(second.sum(0).reshape(3, 3))
    extreme = 0
    for swap in product([False, True], repeat=8):
        mask = np.array(swap)[:, None]
        one, two = np.where(mask, second, first).sum(0), np.where(mask, first, second).sum(0)
        extreme += abs(macro_f1(one.reshape(3, 3)) - macro_f1(two.reshape(3, 3))) >= abs(observed) - 1e-12
    assert permutation_test(first, second, permutations=20_000)["p"] == pytest.approx(extreme / 256, abs=0.02)


def test_under_no_difference_the_permutation_test_rarely_finds_one() -> None:
    rng, low = np.random.default_rng(1), 0
    for trial in range(100):
        y = rng.integers(0, 3, 60)
        a, b = (np.where(rng.random(60) < 0.6, y, rng.integers(0, 3, 60)) for _ in range(2))
        low += permutation_test(confusion_counts(y, a), confusion_counts(y, b), seed=trial, permutations=200)["p"] <= 0.05
    assert low <= 12


def test_systems_scored_on_other_rows_are_not_compared() -> None:
    y = np.array([0, 1, 2])
    with pytest.raises(InputError, match="not scored on the same rows"):
        permutation_test(confusion_counts(y, y), confusion_counts(y[::-1], y))


def test_exact_mcnemar_and_holm_by_hand() -> None:
    # 1 against 8 rows: 2 * (1 + 9) / 2**9
    assert mcnemar([True] + [False] * 8, [False] + [True] * 8) == pytest.approx(20 / 512)
    assert mcnemar([True, False], [True, False]) == 1.0
    assert holm([0.04, 0.01, 0.5]) == [0.08, 0.03, 0.5]
    assert "under 6 points" in power_note(200)


@settings(deadline=None)
@given(arrays(np.float64, (30, 3), elements=st.floats(0.01, 1)), arrays(np.int64, 30, elements=st.integers(0, 2)))
def test_curves_hold_every_row(raw: np.ndarray, gold: np.ndarray) -> None:
    p = raw / raw.sum(axis=1, keepdims=True)
    bars, curve = reliability_curve(p, gold), coverage_risk(p, gold)
    assert sum(b["n"] for b in bars) == 30
    assert 0 <= ece(p, gold) <= 1
    assert curve[-1]["coverage"] == 1 and curve[-1]["risk"] == pytest.approx((p.argmax(1) != gold).mean())
    assert [c["threshold"] for c in curve] == sorted((c["threshold"] for c in curve), reverse=True)
    for point in curve:
        assert point["coverage"] == pytest.approx((p.max(axis=1) >= point["threshold"]).mean())


def _model(rng: np.random.Generator, shares: list[float], n: int) -> tuple[np.ndarray, np.ndarray]:
    """Gold labels with these shares, and the exact posterior of a noisy reader who believes that labels are even."""
    y = rng.choice(3, n, p=shares)
    seen = rng.normal(size=(n, 3)) + 1.2 * np.eye(3)[y]
    powers = np.exp(1.2 * seen)
    return y, powers / powers.sum(axis=1, keepdims=True)


def test_corrections_find_the_shares_that_counting_misses() -> None:
    rng = np.random.default_rng(0)
    gold, scored = _model(rng, [1 / 3] * 3, 3000)
    truth, corpus = _model(rng, [0.1, 0.7, 0.2], 3000)
    found = corrected_shares(corpus, scored, [NAMES[i] for i in gold], resamples=50)
    real = np.bincount(truth) / len(truth)
    wrong = {k: max(abs(found[k][name]["share"] - real[i]) for i, name in enumerate(NAMES)) for k in found}
    assert wrong["counted"] > 0.1
    assert wrong["adjusted"] < 0.05 and wrong["em"] < 0.05
    for name, share in zip(NAMES, real, strict=True):
        low, high = found["em"][name]["ci"]
        assert low - 0.02 <= share <= high + 0.02


def test_em_does_not_trust_overconfident_probabilities() -> None:
    rng = np.random.default_rng(2)
    gold, scored = _model(rng, [1 / 3] * 3, 3000)
    truth, corpus = _model(rng, [0.1, 0.7, 0.2], 3000)
    sharp = [p**4 / (p**4).sum(axis=1, keepdims=True) for p in (corpus, scored)]
    found = corrected_shares(*sharp, [NAMES[i] for i in gold], resamples=5)["em"]["neutral"]["share"]
    assert found == pytest.approx((truth == 1).mean(), abs=0.05)
    assert abs(em_shares(sharp[0], [1 / 3] * 3)[1] - (truth == 1).mean()) > 0.05  # without the correction


def test_a_label_that_was_never_scored_cannot_be_corrected() -> None:
    with pytest.raises(InputError, match="gold label favor"):
        adjusted_count([0.5, 0.5, 0], [[1, 0, 0], [0, 1, 0], [0, 0, 0]])


def test_slices_stand_worst_first_and_small_ones_last() -> None:
    rows = [{"text": "word " * (5 if i % 2 else 50), "outlet": "Herald" if i < 40 else "Gazette"} for i in range(45)]
    gold = ["favor"] * 45
    given = ["favor" if i % 4 else "neutral" for i in range(40)] + ["against"] * 5
    found = slice_scores(rows, gold, given, by=["outlet"])
    assert [(s["value"], s["small"]) for s in found] == [("Herald", False), ("Gazette", True)]
    assert found[0]["accuracy"] == 0.75 and found[0]["accuracy_ci"][0] < 0.75 < found[0]["accuracy_ci"][1]
    assert found[0]["macro_f1"] is None  # one label only
    assert {s["value"] for s in slice_scores(rows, gold, given, by=["length"])} == {"up to 15 words", "over 40 words"}
    with pytest.raises(InputError, match="No row has a column 'spaeker'"):
        slice_scores(rows, gold, given, by=["spaeker"])
