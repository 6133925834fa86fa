"""How well quotes are found: spans by CofeNet's rule, whole attributions, and speakers, against annotated text.

CofeNet's rule: a span counts when its kind and both edges are exact; instances are cut at 300 words; an I- tag without
its B- is dropped. Three inputs are read: CofeNet's JSON lines (`tokens`, `labels`), a folder of brat `.ann` files with
their texts, and a folder of `NN.txt` with `NN.json` (`data/articles/gold`).
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from stance.errors import InputError
from stance.quotes import Extractor, extract_many
from stance.quotes.attribution import instances, tagged_spans
from stance.quotes.cofenet import read_instances
from stance.quotes.layout import laid_out
from stance.quotes.tagger import KINDS, Span, Tagger, load_tagger, spans
from stance.records import Quote

Marked = tuple[str, int, int, int]
"""(kind, instance or article, start, end)."""


@dataclass(frozen=True, slots=True)
class Attribution:
    """A gold attribution: spans in characters of its article, the canonical speaker where it is known."""

    content: tuple[Span, ...]
    cue: tuple[Span, ...]
    source: tuple[Span, ...]
    form: str
    speaker: str | None = None


def precision_recall_f1(gold: int, found: int, right: int) -> dict[str, float | None]:
    """Three shares from 0 to 1; None where one is undefined.

    Example:
        >>> precision_recall_f1(4, 2, 1)
        {'precision': 0.5, 'recall': 0.25, 'f1': 0.3333333333333333}
    """
    return {
        "precision": right / found if found else None,
        "recall": right / gold if gold else None,
        "f1": 2 * right / (gold + found) if gold + found else None,
    }


def score_spans(gold: set[Marked], found: set[Marked]) -> dict[str, Any]:
    """Exact spans by kind: source, cue and content, each {precision, recall, f1}."""
    out = {}
    for kind in KINDS:
        want, have = ({s for s in side if s[0] == kind} for side in (gold, found))
        out[kind] = precision_recall_f1(len(want), len(have), len(want & have))
    return out


_SPANS = re.compile(r"\d+ \d+(?:;\d+ \d+)*")


def read_brat(folder: Path) -> Iterator[tuple[str, list[Attribution]]]:
    """(text, attributions) of each article; of several annotators the first by file name counts.

    Args:
        folder: `.ann` files, and `.txt` files beside them or in a neighbouring folder.

    Raises:
        InputError: no annotations, an annotation without its text, or a line that cannot be read.
    """
    texts = {p.stem: p for p in sorted(folder.rglob("*.txt"))}
    done: set[str] = set()
    for path in sorted(folder.rglob("*.ann")):
        stem = path.stem if path.stem in texts else path.stem.rpartition("_")[0]
        if stem not in texts:
            raise InputError(f"{path}: no text {stem}.txt in {folder}.")
        if stem in done:
            continue
        done.add(stem)
        yield texts[stem].read_text("utf-8"), _attributions(path)
    if not done:
        raise InputError(f"{folder}: no .ann files and no NN.json with NN.txt.")


def _attributions(path: Path) -> list[Attribution]:
    parts: dict[str, tuple[Span, ...]] = {}
    events: list[dict[str, list[str]]] = []
    for number, line in enumerate(path.read_text("utf-8").splitlines(), start=1):
        fields = line.split("\t")
        if line.startswith("T"):
            where = _SPANS.search(fields[1]) if len(fields) > 1 else None
            if where is None:
                raise InputError(f"{path}, line {number}: no offsets in {line!r}.")
            numbers = [tuple(map(int, s.split())) for s in where.group().split(";")]
            parts[fields[0]] = tuple((a, b) for a, b in numbers)
        elif line.startswith("E") and len(fields) > 1:
            event: dict[str, list[str]] = {}
            for item in fields[1].split():
                role, _, key = item.partition(":")
                event.setdefault(role.rstrip("0123456789"), []).append(key)
            events.append(event)
    out = []
    for event in events:
        spans_of = {k: tuple(s for key in event.get(k, []) for s in parts.get(key, ())) for k in ("Content", "Cue", "Source")}
        if spans_of["Content"]:
            out.append(Attribution(spans_of["Content"], spans_of["Cue"], spans_of["Source"], "unknown"))
    return out


def read_gold(folder: Path) -> Iterator[tuple[str, list[Attribution]]]:
    """(text, attributions) of each `NN.txt` with its `NN.json`; see `data/articles/gold/README.md`.

    Raises:
        InputError: a quote whose text does not stand in its article.
    """
    for path in sorted(folder.glob("*.json")):
        text = path.with_suffix(".txt").read_text("utf-8")
        at, out = 0, []
        for number, quote in enumerate(json.loads(path.read_text("utf-8"))["quotes"], start=1):
            pieces = quote["text"] if isinstance(quote["text"], list) else [quote["text"]]
            content = []
            for piece in pieces:
                start = text.find(piece, at)
                start = start if start >= 0 else text.find(piece)
                if start < 0:
                    raise InputError(f"{path}, quote {number}: {piece!r} does not stand in the text.")
                content.append((start, start + len(piece)))
                at = start
            cue, source = (_nearest(text, quote.get(key), content[0]) for key in ("cue", "mention"))
            out.append(Attribution(tuple(content), cue, source, quote["form"], quote["speaker"]))
        yield text, out


def _nearest(text: str, words: str | None, to: Span) -> tuple[Span, ...]:
    """The occurrence of some words that is nearest to a span."""
    if not words:
        return ()
    found = [m.span() for m in re.finditer(re.escape(words), text)]
    return tuple(sorted(found, key=lambda s: max(s[0] - to[1], to[0] - s[1]))[:1])


def _characters(pieces: Sequence[Span]) -> set[int]:
    return {i for a, b in pieces for i in range(a, b)}


def _overlap(one: Sequence[Span], other: Sequence[Span]) -> float:
    """Characters in both over characters in either, 0 to 1."""
    a, b = _characters(one), _characters(other)
    return len(a & b) / len(a | b) if a and b else 0.0


def _touches(one: Sequence[Span], other: Sequence[Span]) -> bool:
    return any(a < d and c < b for a, b in one for c, d in other)


class _Links:
    """Counts over articles: contents matched at two overlaps, speakers right among the matched."""

    def __init__(self) -> None:
        self.gold = self.found = self.linked = 0
        self.matched = {0.3: 0, 0.8: 0}
        self.speaker = {0.3: 0, 0.8: 0}
        self.canonical = [0, 0]
        self.forms: dict[str, list[int]] = {}

    def add(self, gold: Sequence[Attribution], quotes: Sequence[Quote]) -> None:
        """One article."""
        self.gold += len(gold)
        self.found += len(quotes)
        free = list(quotes)
        for want in gold:
            form = self.forms.setdefault(want.form, [0, 0])
            form[0] += 1
            best = max(free, key=lambda q: _overlap(want.content, q.pieces), default=None)
            share = _overlap(want.content, best.pieces) if best else 0.0
            if best is None or share < 0.3:
                continue
            free.remove(best)
            form[1] += 1
            mention = [(best.mention_start, best.mention_end)] if best.mention_start is not None else []
            cue = [(best.cue_start, best.cue_end)] if best.cue_start is not None else []
            right = _touches(mention, want.source) or (not mention and not want.source)  # type: ignore[arg-type]
            self.linked += right and (_touches(cue, want.cue) or not want.cue)  # type: ignore[arg-type]
            for least in self.matched:
                if share >= least:
                    self.matched[least] += 1
                    self.speaker[least] += right
            if want.speaker is not None:
                self.canonical[1] += 1
                self.canonical[0] += _same_name(best.speaker, want.speaker)

    def report(self) -> dict[str, Any]:
        """The measures as plain values."""
        out: dict[str, Any] = {"quotes": {"gold": self.gold, "found": self.found}}
        for least, count in self.matched.items():
            name = f"content_overlap_{least}"
            out[name] = precision_recall_f1(self.gold, self.found, count)
            out[name]["speaker_right"] = self.speaker[least] / count if count else None
        out["linked"] = precision_recall_f1(self.gold, self.found, self.linked)
        out["recall_by_form"] = {k: right / n for k, (n, right) in sorted(self.forms.items())}
        if self.canonical[1]:
            out["canonical_speaker"] = {"accuracy": self.canonical[0] / self.canonical[1], "n": self.canonical[1]}
        return out


def _same_name(one: str | None, other: str | None) -> bool:
    """Equal but for case, an article and a possessive."""
    plain = [re.sub(r"^(?:the|an?) |['’]s$", "", (x or "").casefold().strip()) for x in (one, other)]
    return plain[0] == plain[1]


def evaluate_quotes(path: str | Path, *, extractor: Extractor = "tagger", tagger: Tagger | None = None) -> dict[str, Any]:
    """Score the extraction of quotes.

    Args:
        path: CofeNet's JSON lines, a folder of brat files, or a folder of `NN.txt` with `NN.json`.
        extractor: as in :func:`stance.extract_quotes`; JSON lines carry no text and are for the tagger only.
        tagger: instead of the embedded one.

    Returns:
        n, extractor, and source, cue, content with {precision, recall, f1}; where the input has links also
        content_overlap_0.3 and _0.8 (with speaker_right among the matched), linked (content, cue and source all
        overlap), recall_by_form, and canonical_speaker where the gold names speakers.

    Raises:
        InputError: nothing that can be read at the path.

    Example:
        >>> evaluate_quotes("polnear/test")["content"]["f1"]  # doctest: +SKIP
        0.7
    """
    path = Path(path)
    if not path.exists():
        raise InputError(f"{path}: no such file or folder.")
    if path.is_file():
        if extractor != "tagger":
            raise InputError(f"{path}: JSON lines carry words, no article; use a folder of brat files with the rules.")
        rows = read_instances(path)
        tags = (tagger or load_tagger()).tag([words for words, _ in rows])
        want = {(k, i, a, b) for i, (_, gold) in enumerate(rows) for k, a, b in spans(gold)}
        have = {(k, i, a, b) for i, found in enumerate(tags) for k, a, b in spans(found)}
        return {"n": len(rows), "extractor": extractor, **score_spans(want, have)}
    articles = list(read_gold(path) if any(path.glob("*.json")) else read_brat(path))
    want, have, links = set(), set(), _Links()
    found = extract_many([text for text, _ in articles], extractor=extractor)
    for number, ((text, gold), quotes) in enumerate(zip(articles, found, strict=True)):
        links.add(gold, quotes)
        for item in gold:
            for kind in KINDS:
                want |= {(kind, number, a, b) for a, b in getattr(item, kind)}
        if extractor == "tagger":
            have |= {(kind, number, *span) for kind, span in _raw_spans(text, tagger or load_tagger())}
        else:
            for quote in quotes:
                have |= {("content", number, a, b) for a, b in quote.pieces}
                for kind, a, b in (("cue", quote.cue_start, quote.cue_end), ("source", quote.mention_start, quote.mention_end)):
                    if a is not None and b is not None:
                        have.add((kind, number, a, b))
    return {"n": len(articles), "extractor": extractor, **score_spans(want, have), **links.report()}


def _raw_spans(text: str, tagger: Tagger) -> Iterator[tuple[str, Span]]:
    """The tagger's own spans, before any rule."""
    rows = []
    for block in laid_out(text):
        rows += list(instances(text, block))
    for words, tags in zip(rows, tagger.tag([[w for w, *_ in r] for r in rows]), strict=True):
        for kind, found in tagged_spans(words, tags).items():
            for span in found:
                yield kind, span
