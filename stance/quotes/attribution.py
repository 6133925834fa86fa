"""From the tagger's spans to attributions: contents snap to quotation marks, and content -> nearest cue -> nearest source.

What the tagger missed is added where quotation marks show it; a floating quotation inherits its speaker.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence

import numpy as np

from stance.quotes.assemble import Assembler
from stance.quotes.layout import Block
from stance.quotes.marks import Span, count_words, inner, is_title, trim
from stance.quotes.names import mentions
from stance.quotes.tagger import KINDS, MAX_WORDS, TAGS, Reading, Tagger, spans, words_of
from stance.records import Quote

_NO_SOURCES = frozenset({"i", "we", "me", "us", "nobody", "no one"})
"""Who is named outside: inside a quotation "I" is its speaker; and "nobody answered" is no answer."""
_SENTENCE_END = re.compile(r"[.!?]")
_STOP = re.compile(r"[,;:.]| (?:that|to|on|in|at|for) ")
_DASH = re.compile(r"\s*[—–-]+\s*")
_BY = re.compile(r" by ")
TOGETHER = 6000
"""Words after which the articles that wait are tagged."""
_ASKED = re.compile(r"(?i)(?:(?:^|\b(?:when|while|once) (?:\w+ly )?)asked|\b(?:was|were|been|being) (?:\w+ly )?(?:asked|told))$")
"""A question or answer given to somebody, which is no statement of theirs: "when asked whether …", "was told …"."""
MISSED_WORDS = 6
"""A quotation of this many words outside every content is a statement that the tagger missed."""

Words = list[tuple[str, int, int]]


def instances(text: str, block: Block) -> Iterator[Words]:
    """The words of a block, in runs of at most `MAX_WORDS` that end with a sentence where they can."""
    run: Words = []
    for a, b in block.sentences:
        words = words_of(text, a, b, block.marked)
        if run and len(run) + len(words) > MAX_WORDS:
            yield run
            run = []
        run += words
        while len(run) > MAX_WORDS:
            yield run[:MAX_WORDS]
            run = run[MAX_WORDS:]
    if run:
        yield run


def tagged_spans(words: Words, tags: Sequence[str]) -> dict[str, list[Span]]:
    """Character spans of each kind."""
    found: dict[str, list[Span]] = {"source": [], "cue": [], "content": []}
    for kind, i, j in spans(tags):
        found[kind].append((words[i][1], words[j - 1][2]))
    return found


def gap(one: Span, other: Span) -> int:
    """Characters between two spans; 0 when they touch or overlap."""
    return max(0, one[0] - other[1], other[0] - one[1])


def outside(span: Span, others: list[Span]) -> list[Span]:
    """Those of `others` that do not lie in a span: who is named in a quotation does not utter it."""
    return [o for o in others if not (span[0] <= o[0] and o[1] <= span[1])]


class _Read:
    """A block's words as the tagger read them."""

    def __init__(self, block: Block, runs: list[Words], readings: list[Reading]) -> None:
        self.block = block
        self.spans: dict[str, list[Span]] = {kind: [] for kind in KINDS}
        for words, reading in zip(runs, readings, strict=True):
            for kind, found in tagged_spans(words, reading.tags).items():
                self.spans[kind] += found
        self._starts = [a for words in runs for _, a, _ in words]
        self._shares = np.concatenate([r.shares for r in readings]) if readings else np.zeros((0, len(TAGS)))

    def probability(self, kind: str, pieces: Iterable[Span]) -> float | None:
        """Mean probability that the words of some pieces are of a kind; None where there are none."""
        words = [slice(bisect_left(self._starts, a), bisect_left(self._starts, b)) for a, b in pieces]
        shares = [self._shares[w, TAGS.index(f"B-{kind}")] + self._shares[w, TAGS.index(f"I-{kind}")] for w in words]
        known = np.concatenate(shares) if shares else np.zeros(0)
        return float(known.mean()) if len(known) else None


class _Paragraph:
    """One block's spans, linked."""

    def __init__(self, text: str, read: _Read, goes_on: bool):
        self.text, self.read, self.number, self.marked = text, read, read.block.number, read.block.marked
        self.sentences, found = read.block.sentences, read.spans
        self.sources = [s for s in found["source"] if text[slice(*s)].lower() not in _NO_SOURCES]
        self.cues, self.tagged = found["cue"], found["content"]
        self.goes_on = goes_on
        self.contents = self.snapped([*found["content"], *self.according()])

    def snapped(self, contents: list[Span]) -> list[Span]:
        """Contents whose edges do not cut a quotation, and the quotations that the tagger missed."""
        out: list[Span] = []
        long = [m for m in self.marked if count_words(self.text, m) >= MISSED_WORDS or self.continued(m)]
        told = [m for m in long if any(m[0] < c[0] and c[1] < m[1] for c in self.cues)]
        for a, b in contents:
            if any(m[0] < a and b < m[1] for m in told):
                continue  # what somebody in the quotation said is part of the quotation
            if count_words(self.text, (a, b)) < 2 and not any(m[0] <= a < m[1] for m in self.marked):
                continue  # the "it" of "it was announced that …"
            for m in self.marked:
                if m[0] < b and a < m[1] and any(m[0] < edge < m[1] for edge in (a, b)):
                    a, b = min(a, m[0]), max(b, m[1])
            if out and a < out[-1][1]:
                out[-1] = (out[-1][0], max(b, out[-1][1]))
            else:
                out.append((a, b))
        for m in long:
            taken = [*out, *outside(m, [*self.sources, *self.cues])]
            if not any(a < m[1] and m[0] < b for a, b in taken):
                out.append(m)
        return sorted(out)

    def continued(self, mark: Span) -> bool:
        """Whether a quotation goes on with that of the paragraph before, which nothing closed."""
        return self.goes_on and mark[0] == self.read.block.start

    def according(self) -> list[Span]:
        """What stands before an "according to" to which the tagger gave no content."""
        out = []
        for cue in self.cues:
            a, b = self.sentence_of(cue)
            content = trim(self.text, a, cue[0])
            free = not any(a <= c[0] < b for c in self.tagged)
            if self.text[slice(*cue)].lower().endswith("according to") and free and count_words(self.text, content) > 2:
                out.append(content)
        return out

    def sentence_of(self, span: Span) -> Span:
        """The sentence that holds the span's start."""
        return next((s for s in self.sentences if s[0] <= span[0] < s[1]), span)

    def nearest(self, span: Span, others: list[Span]) -> Span | None:
        """The nearest of `others`, first within the span's sentence, else beside it when a quotation stands there."""
        home = self.sentence_of(span)
        inside = [o for o in others if home[0] <= o[0] < home[1]]
        if inside:
            return min(inside, key=lambda o: gap(span, o))
        near = [o for o in others if gap(span, o) <= 3]
        return min(near, key=lambda o: gap(span, o)) if near else None

    def clean(self, span: Span) -> list[Span]:
        """The content alone: no marks around it, no conjunction before it."""
        for m in self.marked:
            if abs(m[0] - span[0]) <= 1 and abs(m[1] - span[1]) <= 2:
                return [inner(self.text, m)]
        a, b = trim(self.text, *span)
        if not any(m[0] < b and a < m[1] for m in self.marked):
            b = min(b, self.sentence_of((a, b))[1])  # what stands in no marks ends with its sentence
        if self.text[a : a + 5].lower() == "that ":
            a += 5
        return [(a, b)]

    def into(self, found: Assembler) -> None:
        """Hand the paragraph's quotes to the assembler, in reading order."""
        last_cue: Span | None = None
        pending: list[Span] = []
        kept: list[tuple[list[Span], Span | None, Span | None, Span]] = []
        for content in self.contents:
            cue = self.nearest(content, outside(content, self.cues))
            source = self.nearest(cue or content, outside(content, self.sources))
            if source is None and cue is not None:
                source = self.behind(None, cue) or self.named_beside(cue, content)
            if cue is not None and _ASKED.search(self.text[self.sentence_of(cue)[0] : cue[1]]):
                continue
            if cue is not None and self.broken(pending, cue, last_cue, content):
                kept[-1] = ([*kept[-1][0], *self.clean(content)], source, cue, kept[-1][3])
            else:
                if kept and cue is not None and cue == last_cue and self.topic(pending, cue, content):
                    kept.pop()
                kept.append((self.clean(content), source, cue, self.sentence_of(content)))
            pending, last_cue = kept[-1][0], cue
        for pieces, source, cue, at in kept:
            mark = next((m for m in self.marked if m[0] <= pieces[0][0] and pieces[-1][1] <= m[1]), None)
            if source is None and cue is None and (mark is None or is_title(self.text[mark[0] + 1 : mark[1] - 1])):
                continue  # reported by nobody: the narrator's own words, or the title of a book
            source = source or self.behind(mark, cue)
            found.add(pieces, source, cue, at, self.number, self.confidence(pieces, cue, source))

    def confidence(self, pieces: list[Span], cue: Span | None, source: Span | None) -> float | None:
        """That of the least sure of content, cue and source."""
        parts = {"content": pieces, "cue": [cue] if cue else [], "source": [source] if source else []}
        known = [c for kind, some in parts.items() if (c := self.read.probability(kind, some)) is not None]
        return min(1.0, min(known)) if known else None

    def broken(self, pending: list[Span], cue: Span, last_cue: Span | None, content: Span) -> bool:
        """Whether a content goes on with the sentence that its attribution broke."""
        if not pending or cue != last_cue or not pending[-1][1] <= cue[0] < content[0]:
            return False
        if self.topic(pending, cue, content):
            return False
        return not _SENTENCE_END.search(self.text, pending[-1][1] - 1, pending[-1][1]) and not _SENTENCE_END.search(
            self.text, cue[1], content[0]
        )

    def topic(self, pending: list[Span], cue: Span, content: Span) -> bool:
        """Whether a content before the cue is only what it is about: "Regarding the talks, she said that …"."""
        marked = any(m[0] <= pending[0][0] < m[1] for m in self.marked)
        return not marked and pending[0][0] > self.sentence_of(cue)[0] and pending[-1][1] <= cue[0] < content[0]

    def named_beside(self, cue: Span, content: Span) -> Span | None:
        """A name that the tagger missed: right behind the cue ("says the minister"), else the nearest before it."""
        a, b = self.sentence_of(cue)
        marks = [m for m in self.marked if a <= m[0] < b]
        named = [n for n in mentions(self.text, a, b) if gap(n, content) and not any(m[0] <= n[0] < m[1] for m in marks)]
        behind = [n for n in named if 0 <= n[0] - cue[1] <= 25 and not _STOP.search(self.text, cue[1], n[0])]
        before = [n for n in named if n[1] <= cue[0] and not content[0] < n[0] < content[1]]
        return behind[0] if behind else before[-1] if before and cue[0] - before[-1][1] <= 40 else None

    def behind(self, mark: Span | None, cue: Span | None) -> Span | None:
        """A source that stands behind a dash after the quotation, or behind "by" after the cue."""
        place = _DASH.match(self.text, mark[1]) if mark else None
        place = place or (_BY.search(self.text, cue[0], cue[1] + 4) if cue else None)
        named = mentions(self.text, place.end(), min(len(self.text), place.end() + 80)) if place else []
        return named[0] if place and named and named[0][0] - place.end() <= 40 else None


class _Reading:
    """One article on its way: laid out, its words waiting for the tagger."""

    def __init__(self, text: str) -> None:
        self.found = Assembler(text)
        self.blocks = [b for b in self.found.statements if b.start not in self.found.turns]
        self.runs = [list(instances(text, block)) for block in self.blocks]

    def quotes(self, readings: Iterator[Reading]) -> list[Quote]:
        """The quotes, given what the tagger read in `runs`, in order."""
        found, before, open_quote = self.found, -1, False
        reads = {
            block.start: _Read(block, runs, [next(readings) for _ in runs])
            for block, runs in zip(self.blocks, self.runs, strict=True)
        }
        for block in found.statements:
            if found.turn(block):
                continue
            if block.number not in (before, before + 1) and not open_quote:
                found.previous = None
            count = len(found.quotes)
            _Paragraph(found.text, reads[block.start], open_quote).into(found)
            before = block.number if len(found.quotes) > count else before
            open_quote = block.open
        return sorted(found.quotes, key=lambda q: q.start)


def extract(texts: Iterable[str], tagger: Tagger) -> Iterator[list[Quote]]:
    """The quotes of each article's text, in reading order; the runs of several articles go through the tagger together.

    Args:
        texts: articles; read as needed, so that a stream of them takes little memory.
        tagger: the tagger.
    """
    waiting: list[_Reading] = []
    words = 0
    for text in texts:
        waiting.append(_Reading(text))
        words += sum(len(run) for runs in waiting[-1].runs for run in runs)
        if words >= TOGETHER:
            yield from _tagged(waiting, tagger)
            waiting, words = [], 0
    yield from _tagged(waiting, tagger)


def _tagged(some: list[_Reading], tagger: Tagger) -> Iterator[list[Quote]]:
    readings = iter(tagger.read([[w for w, *_ in run] for one in some for runs in one.runs for run in runs]))
    for one in some:
        yield one.quotes(readings)
