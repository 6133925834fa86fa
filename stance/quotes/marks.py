"""Quotation marks: which spans stand in them, and what of a span is content."""

from __future__ import annotations

import re

Span = tuple[int, int]

_CLOSERS = {"“": "”", '"': '"', "«": "»", "„": "“”", "‘": "’", "「": "」"}
_WORDS = re.compile(r"\w+")
_CLOSES = re.compile(r"(?<=[,.!?…])’")
_PARAGRAPH_START = re.compile(r"\s*\n\s*([“„«「])")


def marked_spans(text: str, start: int, end: int) -> list[Span]:
    """Spans in quotation marks, marks included; an apostrophe is no mark; an open span ends with its paragraph.

    A span stays open where it begins its paragraph, or where the next paragraph begins with the same mark.
    """
    spans: list[Span] = []
    open_at, closer = -1, ""
    for i in range(start, end):
        c = text[i]
        if open_at < 0:
            before = text[i - 1] if i > start else " "
            if c in _CLOSERS and (c not in "‘" or not before.isalnum()) and not (c == '"' and before.isalnum()):
                open_at, closer = i, _CLOSERS[c]
        elif c in closer:
            after = text[i + 1] if i + 1 < end else " "
            if c == "’" and (after.isalnum() or text[i - 1] == "s" and after == " " and _CLOSES.search(text, i + 1, end)):
                continue  # an apostrophe: "won’t", "the allies’ approval"
            spans.append((open_at, i + 1))
            open_at = -1
    if open_at >= 0 and text[open_at] in "“„«「":
        goes_on = _PARAGRAPH_START.match(text, end)
        if open_at == start or goes_on and goes_on.group(1) == text[open_at]:
            spans.append((open_at, end))
    return spans


def inner(text: str, span: Span) -> Span:
    """The content of a marked span, without marks, outer blanks and a closing comma."""
    a, b = span[0] + 1, span[1]
    if text[b - 1] in "”\"»“’」" and b - 1 >= a:
        b -= 1
    return trim(text, a, b, ", \t")


def trim(text: str, a: int, b: int, tail: str = " \t,;:") -> Span:
    """A span without blanks and loose punctuation at its edges."""
    while a < b and (text[a].isspace() or text[a] in ",;:—–-"):
        a += 1
    while b > a and (text[b - 1].isspace() or text[b - 1] in tail):
        b -= 1
    return a, b


def count_words(text: str, span: Span) -> int:
    """Number of words in a span."""
    return sum(1 for _ in _WORDS.finditer(text, *span))


def without_loose_mark(text: str, a: int, b: int) -> Span:
    """A span without an opening mark at its start that nothing in it closes.

    Example:
        >>> without_loose_mark("“so be it", 0, 9)
        (1, 9)
    """
    if a < b and text[a] in _CLOSERS and not any(c in _CLOSERS[text[a]] for c in text[a + 1 : b]):
        a += 1
    return a, b
