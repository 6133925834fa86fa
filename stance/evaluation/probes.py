"""Metamorphic tests: a text is changed so that the right answer is known from the change, and the model is asked again.

Each probe is made from rows that the model read right as they stood, so that a failure is due to the change alone.
A change is made by rule, so people too would read a few of them otherwise: read the failures beside the rate.
Minimal sets (rows that share `pair`) need no change: a set passes when all its rows are right.
"""

from __future__ import annotations

import random
import re
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from stance.errors import InputError
from stance.evaluation.dataset import Dataset, claim_of
from stance.evaluation.systems import answer
from stance.io import Row
from stance.targets import UKRAINE_NATO

Change = Callable[[Row, random.Random, Sequence[Row]], Row | None]
"""(row, generator, all rows) to the changed row, or None where the probe does not apply."""
# a verb whose subject is the membership or Ukraine: "Ukraine's entry would be", not "Poland backs Ukraine and will go on"
_SUBJECT = (
    r"\b((?:Ukraine|Ukrainians|Kyiv|membership|accession|entry|invitation)\b"
    r"(?:(?! (?:and|but|or|who|which|that) )[^,.;:]){0,40}?"
)
_MODAL = re.compile(r"\b(?:must|should|will|would|can|is|are)\b", re.IGNORECASE)
_PLAIN = re.compile(_SUBJECT + r" (?:must|should|will|would|can|is|are))(?![\w'’]| not\b| never\b)", re.IGNORECASE)
_NEGATED = re.compile(_SUBJECT + r" (?:must|should|will|would|can|is|are)) (?:not|never)\b", re.IGNORECASE)
_NEGATIVE = re.compile(r"\b(?:no|nor|not|cannot|hardly|never|nobody|nothing|none|neither|without)\b|n['’]t\b", re.IGNORECASE)
_OTHERS = (("Ukrainian", "Georgian"), ("Ukraine", "Georgia"), ("Kyiv", "Tbilisi"), ("Kiev", "Tbilisi"))
_NOISE = ("The meeting ended shortly after noon.", "It had rained in the capital since the morning.")


@dataclass(frozen=True, slots=True)
class Probe:
    """One kind of change.

    Args:
        about: what is changed and what must then hold, for reports.
        change: makes the changed row.
        holds: whether the label after the change is right, given the gold label before it.
    """

    about: str
    change: Change
    holds: Callable[[str, str], bool]


def _same(before: str, after: str) -> bool:
    return before == after


def _other_side(before: str, after: str) -> bool:
    return before != after


def _not_swapped(before: str, after: str) -> bool:
    return {before, after} != {"favor", "against"}


def _neutral(before: str, after: str) -> bool:
    return after == "neutral"


def _takes_side(row: Row) -> bool:
    return bool(row["label"] != "neutral")


def negate(row: Row, rng: random.Random, rows: Sequence[Row]) -> Row | None:
    """One "not" put into, or taken out of, a single sentence that takes a side.

    Example:
        >>> row = {"text": "Ukraine should join NATO.", "label": "favor"}
        >>> negate(row, random.Random(0), [row])["text"]
        'Ukraine should not join NATO.'
    """
    text = str(row["text"])
    if not _takes_side(row) or re.search(r"[.!?;]", text.rstrip(".!?")) or len(text.split()) > 25:
        return None
    if len(_MODAL.findall(text)) != 1 or _NEGATIVE.search(_NEGATED.sub("", text)):
        return None
    changed = _NEGATED.sub(r"\1", text) if _NEGATED.search(text) else _PLAIN.sub(r"\1 not", text)
    return {**row, "text": changed} if changed != text else None


def paraphrase_claim(row: Row, rng: random.Random, rows: Sequence[Row]) -> Row | None:
    """The claim in another wording."""
    if claim_of(row) != UKRAINE_NATO.claim:
        return None
    return {**row, "target": rng.choice(UKRAINE_NATO.paraphrases)}


def swap_target(row: Row, rng: random.Random, rows: Sequence[Row]) -> Row | None:
    """Another country in the text, while the claim stays.

    Example:
        >>> row = {"text": "Kyiv belongs in NATO, Ukraine said.", "label": "favor"}
        >>> swap_target(row, random.Random(0), [row])["text"]
        'Tbilisi belongs in NATO, Georgia said.'
    """
    if not _takes_side(row) or not re.search(r"\b(Ukraine|Kyiv|Kiev)\b", str(row["text"])) or claim_of(row) != UKRAINE_NATO.claim:
        return None
    text = str(row["text"])
    for ours, theirs in _OTHERS:
        text = text.replace(ours, theirs)
    return {**row, "text": text, "speaker": None, "context": None}


def swap_speaker(row: Row, rng: random.Random, rows: Sequence[Row]) -> Row | None:
    """The same words from somebody else in the data."""
    others = sorted({str(r["speaker"]) for r in rows if r.get("speaker") and r["speaker"] != row.get("speaker")})
    return {**row, "speaker": rng.choice(others)} if row.get("speaker") and others else None


def report(row: Row, rng: random.Random, rows: Sequence[Row]) -> Row | None:
    """The words as somebody else's, reported without comment.

    Example:
        >>> row = {"text": "Ukraine belongs in NATO.", "label": "favor"}
        >>> report(row, random.Random(0), [row])["text"].endswith('say: "Ukraine belongs in NATO."')
        True
    """
    if not _takes_side(row):
        return None
    who = "Critics" if row["label"] == "against" else "Supporters"
    return {**row, "text": f'{who} of the idea say: "{str(row["text"]).strip(chr(34))}"', "speaker": None}


def typo(row: Row, rng: random.Random, rows: Sequence[Row]) -> Row | None:
    """Two neighbouring letters swapped within one word of six letters or more that is no name."""
    words = [m for m in re.finditer(r"\b[a-z]{6,}\b", str(row["text"]))]
    if not words:
        return None
    at = rng.choice(words).start() + rng.randint(1, 3)
    text = str(row["text"])
    return {**row, "text": text[:at] + text[at + 1] + text[at] + text[at + 2 :]}


def restyle_marks(row: Row, rng: random.Random, rows: Sequence[Row]) -> Row | None:
    """Straight marks, apostrophes and dashes for curly ones, or the other way round."""
    text = str(row["text"])
    straight = text.translate(str.maketrans("“”‘’–—", "\"\"''--"))
    if straight != text:
        return {**row, "text": straight}
    curly = re.sub(r'"([^"]*)"', r"“\1”", text).replace("'", "’").replace(" - ", " – ")
    return {**row, "text": curly} if curly != text else None


def add_noise(row: Row, rng: random.Random, rows: Sequence[Row]) -> Row | None:
    """A sentence about nothing put behind the text."""
    return {**row, "text": f"{str(row['text']).rstrip()} {rng.choice(_NOISE)}"}


def truncate(row: Row, rng: random.Random, rows: Sequence[Row]) -> Row | None:
    """The last fifth of the words cut off, for texts of ten words or more."""
    words = str(row["text"]).split()
    return {**row, "text": " ".join(words[: -max(1, len(words) // 5)])} if len(words) >= 10 else None


PROBES: dict[str, Probe] = {
    "negation": Probe("one 'not' put in or taken out: the label must change", negate, _other_side),
    "claim_paraphrase": Probe("the claim in other words: the label must stay", paraphrase_claim, _same),
    "target_swap": Probe("Georgia instead of Ukraine in the text: it must turn neutral", swap_target, _neutral),
    "speaker_swap": Probe("the same words from somebody else: the label must stay", swap_speaker, _same),
    "reported": Probe("'Critics (Supporters) of the idea say: …': it must turn neutral", report, _neutral),
    "typos": Probe("two letters swapped in a word: the label must stay", typo, _same),
    "mark_styles": Probe("other quotation marks and dashes: the label must stay", restyle_marks, _same),
    "irrelevant_context": Probe("a sentence about nothing added: the label must stay", add_noise, _same),
    "truncation": Probe("the last fifth cut off: favor and against must not swap", truncate, _not_swapped),
}
"""The probes by name."""


def run_probes(
    system: object,
    dataset: Dataset,
    *,
    names: Sequence[str] = tuple(PROBES),
    limit: int = 200,
    failures: int = 5,
    seed: int = 0,
) -> list[dict[str, Any]]:
    """Ask a system again after each change.

    Args:
        system: a model or a callable of (texts, claims); see :func:`stance.evaluation.systems.answer`.
        dataset: the rows from which probes are made.
        names: which of :data:`PROBES`.
        limit: most rows of each probe.
        failures: most failing examples kept for each.
        seed: draws rows and changes.

    Returns:
        For each probe: probe, about, n, passed, pass_rate (None when n is 0) and failures, each with before, after,
        gold, label. Where rows share `pair`, "minimal_sets" comes last: the share of sets whose rows are all right.

    Raises:
        InputError: an unknown probe.

    Example:
        >>> rows = ({"text": "Ukraine should join NATO.", "label": "favor"},)
        >>> run_probes(lambda texts, claims: ["favor"] * len(texts), Dataset("d", rows), names=["negation"])[0]["pass_rate"]
        0.0
    """
    for name in names:
        if name not in PROBES:
            raise InputError(f"Unknown probe {name!r}; there are {', '.join(PROBES)}.")
    first = answer(system, dataset)
    right = [i for i, row in enumerate(dataset.rows) if first.labels[i] == row["label"]]
    pairs: list[tuple[str, Row, Row]] = []
    for name in names:
        rng = random.Random(f"{seed} {name}")
        made = [(row, PROBES[name].change(row, rng, dataset.rows)) for row in (dataset.rows[i] for i in right)]
        kept = [(row, changed) for row, changed in made if changed is not None]
        pairs += [(name, *pair) for pair in (rng.sample(kept, limit) if len(kept) > limit else kept)]
    again: list[str] = []
    if pairs:  # one call for all probes
        changed_rows = tuple({**changed, "id": str(k)} for k, (*_, changed) in enumerate(pairs))
        again = answer(system, Dataset(f"{dataset.name}, changed", changed_rows, labels=dataset.labels)).labels
    found: dict[str, list[tuple[Row, Row, str]]] = defaultdict(list)
    for (name, row, changed), label in zip(pairs, again, strict=True):
        found[name].append((row, changed, label))
    out = [_report(name, found[name], failures) for name in names]
    sets = minimal_sets(dataset, first.labels, failures=failures)
    return [*out, sets] if sets["n"] else out


def _report(name: str, tried: Sequence[tuple[Row, Row, str]], failures: int) -> dict[str, Any]:
    probe = PROBES[name]
    bad = [
        {"before": row["text"], "after": _shown(row, changed), "gold": row["label"], "label": label}
        for row, changed, label in tried
        if not probe.holds(str(row["label"]), label)
    ]
    return _rates(name, probe.about, len(tried), len(tried) - len(bad)) | {"failures": bad[:failures]}


def _shown(row: Mapping[str, Any], changed: Mapping[str, Any]) -> str:
    """What was changed, in words, where it is not the text."""
    if changed["text"] != row["text"]:
        return str(changed["text"])
    return f"speaker: {changed['speaker']}" if changed.get("speaker") != row.get("speaker") else f"claim: {claim_of(changed)}"


def _rates(name: str, about: str, n: int, passed: int) -> dict[str, Any]:
    return {"probe": name, "about": about, "n": n, "passed": passed, "pass_rate": passed / n if n else None}


def minimal_sets(dataset: Dataset, labels: Sequence[str], *, failures: int = 5) -> dict[str, Any]:
    """The share of minimal sets (rows with the same `pair`, at least two) of which every row is right.

    Example:
        >>> rows = [{"text": t, "label": x, "pair": "q1"} for t, x in (("a", "favor"), ("b", "against"))]
        >>> minimal_sets(Dataset("d", tuple(rows)), ["favor", "favor"])["pass_rate"]
        0.0
    """
    sets: dict[str, list[int]] = defaultdict(list)
    for i, row in enumerate(dataset.rows):
        if row.get("pair"):
            sets[str(row["pair"])].append(i)
    whole = [rows for rows in sets.values() if len(rows) > 1]
    bad = [[i for i in rows if labels[i] != dataset.rows[i]["label"]] for rows in whole]
    wrong = [i for rows in bad for i in rows[:1]]
    shown = [
        {"before": f"set {dataset.rows[i]['pair']}", "after": dataset.rows[i]["text"], "gold": dataset.rows[i]["label"],
         "label": labels[i]}
        for i in wrong[:failures]
    ]  # fmt: skip
    about = "sets of texts that differ in what decides the label: all must be right"
    return _rates("minimal_sets", about, len(whole), len(whole) - len(wrong)) | {"failures": shown}
