"""From the tagger's spans to attributions: contents snap to quotation marks, and content -> nearest cue -> nearest source.

What the tagger missed is added where quotation marks show it; a floating quotation inherits its speaker.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from stance.quotes.assemble import Assembler
from stance.quotes.marks import Span, count_words, inner, marked_spans, trim
from stance.quotes.tagger import MAX_WORDS, Tagger, spans, words_of
from stance.records import Quote
from stance.text import paragraphs, sentences

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


class _Paragraph:
    """One paragraph's spans, linked."""

    def __init__(self, text: str, number: int, start: int, end: int, marked: list[Span], found: dict[str, list[Span]]):
        self.text, self.number, self.marked = text, number, marked
        self.sentences = list(sentences(text, start, end, marked))
        self.sources, self.cues = found["source"], found["cue"]
        self.contents = self.snapped(found["content"])

    def snapped(self, contents: list[Span]) -> list[Span]:
        """Contents whose edges do not cut a quotation, and the quotations that the tagger missed."""
        out: list[Span] = []
        for a, b in contents:
            for m in self.marked:
                if m[0] < b and a < m[1] and any(m[0] < edge < m[1] for edge in (a, b)):
                    outside = any(m[0] < c[0] and c[1] < m[1] for c in self.cues)
                    a, b = (min(a, m[0]), max(b, m[1])) if not outside else (a, b)
            if out and a < out[-1][1]:
                out[-1] = (out[-1][0], max(b, out[-1][1]))
            else:
                out.append((a, b))
        for m in self.marked:
            free = not any(a < m[1] and m[0] < b for a, b in [*out, *self.sources, *self.cues])
            if free and count_words(self.text, m) >= MISSED_WORDS:
                out.append(m)
        return sorted(out)

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
        if self.text[a : a + 5].lower() == "that ":
            a += 5
        return [(a, b)]

    def into(self, found: Assembler) -> None:
        """Hand the paragraph's quotes to the assembler, in reading order."""
        last_cue: Span | None = None
        pending: list[Span] = []
        kept: list[tuple[list[Span], Span | None, Span | None, Span]] = []
        for content in self.contents:
            cue = self.nearest(content, self.cues)
            source = self.nearest(cue or content, self.sources)
            broken = pending and cue is not None and cue == last_cue and self.text[pending[-1][1] - 1] not in ".!?"
            if broken and pending[-1][1] <= cue[0] < content[0]:  # type: ignore[index]
                kept[-1] = ([*kept[-1][0], *self.clean(content)], source, cue, kept[-1][3])
            else:
                kept.append((self.clean(content), source, cue, self.sentence_of(content)))
            pending, last_cue = kept[-1][0], cue
        for pieces, source, cue, at in kept:
            marked = any(m[0] <= pieces[0][0] and pieces[-1][1] <= m[1] for m in self.marked)
            if source is None and cue is None and not marked:
                continue  # reported by nobody: the narrator's own words
            found.add(pieces, source, cue, at, self.number)


def extract(text: str, tagger: Tagger) -> list[Quote]:
    """The quotes of an article's text, in reading order."""
    found = Assembler(text)
    rows: list[tuple[int, Span, list[Span], Words]] = []
    seen: set[str] = set()
    for number, (start, end) in enumerate(paragraphs(text)):
        marked = marked_spans(text, start, end)
        body = text[start:end]
        if body in seen or (not marked and body[-1] not in ".!?…:"):
            continue  # repeated by a scraper; or a heading, caption or byline
        seen.add(body)
        rows += [(number, (start, end), marked, words) for words in instances(text, start, end, marked)]
    tags = tagger.tag([[w for w, *_ in words] for *_, words in rows]) if rows else []
    by_paragraph: dict[int, dict[str, list[Span]]] = {}
    for (number, _, _, words), row in zip(rows, tags, strict=True):
        kinds = by_paragraph.setdefault(number, {"source": [], "cue": [], "content": []})
        for kind, some in tagged_spans(words, row).items():
            kinds[kind] += some
    before, open_quote = -1, False
    for number, (start, end), marks in dict.fromkeys((n, s, tuple(m)) for n, s, m, _ in rows):
        marked = list(marks)
        if number != before + 1 and not open_quote:
            found.previous = None
        count = len(found.quotes)
        _Paragraph(text, number, start, end, marked, by_paragraph[number]).into(found)
        before = number if len(found.quotes) > count else before
        open_quote = bool(marked) and marked[-1][1] == end and text[end - 1] not in "”\"»」’"
    return sorted(found.quotes, key=lambda q: q.start)
