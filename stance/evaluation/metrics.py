"""Metrics from confusion matrices: rows are gold, columns predicted, both in `LABELS` order.

An undefined metric is NaN here and a stated gap in a report, never a silent zero.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from stance.errors import InputError

Matrix = NDArray[np.int64]


def f1_by_label(matrices: Matrix) -> NDArray[np.float64]:
    """F1 of each label, shape (..., 3), of confusion matrices (..., 3, 3).

    A label that is neither in gold nor predicted is NaN.

    Example:
        >>> f1_by_label(np.array([[1, 0, 0], [1, 0, 0], [0, 0, 0]])).tolist()
        [0.6666666666666666, 0.0, nan]
    """
    hits = np.diagonal(matrices, axis1=-2, axis2=-1)
    total = matrices.sum(axis=-1) + matrices.sum(axis=-2)
    with np.errstate(invalid="ignore", divide="ignore"):
        result: NDArray[np.float64] = 2 * hits / total
    return result


def macro_f1(matrices: Matrix) -> NDArray[np.float64]:
    """Unweighted mean of the three labels' F1; an absent label counts as zero, as in scikit-learn with `labels=`."""
    return np.asarray(np.nan_to_num(f1_by_label(matrices)).mean(axis=-1))


def f_avg(matrices: Matrix) -> NDArray[np.float64]:
    """Mean F1 of favor and against (SemEval-2016 task 6); neutral counts only through its confusions."""
    return np.asarray(np.nan_to_num(f1_by_label(matrices))[..., [0, 2]].mean(axis=-1))


def accuracy(matrices: Matrix) -> NDArray[np.float64]:
    """Share of rows with the right label; NaN of an empty matrix.

    Example:
        >>> float(accuracy(np.diag([1, 2, 1])))
        1.0
    """
    with np.errstate(invalid="ignore", divide="ignore"):
        result: NDArray[np.float64] = np.trace(matrices, axis1=-2, axis2=-1) / matrices.sum(axis=(-2, -1))
    return result


def relevance_f1(matrices: Matrix) -> NDArray[np.float64]:
    """F1 of "takes a side" (favor or against) against neutral; NaN when no side is in gold nor predicted.

    Example:
        >>> float(relevance_f1(np.array([[0, 1, 1], [0, 1, 0], [0, 0, 1]])))
        0.8
    """
    hits = matrices[..., [[0], [2]], [0, 2]].sum(axis=(-2, -1))
    given = matrices[..., :, [0, 2]].sum(axis=(-2, -1)) + matrices[..., [0, 2], :].sum(axis=(-2, -1))
    with np.errstate(invalid="ignore", divide="ignore"):
        result: NDArray[np.float64] = 2 * hits / given
    return result


def weighted_kappa(matrices: Matrix) -> NDArray[np.float64]:
    """Cohen's kappa with linear weights: favor for against is twice as wrong as neutral for either (Cohen 1968).

    NaN where gold and predictions are one and the same single label.

    Example:
        >>> float(weighted_kappa(np.diag([1, 2, 1])))
        1.0
    """
    n = matrices.sum(axis=(-2, -1))
    weights = np.abs(np.arange(3)[:, None] - np.arange(3))
    by_chance = matrices.sum(axis=-1)[..., :, None] * matrices.sum(axis=-2)[..., None, :]
    with np.errstate(invalid="ignore", divide="ignore"):
        wrong = (matrices * weights).sum(axis=(-2, -1)) * n
        result: NDArray[np.float64] = 1 - wrong / (by_chance * weights).sum(axis=(-2, -1))
    return result


@dataclass(frozen=True, slots=True)
class Metric:
    """The one number by which a data set is compared.

    Args:
        name: as in :data:`METRICS`.
        about: what exactly it is, for reports.
        formula: confusion matrices (..., 3, 3) to numbers (...).
        by_target: take the mean over targets instead of pooling their rows.
    """

    name: str
    about: str
    formula: Callable[[Matrix], NDArray[np.float64]]
    by_target: bool = False

    def __call__(self, matrices: Matrix) -> NDArray[np.float64]:
        """Numbers (...) of confusion matrices (..., targets, 3, 3)."""
        if self.by_target:
            return np.asarray(self.formula(matrices).mean(axis=-1))
        return self.formula(matrices.sum(axis=-3))


METRICS: dict[str, Metric] = {
    m.name: m
    for m in (
        Metric("macro_f1", "unweighted mean F1 of against, neutral and favor, all rows pooled", macro_f1),
        Metric("f_avg", "mean F1 of favor and against (SemEval-2016 task 6), all rows pooled", f_avg),
        Metric("accuracy", "share of rows with the right label", accuracy),
        Metric("macro_f1_by_target", "macro-F1 of each target, then the mean over targets", macro_f1, by_target=True),
        Metric("f_avg_by_target", "mean F1 of favor and against of each target, then over targets", f_avg, by_target=True),
    )
}
"""The metrics that a configuration or a suite may name."""


def metric(name: str) -> Metric:
    """The metric of that name.

    Raises:
        InputError: there is none.
    """
    if name not in METRICS:
        raise InputError(f"Unknown metric {name!r}; there are {', '.join(METRICS)}.")
    return METRICS[name]
