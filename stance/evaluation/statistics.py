"""How sure a score or a difference is: bootstrap and permutation over clusters, exact McNemar, Holm, and what n can show.

Quotes of one article are not independent: wherever groups are given, whole groups are drawn or swapped, never rows.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from stance.errors import InputError
from stance.evaluation.metrics import METRICS, Metric

Counts = NDArray[np.int64]
"""Confusion counts of each unit, (units, targets * 9)."""


def confusion_counts(
    gold: Counts, predicted: Counts, *, groups: ArrayLike | None = None, targets: ArrayLike | None = None
) -> Counts:
    """Confusion counts by unit: a row, or a group of rows.

    Args:
        gold, predicted: (n,) columns of `LABELS`.
        groups: (n,) names; each name is one unit. Rows are units when None.
        targets: (n,) names, counted apart.

    Returns:
        (units, targets * 9); reshape to (units, targets, 3, 3).

    Raises:
        InputError: lengths that differ.

    Example:
        >>> confusion_counts(np.array([0, 2]), np.array([0, 0]), groups=["a", "a"]).tolist()
        [[1, 0, 0, 0, 0, 0, 1, 0, 0]]
    """
    n = len(gold)
    for name, values in (("predicted", predicted), ("groups", groups), ("targets", targets)):
        if values is not None and len(np.asarray(values)) != n:
            raise InputError(f"{name} has {len(np.asarray(values))} values for {n} rows.")
    kinds, target = (1, np.zeros(n, dtype=np.int64)) if targets is None else _numbers(targets)
    units, unit = (n, np.arange(n)) if groups is None else _numbers(groups)
    counts = np.zeros((units, kinds * 9), dtype=np.int64)
    np.add.at(counts, (unit, target * 9 + gold * 3 + predicted), 1)
    return counts


def _numbers(names: ArrayLike) -> tuple[int, NDArray[np.int64]]:
    unique, index = np.unique(np.asarray(names, dtype=str), return_inverse=True)
    return len(unique), index


def bootstrap(counts: Counts, *, seed: int = 0, resamples: int = 1000) -> Counts:
    """Confusion matrices of draws of units with replacement, (resamples, targets, 3, 3).

    Units with equal counts are drawn together by their number, which has the same distribution and is much faster.

    Args:
        counts: of :func:`confusion_counts`.
        seed, resamples: of the draws; at least 1.

    Raises:
        InputError: no units or no resamples.
    """
    if not len(counts) or resamples < 1:
        raise InputError(f"The bootstrap needs units and resamples, not {len(counts)} and {resamples}.")
    rng = np.random.default_rng(seed)
    patterns, size = np.unique(counts, axis=0, return_counts=True)
    n, step = len(counts), max(1, 2_000_000 // len(patterns))
    parts = [
        rng.multinomial(n, size / n, size=min(step, resamples - begin)) @ patterns for begin in range(0, resamples, step)
    ]
    return np.concatenate(parts).reshape(resamples, -1, 3, 3)


def interval(values: ArrayLike) -> list[float]:
    """The 95 % percentile interval of bootstrap values; draws in which the metric is undefined are left out.

    Example:
        >>> interval([0.0, 1.0])
        [0.025, 0.975]
    """
    return [float(x) for x in np.nanpercentile(np.asarray(values, dtype=float), [2.5, 97.5])]


def permutation_test(
    first: Counts, second: Counts, *, metric: Metric = METRICS["macro_f1"], seed: int = 0, permutations: int = 10_000
) -> dict[str, float]:
    """Paired permutation test of two systems on the same rows: which system gave a unit's labels is swapped at random.

    Args:
        first, second: :func:`confusion_counts` of the two, unit by unit.
        metric: what is compared.
        seed, permutations: of the test.

    Returns:
        difference (first minus second) and p, two-sided, never 0 (Phipson and Smyth 2010).

    Raises:
        InputError: other rows in one than in the other.

    Example:
        >>> same = np.eye(9, dtype=int)
        >>> permutation_test(same, same)["p"]
        1.0
    """
    if first.shape != second.shape or (_gold(first) != _gold(second)).any():
        raise InputError("The two systems were not scored on the same rows.")

    def difference(swapped: Counts) -> NDArray[np.float64]:
        a, b = first.sum(axis=0) + swapped, second.sum(axis=0) - swapped
        return metric(a.reshape(len(a), -1, 3, 3)) - metric(b.reshape(len(b), -1, 3, 3))

    change = second - first
    change = change[(change != 0).any(axis=1)]
    observed = float(difference(np.zeros((1, first.shape[1]), dtype=np.int64))[0])
    if not len(change):
        return {"difference": observed, "p": 1.0}
    rng, step, extreme = np.random.default_rng(seed), max(1, 5_000_000 // len(change)), 0
    for begin in range(0, permutations, step):
        mask = rng.random((min(step, permutations - begin), len(change))) < 0.5
        drawn = np.rint(mask.astype(np.float32) @ change.astype(np.float32)).astype(np.int64)
        extreme += int((np.abs(difference(drawn)) >= abs(observed) - 1e-12).sum())
    return {"difference": observed, "p": (1 + extreme) / (1 + permutations)}


def _gold(counts: Counts) -> Counts:
    return np.asarray(counts.reshape(len(counts), -1, 3, 3).sum(axis=-1))


def mcnemar(first_right: ArrayLike, second_right: ArrayLike) -> float:
    """Exact two-sided McNemar test on which rows each system got right (McNemar 1947); takes rows as independent.

    Args:
        first_right, second_right: (n,) booleans.

    Returns:
        p; 1 when the two are right on the same rows.

    Raises:
        InputError: lengths that differ.

    Example:
        >>> round(mcnemar([True] * 6, [False] * 6), 5)
        0.03125
    """
    a, b = np.asarray(first_right, dtype=bool), np.asarray(second_right, dtype=bool)
    if a.shape != b.shape:
        raise InputError(f"McNemar needs the same rows of both systems, not {a.shape} and {b.shape}.")
    from scipy.stats import binomtest

    one, other = int((a & ~b).sum()), int((b & ~a).sum())
    return float(binomtest(one, one + other, 0.5).pvalue) if one + other else 1.0


def holm(p_values: Sequence[float]) -> list[float]:
    """p-values adjusted for several comparisons (Holm 1979), in the order given.

    Example:
        >>> holm([0.01, 0.04, 0.03])
        [0.03, 0.06, 0.06]
    """
    order = sorted(range(len(p_values)), key=lambda i: p_values[i])
    out, reached = [0.0] * len(p_values), 0.0
    for rank, i in enumerate(order):
        reached = max(reached, min(1.0, (len(order) - rank) * p_values[i]))
        out[i] = reached
    return out


def smallest_visible_difference(n: int, *, disagreement: float = 0.1) -> float:
    """The least difference in accuracy that two systems on the same n rows show with power .8 at level .05.

    Normal approximation for paired shares (Connor 1987): (1.96 + 0.84) * sqrt(disagreement / n).

    Args:
        n: independent units: articles, where quotes come in articles.
        disagreement: share of rows on which exactly one of the two is right, 0 to 1.

    Raises:
        InputError: values out of range.

    Example:
        >>> round(smallest_visible_difference(200), 3)
        0.063
    """
    if n < 1 or not 0 < disagreement <= 1:
        raise InputError(f"n must be at least 1 and disagreement in (0, 1], not {n} and {disagreement}.")
    return float((1.959964 + 0.841621) * np.sqrt(disagreement / n))


def power_note(n: int, *, disagreement: float = 0.1) -> str:
    """What n units cannot show, in words.

    Example:
        >>> power_note(200)
        'with 200 units a difference under 6 points of accuracy cannot be seen (power .8; systems that differ on 10 % of rows)'
    """
    points = 100 * smallest_visible_difference(n, disagreement=disagreement)
    size = f"{points:.0f}" if points >= 1 else f"{points:.1f}"
    share = f"systems that differ on {100 * disagreement:.0f} % of rows"
    return f"with {n} units a difference under {size} points of accuracy cannot be seen (power .8; {share})"
