"""How far people agree, from their annotations: coefficients, tables, disagreements, the human ceiling.

What is undefined (one annotator, one label only) is None, never a zero. Coefficients read a reliability matrix (units,
annotators) of label numbers, NaN where an annotator did not label the unit.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from itertools import combinations
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from stance.errors import InputError
from stance.evaluation.metrics import f1_by_label, macro_f1
from stance.labels import LABELS, Stance
from stance.records import Annotation

Level = Literal["nominal", "ordinal"]


def krippendorff_alpha(matrix: ArrayLike, *, level: Level = "nominal") -> float | None:
    """Krippendorff's alpha: 1 is perfect, 0 is chance, below 0 is systematic disagreement.

    From coincidences, as in Krippendorff (2011), "Computing Krippendorff's Alpha-Reliability". Ordinal distances come
    from the ranks that the data hold, so label numbers must stand in their order.

    Args:
        matrix: (units, annotators), any finite numbers, NaN where a value is missing.
        level: "nominal" or "ordinal".

    Returns:
        None when no unit has two values, or all values are equal.

    Raises:
        InputError: a matrix that is not two-dimensional, or an unknown level.

    Example:
        >>> krippendorff_alpha([[1, 1], [2, 2], [1, 1]])
        1.0
    """
    values = np.asarray(matrix, dtype=np.float64)
    if values.ndim != 2:
        raise InputError(f"A reliability matrix is (units, annotators), not of shape {values.shape}.")
    if level not in ("nominal", "ordinal"):
        raise InputError(f"level must be nominal or ordinal, not {level!r}.")
    counts = _counts(values)
    m = counts.sum(axis=1)
    counts, m = counts[m > 1], m[m > 1]
    total = counts.sum(axis=0)
    if not len(counts) or (total > 0).sum() < 2:
        return None
    observed = counts.T @ (counts / (m - 1)[:, None]) - np.diag((counts / (m - 1)[:, None]).sum(axis=0))
    expected = (np.outer(total, total) - np.diag(total)) / (total.sum() - 1)
    distance = _distance(total, level)
    return float(1 - (observed * distance).sum() / (expected * distance).sum())


def _counts(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """How often each unit has each category, (units, categories in order)."""
    categories = np.unique(values[~np.isnan(values)])
    return np.stack([(values == c).sum(axis=1) for c in categories], axis=1).astype(float) if len(categories) else values[:, :0]


def _distance(total: NDArray[np.float64], level: Level) -> NDArray[np.float64]:
    k = len(total)
    if level == "nominal":
        return 1 - np.eye(k)
    upto = np.cumsum(total)
    between = np.abs(upto[:, None] - upto[None, :] - (total[:, None] - total[None, :]) / 2)
    result: NDArray[np.float64] = between**2
    return result


def cohen_kappa(first: Sequence[str], second: Sequence[str]) -> float | None:
    """Cohen's kappa (1960) of two annotators' labels of the same units; None when both know one label only.

    Raises:
        InputError: different lengths, or none.

    Example:
        >>> cohen_kappa(["favor", "against", "favor", "against"], ["favor", "against", "against", "against"])
        0.5
    """
    if len(first) != len(second) or not len(first):
        raise InputError(f"Two annotators need the same units, not {len(first)} and {len(second)}.")
    n, a, b = len(first), Counter(first), Counter(second)
    observed = sum(x == y for x, y in zip(first, second, strict=True)) / n
    chance = sum(a[k] * b[k] for k in a) / n**2
    return None if chance == 1 else (observed - chance) / (1 - chance)


def fleiss_kappa(matrix: ArrayLike) -> float | None:
    """Fleiss' kappa (1971) of units that all have the same number of values; None otherwise, or with one label only.

    Args:
        matrix: (units, annotators), NaN where a value is missing.

    Example:
        >>> fleiss_kappa([[1, 1], [2, 2]])
        1.0
    """
    counts = _counts(np.asarray(matrix, dtype=np.float64))
    raters = counts.sum(axis=1)
    if not len(counts) or raters.min() < 2 or raters.min() != raters.max():
        return None
    agreement = ((counts**2).sum(axis=1) - raters) / (raters * (raters - 1))
    chance = ((counts.sum(axis=0) / counts.sum()) ** 2).sum()
    return None if chance == 1 else float((agreement.mean() - chance) / (1 - chance))


def reliability_matrix(annotations: Iterable[Annotation]) -> tuple[NDArray[np.float64], list[str], list[str]]:
    """The matrix of annotations: columns of `LABELS` as numbers.

    Returns:
        (units, annotators) with NaN for gaps, the quotes' ids, the annotators, both sorted.

    Raises:
        InputError: an annotator labelled a quote twice.
    """
    cells: dict[tuple[str, str], Stance] = {}
    for a in annotations:
        if (a.quote, a.annotator) in cells:
            raise InputError(f"{a.annotator} labelled {a.quote!r} twice; join_annotations() lists such conflicts.")
        cells[a.quote, a.annotator] = a.label
    quotes, people = sorted({q for q, _ in cells}), sorted({p for _, p in cells})
    matrix = np.full((len(quotes), len(people)), np.nan)
    rows, columns = ({name: i for i, name in enumerate(names)} for names in (quotes, people))
    for (quote, person), label in cells.items():
        matrix[rows[quote], columns[person]] = LABELS.index(label)
    return matrix, quotes, people


def agreement(annotations: Sequence[Annotation]) -> dict[str, Any]:
    """All that says how far annotators agree.

    Args:
        annotations: at most one for each quote and annotator.

    Returns:
        units, annotated_twice, annotators (labels of each), alpha_nominal, alpha_ordinal (against < neutral < favor),
        fleiss_kappa, per_label (alpha of each label against the rest, specific agreement), pairs (units, agreement,
        cohen_kappa, macro_f1 of each two annotators), ceiling (macro_f1 over all pairs: one person scored against another,
        which a model need not exceed), disagreements (quote and labels, widest first).

    Raises:
        InputError: an annotator labelled a quote twice.

    Example:
        >>> both = [Annotation("q1", name, "favor") for name in ("ann", "bob")]
        >>> agreement(both)["pairs"][0]["agreement"]
        1.0
    """
    matrix, quotes, people = reliability_matrix(annotations)
    pairs = [_pair(matrix, i, j, people) for i, j in combinations(range(len(people)), 2)]
    pooled: NDArray[np.int64] = np.array([p["confusion"] for p in pairs], dtype=np.int64).reshape(-1, 3, 3).sum(axis=0)
    labels = [str(x) for x in LABELS]
    disputed: list[dict[str, Any]] = []
    for row, quote in zip(matrix, quotes, strict=True):
        given = {people[i]: labels[int(v)] for i, v in enumerate(row) if not np.isnan(v)}
        if len(set(given.values())) > 1:
            disputed.append({"quote": quote, "labels": given})
    disputed.sort(key=lambda d: (not {"favor", "against"} <= set(d["labels"].values()), d["quote"]))
    return {
        "units": len(quotes),
        "annotated_twice": int(((~np.isnan(matrix)).sum(axis=1) > 1).sum()),
        "annotators": {
            name: {label: int((matrix[:, i] == k).sum()) for k, label in enumerate(labels)} for i, name in enumerate(people)
        },
        "alpha_nominal": krippendorff_alpha(matrix),
        "alpha_ordinal": krippendorff_alpha(matrix, level="ordinal"),
        "fleiss_kappa": fleiss_kappa(matrix),
        "per_label": {label: _label(matrix, k) for k, label in enumerate(labels)},
        "pairs": pairs,
        "ceiling": float(macro_f1(pooled)) if pooled.any() else None,
        "disagreements": disputed,
    }


def _pair(matrix: NDArray[np.float64], i: int, j: int, people: list[str]) -> dict[str, Any]:
    both = matrix[~np.isnan(matrix[:, [i, j]]).any(axis=1)][:, [i, j]].astype(int)
    names = [people[i], people[j]]
    table = np.zeros((3, 3), dtype=np.int64)
    np.add.at(table, (both[:, 0], both[:, 1]), 1)
    first, second = ([str(LABELS[k]) for k in both[:, c]] for c in (0, 1))
    return {
        "annotators": names,
        "units": len(both),
        "agreement": float((both[:, 0] == both[:, 1]).mean()) if len(both) else None,
        "cohen_kappa": cohen_kappa(first, second) if len(both) else None,
        "macro_f1": float(macro_f1(table)) if len(both) else None,
        "f1": {str(k): None if np.isnan(v) else float(v) for k, v in zip(LABELS, f1_by_label(table), strict=True)},
        "confusion": table.tolist(),
    }


def _label(matrix: NDArray[np.float64], k: int) -> dict[str, float | None]:
    """Agreement on one label: alpha of it against the rest, and how often a second person gives it after a first."""
    one = np.where(np.isnan(matrix), np.nan, matrix == k)
    m, n = (~np.isnan(one)).sum(axis=1), np.nansum(one, axis=1)
    m, n = m[m > 1], n[m > 1]
    possible = (n * (m - 1) / (m - 1)).sum()
    agreed = (n * (n - 1) / (m - 1)).sum()
    return {"alpha": krippendorff_alpha(one), "specific_agreement": float(agreed / possible) if possible else None}
