"""How far probabilities can be believed: temperature scaling, calibration error, Brier score. Arrays in, numbers out.

Gold labels are integers, columns of `LABELS`.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from stance.errors import InputError


def softmax(logits: ArrayLike) -> NDArray[np.float64]:
    """Probabilities of logits (n, k), shape (n, k).

    Example:
        >>> softmax([[0.0, 0.0]]).tolist()
        [[0.5, 0.5]]
    """
    values = np.asarray(logits, dtype=np.float64)
    powers = np.exp(values - values.max(axis=1, keepdims=True))
    result: NDArray[np.float64] = powers / powers.sum(axis=1, keepdims=True)
    return result


def _checked(probabilities: ArrayLike, gold: ArrayLike) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    p, y = np.asarray(probabilities, dtype=np.float64), np.asarray(gold, dtype=np.int64)
    if p.ndim != 2 or y.shape != (len(p),) or not len(p):
        raise InputError(f"Probabilities must be (n, k) and gold (n,) with n > 0, not {p.shape} and {y.shape}.")
    if np.isnan(p).any():
        raise InputError(f"Probabilities, row {int(np.isnan(p).any(axis=1).argmax())}: NaN.")
    wrong = np.abs(p.sum(axis=1) - 1) > 1e-3
    if wrong.any():
        raise InputError(f"Probabilities, row {int(wrong.argmax())}: they do not sum to one.")
    if y.min() < 0 or y.max() >= p.shape[1]:
        raise InputError(f"Gold labels must lie in 0..{p.shape[1] - 1}.")
    return p, y


def fit_temperature(logits: ArrayLike, gold: ArrayLike) -> float:
    """The temperature that minimises the negative log-likelihood (Guo et al. 2017), between 0.05 and 20.

    Args:
        logits: (n, k).
        gold: (n,) columns.

    Raises:
        InputError: shapes that do not fit, or NaN.

    Example:
        >>> fit_temperature([[9.0, 0.0], [9.0, 0.0]], [0, 1]) > 5
        True
    """
    from scipy.optimize import minimize_scalar

    z = np.asarray(logits, dtype=np.float64)
    _, y = _checked(softmax(z), gold)

    def loss(log_t: float) -> float:
        picked = softmax(z / np.exp(log_t))[np.arange(len(y)), y]
        return float(-np.log(np.clip(picked, 1e-12, None)).mean())

    return float(np.exp(minimize_scalar(loss, bounds=(np.log(0.05), np.log(20)), method="bounded").x))


def ece(probabilities: ArrayLike, gold: ArrayLike, *, bins: int = 10) -> float:
    """Expected calibration error of the likeliest label, over bins of equal mass; 0 is best.

    Args:
        probabilities: (n, k), rows that sum to one.
        gold: (n,) columns.
        bins: how many bins of equal size.

    Raises:
        InputError: wrong shapes, NaN, rows that do not sum to one.

    Example:
        >>> ece([[1.0, 0.0], [1.0, 0.0]], [0, 1])
        0.5
    """
    bars = reliability_curve(probabilities, gold, bins=bins)
    return float(sum(b["n"] * abs(b["confidence"] - b["accuracy"]) for b in bars) / sum(b["n"] for b in bars))


def reliability_curve(probabilities: ArrayLike, gold: ArrayLike, *, bins: int = 10) -> list[dict[str, float]]:
    """How often the likeliest label is right, by how probable it is said to be, in bins of equal mass.

    Args:
        probabilities: (n, k), rows that sum to one.
        gold: (n,) columns.
        bins: how many bins of equal size.

    Returns:
        For each bin that has rows, from the least confident on: confidence and accuracy (means, 0 to 1) and n.

    Raises:
        InputError: wrong shapes, NaN, rows that do not sum to one.

    Example:
        >>> reliability_curve([[1.0, 0.0], [1.0, 0.0]], [0, 1], bins=1)
        [{'confidence': 1.0, 'accuracy': 0.5, 'n': 2}]
    """
    p, y = _checked(probabilities, gold)
    confidence, right = p.max(axis=1), p.argmax(axis=1) == y
    parts = np.array_split(np.argsort(confidence, kind="stable"), bins)
    return [
        {"confidence": float(confidence[b].mean()), "accuracy": float(right[b].mean()), "n": len(b)} for b in parts if len(b)
    ]


def coverage_risk(probabilities: ArrayLike, gold: ArrayLike, *, points: int = 50) -> list[dict[str, float]]:
    """What abstention buys: the share of rows kept and the share of wrong labels among them, by threshold.

    Rows less probable than the threshold get no label, as with `abstain_below` (El-Yaniv and Wiener 2010).

    Args:
        probabilities: (n, k), rows that sum to one.
        gold: (n,) columns.
        points: about this many thresholds, spread evenly over the rows.

    Returns:
        From the strictest threshold to one that keeps every row: threshold, coverage and risk, each 0 to 1.

    Raises:
        InputError: wrong shapes, NaN, rows that do not sum to one.

    Example:
        >>> [(c["coverage"], c["risk"]) for c in coverage_risk([[0.9, 0.1], [0.4, 0.6]], [0, 0])]
        [(0.5, 0.0), (1.0, 0.5)]
    """
    p, y = _checked(probabilities, gold)
    order = np.argsort(-p.max(axis=1), kind="stable")
    confidence, wrong = p.max(axis=1)[order], np.cumsum(p.argmax(axis=1)[order] != y[order])
    last = np.flatnonzero(np.append(confidence[1:] < confidence[:-1], True))  # rows of one confidence go together
    last = last[np.unique(np.linspace(0, len(last) - 1, min(points, len(last))).astype(int))]
    return [
        {"threshold": float(confidence[i]), "coverage": (i + 1) / len(y), "risk": float(wrong[i] / (i + 1))}
        for i in map(int, last)
    ]


def brier(probabilities: ArrayLike, gold: ArrayLike) -> float:
    """Multi-class Brier score (Brier 1950): mean squared distance to the gold label, 0 to 2; 0 is best.

    Raises:
        InputError: wrong shapes, NaN, rows that do not sum to one.

    Example:
        >>> brier([[1.0, 0.0]], [1])
        2.0
    """
    p, y = _checked(probabilities, gold)
    return float(((p - np.eye(p.shape[1])[y]) ** 2).sum(axis=1).mean())
