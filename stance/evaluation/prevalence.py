"""Shares of the stances in a corpus, with the model's errors taken out: researchers publish shares, not labels.

Counting labels is biased wherever the shares differ from those that the model was tuned on. Both corrections use scored
rows with gold labels, and both assume that the model errs there as it does in the corpus, label by label.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from stance.calibration import softmax
from stance.errors import InputError
from stance.evaluation.score import columns
from stance.evaluation.statistics import interval
from stance.labels import LABELS

Array = NDArray[np.float64]


def adjusted_count(counted: ArrayLike, confusion: ArrayLike) -> Array:
    """Shares whose confusion would give the counted ones (adjusted count; Forman 2008), nearest in least squares.

    Args:
        counted: (3,) share of each predicted label in the corpus.
        confusion: (3, 3) counts on scored rows, rows gold; every label must occur in gold.

    Returns:
        (3,) shares, none below 0, summing to one.

    Raises:
        InputError: a label that does not occur in gold.

    Example:
        >>> adjusted_count([0.5, 0.0, 0.5], [[8, 0, 2], [0, 1, 0], [0, 0, 10]]).round(3).tolist()
        [0.625, 0.0, 0.375]
    """
    from scipy.optimize import nnls

    table = np.asarray(confusion, dtype=float)
    if (table.sum(axis=1) == 0).any():
        missing = LABELS[int((table.sum(axis=1) == 0).argmax())]
        raise InputError(f"No scored row has the gold label {missing}: how the model reads it is unknown.")
    rates = table / table.sum(axis=1, keepdims=True)
    # a heavy last equation keeps the sum at one
    system, right = np.vstack([rates.T, np.full(3, 1e3)]), np.append(np.asarray(counted, dtype=float), 1e3)
    found: Array = nnls(system, right)[0]
    return np.asarray(found / found.sum())


def em_shares(probabilities: ArrayLike, trained_shares: ArrayLike, *, steps: int = 1000) -> Array:
    """Shares by expectation maximisation over the probabilities (Saerens, Latinne and Decaestecker 2002).

    Args:
        probabilities: (n, 3), calibrated where the labels have the trained shares.
        trained_shares: (3,) shares of the labels there, all above 0.
        steps: most iterations; it stops when no share moves by 1e-6.

    Returns:
        (3,) shares.

    Raises:
        InputError: no rows, or a trained share of 0.

    Example:
        >>> em_shares([[0.9, 0.05, 0.05]] * 3, [1 / 3] * 3).round(2).tolist()
        [1.0, 0.0, 0.0]
    """
    p, trained = np.asarray(probabilities, dtype=float), np.asarray(trained_shares, dtype=float)
    if p.ndim != 2 or not len(p) or (trained <= 0).any():
        raise InputError("EM needs rows of probabilities and trained shares above 0.")
    shares = trained / trained.sum()
    for _ in range(steps):
        weighted = p * (shares / trained)
        new = (weighted / weighted.sum(axis=1, keepdims=True)).mean(axis=0)
        if np.abs(new - shares).max() < 1e-6:
            return np.asarray(new)
        shares = new
    return np.asarray(shares)


def corrected_shares(
    probabilities: ArrayLike,
    scored_probabilities: ArrayLike,
    scored_gold: Sequence[str],
    *,
    groups: Sequence[str] | None = None,
    scored_groups: Sequence[str] | None = None,
    seed: int = 0,
    resamples: int = 200,
) -> dict[str, Any]:
    """Shares of the stances in a corpus: as counted, by adjusted count, and by EM, each with its interval.

    Intervals draw anew both the corpus and the scored rows, by article where groups are given.

    Args:
        probabilities: (n, 3) of the corpus, in `LABELS` order.
        scored_probabilities: (m, 3) of the same model on rows with gold labels.
        scored_gold: (m,) gold labels; each stance must occur.
        groups, scored_groups: article of each row of the two.
        seed, resamples: of the bootstrap.

    Returns:
        counted, adjusted and em: for each label {"share", "ci"}.

    Raises:
        InputError: wrong shapes, or a stance without scored rows.

    Example:
        >>> sure = np.eye(3)
        >>> round(corrected_shares(sure, sure, ["against", "neutral", "favor"])["adjusted"]["favor"]["share"], 3)
        0.333
    """
    p, q = np.asarray(probabilities, dtype=float), np.asarray(scored_probabilities, dtype=float)
    y = columns(scored_gold, "scored_gold")
    if p.ndim != 2 or p.shape[1] != 3 or q.shape != (len(y), 3) or not len(p):
        raise InputError(f"Probabilities must be (n, 3) and (m, 3) with m gold labels, not {p.shape}, {q.shape}, {len(y)}.")

    given, scored, calibrated = p.argmax(axis=1), q.argmax(axis=1), _bias_corrected(q, y)(p)

    def estimate(a: NDArray[np.int64], b: NDArray[np.int64]) -> Array:
        table = np.zeros((3, 3))
        np.add.at(table, (y[b], scored[b]), 1)
        counted = np.bincount(given[a], minlength=3) / len(a)
        adjusted, trained = adjusted_count(counted, table), np.bincount(y[b], minlength=3) / len(b)
        return np.array([counted, adjusted, em_shares(calibrated[a], trained)])

    whole = estimate(np.arange(len(p)), np.arange(len(y)))
    rng, draws = np.random.default_rng(seed), []
    for _ in range(resamples):
        a, b = _draw(rng, len(p), groups), _draw(rng, len(y), scored_groups)
        if len(set(y[b].tolist())) == 3:  # a draw without one of the labels cannot be corrected
            draws.append(estimate(a, b))
    out: dict[str, Any] = {}
    for i, name in enumerate(("counted", "adjusted", "em")):
        out[name] = {
            str(label): {"share": float(whole[i, k]), "ci": interval([d[i, k] for d in draws]) if draws else None}
            for k, label in enumerate(LABELS)
        }
    return out


def _bias_corrected(scored: Array, gold: NDArray[np.int64]) -> Callable[[Array], Array]:
    """A temperature and a bias for each label, fitted on the scored rows (Alexandari, Kundaje and Shrikumar 2020).

    EM takes the probabilities at their word: uncalibrated ones send it astray.
    """
    from scipy.optimize import minimize

    def scaled(p: Array, x: Array) -> Array:
        return softmax(np.log(np.clip(p, 1e-9, 1)) * np.exp(x[0]) + np.append(x[1:], 0.0))

    def loss(x: Array) -> float:
        return float(-np.log(np.clip(scaled(scored, x)[np.arange(len(gold)), gold], 1e-12, None)).mean() + 1e-4 * (x**2).sum())

    best: Array = minimize(loss, np.zeros(3)).x
    return lambda p: scaled(p, best)


def _draw(rng: np.random.Generator, n: int, groups: Sequence[str] | None) -> NDArray[np.int64]:
    """Row numbers of as many groups (or rows) as there are, drawn with replacement."""
    if groups is None:
        return rng.integers(0, n, n)
    names, index = np.unique(np.asarray(groups, dtype=str), return_inverse=True)
    order = np.argsort(index, kind="stable")
    parts = np.split(order, np.cumsum(np.bincount(index))[:-1])
    return np.concatenate([parts[i] for i in rng.integers(0, len(names), len(names))])
