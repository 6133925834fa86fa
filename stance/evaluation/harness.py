"""Gold and predicted labels in, one report out. Intervals resample groups (articles) where groups are given."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from stance.calibration import brier, ece
from stance.errors import InputError
from stance.evaluation.metrics import f1_by_label, f_avg, macro_f1
from stance.labels import LABELS, Stance


def _columns(labels: Sequence[str], what: str) -> NDArray[np.int64]:
    try:
        return np.array([LABELS.index(Stance(label)) for label in labels], dtype=np.int64)
    except ValueError as error:
        raise InputError(f"{what}: {error}; labels are {[*map(str, LABELS)]}.") from None


def evaluate(
    gold: Sequence[str],
    predicted: Sequence[str],
    *,
    probabilities: ArrayLike | None = None,
    groups: Sequence[str] | None = None,
    seed: int = 0,
    resamples: int = 1000,
) -> dict[str, Any]:
    """Score predicted labels.

    Args:
        gold, predicted: labels, row by row.
        probabilities: (n, 3) in `LABELS` order, for calibration.
        groups: the article of each row; the percentile bootstrap then resamples articles, not rows.
        seed, resamples: of the bootstrap.

    Returns:
        n, macro_f1, macro_f1_ci, f_avg (mean F1 of favor and against), f_avg_ci, accuracy, mcc, per_label, ece, brier,
        confusion (rows gold, columns predicted), notes. What is undefined is None and has a note.

    Raises:
        InputError: different lengths, no rows, unknown labels, or bad probabilities.

    Example:
        >>> evaluate(["favor", "against"], ["favor", "against"])["accuracy"]
        1.0
    """
    from sklearn.metrics import matthews_corrcoef

    if len(gold) != len(predicted) or not len(gold):
        raise InputError(f"Gold and predictions must have the same length above 0, not {len(gold)} and {len(predicted)}.")
    y, z = _columns(gold, "gold"), _columns(predicted, "predictions")
    notes: list[str] = []
    cells = np.eye(9, dtype=np.int64)[y * 3 + z]
    matrix = cells.sum(axis=0).reshape(3, 3)
    if groups is not None:
        if len(groups) != len(gold):
            raise InputError(f"groups has {len(groups)} values for {len(gold)} rows.")
        names, index = np.unique(np.asarray(groups, dtype=str), return_inverse=True)
        counts = np.zeros((len(names), 9), dtype=np.int64)
        np.add.at(counts, index, cells)
        if len(names) < 10:
            notes.append(f"only {len(names)} groups: the interval is rough")
    else:
        counts = cells
        notes.append("no groups: the interval takes rows as independent, which quotes of one article are not")
    draws = _bootstrap(counts, seed, resamples)
    f1 = f1_by_label(matrix)
    per_label = {}
    for i, label in enumerate(LABELS):
        support, given = int(matrix[i].sum()), int(matrix[:, i].sum())
        per_label[str(label)] = {
            "precision": float(matrix[i, i] / given) if given else None,
            "recall": float(matrix[i, i] / support) if support else None,
            "f1": None if np.isnan(f1[i]) else float(f1[i]),
            "support": support,
        }
        if not support:
            notes.append(f"{label} does not occur in gold: its recall is undefined; it counts as F1 0 in macro_f1")
        if not given:
            notes.append(f"{label} is never predicted: its precision is undefined")
    one_sided = len(set(y.tolist())) < 2 or len(set(z.tolist())) < 2
    if one_sided:
        notes.append("mcc is undefined: gold or predictions have one class only")
    if probabilities is None:
        notes.append("no probabilities: ece and brier are undefined")
    return {
        "n": len(y),
        "macro_f1": float(macro_f1(matrix)),
        "macro_f1_ci": _interval(macro_f1(draws)),
        "f_avg": float(f_avg(matrix)),
        "f_avg_ci": _interval(f_avg(draws)),
        "accuracy": float((y == z).mean()),
        "mcc": None if one_sided else float(matthews_corrcoef(y, z)),
        "per_label": per_label,
        "ece": None if probabilities is None else ece(probabilities, y),
        "brier": None if probabilities is None else brier(probabilities, y),
        "confusion": matrix.tolist(),
        "notes": notes,
    }


def _bootstrap(counts: NDArray[np.int64], seed: int, resamples: int) -> NDArray[np.int64]:
    """Confusion matrices (resamples, 3, 3) of draws of units with replacement."""
    rng, n = np.random.default_rng(seed), len(counts)
    draws = [rng.multinomial(n, np.full(n, 1 / n)) @ counts for _ in range(resamples)]
    return np.array(draws).reshape(-1, 3, 3)


def _interval(values: NDArray[np.float64]) -> list[float]:
    return [float(x) for x in np.percentile(values, [2.5, 97.5])]


def _rows(path: Path, label: str) -> dict[str, Mapping[str, Any]]:
    """Rows of a JSONL file by id."""
    from stance.io import read_table

    found: dict[str, Mapping[str, Any]] = {}
    number = 0
    for batch in read_table(path, kind="jsonl"):
        for row in batch:
            number += 1
            if "id" not in row or label not in row:
                raise InputError(f"{path}, row {number}: needs the fields 'id' and {label!r}.")
            if str(row["id"]) in found:
                raise InputError(f"{path}, row {number}: id {row['id']!r} stands twice.")
            if row[label] not in list(LABELS):
                raise InputError(f"{path}, row {number}: {label} {row[label]!r} is none of {[*map(str, LABELS)]}.")
            found[str(row["id"])] = row
    if not found:
        raise InputError(f"{path}: no rows.")
    return found


def evaluate_files(predictions: Path, gold: Path, *, seed: int = 0, resamples: int = 1000) -> dict[str, Any]:
    """Score a JSONL file of predictions against one of gold, joined by `id`; see :func:`evaluate`.

    Args:
        predictions: rows with id, stance and, if known, p_against, p_neutral, p_favor.
        gold: rows with id, label and, if known, group.
        seed, resamples: of the bootstrap.

    Raises:
        InputError: an id that is missing on one side, twice there, an unknown label, or bad probabilities.
    """
    given, truth = _rows(predictions, "stance"), _rows(gold, "label")
    for one, other, path in ((truth, given, predictions), (given, truth, gold)):
        lost = [i for i in one if i not in other]
        if lost:
            raise InputError(f"{path}: no row with id {lost[0]!r} ({len(lost)} missing).")
    ids = list(truth)
    names = [f"p_{label}" for label in LABELS]
    having = [i for i in ids if all(given[i].get(n) is not None for n in names)]
    probabilities = None
    if having:
        if len(having) < len(ids):
            lost = [i for i in ids if i not in set(having)]
            raise InputError(f"{predictions}: id {lost[0]!r} has no probabilities while others have.")
        probabilities = np.array([[float(given[i][n]) for n in names] for i in ids])
        for i, row in zip(ids, probabilities, strict=True):
            if np.isnan(row).any() or abs(row.sum() - 1) > 1e-3:
                raise InputError(f"{predictions}: id {i!r}: probabilities are NaN or do not sum to one.")
    groups = [str(truth[i]["group"]) for i in ids] if all(truth[i].get("group") for i in ids) else None
    return evaluate(
        [truth[i]["label"] for i in ids],
        [given[i]["stance"] for i in ids],
        probabilities=probabilities,
        groups=groups,
        seed=seed,
        resamples=resamples,
    )
