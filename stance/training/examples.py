"""Labelled rows as training examples: a text, a claim and the column of its label; a group never crosses a split."""

from __future__ import annotations

import csv
import json
import random
from collections.abc import Iterable, Mapping
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
}
"""Claims for the field `targets` of `data/nato`."""


@dataclass(frozen=True, slots=True)
class Example:
    """One training row: a text, a claim, and the column of its label; `group` never crosses a split."""

    text: str
    claim: str
    label: int
    group: str


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


def read_examples(source: Source, *, folder: Path, rng: random.Random) -> list[Example]:
    """The examples of one source.

    Args:
        source: the file and what to take from it.
        folder: what `source.path` is relative to.
        rng: draws the sample, the claim wordings and the off-target pairs.

    Raises:
        InputError: a missing file, a missing column, or an unknown label, with its row.
    """
    path = folder / source.path
    rows = [(n, r) for n, r in read_rows(path) if not source.splits or r.get("split") in source.splits]
    rows = [(n, r) for n, r in rows if r.get("label") != "not_entailment"]
    if source.limit is not None and len(rows) > source.limit:
        rows = rng.sample(rows, source.limit)
    wordings = (UKRAINE_NATO.claim, *UKRAINE_NATO.paraphrases)
    examples: list[Example] = []
    for number, row in rows:
        where = f"{path}, row {number}"
        try:
            if "premise" in row:
                pair = (row["premise"], row["hypothesis"])
                examples.append(Example(*pair, _column(row["label"], where), row["premise"]))
                continue
            text, label = str(row["text"]), _column(row["label"], where)
        except KeyError as error:
            raise InputError(f"{where}: no column {error}; a row needs text and label.") from error
        group = str(row.get("pair") or text)
        if row.get("target"):
            examples.append(Example(text, row["target"], label, group))
            continue
        views = {render(text, speaker=row.get("speaker"))}
        views.add(render(text, context=row.get("context")))
        examples += [Example(view, rng.choice(wordings), label, group) for view in sorted(views)]
        stances = row.get("targets") or {}
        for name, value in stances.items():
            examples.append(Example(text, FURTHER_TARGETS[name], _column(value, where), group))
        if stances and "ukraine_eu" not in stances and rng.random() < 0.3:
            examples.append(Example(text, "Georgia should join NATO.", LABELS.index(Stance.NEUTRAL), group))
    if source.off_target:
        targets = sorted({e.claim for e in examples})
        for example in rng.sample(examples, int(source.off_target * len(examples))):
            other = rng.choice(targets)
            if other != example.claim:
                neutral = LABELS.index(Stance.NEUTRAL)
                examples.append(Example(example.text, other, neutral, example.group))
    return examples


def split_by_group(examples: list[Example], share: float, seed: int) -> tuple[list[Example], list[Example]]:
    """Examples as (train, dev): stratified by label, no group on both sides."""
    from sklearn.model_selection import StratifiedGroupKFold

    folds = StratifiedGroupKFold(n_splits=max(2, round(1 / share)), shuffle=True, random_state=seed)
    labels, groups = [e.label for e in examples], [e.group for e in examples]
    train, dev = next(iter(folds.split(examples, labels, groups)))
    return [examples[i] for i in train], [examples[i] for i in dev]
