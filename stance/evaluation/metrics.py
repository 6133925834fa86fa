"""Metrics from a confusion matrix: rows are gold, columns predicted, both in `LABELS` order.

An undefined metric is NaN here and a stated gap in a report, never a silent zero.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

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
