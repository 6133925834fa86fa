"""Who speaks: a mention (name, title, pronoun, institution) to its canonical name in this article.

People are read off the article itself: full names, the roles that stand beside them, the pronouns that follow them.
Unknown rather than wrong: a pronoun or a role that nobody fits gives no name.
"""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right, insort
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice

from stance.quotes.layout import Block
from stance.quotes.names import (
    ABBREVIATED,
    FEMININE,
    INSTITUTION,
    KIN,
    LIKE,
    MASCULINE,
    MEN_IN_A,
    NAME,
    NOT_SPEAKERS,
    PEOPLES,
    PLAIN_DEMONYMS,
    POSSESSIVE,
    ROLE_WORDS,
    TITLES,
    UNNAMED,
    WORD,
    is_title_word,
    mentions,
)

_APPOSITION = re.compile(r"\*{0,2}(?:, | \()(?:who (?:is|was|heads|leads) )?([^,.;:\n“\"]{3,80})")
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
_ABBREVIATION = re.compile(r"\b([A-Z][a-z]{1,4})\.(?= )")
_BETWEEN = re.compile(r"[,;(]|\b(?:of|for|to|and|by|with|from|in|on|at|than|about)\b|['’]s?\b")
_KIN = re.compile(rf"\b(?:[Hh]is|[Hh]er|[Tt]heir|[Oo]ur|\w+['’]s) (?:[\w-]+ )?({'|'.join(KIN)}),? ({WORD})(?=[,\s’'])(?! [A-Z])")
_LEDE = re.compile(rf"(?:The|An?) (?:[\w’'-]+ ){{0,4}}?({'|'.join(ROLE_WORDS)})\b", re.I)
_CALLED = re.compile(rf" (?:calling itself|named|called|known as) (?:the )?((?:{WORD})(?: (?:{WORD}))*)")
_ONE_OF_THEM = re.compile(r"(?i)one of (?:them|the \w+|those),? (an? .+?),?$")
_HONORIFIC = re.compile(rf"\b(Mr|Mrs|Ms|Miss|Sir|Dame|Lady|Lord|Madame|Monsieur|Herr|Frau)\.? (?:\w+ )?({WORD})")
_HE_OR_SHE = re.compile(r"\b(?:(he|his|him|himself)|(she|her|hers|herself))\b", re.I)
_MEN = frozenset({"mr", "sir", "lord", "monsieur", "herr"})
_DOCUMENTS = frozenset("report survey study poll statement paper letter indictment document text draft article".split())
_STRANGER = r"\b[Aa]n? (?:[\w-]+ ){{0,4}}{}\b(?: (?:of|in|from|at) [A-Z]\w+)?"
_SHARED = 20
"""A word in the names of more people than that names nobody."""
_RECENT = 200
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
    """The persons and institutions of one article.

    Args:
        text: the article.
        layout: its blocks.
    """

    def __init__(self, text: str, layout: Sequence[Block]) -> None:
        self.text = text
        self.persons: dict[str, Person] = {}
        self._by_word: dict[str, list[Person]] = {}
        self._by_role_word: dict[str, list[Person]] = {}
        self._institutions: list[Place] = []
        self._quoted = [m for block in layout for m in block.marked]
        self._starts = [a for a, _ in self._quoted]
        self._sentences = [s for block in layout for s in block.sentences]
        self._sentence_starts = [a for a, _ in self._sentences]
        self._named: list[Place] = []
        """Where persons are named or meant outside quotations, in order of place."""
        self._spoke: list[Place] = []
        """Institutions and unnamed persons who spoke, likewise."""
        self._delayed: dict[int, str] = {}
        self._collect(layout)
        self._genders()

    def _in_quotation(self, at: int) -> bool:
        i = bisect_right(self._starts, at) - 1
        return i >= 0 and self._quoted[i][0] < at < self._quoted[i][1] - 1

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
            around = self.text[max(0, match.start() - 4) : match.end()]
            the = len(words) > 1 and re.search(rf"\b[Tt]he {re.escape(words[0])}", around)  # "the North Atlantic Treaty"
            if len(words) > 1 and (the or INSTITUTION.search(name)):
                self._institutions.append((match.start(), name))
            elif 2 <= len(words) <= 5 and not is_title_word(words[-1]) and ("." not in words[0] or len(words) > 2):
                if not any(w.isupper() and len(w) > 2 or w in NOT_SPEAKERS for w in words):
                    self._add(name)
        for match in _KIN.finditer(self.text):
            if not is_title_word(match.group(2)) and not self.named(match.group(2)):
                kin = match.group(1)
                self._add(match.group(2), "he" if kin in MASCULINE else "she" if kin in FEMININE else None)
        for match in found:
            for person in self.named(match.group()):
                if not self._in_quotation(match.start()):
                    self._named.append((match.start(), person.name))
                if person.name in match.group():
                    at = match.start() + match.group().index(person.name)
                    self._roles_of(person, at, at + len(person.name))
        self._named = sorted(set(self._named))
        self._ledes(layout)
        for person in self.persons.values():
            for role in person.roles:
                self._by_role_word.setdefault(role, []).append(person)
        self._endings: dict[str, list[str]] = {}
        for _, name in self._institutions:
            self._ends_with(name)
        names = (*(n for _, n in self._institutions), *self.persons)
        self._initials = {"".join(w[0] for w in n.split()): n for n in reversed(names)}

    def _add(self, name: str, gender: str | None = None) -> None:
        if name not in self.persons:
            person = self.persons[name] = Person(name, gender)
            for word in {w.strip('"“”') for w in name.split()}:
                self._by_word.setdefault(word, []).append(person)
                if word != word.upper():
                    self._by_word.setdefault(word.upper(), []).append(person)

    def _ends_with(self, name: str) -> None:
        some = self._endings.setdefault(name.split()[-1].lower(), [])
        if name not in some:
            some.append(name)

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
            i = bisect_left(self._named, (other.start, ""))
            if lede and i < len(self._named) and self._named[i][0] == other.start:
                person = self.persons[self._named[i][1]]
                full = self.text.startswith(person.name, other.start)
                new = not any(name == person.name for _, name in self._named[:i])
                taken = any(lede.group(1).lower() in p.roles for p in self.persons.values() if p is not person)
                if full and new and not taken:
                    person.roles |= {w.lower() for w in re.findall(r"[\w-]+", lede.group())[1:]}
                    self._delayed[one.start] = person.name

    def _genders(self) -> None:
        """Pronouns between a person's mention and the next person's; then titles; then the first name's ending."""
        votes: dict[str, int] = {}
        named = self._named
        for i, (at, name) in enumerate(named):
            here = bisect_right(self._sentence_starts, at) - 1
            begin, end = self._sentences[here]
            around = named[max(0, i - 20) : i + 20]
            if any(begin <= other < end and n != name for other, n in around):
                continue  # two people in the sentence: its pronouns may be either's
            after = self._sentences[here + 1 : here + 2]
            stop = min(named[i + 1][0] if i + 1 < len(named) else len(self.text), after[0][1] if after else end)
            for nth, match in enumerate(_HE_OR_SHE.finditer(self.text, at, stop)):
                if not self._in_quotation(match.start()):
                    same = nth == 0 and "\n" not in self.text[at : match.start()]
                    votes[name] = votes.get(name, 0) + (1 if match.group(1) else -1) * (2 if same else 1)
        titles: dict[str, set[str]] = {}
        for match in _HONORIFIC.finditer(self.text):
            word = POSSESSIVE.sub("", match.group(2))
            titles.setdefault(word, set()).add("he" if match.group(1).lower() in _MEN else "she")
        for person in self.persons.values():
            told = titles.get(person.surname, set())
            if person.gender is None and len(told) == 1:
                shared = sum(p.surname == person.surname for p in self._by_word[person.surname.strip('"“”')]) > 1
                person.gender = None if shared else next(iter(told))
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
        words = {word.strip("\"“”") for *_, word in tokens}
        few = [some for w in words if len(some := self._by_word.get(w, [])) <= _SHARED]
        some = list({p.name: p for people in few for p in people}.values())
        known = [p for p in some if p.surname in words or mention.isupper() and p.surname.upper() in words]
        return known or [p for p in some if p.name.split()[0] in words or words & _nicknames(p.name)]

    def _before(self, at: int) -> Iterator[Place]:
        """Who was named before a place, the last one first."""
        i = bisect_left(self._named, (at, ""))
        return islice(reversed(self._named[max(0, i - _RECENT) : i]), _RECENT)

    def _last_place(self, name: str, at: int) -> int:
        return next((x for x, n in self._before(at) if n == name), -1)

    def resolve(self, start: int, end: int, *, previous: str | None = None) -> str | None:
        """The canonical name of the mention `text[start:end]`.

        Args:
            start, end: the mention.
            previous: the speaker before, whom a pronoun means when nobody else was named since.

        Returns:
            A name; None for a pronoun that nobody fits.
        """
        name = self._name_of(start, end, previous)
        if name in self.persons and not self._in_quotation(start) and end - start > 3:
            place = (start, name)
            i = bisect_left(self._named, place)
            if self._named[i : i + 1] != [place]:
                insort(self._named, place)  # who was meant here is who a later "he" may mean
        return name

    def _name_of(self, start: int, end: int, previous: str | None) -> str | None:
        mention = self.text[start:end]
        low = mention.lower().strip(" ,")
        if start in self._delayed and not self.named(mention):
            return self._delayed[start]
        if low in ("he", "she", "him", "her", "his", "himself", "herself"):
            return self._pronoun("he" if low[0] == "h" and low not in ("her", "herself") else "she", start, previous)
        if low.startswith(("who", "which")):
            return self._relative(low, start)
        if low in ("they", "them", "it", "that"):
            return self._it(start) if low == "it" else None
        person = self._choose(self.named(mention), mention, start)
        if person and not self._speaks_for(mention, person):
            return person.name
        if mention.isupper():
            chair = self._by_role(f"the {mention}", start) if low in ROLE_WORDS else None
            if name := chair or (self._initials.get(mention) if len(mention) > 1 else None):
                return name
        return self._by_role(mention, start) or self._described(low, start) or self._as_given(start, end)

    def _relative(self, low: str, at: int) -> str | None:
        """Whom "who", "which commissioned the poll" go on about: who or what was named right before."""
        who = next(self._before(at), None) if low.startswith("who") else None
        if who:
            return who[1] if at - who[0] < 80 else None
        i = bisect_left(self._institutions, (at, ""))
        return self._institutions[i - 1][1] if i and at - self._institutions[i - 1][0] < 80 else None

    def _it(self, at: int) -> str | None:
        """What "it" means: the body with which the sentence before begins, else the one that spoke or was named last."""
        here = bisect_right(self._sentence_starts, at) - 1
        if here > 0 and "\n" not in self.text[self._sentences[here - 1][1] : at]:
            begin = self._sentences[here - 1]
            first = next(iter(mentions(self.text, *begin)), None)
            if first and first[0] - begin[0] <= 4 and self.text[slice(*first)].lower() not in ("he", "she", "they", "it"):
                known = [(x, n) for x, n in self._spoke if first[0] - 4 <= x < first[1]]
                if known:
                    return known[0][1]
                if not self.named(self.text[slice(*first)]):
                    return self._as_given(*first)
        return self._last_other(at)

    def _described(self, low: str, at: int) -> str | None:
        """Whom "the Finn", "the 61-year-old", "the official" mean: an unnamed speaker of that kind, else who was named last."""
        words = low.split()
        if len(words) < 2 or words[0] != "the":
            return None
        kinds = {words[-1], *LIKE.get(words[-1], ())}
        for _, name in islice(reversed(self._spoke), _RECENT):
            if re.match(r"an? ", name) and kinds & set(re.split(r" (?:of|from|in|who|with|at) |,", name)[0].split()):
                return name
        people = words[1].title() in PLAIN_DEMONYMS or words[1] in PEOPLES
        if len(words) == 2 and (people or re.fullmatch(r"\d+-year-old|\w+fielder", words[1])):
            before = list(self._before(at))
            of_it = [n for _, n in before if {words[1], PEOPLES.get(words[1], "")} & self.persons[n].roles] if people else []
            return next(iter(of_it or [n for _, n in before]), None)
        return None

    def _speaks_for(self, mention: str, person: Person) -> bool:
        """Whether the mention is somebody beside the person: "Rutte's office"."""
        beside = re.search(rf"{re.escape(person.surname)}['’]s?\s+[a-z]", mention)
        return bool(beside) and person.name not in mention.split(",")[-1]

    def _choose(self, known: Sequence[Person], mention: str, at: int) -> Person | None:
        """One of several persons of a name: by gender of the title, by role, by who was named last."""
        if len(known) < 2:
            return known[0] if known else None
        words = {ABBREVIATED.get(w, w) for w in (w.strip(".,").lower() for w in mention.split())}
        gender = "he" if words & _MEN else "she" if words & {"mrs", "ms", "dame", "lady", "madame", "frau"} else None
        fits = [p for p in known if gender is None or p.gender in (gender, None)] or list(known)
        return max(fits, key=lambda p: (len(p.roles & words), self._last_place(p.name, at)))

    def _pronoun(self, gender: str, at: int, previous: str | None) -> str | None:
        """The person whom a pronoun means: named in its sentence before it, else the first one of the last sentence."""
        here = bisect_right(self._sentence_starts, at) - 1
        before = [(x, n) for x, n in self._before(at) if self.persons[n].gender in (gender, None)][::-1]
        unnamed = [(x, n) for x, n in self._spoke[-5:] if x < at and _is_person(n) and _gender_of(n) in (gender, None)]
        for i in range(here, max(-1, here - 6), -1):
            a, b = self._sentences[i]
            named = [(x, n) for x, n in before if a <= x < min(b, at)]
            strangers = [(x, n) for x, n in unnamed if a <= x < min(b, at)]
            if strangers and not (named and named[0][0] < strangers[0][0]):
                return strangers[0][1]
            if named:
                sure = [n for _, n in named if self.persons[n].gender == gender]
                if previous in (sure or [n for _, n in named]):
                    return previous
                return sure[0] if sure else named[0][1]
        if previous in self.persons and self.persons[previous].gender in (gender, None):
            return previous
        return next((n for _, n in reversed(before) if self.persons[n].gender == gender), None)

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
        some = {p.name: p for role in roles for p in self._by_role_word.get(role, ())}
        keys = [(len(set(words) & p.roles), self._last_place(p.name, at), p.name) for p in some.values()]
        return max(keys)[2] if keys else None

    def _stranger(self, head: str, at: int) -> str | None:
        """Somebody without a name who was brought in a little before: "an EU official in Chisinau"."""
        found = list(re.finditer(_STRANGER.format(head), self.text[max(0, at - 300) : at]))
        return found[-1].group()[0].lower() + found[-1].group()[1:] if found and head in UNNAMED else None

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
        if plain.lower() == "the alliance" and "NATO" in self.text:
            plain = "NATO"
        head = re.split(r",| who | which | that ", plain)[0].strip()
        name = re.sub(r"^(?:[Tt]he|[Ii]ts|[Tt]heir) ", "", head)
        office = re.match(r"(?i)an? (.+?) (?:spokes\w+|representative|press officer)$", head)
        if office:
            name = re.sub(r"^(?:the) ", "", office.group(1))
        elif re.fullmatch(r"(?i)(?:an?|the|its) (?:spokes\w+|statement|press release)", head):
            name = self._last_other(start) or head
        elif head != name and name:
            same = [n for n in self._endings.get(name.split()[-1].lower(), ()) if n.lower().endswith(f" {name.lower()}")]
            name = same[-1] if same else name
        if re.match(r"(?:A|An|One|Several|Some|Two|Three|Many|Other|Another) ", name):
            name = name[0].lower() + name[1:]
        name = name or mention
        self._spoke.append((start, name))
        if name.split():
            self._ends_with(name)
        return name

    def _last_other(self, at: int) -> str | None:
        """The institution that spoke or was named last before a place in the text."""
        i = bisect_left(self._institutions, (at, ""))
        named = self._institutions[max(0, i - 1) : i]
        spoke = [(x, n) for x, n in self._spoke[-5:] if x < at and not _is_person(n)]
        return max([*named, *spoke])[1] if named or spoke else None


def _nicknames(name: str) -> set[str]:
    return {w for quoted in re.findall(r"[\"“]([^\"”]+)[\"”]", name) for w in quoted.split() if w[0].isupper()}


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
