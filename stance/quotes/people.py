"""Whom an article names: full names, the roles that stand beside them, the pronouns that follow them.

Everything is read off the article itself, once, before any quote is looked at.
"""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right, insort
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice, pairwise

from stance.quotes.layout import Block
from stance.quotes.marks import holding
from stance.quotes.names import (
    ABBREVIATED,
    FEMININE,
    INSTITUTION,
    KIN,
    MASCULINE,
    MEN_IN_A,
    NAME,
    NOT_SPEAKERS,
    POSSESSIVE,
    ROLE_WORDS,
    TITLES,
    WORD,
    is_title_word,
)

_APPOSITION = re.compile(r"\*{0,2}(?:, | \()(?:who (?:is|was|heads|leads) )?([^,.;:\n“\"]{3,80})")
_ABBREVIATION = re.compile(r"\b([A-Z][a-z]{1,4})\.(?= )")
_BETWEEN = re.compile(r"[,;(]|\b(?:of|for|to|and|by|with|from|in|on|at|than|about)\b|['’]s?\b")
_KIN = re.compile(rf"\b(?:[Hh]is|[Hh]er|[Tt]heir|[Oo]ur|\w+['’]s) (?:[\w-]+ )?({'|'.join(KIN)}),? ({WORD})(?=[,\s’'])(?! [A-Z])")
_LEDE = re.compile(rf"(?:The|An?) (?:[\w’'-]+ ){{0,4}}?({'|'.join(ROLE_WORDS)})\b", re.I)
_HONORIFIC = re.compile(rf"\b(Mr|Mrs|Ms|Miss|Sir|Dame|Lady|Lord|Madame|Monsieur|Herr|Frau)\.? (?:\w+ )?({WORD})")
_HE_OR_SHE = re.compile(r"\b(?:(he|his|him|himself)|(she|her|hers|herself))\b", re.I)
MEN = frozenset({"mr", "sir", "lord", "monsieur", "herr"})
"""Titles of men."""
_SHARED = 20
"""A word in the names, or a role, of more people than that names nobody."""
RECENT = 200
"""Mentions looked at behind a place; who was named longer ago is not meant."""

Place = tuple[int, str]


@dataclass(slots=True)
class Person:
    """Somebody whom the article names.

    Args:
        name: the canonical name.
        gender: "he", "she" or None.
        roles: words of the titles and appositions beside the name, in lower case.
    """

    name: str
    gender: str | None = None
    roles: set[str] = field(default_factory=set)

    @property
    def surname(self) -> str:
        """The last word of the name."""
        return self.name.split()[-1]


class People:
    """The persons and institutions of one article, and where they are named.

    Args:
        text: the article.
        layout: its blocks.
    """

    def __init__(self, text: str, layout: Sequence[Block]) -> None:
        self.text = text
        self.persons: dict[str, Person] = {}
        self._by_word: dict[str, list[Person]] = {}
        self._by_role_word: dict[str, list[Person]] = {}
        self.institutions: list[Place] = []
        self._quoted = [m for block in layout for m in block.marked]
        self.sentences = [s for block in layout for s in block.sentences]
        self._sentence_starts = [a for a, _ in self.sentences]
        self.places: list[Place] = []
        """Where persons are named or meant outside quotations, in order of place."""
        self.delayed: dict[int, str] = {}
        """Whom the role means with which a block begins, by where it starts: the next block names them."""
        self._collect(layout)
        self._genders()

    def in_quotation(self, at: int) -> bool:
        """Whether a place lies within quotation marks."""
        mark = holding(self._quoted, at)
        return mark is not None and mark[0] < at < mark[1] - 1

    def sentence_at(self, at: int) -> int:
        """Index of the sentence that holds a place, or of the last one before it."""
        return bisect_right(self._sentence_starts, at) - 1

    def _collect(self, layout: Sequence[Block]) -> None:
        """Full names first, then where the article refers to them by surname or first name."""
        found = list(NAME.finditer(self.text))
        for match in found:
            words = match.group().split()
            while words and words[0] in NOT_SPEAKERS | {"The"}:
                words = words[1:]
            last = max((i for i, w in enumerate(words) if is_title_word(w) and i < len(words) - 1), default=-1)
            if not INSTITUTION.search(" ".join(words)):
                words = words[last + 1 :]
            while words and is_title_word(words[0]) and not INSTITUTION.search(" ".join(words[1:])):
                words = words[1:]
            words[-1:] = [POSSESSIVE.sub("", w) for w in words[-1:]]
            name = " ".join(words)
            if len(words) > 1 and name.isupper():
                # a turn of a transcript, whose first one gives the full name; else a heading
                first = self.text[match.end() : match.end() + 40].split("\n")[0]
                if len(words) < 4 and re.match(r"(?:, [A-Z ]+)?:", first) and not any(is_title_word(w) for w in words):
                    self._add(name.title())
                continue
            around = self.text[max(0, match.start() - 4) : match.end()].split()
            # "the North Atlantic Treaty"
            the = len(words) > 1 and any(a in ("the", "The") and b == words[0] for a, b in pairwise(around))
            if len(words) > 1 and (the or INSTITUTION.search(name)):
                self.institutions.append((match.start(), name))
            elif 2 <= len(words) <= 5 and not is_title_word(words[-1]) and ("." not in words[0] or len(words) > 2):
                if not any(w.isupper() and len(w) > 2 or w in NOT_SPEAKERS for w in words):
                    self._add(name)
        for match in _KIN.finditer(self.text):
            if not is_title_word(match.group(2)) and not self.named(match.group(2)):
                kin = match.group(1)
                self._add(match.group(2), "he" if kin in MASCULINE else "she" if kin in FEMININE else None)
        for match in found:
            for person in self.named(match.group()):
                if not self.in_quotation(match.start()):
                    self.places.append((match.start(), person.name))
                if person.name in match.group():
                    at = match.start() + match.group().index(person.name)
                    self._roles_of(person, at, at + len(person.name))
        self.places = sorted(set(self.places))
        self._ledes(layout)
        for person in self.persons.values():
            for role in person.roles:
                self._by_role_word.setdefault(role, []).append(person)
        self._endings: dict[str, dict[str, None]] = {}
        for _, name in self.institutions:
            self.add_ending(name)
        names = (*(n for _, n in self.institutions), *self.persons)
        self.initials = {"".join(w[0] for w in n.split()): n for n in reversed(names)}

    def _add(self, name: str, gender: str | None = None) -> None:
        if name not in self.persons:
            person = self.persons[name] = Person(name, gender)
            for word in {w.strip('"“”') for w in name.split()}:
                self._by_word.setdefault(word, []).append(person)
                if word != word.upper():
                    self._by_word.setdefault(word.upper(), []).append(person)

    def add_ending(self, name: str) -> None:
        """Remember an institution by the last word of its name."""
        self._endings.setdefault(name.split()[-1].lower(), {})[name] = None

    def full_name(self, ending: str) -> str:
        """The institution brought in last whose name ends so: "Institute" after "Kestrel Institute"; else the ending."""
        some = reversed(self._endings.get(ending.split()[-1].lower(), {}))
        return next((n for n in islice(some, RECENT) if n.lower().endswith(f" {ending.lower()}")), ending)

    def _roles_of(self, person: Person, start: int, end: int) -> None:
        """The words before and behind the name that say what the person is."""
        before = _ABBREVIATION.sub(r"\1", self.text[max(0, start - 80) : start])
        before = re.split(r"[.,;:!?“”\"()\n]", before.rstrip(", *"))[-1]
        after = _APPOSITION.match(self.text, end)
        words = re.findall(r"[\w-]+", before)[-6:]
        others = [i for i, w in enumerate(words) if w in self._by_word and not is_title_word(w)]
        words = words[others[-1] + 1 :] if others else words
        words += re.findall(r"[\w-]+", after.group(1))[:8] if after else []
        low = [ABBREVIATED.get(w.lower(), w.lower()) for w in words]
        if any(w in ROLE_WORDS or w in TITLES for w in low):
            person.roles |= {w for w in low if len(w) > 1}
        first = before.split()[-1].lower() if before.split() else ""
        if first in MASCULINE | FEMININE:
            person.gender = "he" if first in MASCULINE else "she"

    def _ledes(self, layout: Sequence[Block]) -> None:
        """Delayed identification: a paragraph begins with a role, the next one with the person's full name.

        "A former minister was cleared on Monday." / "Anna Holm, 54, said …".
        """
        for one, other in zip(layout[:4], layout[1:4], strict=False):
            lede = _LEDE.match(self.text, one.start)
            i = bisect_left(self.places, (other.start, ""))
            if lede and i < len(self.places) and self.places[i][0] == other.start:
                person = self.persons[self.places[i][1]]
                full = self.text.startswith(person.name, other.start)
                new = not any(name == person.name for _, name in self.places[:i])
                taken = any(lede.group(1).lower() in p.roles for p in self.persons.values() if p is not person)
                if full and new and not taken:
                    person.roles |= {w.lower() for w in re.findall(r"[\w-]+", lede.group())[1:]}
                    self.delayed[one.start] = person.name

    def _genders(self) -> None:
        """Pronouns between a person's mention and the next person's; then titles; then the first name's ending."""
        votes: dict[str, int] = {}
        named = self.places
        for i, (at, name) in enumerate(named):
            here = self.sentence_at(at)
            begin, end = self.sentences[here]
            around = named[max(0, i - 20) : i + 20]
            if any(begin <= other < end and n != name for other, n in around):
                continue  # two people in the sentence: its pronouns may be either's
            after = self.sentences[here + 1 : here + 2]
            stop = min(named[i + 1][0] if i + 1 < len(named) else len(self.text), after[0][1] if after else end)
            for nth, match in enumerate(_HE_OR_SHE.finditer(self.text, at, stop)):
                if not self.in_quotation(match.start()):
                    same = nth == 0 and "\n" not in self.text[at : match.start()]
                    votes[name] = votes.get(name, 0) + (1 if match.group(1) else -1) * (2 if same else 1)
        titles: dict[str, set[str]] = {}
        for match in _HONORIFIC.finditer(self.text):
            word = POSSESSIVE.sub("", match.group(2))
            titles.setdefault(word, set()).add("he" if match.group(1).lower() in MEN else "she")
        surnames = Counter(person.surname for person in self.persons.values())
        for person in self.persons.values():
            told = titles.get(person.surname, set())
            if person.gender is None and len(told) == 1:
                person.gender = None if surnames[person.surname] > 1 else next(iter(told))
            if person.gender is None:
                first = person.name.split()[0].lower()
                guess = "she" if first.endswith("a") and first not in MEN_IN_A else None
                vote = votes.get(person.name, 0)
                person.gender = ("he" if vote > 0 else "she") if abs(vote) >= (3 if guess else 1) else guess

    def named(self, mention: str) -> list[Person]:
        """The persons that a mention names: by full name, else by surname, else by first name or nickname."""
        tokens = [(m.start(), m.end(), POSSESSIVE.sub("", m.group().strip("*_,()"))) for m in re.finditer(r"\S+", mention)]
        places = []
        for i, (start, _, _) in enumerate(tokens):
            for j in range(min(len(tokens), i + 8), i, -1):
                if person := self.persons.get(" ".join(word for *_, word in tokens[i:j])):
                    places.append((start, tokens[j - 1][1], person))
                    break
        if places:
            best = places[0]
            for other in places[1:]:
                if other[0] >= best[1] and not _BETWEEN.search(mention, best[1], other[0]):
                    best = other  # "Carrick Rovers manager Dougie McLeish"
            return [best[2]]
        words = {word.strip('"“”') for *_, word in tokens}
        few = [some for w in words if len(some := self._by_word.get(w, [])) <= _SHARED]
        some = list({p.name: p for people in few for p in people}.values())
        known = [p for p in some if p.surname in words or mention.isupper() and p.surname.upper() in words]
        return known or [p for p in some if p.name.split()[0] in words or words & _nicknames(p.name)]

    def before(self, at: int) -> Iterator[Place]:
        """Who was named before a place, the last one first."""
        i = bisect_left(self.places, (at, ""))
        return islice(reversed(self.places[max(0, i - RECENT) : i]), RECENT)

    def last_place(self, name: str, at: int) -> int:
        """Where a person was named last before a place; -1 for nowhere near."""
        return next((x for x, n in self.before(at) if n == name), -1)

    def of_roles(self, roles: set[str], at: int) -> list[Person]:
        """Who has one of some roles: those named near before a place, and all others unless they are many."""
        near = {n for _, n in self.before(at) if roles & self.persons[n].roles}
        few = [some for role in roles if len(some := self._by_role_word.get(role, [])) <= _SHARED]
        return [self.persons[n] for n in sorted(near | {p.name for some in few for p in some})]

    def meant(self, name: str, at: int) -> None:
        """Note that a person was meant at a place, so that a later "he" may mean them."""
        place = (at, name)
        i = bisect_left(self.places, place)
        if self.places[i : i + 1] != [place]:
            insort(self.places, place)


def _nicknames(name: str) -> set[str]:
    return {w for quoted in re.findall(r"[\"“]([^\"”]+)[\"”]", name) for w in quoted.split() if w[0].isupper()}
