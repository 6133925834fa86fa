"""Who speaks: mentions (names, titles, pronouns, institutions) and their canonical name in this article.

People are read off the article itself: full names, the roles that stand beside them, the pronouns that follow them.
Unknown rather than wrong: a pronoun or a role that nobody fits gives no name.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass, field

from stance.quotes.marks import marked_spans
from stance.text import paragraphs, sentences

_WORD = r"[A-ZÀ-ÖØ-ÞĀ-Ž][\w’'-]*\w|[A-Z]\."
_PARTICLE = r"de|van|von|der|den|al|bin|du|della|ter|la|le"
_NICKNAME = r"[\"“][\w’' -]{2,20}[\"”]"
_NAME = re.compile(rf"(?:{_WORD})(?: (?:(?:{_PARTICLE}|{_NICKNAME}) )*(?:{_WORD}))*")
_PRONOUN = re.compile(r"\b(?:[Hh]e|[Ss]he|[Tt]hey)\b")
_ROLE_WORDS = (
    "minister president chief secretary spokesman spokeswoman spokesperson ambassador senator chancellor official lawmaker "
    "analyst general leader premier diplomat envoy mayor judge prosecutor commissioner chairman chairwoman chair director "
    "professor historian economist mp deputy governor adviser advisor commander officer lawyer union rapporteur king queen "
    "soldier head editor bishop author candidate expert researcher colonel admiral negotiator delegate councillor counsel "
    "negotiators speaker founder executive veteran farmer teacher doctor nurse driver student pensioner owner captain sergeant"
).split()
_BODIES = (
    "ministry government embassy operator army navy parliament office mission delegation party council agency police court "
    "authorities intelligence service administration opposition commission union command headquarters"
).split()
_SPEAKING = "|".join(word for word in (*_ROLE_WORDS, *_BODIES) if word != "union")
_ROLE = re.compile(rf"\b(?:[Tt]he|[Aa]n?) (?:[\w’'-]+ ){{0,3}}?(?:secretary[ -]general|{_SPEAKING})\b")
_TITLES = frozenset(
    "president prime minister foreign defence defense secretary general former deputy chief vice acting interim retired late "
    "us u.s. uk eu nato chancellor senator ambassador spokesman spokeswoman spokesperson mr mrs ms dr mr. mrs. ms. dr. prof. "
    "professor king queen colonel major lieutenant captain sergeant admiral marshal sir dame lord lady premier representative "
    "congressman congresswoman chairman chairwoman chair director judge justice mayor governor lawmaker mp opposition leader "
    "father sister brother bishop archbishop cardinal pope rabbi imam analyst economist historian lawyer editor commissioner "
    "mep msp td madame monsieur herr frau skipper manager midfielder striker coach vice-admiral rear-admiral "
    "under-fire "
    "prince princess western the a an his her its their our this that labour conservative republican democratic democrat "
    "liberal green interior finance economy energy health justice agriculture transport speaker councillor driver "
    "gen. sen. rep. gov. col. lt. maj. sgt. capt. adm. st. police head party national".split()
)
_DEMONYM = re.compile(r"\w+(?:ian|ish|ese|ean|ch|an|ic|ev|i)$")
_PLAIN_DEMONYMS = frozenset(
    "Dutch French German Greek Czech Swiss Polish Finnish Danish Swedish Turkish Spanish British Irish American Russian "
    "Ukrainian Belarusian Estonian Latvian Lithuanian Hungarian Romanian Bulgarian Serbian Croatian Slovak Slovene Slovenian "
    "Norwegian Icelandic Italian Portuguese Belgian Austrian Canadian Chinese Japanese Korean Indian Israeli Iranian Georgian "
    "Moldovan Armenian Kazakh Nordic Baltic European Maltese Cypriot Albanian Bosnian Macedonian Australian Mexican Brazilian "
    "Soviet Scottish Welsh English Flemish Finn Dane Swede Pole Briton Turk Spaniard Czechs".split()
)
_INSTITUTION = re.compile(
    r"(?i)\b(?:ministry|commission|association|council|union|university|party|institute|army|office|court|police|department|"
    r"agency|committee|government|parliament|kremlin|pentagon|house|senate|congress|bundestag|duma|rada|sejm|alliance|nato|"
    r"bank|group|company|federation|foundation|centre|center|service|board|authority|forum|observatory|industries|club|"
    r"staff|command|district|embassy|delegation|campaigners|network|press|times|post|blatt|tribune|radio|television|tv|states?|member|physicians)\b"
)
_NOT_SPEAKERS = frozenset(
    "Monday Tuesday Wednesday Thursday Friday Saturday Sunday January February March April May June July August "
    "September October November December In On At But And However Despite Regarding When While Although After Before "
    "If Since For Earlier Later It This That These Those His Her Their There Here As By With Also Yet Still Nobody "
    "No Meanwhile Asked According Speaking Instead Then Both Each A An I We You Our My Its One Two Three Several Some Many "
    "Most All Any Every Not Now Once Only Even So Such To From Of Or Nor Neither Either What Who Why How Where Whether "
    "Last Next Under Over During Until Among Between Against Without Within Across Back Just Perhaps Never Yes Retired".split()
)
_MASCULINE = frozenset("mr mr. sir lord king prince father brother spokesman chairman congressman pope cardinal bishop".split())
_FEMININE = frozenset("mrs mrs. ms ms. dame lady queen princess sister spokeswoman chairwoman congresswoman".split())
_MEN_IN_A = frozenset(
    "ilya nikita luca luka joshua mustafa kostya sasha misha danila mykola mykyta illia ezra costa kuzma andrea vanya "
    "petya grisha seva zoltana noa attila elisha".split()
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
_POSSESSIVE = re.compile(r"['’]s$")


def _is_title(word: str) -> bool:
    plain = word.strip("*_,").lower()
    return plain in _TITLES or word.strip("*_,") in _PLAIN_DEMONYMS or plain in _ROLE_WORDS or bool(_POSSESSIVE.search(word))


@dataclass(slots=True)
class Person:
    """Somebody with a full name in the article.

    Args:
        name: the canonical name.
        at: where the article names them, outside quotations, ascending.
        gender: "he", "she" or None.
        roles: words of the titles and appositions beside the name, in lower case.
    """

    name: str
    at: list[int] = field(default_factory=list)
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
    """

    def __init__(self, text: str) -> None:
        self.text = text
        self.persons: dict[str, Person] = {}
        self.institutions: dict[str, list[int]] = {}
        self._quoted = [m for a, b in paragraphs(text) for m in marked_spans(text, a, b)]
        self._starts = [a for a, _ in self._quoted]
        self._sentences = [s for a, b in paragraphs(text) for s in sentences(text, a, b, marked_spans(text, a, b))]
        self._sentence_starts = [a for a, _ in self._sentences]
        self._others: list[tuple[int, str]] = []
        self._collect()
        self._genders()

    def _in_quotation(self, at: int) -> bool:
        i = bisect_right(self._starts, at) - 1
        return i >= 0 and self._quoted[i][0] < at < self._quoted[i][1] - 1

    def _collect(self) -> None:
        """Full names first, then where the article refers to them by surname or first name."""
        found = list(_NAME.finditer(self.text))
        for match in found:
            words = match.group().split()
            while words and words[0] in _NOT_SPEAKERS | {"The"}:
                words = words[1:]
            last = max((i for i, w in enumerate(words) if _is_title(w) and i < len(words) - 1), default=-1)
            if not _INSTITUTION.search(" ".join(words)):
                words = words[last + 1 :]
            while words and _is_title(words[0]) and not _INSTITUTION.search(" ".join(words[1:])):
                words = words[1:]
            words[-1:] = [_POSSESSIVE.sub("", w) for w in words[-1:]]
            name = " ".join(words)
            if len(words) > 1 and name.isupper():
                # a turn of a transcript, whose first one gives the full name; else a heading
                first = self.text[match.end() : match.end() + 40].split("\n")[0]
                if len(words) < 4 and re.match(r"(?:, [A-Z ]+)?:", first) and not any(_is_title(w) for w in words):
                    self.persons.setdefault(name.title(), Person(name.title()))
                continue
            if len(words) > 1 and _INSTITUTION.search(name):
                self.institutions.setdefault(name, []).append(match.start())
            elif 2 <= len(words) <= 5 and not _is_title(words[-1]) and ("." not in words[0] or len(words) > 2):
                if not any(w.isupper() and len(w) > 2 or w in _NOT_SPEAKERS for w in words):
                    self.persons.setdefault(name, Person(name))
        for match in found:
            for person in self.named(match.group()):
                if not self._in_quotation(match.start()):
                    person.at.append(match.start())
        for person in self.persons.values():
            self._roles_of(person)

    def _roles_of(self, person: Person) -> None:
        """The words before and behind the name that say what the person is."""
        for match in re.finditer(re.escape(person.name), self.text):
            before = re.split(r"[.,;:!?“”\"()\n]", self.text[max(0, match.start() - 80) : match.start()].rstrip(", *"))[-1]
            after = _APPOSITION.match(self.text, match.end())
            words = re.findall(r"[\w-]+", before)[-6:] + (re.findall(r"[\w-]+", after.group(1))[:8] if after else [])
            low = [w.lower() for w in words]
            if any(w in _ROLE_WORDS or w in _TITLES for w in low):
                person.roles |= {w for w in low if len(w) > 1}
            first = before.split()[-1].lower() if before.split() else ""
            if first in _MASCULINE | _FEMININE:
                person.gender = "he" if first in _MASCULINE else "she"

    def _genders(self) -> None:
        """Pronouns between a person's mention and the next person's; then titles; then the first name's ending."""
        mentions_ = sorted((at, p.name) for p in self.persons.values() for at in p.at)
        votes: dict[str, int] = {}
        for i, (at, name) in enumerate(mentions_):
            here = bisect_right(self._sentence_starts, at) - 1
            begin, end = self._sentences[here]
            if any(begin <= other < end and n != name for other, n in mentions_):
                continue  # two people in the sentence: its pronouns may be either's
            after = self._sentences[here + 1 : here + 2]
            stop = min(mentions_[i + 1][0] if i + 1 < len(mentions_) else len(self.text), after[0][1] if after else end)
            for match in re.finditer(r"\b(?:(he|his|him|himself)|(she|her|hers|herself))\b", self.text[at:stop], re.I):
                if not self._in_quotation(at + match.start()):
                    votes[name] = votes.get(name, 0) + (1 if match.group(1) else -1)
        for person in self.persons.values():
            surname = re.escape(person.surname)
            title = re.search(rf"\b(Mr|Mrs|Ms|Sir|Dame|Lady|Lord)\.? (?:\w+ )?{surname}\b", self.text)
            shared = sum(p.surname == person.surname for p in self.persons.values()) > 1
            if person.gender is None and title and not shared:
                person.gender = "he" if title.group(1) in ("Mr", "Sir", "Lord") else "she"
            if person.gender is None:
                first = person.name.split()[0].lower()
                guess = "she" if first.endswith("a") and first not in _MEN_IN_A else None
                vote = votes.get(person.name, 0)
                person.gender = ("he" if vote > 0 else "she") if abs(vote) >= (2 if guess else 1) else guess

    def named(self, mention: str) -> list[Person]:
        """The persons that a mention names: by full name, else by surname, else by first name."""
        full = [p for name, p in self.persons.items() if re.search(rf"(?<!\w){re.escape(name)}(?!\w)", mention)]
        if full:
            return sorted(full, key=lambda p: -len(p.name))[:1]
        words = {_POSSESSIVE.sub("", w.strip("*_,")) for w in mention.split()}
        known = [p for p in self.persons.values() if p.surname in words]
        if not known and mention.isupper():
            known = [p for p in self.persons.values() if p.surname.upper() in words]
        if not known:
            known = [p for p in self.persons.values() if p.name.split()[0] in words]
        return known

    def resolve(self, start: int, end: int, *, previous: str | None = None) -> str | None:
        """The canonical name of the mention `text[start:end]`.

        Args:
            start, end: the mention.
            previous: the speaker before, whom a pronoun means when nobody else was named since.

        Returns:
            A name; None for a pronoun that nobody fits.
        """
        mention = self.text[start:end]
        low = mention.lower().strip(" ,")
        if low in ("he", "she", "him", "her", "his", "himself", "herself"):
            return self._pronoun("he" if low[0] == "h" and low not in ("her", "herself") else "she", start, previous)
        if low in ("who", "which"):
            before = [(max(x for x in p.at if x < start), p.name) for p in self.persons.values() if any(x < start for x in p.at)]
            return max(before)[1] if before and start - max(before)[0] < 80 else None
        if low in ("they", "them", "it", "that"):
            return self._last_other(start) if low == "it" else None
        person = self._choose(self.named(mention), mention, start)
        if person and not self._speaks_for(mention, person):
            return person.name
        if mention.isupper():
            chair = self._by_role(f"the {mention}", start) if low in _ROLE_WORDS else None
            if name := chair or self._of_initials(mention):
                return name
        return self._by_role(mention, start) or self._described(low, start) or self._as_given(mention, start)

    def _of_initials(self, mention: str) -> str | None:
        """The name whose initials a mention is: "FR" for "Frontline Review"."""
        names = [n for n in (*self.institutions, *self.persons) if "".join(w[0] for w in n.split()) == mention]
        return names[0] if len(mention) > 1 and names else None

    def _described(self, low: str, at: int) -> str | None:
        """Whom "the Finn", "the 61-year-old", "the official" mean: an unnamed speaker of that kind, else who was named last."""
        words = low.split()
        if len(words) < 2 or words[0] != "the":
            return None
        kind = re.escape(words[-1])
        before = [n for x, n in self._others if x < at and re.match(rf"an? (?:[\w-]+ )*{kind}\b", n)]
        if before:
            return before[-1]
        if len(words) == 2 and (words[1].title() in _PLAIN_DEMONYMS or re.fullmatch(r"\d+-year-old|\w+fielder", words[1])):
            named = [(max(x for x in p.at if x < at), p.name) for p in self.persons.values() if any(x < at for x in p.at)]
            return max(named)[1] if named else None
        return None

    def _speaks_for(self, mention: str, person: Person) -> bool:
        """Whether the mention is somebody beside the person: "Rutte's office"."""
        beside = re.search(rf"{re.escape(person.surname)}['’]s?\s+[a-z]", mention)
        return bool(beside) and person.name not in mention.split(",")[-1]

    def _choose(self, known: Sequence[Person], mention: str, at: int) -> Person | None:
        """One of several persons of a name: by gender of the title, by role, by who was named last."""
        if len(known) < 2:
            return known[0] if known else None
        words = {w.strip(".,").lower() for w in mention.split()}
        gender = "he" if words & {"mr", "sir", "lord"} else "she" if words & {"mrs", "ms", "dame", "lady"} else None
        fits = [p for p in known if gender is None or p.gender in (gender, None)] or list(known)
        return max(fits, key=lambda p: (len(p.roles & words), max((x for x in p.at if x < at), default=-1)))

    def _pronoun(self, gender: str, at: int, previous: str | None) -> str | None:
        """The person whom a pronoun means: named in its sentence before it, else the first one of the last sentence."""
        here = bisect_right(self._sentence_starts, at) - 1
        fits = [p for p in self.persons.values() if p.gender in (gender, None)]
        for i in range(here, max(-1, here - 6), -1):
            a, b = self._sentences[i]
            named = sorted((x, p.name) for p in fits for x in p.at if a <= x < min(b, at))
            if named:
                sure = [n for _, n in named if self.persons[n].gender == gender]
                if previous in (sure or [n for _, n in named]):
                    return previous
                return sure[0] if sure else named[0][1]
        if previous in self.persons and self.persons[previous].gender in (gender, None):
            return previous
        earlier = sorted((max(x for x in p.at if x < at), p.name) for p in fits if any(x < at for x in p.at))
        sure = [n for _, n in earlier if self.persons[n].gender == gender]
        return sure[-1] if sure else None

    def _by_role(self, mention: str, at: int) -> str | None:
        """The person whose role "the chancellor", "the alliance's chief" gives; of several the one named last."""
        low = mention.strip("*_ ,").lower()
        if not re.match(r"(?:the|his|her|its|their|[\w’' -]+['’]s) ", low) or _PROPER_BODY.search(mention):
            return None
        words = [w for w in re.findall(r"[\w-]+", low)[:6] if w not in ("the", "his", "her", "its", "their")]
        heads = [w for w in words if w in _ROLE_WORDS] or words[-1:]
        same = {"chief": {"head", "general", "chief"}, "premier": {"prime", "premier"}}
        best: tuple[int, int, str] | None = None
        for person in self.persons.values():
            if not heads or not (same.get(heads[-1], {heads[-1]}) & person.roles):
                continue
            key = (len(set(words) & person.roles), max((x for x in person.at if x < at), default=-1), person.name)
            best = max(best, key) if best else key
        return best[2] if best else None

    def _as_given(self, mention: str, at: int) -> str:
        """An institution, place or unnamed person as the article has it, its full name where it was given before."""
        plain = re.sub(r"[*_]", "", mention).strip(" ,")
        plain = _CUT.split(plain)[0]
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
            name = self._last_other(at) or head
        elif head != name:
            longer = [n for n in self.institutions if n != name and n.endswith(f" {name}")]
            longer += [n for _, n in self._others if n != name and n.lower().endswith(f" {name.lower()}")]
            name = longer[-1] if longer else name
        if re.match(r"(?:A|An|One|Several|Some|Two|Three|Many|Other|Another) ", name):
            name = name[0].lower() + name[1:]
        self._others.append((at, name))
        return name or mention

    def _last_other(self, at: int) -> str | None:
        """The institution that spoke or was named last before a place in the text."""
        named = [(x, n) for n, places in self.institutions.items() for x in places if x < at]
        named += [(x, n) for x, n in self._others if x < at]
        return max(named)[1] if named else None


_BODY = re.compile(rf"(?: [a-z][\w-]*){{0,3}}? (?:{'|'.join([*_BODIES, *_ROLE_WORDS])})s?\b(?! [A-Z])")
_BODY_OF = re.compile(
    rf"(?:Ministry|Department|Association|University|Bank|Council|Institute|Office|House|Board|Court|Union|Federation|Chamber)"
    rf" (?:of|for) (?:the )?(?:{_WORD})(?:(?:,| and| of| for)? (?:{_WORD}))*"
)


def _whole(text: str, a: int, b: int, end: int) -> int:
    """Where a mention ends that begins with a state or its people: "Russia's defence ministry"."""
    last = text[a:b].split()[-1]
    if _POSSESSIVE.search(last) or last in _PLAIN_DEMONYMS:
        body = _BODY.match(text, b, end)
        return body.end() if body else b
    return b


def mentions(text: str, start: int, end: int) -> list[tuple[int, int]]:
    """Spans of possible speakers in `text[start:end]`, in order, not overlapping.

    Args:
        text: the article.
        start, end: where to look.
    """
    spans: list[tuple[int, int]] = []
    for pattern in (_BODY_OF, _ROLE, _NAME, _PRONOUN):
        for match in pattern.finditer(text, start, end):
            a, b = match.span()
            words = match.group().split()
            while words and pattern is _NAME and words[0] in _NOT_SPEAKERS | {"The"}:
                a += len(words[0]) + 1
                words = words[1:]
            if words and words[0] not in ("He", "She", "They") and not (pattern is _NAME and a >= b):
                spans.append((a, _whole(text, a, b, end) if pattern is _NAME else b))
            elif pattern is _PRONOUN:
                spans.append((a, b))
    spans.sort(key=lambda s: (s[0], -s[1]))
    kept: list[tuple[int, int]] = []
    for span in spans:
        if not kept or span[0] >= kept[-1][1]:
            kept.append(span)
    return kept
