"""Spans become quotes: form, canonical speaker, flags, context; the same for every extractor."""

from __future__ import annotations

import re
from collections.abc import Sequence

from stance.quotes.marks import Span, count_words, marked_spans, without_loose_mark
from stance.quotes.speakers import People, mentions
from stance.records import Quote, QuoteForm
from stance.text import paragraphs, sentences

_NEGATED = re.compile(r"\b(?:did not|didn['’]t|does not|never|has not|had not) \w*\s*$")
_NOT = re.compile(r"\b(?:not|never)\b|n['’]t\b")
_IF = re.compile(r"\b[Ii]f (?:[\w’' -]{1,40})$")
_HEDGED = re.compile(r"\b(?:if|whether|may|might|could|would)\b[^,.;]{0,30}$", re.I)


def _repeats(content: str, earlier: str) -> bool:
    """Whether one of two contents is the beginning of the other, word by word; under six words nothing is."""
    one, other = ([w.casefold() for w in re.findall(r"\w+", x)] for x in (content, earlier))
    least = min(len(one), len(other))
    return content == earlier or (least >= 6 and one[:least] == other[:least])


_TURN = re.compile(r"(?:[A-Z][\w’'.-]+ ){1,3}[A-Z][\w’'-]+: (?=\w)|[A-Z][A-Z’'.-]+(?: [A-Z’'.-]{2,})*(?:, [A-Z]+)?: (?=\w)")
"""A turn of a transcript: a name and a colon at the start of a paragraph."""


class Assembler:
    """Collects the quotes of one article in reading order.

    Args:
        text: the article.
    """

    def __init__(self, text: str) -> None:
        self.text = text
        self.people = People(text)
        self.quotes: list[Quote] = []
        self.previous: Quote | None = None
        """The quote whose speaker a floating one inherits."""
        self._marked = [m for a, b in paragraphs(text) for m in marked_spans(text, a, b)]
        self._at = 0
        self._last: str | None = None

    def turn(self, start: int, end: int, paragraph: int) -> bool:
        """Keep a paragraph that is a turn of a transcript; whether it is one."""
        turn = _TURN.match(self.text, start, end)
        name = self.people.resolve(start, turn.end() - 2) if turn else None
        if turn is None or (self.text[start : turn.end() - 2].isupper() and name == self.text[start : turn.end() - 2]):
            return False  # "CLAIM: …", "PHOTO: …": capitals that name nobody
        self.add([(turn.end(), end)], (start, turn.end() - 2), None, (start, end), paragraph)
        return True

    def add(self, pieces: Sequence[Span], mention: Span | None, cue: Span | None, at: Span, paragraph: int) -> None:
        """Keep a quote; a content under two words, or one already kept, is none.

        Args:
            pieces: the content, without outer marks.
            mention: who speaks; the previous speaker when None.
            cue: the reporting words.
            at: the sentence around it.
            paragraph: its number.
        """
        text = self.text
        pieces = [p for p in (without_loose_mark(text, *p) for p in pieces) if p[0] < p[1]]
        if not pieces or sum(count_words(text, p) for p in pieces) < 2:
            return
        if any(q.start < pieces[-1][1] and pieces[0][0] < q.end for q in self.quotes[-3:]):
            return
        if cue and _IF.search(text, at[0], cue[0]) and (comma := text.find(", ", *pieces[0])) > 0:
            pieces = [(pieces[0][0], comma)]  # "if he says that …, they will …"
        content = " ".join(text[a:b] for a, b in pieces)
        if any(_repeats(content, q.text) for q in self.quotes[:3]):
            return  # a lede that the scraper repeated
        said_by = text[slice(*mention)] if mention else None
        if mention:
            speaker = self.people.resolve(*mention, previous=self._last)
        else:
            speaker = self.previous.speaker if self.previous else self._introduced(pieces[0][0])
        before = text[at[0] : cue[0]] if cue else ""
        quote = Quote(
            content,
            self._form(pieces),
            speaker,
            said_by,
            text[slice(*cue)] if cue else None,
            pieces[0][0],
            pieces[-1][1],
            cue_start=cue[0] if cue else None,
            cue_end=cue[1] if cue else None,
            mention_start=mention[0] if mention else None,
            mention_end=mention[1] if mention else None,
            context=text[slice(*at)],
            pieces=tuple(pieces),
            negated=bool(_NEGATED.search(before[-40:]) or (cue and _NOT.search(text, *cue))),
            hedged=bool(_HEDGED.search(before[-60:])),
            paragraph=paragraph,
        )
        self.quotes.append(quote)
        self.previous = quote
        self._last = speaker or self._last

    def _introduced(self, start: int) -> str | None:
        """Whom the words before a quotation bring on: "Maria Lund, a doctor, said:", or the person with whom they begin."""
        before = self.text[:start].rstrip(" \n\t“„«‘'\"「")
        colon = before.endswith(":")
        if not before or (not colon and "\n" in self.text[len(before) : start]):
            return None
        begin = before.rfind("\n", 0, len(before)) + 1
        last = [s for s in sentences(before, begin, len(before), marked_spans(before, begin, len(before)))][-1:]
        named = mentions(self.text, *last[0]) if last else []
        if not named or (not colon and named[0][0] > last[0][0]):
            return None
        names = [self.people.resolve(*m, previous=self._last) for m in named]
        persons = [n for n in names if n in self.people.persons]
        return persons[0] if persons else names[0] if colon else None

    def _form(self, pieces: Sequence[Span]) -> QuoteForm:
        """Direct when all of it stands in marks, mixed when some does."""
        while self._at < len(self._marked) and self._marked[self._at][1] < pieces[0][0] - 2000:
            self._at += 1
        near = []
        for m in self._marked[self._at :]:
            if m[0] > pieces[-1][1]:
                break
            near.append(m)
        if all(any(m[0] <= a and b <= m[1] for m in near) for a, b in pieces):
            return "direct"
        touched = any(m[0] < b and a < m[1] for m in near for a, b in pieces)
        return "mixed" if touched else "indirect"
