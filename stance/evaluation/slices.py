"""Where a system is weak: accuracy by the values of any column, worst first, with intervals; small slices are marked."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from stance.errors import InputError
from stance.evaluation.metrics import accuracy, macro_f1
from stance.evaluation.score import columns
from stance.evaluation.statistics import bootstrap, confusion_counts, interval
from stance.io import Row

SMALL = 30
"""A slice of fewer rows, or of fewer groups than a third of this, is marked: its number says little."""
_LENGTHS = ((15, "up to 15 words"), (40, "16 to 40 words"), (10**9, "over 40 words"))


def slice_scores(
    rows: Sequence[Row],
    gold: Sequence[str],
    predicted: Sequence[str],
    *,
    by: Sequence[str],
    groups: Sequence[str] | None = None,
    seed: int = 0,
    resamples: int = 500,
) -> list[dict[str, Any]]:
    """Scores of each value of each column.

    Args:
        rows: with any columns; "length" stands for the number of words of `text`, and "date" is cut to the year.
        gold, predicted: labels, row by row.
        by: columns. A row without a value falls under "(none)".
        groups: the article of each row; intervals then resample articles.
        seed, resamples: of the bootstrap.

    Returns:
        From the least accurate on: column, value, n, accuracy, accuracy_ci, macro_f1 (None unless all three labels are
        in the slice's gold) and small (fewer than 30 rows or 10 groups). Small slices come last.

    Raises:
        InputError: a column that no row has.

    Example:
        >>> rows = [{"text": "a", "form": "direct"}, {"text": "b", "form": "indirect"}]
        >>> [(s["value"], s["accuracy"]) for s in slice_scores(rows, ["favor"] * 2, ["favor", "against"], by=["form"])]
        [('indirect', 0.0), ('direct', 1.0)]
    """
    y, z = columns(gold, "gold"), columns(predicted, "predictions")
    names = None if groups is None else np.asarray(groups, dtype=str)
    out = []
    for column in by:
        values = np.array([_value(row, column) for row in rows])
        if column != "length" and not any(row.get(column) for row in rows):
            raise InputError(f"No row has a column {column!r} to slice by; there are {', '.join(sorted(rows[0]))}.")
        for value in sorted(set(values.tolist())):
            here = values == value
            counts = confusion_counts(y[here], z[here], groups=None if names is None else names[here])
            table = counts.sum(axis=0).reshape(3, 3)
            draws = bootstrap(counts, seed=seed, resamples=resamples)[:, 0]
            out.append(
                {
                    "column": column,
                    "value": value,
                    "n": int(here.sum()),
                    "accuracy": float(accuracy(table)),
                    "accuracy_ci": interval(accuracy(draws)),
                    "macro_f1": float(macro_f1(table)) if table.sum(axis=1).all() else None,
                    "small": bool(here.sum() < SMALL or (names is not None and len(counts) < SMALL / 3)),
                }
            )
    return sorted(out, key=lambda s: (s["small"], s["accuracy"]))


def _value(row: Row, column: str) -> str:
    if column == "length":
        words = len(str(row["text"]).split())
        return next(name for most, name in _LENGTHS if words <= most)
    value = row.get(column)
    if value is None or value == "":
        return "(none)"
    return str(value)[:4] if column == "date" else str(value)
