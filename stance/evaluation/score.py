"""Gold and predicted labels in, one set of numbers out. Intervals resample groups (articles) where groups are given."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from stance.calibration import brier, coverage_risk, ece, reliability_curve
from stance.errors import InputError
from stance.evaluation.metrics import METRICS, Metric, f1_by_label, relevance_f1, weighted_kappa
from stance.evaluation.statistics import bootstrap, confusion_counts, interval, power_note
from stance.labels import LABELS, Stance


def columns(labels: Sequence[str], what: str) -> NDArray[np.int64]:
    """Labels as columns of `LABELS`, (n,).

    Args:
        labels: names of stances.
        what: whose they are, for the error.

    Raises:
        InputError: an unknown label, with its row.

    Example:
        >>> columns(["favor", "against"], "gold").tolist()
        [2, 0]
    """
    known = {str(label): i for i, label in enumerate(LABELS)}
    try:
        return np.array([known[Stance(label)] for label in labels], dtype=np.int64)
    except ValueError:
        row = next(i for i, label in enumerate(labels) if label not in known)
        raise InputError(f"{what}, row {row}: {labels[row]!r} is none of {[*known]}.") from None


def score(
    gold: Sequence[str],
    predicted: Sequence[str],
    *,
    probabilities: ArrayLike | None = None,
    groups: Sequence[str] | None = None,
    targets: Sequence[str] | None = None,
    metric: Metric = METRICS["macro_f1"],
    seed: int = 0,
    resamples: int = 1000,
) -> dict[str, Any]:
    """Score predicted labels.

    Args:
        gold, predicted: labels, row by row.
        probabilities: (n, 3) in `LABELS` order, for calibration.
        groups: the article of each row; the percentile bootstrap then resamples articles, not rows.
        targets: the target of each row, for metrics that are means over targets.
        metric: the number by which the data set is compared, given as `metric`, `value`, `value_ci`.
        seed, resamples: of the bootstrap.

    Returns:
        n, metric, metric_about, value, value_ci, macro_f1, macro_f1_ci, f_avg (mean F1 of favor and against), f_avg_ci,
        accuracy, mcc, weighted_kappa (linear weights), relevance_f1 (a side against neutral), per_label, ece (10 bins of
        equal mass), brier, reliability, coverage_risk, confusion (rows gold, columns predicted), power, notes.
        What is undefined is None and has a note.

    Raises:
        InputError: different lengths, no rows, unknown labels, or bad probabilities.

    Example:
        >>> score(["favor", "against"], ["favor", "against"])["accuracy"]
        1.0
    """
    if len(gold) != len(predicted) or not len(gold):
        raise InputError(f"Gold and predictions must have the same length above 0, not {len(gold)} and {len(predicted)}.")
    y, z = columns(gold, "gold"), columns(predicted, "predictions")
    counts = confusion_counts(y, z, groups=groups, targets=targets if metric.by_target else None)
    draws = bootstrap(counts, seed=seed, resamples=resamples)
    matrices = counts.sum(axis=0).reshape(-1, 3, 3)
    matrix = matrices.sum(axis=0)
    notes = _notes(matrix, None if groups is None else len(counts), probabilities is not None)
    value, about = float(metric(matrices)), {"metric": metric.name, "metric_about": metric.about}
    result = {"n": len(y), **about, "value": value, "value_ci": interval(metric(draws))}
    for name in ("macro_f1", "f_avg"):
        result |= {name: float(METRICS[name](matrices)), f"{name}_ci": interval(METRICS[name](draws))}
    return result | {
        "accuracy": float((y == z).mean()),
        "mcc": _mcc(y, z),
        "weighted_kappa": _or_none(weighted_kappa(matrix)),
        "relevance_f1": _or_none(relevance_f1(matrix)),
        "per_label": _per_label(matrix),
        "ece": None if probabilities is None else ece(probabilities, y),
        "brier": None if probabilities is None else brier(probabilities, y),
        "reliability": None if probabilities is None else reliability_curve(probabilities, y),
        "coverage_risk": None if probabilities is None else coverage_risk(probabilities, y),
        "confusion": matrix.tolist(),
        "power": power_note(len(counts)),
        "notes": notes,
    }


def _or_none(value: ArrayLike) -> float | None:
    return None if np.isnan(value) else float(value)  # type: ignore[arg-type]


def _mcc(y: NDArray[np.int64], z: NDArray[np.int64]) -> float | None:
    from sklearn.metrics import matthews_corrcoef

    return None if min(len(set(y.tolist())), len(set(z.tolist()))) < 2 else float(matthews_corrcoef(y, z))


def _per_label(matrix: NDArray[np.int64]) -> dict[str, dict[str, Any]]:
    f1, out = f1_by_label(matrix), {}
    for i, label in enumerate(LABELS):
        support, given = int(matrix[i].sum()), int(matrix[:, i].sum())
        out[str(label)] = {
            "precision": float(matrix[i, i] / given) if given else None,
            "recall": float(matrix[i, i] / support) if support else None,
            "f1": _or_none(f1[i]),
            "support": support,
        }
    return out


def _notes(matrix: NDArray[np.int64], groups: int | None, has_probabilities: bool) -> list[str]:
    """What is undefined or rough in the numbers of this table."""
    notes = []
    if groups is None:
        notes.append("no groups: the interval takes rows as independent, which quotes of one article are not")
    elif groups < 10:
        notes.append(f"only {groups} groups: the interval is rough")
    for i, label in enumerate(LABELS):
        if not matrix[i].sum():
            notes.append(f"{label} does not occur in gold: its recall is undefined; it counts as F1 0 in macro_f1")
        if not matrix[:, i].sum():
            notes.append(f"{label} is never predicted: its precision is undefined")
    if (matrix.sum(axis=1) > 0).sum() < 2 or (matrix.sum(axis=0) > 0).sum() < 2:
        notes.append("mcc is undefined: gold or predictions have one class only")
    if not has_probabilities:
        notes.append("no probabilities: ece and brier are undefined")
    return notes
