"""How an article is laid out: paragraphs with their quoted spans and sentences, read once and shared by all who look."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from stance.quotes.marks import Span, marked_spans, stays_open
from stance.text import paragraphs, sentences

HEADING = 300
"""A paragraph of this many characters is no heading, however it ends."""
LONGEST = 5_000
"""Characters of a block: what looks at pairs of spans within one stays linear in the article."""


@dataclass(frozen=True, slots=True)
class Block:
    """One paragraph of an article (a line that is not blank), or a part of one that is very long.

    Args:
        number: index of the paragraph in the article, from 0.
        start, end: its characters.
        marked: spans in quotation marks, marks included.
        sentences: (start, end) of each sentence; none ends within a marked span.
        open: it ends within a quotation, so that the next one goes on with it.
    """

    number: int
    start: int
    end: int
    marked: list[Span]
    sentences: list[Span]
    open: bool


def laid_out(text: str) -> list[Block]:
    """The blocks of a text, in order.

    Example:
        >>> [block] = laid_out("“No,” he said. She left.")
        >>> block.marked, block.sentences
        ([(0, 5)], [(0, 14), (15, 24)])
    """
    out: list[Block] = []
    for number, (a, b) in enumerate(paragraphs(text)):
        marked = marked_spans(text, a, b, continued=bool(out) and out[-1].open)
        whole = list(sentences(text, a, b, marked))
        if b - a <= LONGEST:
            out.append(Block(number, a, b, marked, whole, stays_open(text, marked, b)))
            continue
        at, some = 0, []
        pieces = [piece for s in whole for piece in _cut(text, s, marked)]
        for i, piece in enumerate(pieces):
            some.append(piece)
            if piece[1] - some[0][0] < LONGEST and i + 1 < len(pieces):
                continue
            begin = at
            while at < len(marked) and marked[at][0] < piece[1]:
                at += 1
            inside = marked[begin:at]
            out.append(Block(number, some[0][0], piece[1], inside, some, stays_open(text, inside, piece[1])))
            some = []
    return out


def _cut(text: str, sentence: Span, marked: list[Span]) -> Iterator[Span]:
    """A sentence; one that is longer than a block in pieces that end with a blank or a mark, and not inside marks."""
    a, b = sentence
    if b - a > LONGEST:
        for m in [m for m in marked if a <= m[0] < b] or [(i, i + 1) for i in range(a, b) if text[i] == " "]:
            if m[1] - a >= LONGEST and m[1] < b:
                yield a, m[1]
                a = m[1]
    if text[a:b].strip():
        yield a, b


def statements(text: str, layout: list[Block]) -> list[Block]:
    """The blocks that may state something: no heading, caption or byline, no teaser, and none that a scraper repeated."""
    out, seen = [], set()
    for i, block in enumerate(layout):
        body = text[block.start : block.end]
        ends = body[-1] in ".!?…:" or len(body) > HEADING
        if body not in seen and (block.marked or ends) and any(map(str.isalnum, body)):
            seen.add(body)
            if not _cut_short(body, [text[b.start : b.end] for b in layout[i + 1 : i + 4]]):
                out.append(block)
    return out


def _cut_short(body: str, later: list[str]) -> bool:
    """Whether a paragraph is the beginning of a later one, cut with "…": a teaser, as stands above an article.

    Example:
        >>> _cut_short("The door is open, Anna Holm said on…", ["By a reporter", "The door is open, Anna Holm said on Monday."])
        True
    """
    stem = body.rstrip(".… ")
    return body.endswith(("...", "…")) and len(stem) > 30 and any(other.startswith(stem) for other in later)
