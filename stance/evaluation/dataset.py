"""Labelled rows to score against: every row is checked once, here, and keeps all its columns for slices and probes."""

from __future__ import annotations

import hashlib
import json
import random
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from stance.errors import InputError
from stance.evaluation.metrics import METRICS, metric
from stance.evaluation.score import columns
from stance.evaluation.statistics import confusion_counts
from stance.io import Row, read_table
from stance.labels import LABELS
from stance.targets import UKRAINE_NATO


@dataclass(frozen=True, slots=True)
class Dataset:
    """Gold rows under one name.

    Args:
        name: for reports.
        rows: each with `text`, `label` and, if known, `id` (unique; the row's number when no row has one), `target` (the claim;
            Ukraine's membership in NATO when absent), `speaker`, `group` (its article), `pair` (its minimal set),
            `annotations` (the labels of several
            people), and any further columns to slice by.
        train: rows for baselines to learn from; none of them is scored.
        metric: name of the number by which systems are compared; see :data:`stance.evaluation.metrics.METRICS`.
        labels: the labels that occur in the task; systems with probabilities choose among these.
        human: a published human score as {"value", "source"}, or {"column", "source"} with the column of a second
            annotator's labels; else it is computed where rows have `annotations`.
        about: one line on what it is.

    Raises:
        InputError: no rows, a row without text or with an unknown label, an id that stands twice, an unknown metric.

    Example:
        >>> Dataset("mine", ({"text": "We support it.", "label": "favor"},)).claims
        ['Ukraine should become a member of NATO.']
    """

    name: str
    rows: tuple[Row, ...]
    train: tuple[Row, ...] = ()
    metric: str = "macro_f1"
    labels: tuple[str, ...] = tuple(map(str, LABELS))
    human: Mapping[str, Any] | None = None
    about: str = ""
    ids: tuple[str, ...] = field(init=False)

    def __post_init__(self) -> None:
        metric(self.metric)
        if not self.rows:
            raise InputError(f"{self.name}: no rows to score; check the file and the splits.")
        for part in (self.rows, self.train):
            for number, row in enumerate(part, start=1):
                if not isinstance(row.get("text"), str) or not row["text"].strip():
                    raise InputError(f"{self.name}, row {number}: no text.")
                if row.get("label") not in self.labels:
                    raise InputError(f"{self.name}, row {number}: label {row.get('label')!r} is none of {[*self.labels]}.")
        given = [row.get("id") for row in self.rows]
        named = any(i not in (None, "") for i in given)
        ids = tuple(map(str, given)) if named else tuple(str(n) for n in range(1, len(given) + 1))
        twice = [i for i, n in Counter(ids).items() if n > 1]
        if twice:
            raise InputError(f"{self.name}: id {twice[0]!r} stands twice ({len(twice)} ids do).")
        object.__setattr__(self, "ids", ids)

    @property
    def gold(self) -> list[str]:
        """The label of each row."""
        return [str(row["label"]) for row in self.rows]

    @property
    def claims(self) -> list[str]:
        """The claim of each row."""
        return [claim_of(row) for row in self.rows]

    @property
    def groups(self) -> list[str] | None:
        """What each row belongs to: its `group`, its `pair` or its text; None when that keeps no two rows together."""
        names = [str(row.get("group") or row.get("pair") or row["text"]) for row in self.rows]
        return names if len(set(names)) < len(names) else None

    def fingerprint(self) -> str:
        """The first twelve hex digits of the SHA-256 of texts, claims and labels, in order."""
        digest = hashlib.sha256()
        for row in self.rows:
            digest.update(json.dumps([row["text"], claim_of(row), row["label"]]).encode())
        return digest.hexdigest()[:12]


def claim_of(row: Mapping[str, Any]) -> str:
    """The claim that a row's label is about."""
    return str(row.get("target") or UKRAINE_NATO.claim)


def human_ceiling(dataset: Dataset) -> dict[str, Any] | None:
    """The human score beside which a model's is read: the published one, or one annotator against another.

    Where a column holds a second annotator's labels, they are scored against `label` on the rows that have both. Else each
    annotator's labels in `annotations` are scored against the majority of the others (a tie leaves the row out), and the
    tables of all annotators are pooled; the gold label, which has seen the annotator, is not used.

    Returns:
        {"value", "source"} with the data set's metric, computed ones also with n (rows compared, of all annotators) and,
        for a second annotator, kappa (Cohen's); None when nothing is known.

    Raises:
        InputError: a column that no row has, or a label there that is none of the three.

    Example:
        >>> row = {"text": "a", "label": "favor", "annotations": ["favor", "favor", "favor"]}
        >>> human_ceiling(Dataset("d", (row,), metric="accuracy"))["value"]
        1.0
    """
    if dataset.human is not None:
        return dict(dataset.human) if dataset.human.get("column") is None else _second_annotator(dataset)
    gold, given, claims, people = [], [], [], 0
    for row, claim in zip(dataset.rows, dataset.claims, strict=True):
        labels = [str(x) for x in row.get("annotations") or () if x]
        people = max(people, len(labels))
        for i, own in enumerate(labels):
            others = Counter(labels[:i] + labels[i + 1 :]).most_common(2)
            if others and (len(others) == 1 or others[0][1] > others[1][1]):
                gold.append(others[0][0])
                given.append(own)
                claims.append(claim)
    if not gold:
        return None
    about = f"each of up to {people} annotators against the majority of the others"
    return {"value": _agreement(dataset, gold, given, claims, "annotations"), "n": len(gold), "source": about}


def _second_annotator(dataset: Dataset) -> dict[str, Any]:
    from sklearn.metrics import cohen_kappa_score

    human = dict(dataset.human or {})
    column = human.pop("column")
    both = [(row, claim) for row, claim in zip(dataset.rows, dataset.claims, strict=True) if row.get(column)]
    if not both:
        raise InputError(f"{dataset.name}: no row has a label in {column!r}, which `human` names.")
    gold, given = [str(row["label"]) for row, _ in both], [str(row[column]) for row, _ in both]
    value = _agreement(dataset, gold, given, [claim for _, claim in both], column)
    kappa = float(cohen_kappa_score(gold, given)) if len({*gold, *given}) > 1 else None
    return {**human, "value": value, "kappa": kappa, "n": len(both)}


def _agreement(dataset: Dataset, gold: list[str], given: list[str], claims: list[str], where: str) -> float:
    """One annotator against another, in the data set's metric."""
    chosen = METRICS[dataset.metric]
    counts = confusion_counts(columns(gold, where), columns(given, where), targets=claims if chosen.by_target else None)
    return float(chosen(counts.sum(axis=0).reshape(-1, 3, 3)))


def read_dataset(
    path: str | Path,
    *,
    name: str | None = None,
    splits: Sequence[str] = (),
    train_splits: Sequence[str] = (),
    limit: int | None = None,
    seed: int = 0,
    **about: Any,
) -> Dataset:
    """Labelled rows of a JSONL, CSV or Parquet file, or of all such JSONL files of a folder.

    Args:
        path: rows with text, label and, if known, target, speaker, group, split and any columns; a field `extra` that
            holds an object is spread into columns.
        name: for reports; the file's name when None.
        splits: values of `split` to score; all rows when empty.
        train_splits: values of `split` for baselines to learn from.
        limit: most rows scored, drawn with the seed.
        seed: of the draw.
        about: further arguments of :class:`Dataset`.

    Raises:
        InputError: nothing to read, or rows that :class:`Dataset` refuses.

    Example:
        >>> read_dataset("data/nato", splits=["test"]).metric  # doctest: +SKIP
        'macro_f1'
    """
    path = Path(path)
    files = sorted(path.glob("*.jsonl")) if path.is_dir() else [path]
    if not files:
        raise InputError(f"{path}: no .jsonl files in this folder.")
    rows = [flat(row) for file in files for batch in read_table(file) for row in batch]
    kept = [row for row in rows if not splits or row.get("split") in splits]
    if not kept:
        there = sorted({str(row.get("split")) for row in rows})
        raise InputError(f"{path}: no rows of split {', '.join(splits)}; there are {', '.join(there)}.")
    train = tuple(row for row in rows if row.get("split") in train_splits)
    return Dataset(name or path.stem, sample(kept, limit, seed), train, **about)


def flat(row: Mapping[str, Any]) -> Row:
    """The row with the columns of its `extra` beside the others."""
    extra = row.get("extra")
    spread = {k: v for k, v in extra.items() if k not in row} if isinstance(extra, Mapping) else {}
    return {k: v for k, v in row.items() if k != "extra" or not spread} | spread


def sample(rows: Iterable[Row], limit: int | None, seed: int) -> tuple[Row, ...]:
    """At most `limit` rows, drawn with the seed, in their order."""
    kept = list(rows)
    if limit is not None and limit < len(kept):
        kept = [kept[i] for i in sorted(random.Random(seed).sample(range(len(kept)), limit))]
    return tuple(kept)


def probabilities_of(rows: Sequence[Mapping[str, Any]], where: str) -> NDArray[np.float64] | None:
    """(n, 3) from `p_against`, `p_neutral`, `p_favor`; None when no row has them.

    Args:
        rows: of a file or of a system's answer.
        where: whose they are, for the error, which names the row by its id or number.

    Raises:
        InputError: some rows have them and others not, or a row is NaN or does not sum to one.
    """
    names = [f"p_{label}" for label in LABELS]
    having = [all(row.get(n) not in (None, "") for n in names) for row in rows]
    if not any(having):
        return None
    if not all(having):
        raise InputError(f"{where}, {_place(rows, having.index(False))}: no probabilities, while others have them.")
    found = np.array([[float(row[n]) for n in names] for row in rows])
    good = (np.abs(found.sum(axis=1) - 1) <= 1e-3) & (found >= 0).all(axis=1)  # NaN is neither
    if not good.all():
        raise InputError(f"{where}, {_place(rows, int(good.argmin()))}: probabilities are NaN or do not sum to one.")
    return found


def _place(rows: Sequence[Mapping[str, Any]], index: int) -> str:
    return f"id {rows[index]['id']!r}" if "id" in rows[index] else f"row {index + 1}"


def rows_by_id(path: str | Path, label: str) -> dict[str, Row]:
    """The rows of a file by `id`.

    Args:
        path: CSV, JSONL or Parquet.
        label: the column of the labels.

    Raises:
        InputError: no rows, a row without id or label, an id that stands twice, or an unknown label.
    """
    found: dict[str, Row] = {}
    for number, row in enumerate((row for batch in read_table(path) for row in batch), start=1):
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
