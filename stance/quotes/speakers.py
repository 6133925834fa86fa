"""Who speaks: a mention (name, title, pronoun, institution) to its canonical name in this article.

Unknown rather than wrong: a pronoun or a role that nobody fits gives no name.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Sequence
from itertools import islice

from stance.quotes.layout import Block
from stance.quotes.names import (
    ABBREVIATED,
    FEMININE,
    LIKE,
    MASCULINE,
    PEOPLES,
    PLAIN_DEMONYMS,
    ROLE_WORDS,
    UNNAMED,
    WORD,
    mentions,
)
from stance.quotes.people import MEN, RECENT, People, Person, Place

_PROPER_BODY = re.compile(
    r"[A-Z]\w+ (?:Council|Institute|Commission|Committee|Centre|Center|Union|Association|Ministry|Agency)\b"
)
_DOCUMENT_BY = re.compile(
    r"(?i)an? (?:[\w-]+ )?(?:survey|study|report|poll|commentary|statement|paper|review) by (?:the )?(.+?)(?: agency)?$"
)
_CUT = re.compile(
    r"(?<=\w) (?:published|leaked|distributed|released|issued|seen|obtained|posted|signed|written|sent|addressed)\b"
)
_KIND_AND_NAME = re.compile(r"(?:[Tt]he|[Aa]n?) .*?(\w+),? ((?:[A-Z][\w’'&-]*)(?: [A-Z][\w’'&-]*)*)$")
_PREPOSITIONS = frozenset("of by in to for at with from on and or as near behind".split())
_CALLED = re.compile(rf" (?:calling itself|named|called|known as) (?:the )?((?:{WORD})(?: (?:{WORD}))*)")
_ONE_OF_THEM = re.compile(r"(?i)one of (?:them|the \w+|those),? (an? .+?),?$")
_DOCUMENTS = frozenset("report survey study poll statement paper letter indictment document text draft article".split())
_BESIDE = re.compile(r"(\S+?)['’]s?\s+[a-z]")
_STRANGER = r"\b[Aa]n? (?:[\w-]+ ){{0,4}}{}\b(?: (?:of|in|from|at) [A-Z]\w+)?"


class Speakers:
    """Resolves the mentions of one article.

    Args:
        text: the article.
        layout: its blocks.
    """

    def __init__(self, text: str, layout: Sequence[Block]) -> None:
        self.text = text
        self.people = People(text, layout)
        self._nato = "NATO" in text
        self._spoke: list[Place] = []
        """Institutions and unnamed persons who spoke, in the order in which they were resolved."""

    def resolve(self, start: int, end: int, *, previous: str | None = None) -> str | None:
        """The canonical name of the mention `text[start:end]`.

        Args:
            start, end: the mention.
            previous: the speaker before, whom a pronoun means when nobody else was named since.

        Returns:
            A name; None for a pronoun that nobody fits.
        """
        name = self._name_of(start, end, previous)
        if name in self.people.persons and not self.people.in_quotation(start) and end - start > 3:
            self.people.meant(name, start)
        return name

    def _name_of(self, start: int, end: int, previous: str | None) -> str | None:
        mention = self.text[start:end]
        low = mention.lower().strip(" ,")
        if start in self.people.delayed and not self.people.named(mention):
            return self.people.delayed[start]
        if low in ("he", "she", "him", "her", "his", "himself", "herself"):
            return self._pronoun("he" if low[0] == "h" and low not in ("her", "herself") else "she", start, previous)
        if low.startswith(("who", "which")):
            return self._relative(low, start)
        if low in ("they", "them", "it", "that"):
            return self._it(start) if low == "it" else None
        person = self._choose(self.people.named(mention), mention, start)
        if person and not self._speaks_for(mention, person):
            return person.name
        if mention.isupper():
            chair = self._by_role(f"the {mention}", start) if low in ROLE_WORDS else None
            if name := chair or (self.people.initials.get(mention) if len(mention) > 1 else None):
                return name
        return self._by_role(mention, start) or self._described(low, start) or self._as_given(start, end)

    def _relative(self, low: str, at: int) -> str | None:
        """Whom "who", "which commissioned the poll" go on about: who or what was named right before."""
        who = next(self.people.before(at), None) if low.startswith("who") else None
        if who:
            return who[1] if at - who[0] < 80 else None
        i = bisect_left(self.people.institutions, (at, ""))
        return self.people.institutions[i - 1][1] if i and at - self.people.institutions[i - 1][0] < 80 else None

    def _it(self, at: int) -> str | None:
        """What "it" means: the body with which the sentence before begins, else the one that spoke or was named last."""
        here = self.people.sentence_at(at)
        if here > 0 and "\n" not in self.text[self.people.sentences[here - 1][1] : at]:
            begin = self.people.sentences[here - 1]
            first = next(iter(mentions(self.text, *begin)), None)
            if first and first[0] - begin[0] <= 4 and self.text[slice(*first)].lower() not in ("he", "she", "they", "it"):
                known = [(x, n) for x, n in self._spoke[-RECENT:] if first[0] - 4 <= x < first[1]]
                if known:
                    return known[0][1]
                if not self.people.named(self.text[slice(*first)]):
                    return self._as_given(*first)
        return self._last_other(at)

    def _described(self, low: str, at: int) -> str | None:
        """Whom "the Finn", "the 61-year-old", "the official" mean: an unnamed speaker of that kind, else who was named last."""
        words = low.split()
        if len(words) < 2 or words[0] != "the":
            return None
        kinds = {words[-1], *LIKE.get(words[-1], ())}
        for _, name in islice(reversed(self._spoke), RECENT):
            if re.match(r"an? ", name) and kinds & set(re.split(r" (?:of|from|in|who|with|at) |,", name)[0].split()):
                return name
        people = words[1].title() in PLAIN_DEMONYMS or words[1] in PEOPLES
        if len(words) == 2 and (people or re.fullmatch(r"\d+-year-old|\w+fielder", words[1])):
            before = list(self.people.before(at))
            names = {words[1], PEOPLES.get(words[1], "")} if people else set()
            of_it = [n for _, n in before if names & self.people.persons[n].roles]
            return next(iter(of_it or [n for _, n in before]), None)
        return None

    def _speaks_for(self, mention: str, person: Person) -> bool:
        """Whether the mention is somebody beside the person: "Rutte's office"."""
        beside = any(m.group(1).endswith(person.surname) for m in _BESIDE.finditer(mention))
        return beside and person.name not in mention.split(",")[-1]

    def _choose(self, known: Sequence[Person], mention: str, at: int) -> Person | None:
        """One of several persons of a name: by gender of the title, by role, by who was named last."""
        if len(known) < 2:
            return known[0] if known else None
        words = {ABBREVIATED.get(w, w) for w in (w.strip(".,").lower() for w in mention.split())}
        gender = "he" if words & MEN else "she" if words & {"mrs", "ms", "dame", "lady", "madame", "frau"} else None
        fits = [p for p in known if gender is None or p.gender in (gender, None)] or list(known)
        return max(fits, key=lambda p: (len(p.roles & words), self.people.last_place(p.name, at)))

    def _pronoun(self, gender: str, at: int, previous: str | None) -> str | None:
        """The person whom a pronoun means: named in its sentence before it, else the first one of the last sentence."""
        here = self.people.sentence_at(at)
        before = [(x, n) for x, n in self.people.before(at) if self.people.persons[n].gender in (gender, None)][::-1]
        unnamed = [(x, n) for x, n in self._spoke[-5:] if x < at and _is_person(n) and _gender_of(n) in (gender, None)]
        for i in range(here, max(-1, here - 6), -1):
            a, b = self.people.sentences[i]
            named = [(x, n) for x, n in before if a <= x < min(b, at)]
            strangers = [(x, n) for x, n in unnamed if a <= x < min(b, at)]
            if strangers and not (named and named[0][0] < strangers[0][0]):
                return strangers[0][1]
            if named:
                sure = [n for _, n in named if self.people.persons[n].gender == gender]
                if previous in (sure or [n for _, n in named]):
                    return previous
                return sure[0] if sure else named[0][1]
        if previous in self.people.persons and self.people.persons[previous].gender in (gender, None):
            return previous
        return next((n for _, n in reversed(before) if self.people.persons[n].gender == gender), None)

    def _by_role(self, mention: str, at: int) -> str | None:
        """The person whose role "the chancellor", "the alliance's chief" gives; of several the one named last."""
        low = mention.strip("*_ ,").lower()
        if not re.match(r"(?:the|his|her|its|their|[\w’' -]+['’]s) ", low) or _PROPER_BODY.search(mention):
            return None
        words = [w for w in re.findall(r"[\w-]+", low)[:6] if w not in ("the", "his", "her", "its", "their")]
        head = next((w for w in reversed(words) if w in ROLE_WORDS), words[-1] if words else "")
        if not head or head in _DOCUMENTS:
            return None
        return self._of_roles({head}, words, at) or self._stranger(head, at) or self._of_roles(LIKE.get(head, set()), words, at)

    def _of_roles(self, roles: set[str], words: list[str], at: int) -> str | None:
        """Who has one of some roles: with most of the words, then who was named last."""
        some = self.people.of_roles(roles, at)
        keys = [(len(set(words) & p.roles), self.people.last_place(p.name, at), p.name) for p in some]
        return max(keys)[2] if keys else None

    def _stranger(self, head: str, at: int) -> str | None:
        """Somebody without a name who was brought in a little before: "an EU official in Chisinau"."""
        if head not in UNNAMED:
            return None
        found = re.findall(_STRANGER.format(head), self.text[max(0, at - 300) : at])
        return found[-1][0].lower() + found[-1][1:] if found else None

    def _as_given(self, start: int, end: int) -> str:
        """An institution, place or unnamed person as the article has it, its full name where it was given before."""
        mention = self.text[start:end]
        plain = re.sub(r"[*_]", "", mention).strip(" ,")
        called = _CALLED.match(self.text, end)
        if called:
            return called.group(1)
        one = _ONE_OF_THEM.match(plain)
        plain = _CUT.split(one.group(1) if one else plain)[0]
        by = _DOCUMENT_BY.match(plain)
        plain = by.group(1) if by else plain
        kind = _KIND_AND_NAME.match(plain)
        if kind and kind.group(1).islower() and kind.group(1) not in _PREPOSITIONS:
            plain = kind.group(2)  # "the monitoring group WatchWord"
        if plain.lower() == "the alliance" and self._nato:
            plain = "NATO"
        head = re.split(r",| who | which | that ", plain)[0].strip()
        name = re.sub(r"^(?:[Tt]he|[Ii]ts|[Tt]heir) ", "", head)
        office = re.match(r"(?i)an? (.+?) (?:spokes\w+|representative|press officer)$", head)
        if office:
            name = re.sub(r"^(?:the) ", "", office.group(1))
        elif re.fullmatch(r"(?i)(?:an?|the|its) (?:spokes\w+|statement|press release)", head):
            name = self._last_other(start) or head
        elif head != name and name:
            name = self.people.full_name(name)
        if re.match(r"(?:A|An|One|Several|Some|Two|Three|Many|Other|Another) ", name):
            name = name[0].lower() + name[1:]
        name = name or mention
        self._spoke.append((start, name))
        if name.split():
            self.people.add_ending(name)
        return name

    def _last_other(self, at: int) -> str | None:
        """The institution that spoke or was named last before a place in the text."""
        i = bisect_left(self.people.institutions, (at, ""))
        named = self.people.institutions[max(0, i - 1) : i]
        spoke = [(x, n) for x, n in self._spoke[-5:] if x < at and not _is_person(n)]
        return max([*named, *spoke])[1] if named or spoke else None


def _head(description: str) -> str:
    return re.split(r" (?:of|from|in|who|with|at|on|for|to|close) |,", description)[0].split()[-1].lower()


def _is_person(description: str) -> bool:
    """Whether a description stands for one person without a name: "a former employee", "his lawyer".

    Example:
        >>> _is_person("a boy of seven"), _is_person("Foreign Office"), _is_person("a police report")
        (True, False, False)
    """
    words = description.lower().split()
    alone = bool(words) and words[0] in ("a", "an", "one", "another", "his", "her", "their", "its")
    return alone and len(words) > 1 and _head(description) in UNNAMED


def _gender_of(description: str) -> str | None:
    head = _head(description)
    she = head in FEMININE or head.endswith("woman") or head in ("girl", "nun")
    return "she" if she else "he" if head in MASCULINE or head.endswith("man") or head in ("boy", "monk") else None
