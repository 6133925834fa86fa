"""Labelled rows, and the examples drawn from them anew in each epoch; a group of rows never crosses a split."""

from __future__ import annotations

import csv
import json
import random
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from stance.config import Source
from stance.errors import InputError
from stance.labels import LABELS, Stance
from stance.models.inputs import render
from stance.targets import UKRAINE_NATO

NLI_LABELS = {"contradiction": Stance.AGAINST, "neutral": Stance.NEUTRAL, "entailment": Stance.FAVOR}
"""A stance is an entailment of the claim: this is the whole mapping."""

FURTHER_TARGETS = {
    "ukraine_eu": "Ukraine should join the European Union.",
    "arms": "Ukraine should be given weapons.",
    "sanctions": "Russia should be put under sanctions.",
    "neutrality": "Ukraine should be a neutral country.",
    "enlargement": "NATO's enlargement to the east is right.",
    "guarantees": "Ukraine should be given security guarantees.",
    "troops": "Western troops should be sent to Ukraine.",
    "negotiation": "There should be peace negotiations with Russia.",
    "nato": "NATO is a good alliance.",
    "zelensky_like": "The Ukrainian government is doing a good job.",
    "russia": "Russia's conduct is justified.",
    "georgia_nato": "Georgia should join NATO.",
}
"""Claims for the field `targets` of `data/nato`."""
_NEUTRAL = LABELS.index(Stance.NEUTRAL)


@dataclass(frozen=True, slots=True)
class Row:
    """A labelled row as read: `group` never crosses a split; `stances` are labels by further claim."""

    text: str
    label: int
    group: str
    claim: str | None = None
    speaker: str | None = None
    context: str | None = None
    stances: tuple[tuple[str, int], ...] = ()


@dataclass(frozen=True, slots=True)
class Example:
    """What one training step reads: a rendered text, a claim, and the column of its label."""

    text: str
    claim: str
    label: int


def read_rows(path: Path) -> Iterable[tuple[int, Mapping[str, Any]]]:
    """Rows of a JSON-lines or CSV file with their line numbers.

    Raises:
        InputError: the file is missing, has another ending, or a line is no JSON object.
    """
    if not path.is_file():
        raise InputError(f"{path}: no such file. Give the data folder with --data.")
    with path.open(encoding="utf-8", newline="") as handle:
        if path.suffix == ".csv":
            yield from enumerate(csv.DictReader(handle), start=2)
        elif path.suffix == ".jsonl":
            for number, line in enumerate(handle, start=1):
                try:
                    row = json.loads(line)
                except json.JSONDecodeError as error:
                    raise InputError(f"{path}, row {number}: not JSON: {error}") from error
                yield number, row
        else:
            raise InputError(f"{path}: training reads .jsonl and .csv.")


def _column(label: str, where: str) -> int:
    stance = NLI_LABELS.get(label, label)
    try:
        return LABELS.index(Stance(stance))
    except ValueError:
        raise InputError(f"{where}: label {label!r} is none of {[*map(str, LABELS)]}.") from None


def read_source(source: Source, *, folder: Path, home: Path, rng: random.Random) -> list[Row]:
    """The rows of one source.

    Args:
        source: the file and what to take from it.
        folder: what `source.path` is relative to; a path that begins with "./" is relative to `home` instead.
        home: the folder of the configuration.
        rng: draws the sample and the off-target pairs.

    Raises:
        InputError: a missing file, a missing column, or an unknown label, with its row.
    """
    base = home if source.path.startswith("./") else folder
    paths = sorted(base.glob(source.path)) if "*" in source.path else [base / source.path]
    if not paths:
        raise InputError(f"{base / source.path}: no file fits. Give the data folder with --data.")
    raw = [(f"{path}, row {n}", r) for path in paths for n, r in read_rows(path)]
    raw = [(where, r) for where, r in raw if not source.splits or r.get("split") in source.splits]
    raw = [(where, r) for where, r in raw if r.get("label") != "not_entailment"]
    if source.limit is not None and len(raw) > source.limit:
        raw = rng.sample(raw, source.limit)
    if source.neutral_to is not None:
        return [Row(str(r["text"]), _NEUTRAL, str(r["text"]), source.neutral_to) for _, r in raw]
    rows = [_row(record, where) for where, record in raw]
    targets = sorted({r.claim for r in rows if r.claim})
    for row in rng.sample(rows, int(source.off_target * len(rows))):
        other = rng.choice(targets) if targets else None
        if other != row.claim:
            rows.append(Row(row.text, _NEUTRAL, row.group, other))
    return rows * source.repeat


def _row(record: Mapping[str, Any], where: str) -> Row:
    try:
        if "premise" in record:
            premise = str(record["premise"])
            return Row(premise, _column(record["label"], where), premise, str(record["hypothesis"]))
        text, label = str(record["text"]), _column(record["label"], where)
    except KeyError as error:
        raise InputError(f"{where}: no column {error}; a row needs text and label.") from error
    try:
        stances = tuple((FURTHER_TARGETS[k], _column(v, where)) for k, v in (record.get("targets") or {}).items())
    except KeyError as error:
        raise InputError(f"{where}: unknown target {error}; there are {', '.join(FURTHER_TARGETS)}.") from None
    group = str(record.get("group") or record.get("pair") or text)
    return Row(
        text, label, group, record.get("target") or None, record.get("speaker") or None, record.get("context") or None, stances
    )


ALONE = 10
"""Texts of fewer words than this are read with their context: "minus" or "yes, of course" says nothing alone."""


def _needs_context(row: Row) -> bool:
    return len(row.text.split()) < ALONE


def plain(row: Row) -> Example:
    """A row as it is measured: with its speaker, a short one with its context, toward the first wording of its claim."""
    text = render(row.text, speaker=row.speaker, context=row.context if _needs_context(row) else None)
    return Example(text, row.claim or UKRAINE_NATO.claim, row.label)


def draw(rows: Sequence[Row], rng: random.Random) -> list[Example]:
    """The examples of one epoch: each row in one view drawn anew, and some of its further targets.

    A row of the default target is shown with its speaker, with its context, or alone, toward any wording of the claim; a
    third of those with a speaker are shown with somebody else's, so that who speaks does not stand for what is said.

    Args:
        rows: of one stage.
        rng: draws the views.
    """
    wordings = (UKRAINE_NATO.claim, *UKRAINE_NATO.paraphrases)
    speakers = sorted({r.speaker for r in rows if r.speaker})
    spoken = sorted(FURTHER_TARGETS.values())
    out = []
    for row in rows:
        if row.claim is not None:
            out.append(Example(row.text, row.claim, row.label))
            continue
        view = rng.random()
        speaker = row.speaker if view < 0.55 else None
        if speaker and row.group == row.text and rng.random() < 0.15:
            speaker = rng.choice(speakers)
        around = view > 0.8 or 0.4 < view < 0.55 or _needs_context(row)
        text = render(row.text, speaker=speaker, context=row.context if around else None)
        out.append(Example(text, rng.choice(wordings), row.label))
        if row.stances and rng.random() < 0.6:
            out.append(Example(row.text, *rng.choice(row.stances)))
        elif row.stances and rng.random() < 0.3:
            named = {claim for claim, _ in row.stances}
            out.append(Example(row.text, rng.choice([c for c in spoken if c not in named]), _NEUTRAL))
    return out


def split_by_group(rows: Sequence[Row], share: float, seed: int) -> tuple[list[Row], list[Row]]:
    """Rows as (train, dev): stratified by label, no group on both sides."""
    from sklearn.model_selection import StratifiedGroupKFold

    folds = StratifiedGroupKFold(n_splits=max(2, round(1 / share)), shuffle=True, random_state=seed)
    train, dev = next(iter(folds.split(rows, [r.label for r in rows], [r.group for r in rows])))
    return [rows[i] for i in train], [rows[i] for i in dev]
