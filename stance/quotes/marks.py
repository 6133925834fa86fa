"""Quotation marks: which spans stand in them, and what of a span is content."""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from collections.abc import Sequence

Span = tuple[int, int]

_CLOSERS = {
    "“": "”", '"': '"', "«": "»", "»": "«", "‹": "›", "›": "‹", "„": "“”", "‚": "‘’", "‘": "’", "「": "」", "『": "』", "'": "'",
}  # fmt: skip
_CLOSING = frozenset("".join(_CLOSERS.values()))
_APOSTROPHES = "’'"
_WORDS = re.compile(r"\w+")
_CLOSES = re.compile(r"(?<=[,.!?…])[’']|[’'](?=[ ,.]|$)")
_PARAGRAPH_START = re.compile(r"[^\S\n]*\n\s*([“„«「\"])")


def marked_spans(text: str, start: int, end: int, *, continued: bool = False) -> list[Span]:
    """Spans in quotation marks, marks included; an apostrophe is no mark; an open span ends with its paragraph.

    A span stays open where the next paragraph begins with the same mark, else that mark is one too many; and where it
    begins a paragraph that is `continued`: the one before ended within a quotation.
    """
    spans: list[Span] = []
    open_at, closer = -1, ""
    last = max((m.start() for m in _CLOSES.finditer(text, start, end)), default=-1)  # of the single marks that may close
    for i in range(start, end):
        c = text[i]
        if open_at < 0:
            if c in _CLOSERS and _opens(text, i, start, end, last):
                open_at, closer = i, _CLOSERS[c]
        elif c in closer and not (c in _APOSTROPHES and _is_apostrophe(text, i, end, last)):
            spans.append((open_at, i + 1))
            open_at = -1
    if open_at >= 0 and text[open_at] in '“„«「"':
        goes_on = _PARAGRAPH_START.match(text, end)
        if continued and open_at == start or goes_on and goes_on.group(1) == text[open_at]:
            spans.append((open_at, end))
    return spans


def _opens(text: str, i: int, start: int, end: int, last: int) -> bool:
    """Whether a mark at i can open a quotation: not within or behind a word, and what can be an apostrophe must be closed."""
    before = text[i - 1] if i > start else " "
    after = text[i + 1] if i + 1 < end else " "
    if text[i] in '‘"':
        return not before.isalnum()
    if text[i] in "'»":
        clear = not before.isalnum() and before not in ".,!?" and not after.isspace()
        return clear and (text[i] == "»" or i < last)
    return True


def _is_apostrophe(text: str, i: int, end: int, last: int) -> bool:
    """Whether a closing single mark is none: "won’t", "the allies’ approval"."""
    after = text[i + 1] if i + 1 < end else " "
    return after.isalnum() or (text[i - 1] == "s" and after == " " and i < last)


def stays_open(text: str, marked: list[Span], end: int) -> bool:
    """Whether a paragraph that ends at `end` ends within a quotation, so that the next one goes on with it."""
    return bool(marked) and marked[-1][1] == end and text[end - 1] not in _CLOSING


def touching(marked: Sequence[Span], span: Span) -> Sequence[Span]:
    """Those of some spans, in order and apart, that share a character with a span.

    Example:
        >>> touching([(0, 5), (9, 12), (20, 30)], (4, 10))
        [(0, 5), (9, 12)]
    """
    first = bisect_right(marked, span[0], key=lambda m: m[1])
    return marked[first : bisect_left(marked, span[1], key=lambda m: m[0])]


def holding(marked: Sequence[Span], at: int) -> Span | None:
    """That of some spans, in order and apart, which holds a place."""
    return next(iter(touching(marked, (at, at + 1))), None)


def inner(text: str, span: Span) -> Span:
    """The content of a marked span, without marks, outer blanks and a closing comma."""
    a, b = span[0] + 1, span[1]
    if text[b - 1] in _CLOSING and b - 1 >= a:
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
    """A span without an opening mark at its start that nothing in it closes, or a closing one at its end likewise.

    Example:
        >>> without_loose_mark("“so be it", 0, 9), without_loose_mark("so be it,”", 0, 10)
        ((1, 9), (0, 8))
    """
    if a < b and text[a] in _CLOSERS and not any(c in _CLOSERS[text[a]] for c in text[a + 1 : b]):
        a += 1
    if a < b and text[b - 1] in "”»」』›" and not any(text[b - 1] in _CLOSERS.get(c, "") for c in text[a : b - 1]):
        a, b = trim(text, a, b - 1, ", ")
    return a, b


def is_title(content: str) -> bool:
    """Whether the words stand as in the title of a book or film: every long one with a capital, and no end of a sentence.

    Example:
        >>> is_title("The Long Way to the Door"), is_title("The door is open")
        (True, False)
    """
    long = [w for w in _WORDS.findall(content) if len(w) > 3]
    return len(long) > 1 and all(w[0].isupper() for w in long) and content[-1:] not in ".!?,"
