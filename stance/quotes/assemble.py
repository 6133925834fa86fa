"""Spans become quotes: form, canonical speaker, flags, context; the same for every extractor."""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from collections import Counter
from collections.abc import Sequence

from stance.quotes.layout import Block, laid_out, statements
from stance.quotes.marks import Span, count_words, touching, without_loose_mark
from stance.quotes.names import ROLE_WORDS, mentions
from stance.quotes.speakers import Speakers
from stance.records import Quote, QuoteForm

_NEGATED = re.compile(r"\b(?:did not|didn['’]t|does not|never|has not|had not) \w*\s*$")
_NOT = re.compile(r"\b(?:not|never)\b|n['’]t\b")
_IF = re.compile(r"\b[Ii]f (?:[\w’' -]{1,40})$")
_HEDGED = re.compile(r"\b(?:if|whether|may|might|could|would)\b[^,.;]{0,30}$", re.I)


def _repeats(one: list[str], other: list[str]) -> bool:
    """Whether one of two contents is the beginning of the other, word by word; under six words they must be alike."""
    least = min(len(one), len(other))
    return one == other or (least >= 6 and one[:least] == other[:least])


_LABEL = re.compile(r"([A-Z][\w’'.-]*(?: [\w’'.-]+){0,3}?)(?:, [A-Z]+)?: (?=\w)")
"""What may be a turn of a transcript: up to four words and a colon at the start of a paragraph."""
_FULL_NAME = re.compile(r"(?:[A-Z][\w’'.-]+ ){1,3}[A-Z][\w’'-]+")
_NO_NAMES = frozenset(
    "claim fact verdict rating note update photo photos image picture pictured caption source sources read watch listen related "
    "question answer example result background correction context warning myth conclusion more also".split()
)
"""Labels that name nobody."""


class Assembler:
    """Collects the quotes of one article in reading order.

    Args:
        text: the article.
    """

    def __init__(self, text: str) -> None:
        self.text = text
        self.layout = laid_out(text)
        self.statements = statements(text, self.layout)
        self.speakers = Speakers(text, self.layout)
        self.quotes: list[Quote] = []
        self._first: list[list[str]] = []
        """The words of the first three."""
        self.previous: Quote | None = None
        """The quote whose speaker a floating one inherits."""
        self._marked = [m for block in self.layout for m in block.marked]
        self._last: str | None = None
        self.turns = self._turns()
        """Where the name of each turn of a transcript ends, by where its block starts."""

    def _turns(self) -> dict[int, int]:
        """Blocks that begin with a speaker and a colon: a full name, capitals that name somebody, or labels that recur."""
        labels = {}
        for block in self.statements:
            match = _LABEL.match(self.text, block.start, block.end)
            if match and match.group(1).split()[0].lower() not in _NO_NAMES:
                labels[block.start] = match
        times = Counter(m.group(1) for m in labels.values())
        transcript = len(labels) >= 4 and 2 * len(labels) >= len(self.statements) and max(times.values()) > 1
        return {start: m.end(1) for start, m in labels.items() if transcript or self._names(m.group(1))}

    def _names(self, label: str) -> bool:
        if label.isupper():  # "CLAIM: …", "PHOTO: …" are capitals that name nobody
            return bool(self.speakers.people.named(label)) or label.lower() in ROLE_WORDS
        return bool(_FULL_NAME.fullmatch(label))

    def turn(self, block: Block) -> bool:
        """Keep a block that is a turn of a transcript; whether it is one."""
        name_end = self.turns.get(block.start)
        if name_end is None:
            return False
        begin = self.text.index(": ", name_end) + 2
        self.add([(begin, block.end)], (block.start, name_end), None, (block.start, block.end), block.number)
        return True

    def add(
        self,
        pieces: Sequence[Span],
        mention: Span | None,
        cue: Span | None,
        at: Span,
        paragraph: int,
        confidence: float | None = None,
    ) -> None:
        """Keep a quote; a content under two words, or one already kept, is none.

        Args:
            pieces: the content, without outer marks.
            mention: who speaks; the previous speaker when None.
            cue: the reporting words.
            at: the sentence around it.
            paragraph: its number.
            confidence: 0 to 1, or None.
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
        words = re.findall(r"\w+", content.casefold())
        if any(_repeats(words, first) for first in self._first):
            return  # a lede that the scraper repeated
        self._first += [words] if len(self._first) < 3 else []
        said_by = text[slice(*mention)] if mention else None
        if mention:
            speaker = self.speakers.resolve(*mention, previous=self._last)
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
            confidence=confidence,
        )
        self.quotes.append(quote)
        self.previous = quote
        self._last = speaker or self._last

    def _introduced(self, start: int) -> str | None:
        """Whom the words before a quotation bring on: "Maria Lund, a doctor, said:", or the person with whom they begin."""
        end = start
        while end and self.text[end - 1] in " \n\t“„«‘'\"「":
            end -= 1
        colon = self.text[end - 1 : end] == ":"
        if not end or (not colon and "\n" in self.text[end:start]):
            return None
        i = bisect_right(self.layout, end - 1, key=lambda block: block.start) - 1
        sentences = self.layout[i].sentences
        begin, stop = sentences[max(0, bisect_left(sentences, (end, 0)) - 1)]
        named = mentions(self.text, begin, min(stop, end))
        if not named or (not colon and named[0][0] > begin):
            return None
        names = [self.speakers.resolve(*m, previous=self._last) for m in named]
        persons = [n for n in names if n in self.speakers.people.persons]
        return persons[0] if persons else names[0] if colon else None

    def _form(self, pieces: Sequence[Span]) -> QuoteForm:
        """Direct when all of it stands in marks, mixed when some does."""
        near = [(p, touching(self._marked, p)) for p in pieces]
        if all(any(m[0] <= a and b <= m[1] for m in marks) for (a, b), marks in near):
            return "direct"
        return "mixed" if any(marks for _, marks in near) else "indirect"
