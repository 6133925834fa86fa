"""From the tagger's spans to attributions: contents snap to quotation marks, and content -> nearest cue -> nearest source.

What the tagger missed is added where quotation marks show it; a floating quotation inherits its speaker.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from stance.quotes.assemble import Assembler
from stance.quotes.marks import Span, count_words, inner, is_title, marked_spans, stays_open, trim
from stance.quotes.speakers import mentions
from stance.quotes.tagger import KINDS, MAX_WORDS, Tagger, spans, words_of
from stance.records import Quote
from stance.text import paragraphs, sentences

_FIRST_PERSON = frozenset({"i", "we", "me", "us"})
"""Inside a quotation these are its speaker, who is named outside."""
_SENTENCE_END = re.compile(r"[.!?]")
_STOP = re.compile(r"[,;:.]| (?:that|to|on|in|at|for) ")
_DASH = re.compile(r"\s*[—–-]+\s*")
_BY = re.compile(r" by ")
MISSED_WORDS = 6
"""A quotation of this many words outside every content is a statement that the tagger missed."""

Words = list[tuple[str, int, int]]


def instances(text: str, start: int, end: int, marked: Sequence[Span]) -> Iterator[Words]:
    """The words of a paragraph, in runs of at most `MAX_WORDS` that end with a sentence where they can."""
    run: Words = []
    for a, b in sentences(text, start, end, list(marked)):
        words = words_of(text, a, b, marked)
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


class _Paragraph:
    """One paragraph's spans, linked."""

    def __init__(self, text: str, number: int, start: int, end: int, marked: list[Span], found: dict[str, list[Span]]):
        self.text, self.number, self.marked = text, number, marked
        self.sentences = list(sentences(text, start, end, marked))
        self.sources = [s for s in found["source"] if text[slice(*s)].lower() not in _FIRST_PERSON]
        self.cues, self.tagged = found["cue"], found["content"]
        self.contents = self.snapped([*found["content"], *self.according()])

    def snapped(self, contents: list[Span]) -> list[Span]:
        """Contents whose edges do not cut a quotation, and the quotations that the tagger missed."""
        out: list[Span] = []
        long = [m for m in self.marked if count_words(self.text, m) >= MISSED_WORDS]
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
            found.add(pieces, source or self.behind(mark, cue), cue, at, self.number)

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


def extract(text: str, tagger: Tagger) -> list[Quote]:
    """The quotes of an article's text, in reading order."""
    found = Assembler(text)
    places: list[tuple[int, Span, list[Span]]] = []
    rows: list[tuple[int, Words]] = []
    seen: set[str] = set()
    for number, (start, end) in enumerate(paragraphs(text)):
        marked = marked_spans(text, start, end)
        body = text[start:end]
        if body in seen or (not marked and body[-1] not in ".!?…:"):
            continue  # repeated by a scraper; or a heading, caption or byline
        seen.add(body)
        places.append((number, (start, end), marked))
        rows += [(number, words) for words in instances(text, start, end, marked)]
    tags = tagger.tag([[w for w, *_ in words] for _, words in rows]) if rows else []
    spans_of: dict[int, dict[str, list[Span]]] = {n: {kind: [] for kind in KINDS} for n, *_ in places}
    for (number, words), row in zip(rows, tags, strict=True):
        for kind, some in tagged_spans(words, row).items():
            spans_of[number][kind] += some
    before, open_quote = -1, False
    for number, (start, end), marked in places:
        if found.turn(start, end, number):
            continue
        if number != before + 1 and not open_quote:
            found.previous = None
        count = len(found.quotes)
        _Paragraph(text, number, start, end, marked, spans_of[number]).into(found)
        before = number if len(found.quotes) > count else before
        open_quote = stays_open(text, marked, end)
    return sorted(found.quotes, key=lambda q: q.start)
