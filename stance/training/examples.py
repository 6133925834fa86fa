"""Labelled rows, and the examples drawn from them anew in each epoch; a group of rows never crosses a split."""

from __future__ import annotations

import glob
import random
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from stance.config import Source
from stance.errors import InputError
from stance.io import read_table
from stance.labels import LABELS, Stance
from stance.models.inputs import needs_context, render
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


def _read(path: Path) -> list[tuple[str, Mapping[str, Any]]]:
    """The rows of a file, each with its place for errors; a CSV's first row is its header."""
    if not path.is_file():
        raise InputError(f"{path}: no such file. Give the data folder with --data.")
    rows = [row for batch in read_table(path) for row in batch]
    return [(f"{path}, row {n}", row) for n, row in enumerate(rows, start=2 if path.suffix == ".csv" else 1)]


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
    names = sorted(glob.glob(source.path, root_dir=base, recursive=True)) if "*" in source.path else [source.path]
    if not names:
        raise InputError(f"{base / source.path}: no file fits. Give the data folder with --data.")
    raw = [pair for name in names for pair in _read(base / name)]
    if source.splits:
        there = sorted({str(r.get("split")) for _, r in raw})
        raw = [(where, r) for where, r in raw if r.get("split") in source.splits]
        if not raw:
            raise InputError(f"{base / source.path}: no row of split {', '.join(source.splits)}; there are {', '.join(there)}.")
    raw = [(where, r) for where, r in raw if r.get("label") != "not_entailment"]
    if source.limit is not None and len(raw) > source.limit:
        raw = rng.sample(raw, source.limit)
    if source.neutral_to is not None:
        texts = [_text(record, "text", where) for where, record in raw]
        return [Row(text, _NEUTRAL, text, source.neutral_to) for text in texts] * source.repeat
    rows = [_row(record, where) for where, record in raw]
    targets = sorted({r.claim for r in rows if r.claim})
    for row in rng.sample(rows, int(source.off_target * len(rows))):
        other = rng.choice(targets) if targets else None
        if other != row.claim:
            rows.append(Row(row.text, _NEUTRAL, row.group, other))
    return rows * source.repeat


def _text(record: Mapping[str, Any], column: str, where: str) -> str:
    """A column's text; one that is missing, null or blank is an error, never the word "None"."""
    if column not in record:
        raise InputError(f"{where}: no column {column!r}; a row needs text and label, or premise, hypothesis and label.")
    value = record[column]
    if not isinstance(value, str) or not value.strip():
        raise InputError(f"{where}: {column} is {value!r}, which is no text.")
    return value


def _row(record: Mapping[str, Any], where: str) -> Row:
    label = _column(_text(record, "label", where), where)
    if "premise" in record:
        premise = _text(record, "premise", where)
        return Row(premise, label, premise, _text(record, "hypothesis", where))
    text = _text(record, "text", where)
    further = record.get("targets") or {}
    if not isinstance(further, Mapping):
        raise InputError(f"{where}: targets must map further targets to labels, not be {further!r}.")
    known = {k: v for k, v in further.items() if v is not None}  # a table has every target as a column
    unknown = sorted(set(known) - set(FURTHER_TARGETS))
    if unknown:
        raise InputError(f"{where}: unknown target {unknown[0]!r}; there are {', '.join(FURTHER_TARGETS)}.")
    return Row(
        text,
        label,
        str(record.get("group") or record.get("pair") or text),
        record.get("target") or None,
        record.get("speaker") or None,
        record.get("context") or None,
        tuple((FURTHER_TARGETS[k], _column(v, where)) for k, v in known.items()),
    )


def dev_example(row: Row) -> Example:
    """A row as it is measured: with its speaker, a short one with its context, toward the first wording of its claim."""
    text = render(row.text, speaker=row.speaker, context=row.context if needs_context(row.text) else None)
    return Example(text, row.claim or UKRAINE_NATO.claim, row.label)


_PLACES = (
    {"Ukrainian": "Moldovan", "Ukraine": "Moldova", "Kyiv": "Chisinau", "Kiev": "Chisinau"},
    {"Ukrainian": "Bosnian", "Ukraine": "Bosnia", "Kyiv": "Sarajevo", "Kiev": "Sarajevo"},
    {"Ukrainian": "Serbian", "Ukraine": "Serbia", "Kyiv": "Belgrade", "Kiev": "Belgrade"},
    {"Ukrainian": "Armenian", "Ukraine": "Armenia", "Kyiv": "Yerevan", "Kiev": "Yerevan"},
    {"Ukrainian": "Irish", "Ukraine": "Ireland", "Kyiv": "Dublin", "Kiev": "Dublin"},
)
"""Another country in Ukraine's place; Georgia is left to the probe `target_swap`, which would measure nothing otherwise."""
_FRAMES = (
    "Some say: “{}”",
    "“{}” is how one camp puts it; the other disagrees.",
    "The argument on one side runs: {}",
    "The report quotes a view often heard, “{}”, and takes no position on it.",
    "{} So goes one line of thought.",
    "“{}” stood on one of the leaflets that lay beside those of the other camp.",
    "Those who think so put it like this: “{}” Others were quick to differ.",
    "In the survey a fifth ticked the sentence “{}”",
    "A commentator abroad was cited as saying: {}",
    "Readers disagree. One group writes: “{}”",
)
"""An author's frames that make a statement nobody's own; none is one of the probe `reported`."""


def _elsewhere(text: str, rng: random.Random) -> str:
    """The text about another country."""
    for ours, theirs in rng.choice(_PLACES).items():
        text = text.replace(ours, theirs)
    return text


def epoch_examples(rows: Sequence[Row], rng: random.Random) -> list[Example]:
    """The examples of one epoch: each row in one view drawn anew, and some further ones made from it.

    A row is shown with its speaker, with its context, with both, or alone; one of the default target toward any wording
    of the claim. Somebody else's speaker stands before some of the rows that are a group of their own, so that who speaks
    does not stand for what is said. Of the rows that have further targets, some are also shown toward one of these, and
    some as neutral toward one that they do not speak of. Of the rows that take a side on the default target, some are also
    shown as neutral: about another country, or in a frame that makes them nobody's own view.

    Args:
        rows: of one stage.
        rng: draws the views.
    """
    wordings = (UKRAINE_NATO.claim, *UKRAINE_NATO.paraphrases)
    speakers = sorted({r.speaker for r in rows if r.speaker})
    further = sorted(FURTHER_TARGETS.values())
    members = Counter(group for group, _ in {(r.group, r.text) for r in rows})
    out = []
    for row in rows:
        if row.claim is not None and not (row.speaker or row.context):
            out.append(Example(row.text, row.claim, row.label))
            continue
        view = rng.random()
        speaker = row.speaker if view < 0.55 else None
        if speaker and members[row.group] == 1 and rng.random() < 0.45:
            speaker = rng.choice(speakers)
        around = view > 0.8 or 0.4 < view < 0.55 or needs_context(row.text)
        text = render(row.text, speaker=speaker, context=row.context if around else None)
        out.append(Example(text, row.claim or rng.choice(wordings), row.label))
        if row.stances and rng.random() < 0.6:
            out.append(Example(row.text, *rng.choice(row.stances)))
        elif row.stances and rng.random() < 0.3:
            named = {claim for claim, _ in row.stances}
            out.append(Example(row.text, rng.choice([c for c in further if c not in named]), _NEUTRAL))
        if row.claim is None and row.label != _NEUTRAL:
            made = rng.random()
            if made < 0.2 and (other := _elsewhere(row.text, rng)) != row.text:
                out.append(Example(other, rng.choice(wordings), _NEUTRAL))
            elif made > 0.86 and not needs_context(row.text):
                framed = rng.choice(_FRAMES).format(row.text.strip("“”\""))
                text = render(framed, speaker="author" if rng.random() < 0.5 else None)
                out.append(Example(text, rng.choice(wordings), _NEUTRAL))
    return out


def split_by_group(rows: Sequence[Row], share: float, seed: int) -> tuple[list[Row], list[Row]]:
    """Rows as (train, dev): stratified by label, no group on both sides.

    Raises:
        InputError: there are too few groups to hold that share of them back.
    """
    from sklearn.model_selection import StratifiedGroupKFold

    parts = max(2, round(1 / share))
    groups, labels = len({row.group for row in rows}), Counter(row.label for row in rows)
    if groups < parts or max(labels.values()) < parts:
        raise InputError(
            f"{len(rows)} rows in {groups} groups are too few to hold {share:.0%} of them back (dev_share); "
            "give more rows, or dev rows of their own."
        )
    folds = StratifiedGroupKFold(n_splits=parts, shuffle=True, random_state=seed)
    train, dev = next(iter(folds.split(rows, [r.label for r in rows], [r.group for r in rows])))
    return [rows[i] for i in train], [rows[i] for i in dev]
