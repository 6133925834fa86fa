"""Paragraphs and sentences with their offsets: `text[start:end]` is always the piece itself."""

from __future__ import annotations

import re
from collections.abc import Iterator

_PARAGRAPH = re.compile(r"[^\n]+")
_END = re.compile(r"(?<![.!?…])[.!?…]++[\"”’»“']?(?=\s+[\"“„«‘'(]?[A-Z0-9]|\s*$)")
_ABBREVIATION = re.compile(r"(?:\b(?:Mr|Mrs|Ms|Dr|Gen|Col|Lt|Sen|Rep|Gov|St|No|vs|Prof)|\b[A-Z])\.$")


def paragraphs(text: str) -> Iterator[tuple[int, int]]:
    """(start, end) of each line that is not blank.

    Example:
        >>> list(paragraphs("One.\\n\\nTwo."))
        [(0, 4), (6, 10)]
    """
    for match in _PARAGRAPH.finditer(text):
        piece = match.group()
        if piece.strip():
            start = match.start() + len(piece) - len(piece.lstrip())
            yield start, start + len(piece.strip())


def sentences(text: str, start: int, end: int, closed: list[tuple[int, int]]) -> Iterator[tuple[int, int]]:
    """(start, end) of each sentence of `text[start:end]`; an end inside one of the `closed` spans does not count.

    Args:
        text: the article.
        start, end: the paragraph.
        closed: spans in quotation marks, marks included, in order.
    """
    begin, span = start, 0
    for match in _END.finditer(text, start, end):
        stop = match.end()
        while span < len(closed) and closed[span][1] < stop:
            span += 1
        inside = span < len(closed) and closed[span][0] < match.start() and stop < closed[span][1]
        # the window keeps the look-back short on a paragraph of any length
        if inside or _ABBREVIATION.search(text[max(begin, match.start() - 6) : match.start() + 1]):
            continue
        if text[begin:stop].strip():
            yield begin, stop
        begin = stop
        while begin < end and text[begin].isspace():
            begin += 1
    if text[begin:end].strip():
        yield begin, end
