"""Who speaks: mentions (names, pronouns, institutions) and their full name in this article. Unknown rather than wrong."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

_WORD = r"[A-ZÀ-ÖØ-Þ][\w’'-]*\w|[A-Z]\."
_NAME = re.compile(rf"(?:{_WORD})(?: (?:{_WORD}|de|van|von|der|al))*(?<! de)(?<! van)(?<! von)(?<! der)(?<! al)")
_PRONOUN = re.compile(r"\b(?:[Hh]e|[Ss]he|[Tt]hey)\b")
_ROLE = re.compile(
    r"\b[Tt]he (?:[\w-]+ ){0,3}?(?:minister|president|chief|secretary[ -]general|spokes(?:man|woman|person)|"
    r"ambassador|senator|chancellor|official|lawmaker|analyst|general|leader|premier|diplomat|envoy)\b"
)
_TITLES = frozenset(
    "President Prime Minister Foreign Defence Defense Secretary General Former US U.S. Russian Ukrainian German French "
    "Polish Hungarian British American Turkish Slovak Estonian Latvian Lithuanian Finnish Chancellor Senator "
    "Ambassador Spokesman Spokeswoman Mr Mrs Ms Dr Mr. Mrs. Ms. Dr. King Queen Deputy Chief Colonel Major Sir Premier "
    "Representative Congressman Chairman Chairwoman Director Professor European NATO Western The".split()
)
_NOT_SPEAKERS = frozenset(
    "Monday Tuesday Wednesday Thursday Friday Saturday Sunday January February March April May June July August "
    "September October November December In On At But And However Despite Regarding When While Although After Before "
    "If Since For Earlier Later It This That These Those His Her Their There Here As By With Also Yet Still Nobody "
    "No Meanwhile Asked According Speaking Instead Then Both Each A An I We You Our My".split()
)
_MALE, _FEMALE = "he", "she"


@dataclass(slots=True)
class Roster:
    """The people and institutions of one article, and who of them was named last.

    Args:
        full: surname to full name.
        roles: role ("nato secretary general") to full name, where the article says so.
    """

    full: dict[str, str]
    roles: dict[str, str] = field(default_factory=dict)
    last: str | None = None
    gender: dict[str, str] = field(default_factory=dict)

    def resolve(self, mention: str) -> str | None:
        """The canonical name of a mention; None for a pronoun or role that nobody fits."""
        low = mention.lower()
        if low in ("he", "she"):
            fits = self.last is not None and self.gender.get(self.last, low) == low
            if fits and self.last:
                self.gender[self.last] = low
            return self.last if fits else None
        if low == "they":
            return None
        if _ROLE.fullmatch(mention):
            role = low.removeprefix("the ")
            known = [name for key, name in self.roles.items() if key.endswith(role) or role.endswith(key)]
            return known[0] if len(set(known)) == 1 else mention
        name = strip_titles(mention)
        name = self.full.get(name.split()[-1], name) if name else mention
        if name in self.full.values():
            self.last = name
        return name


def strip_titles(name: str) -> str:
    """A name without titles, nationalities and possessors.

    Example:
        >>> strip_titles("Russian Foreign Minister Ilya Garin")
        'Ilya Garin'
    """
    words = name.split()
    while len(words) > 1 and (words[0] in _TITLES or words[0].endswith(("'s", "’s"))):
        words = words[1:]
    return " ".join(words)


def roster(text: str) -> Roster:
    """All full names of an article by surname, and the roles that stand in apposition to them.

    Args:
        text: the article.
    """
    full: dict[str, str] = {}
    for match in _NAME.finditer(text):
        words = re.sub(r"['’]s\b", "", strip_titles(match.group())).split()
        words = [w for w in words if w not in _TITLES and w not in _NOT_SPEAKERS]
        if 2 <= len(words) <= 3 and not any(w.isupper() and len(w) > 2 for w in words):
            full.setdefault(words[-1], " ".join(words))
    found = Roster(full)
    for name in set(full.values()):
        for apposition in re.finditer(re.escape(name) + r", (?:the |a |an )?([\w' -]{3,60}?)[,.]", text):
            role = apposition.group(1).lower()
            found.roles.setdefault(role, name)
            if "secretary general" in role:
                found.roles.setdefault(role.replace("secretary general", "chief"), name)
    return found


def mentions(text: str, start: int, end: int) -> list[tuple[int, int]]:
    """Spans of possible speakers in `text[start:end]`, in order, not overlapping.

    Args:
        text: the article.
        start, end: where to look.
    """
    spans: list[tuple[int, int]] = []
    for pattern in (_ROLE, _NAME, _PRONOUN):
        for match in pattern.finditer(text, start, end):
            a, b = match.span()
            words = match.group().split()
            while words and pattern is _NAME and words[0] in _NOT_SPEAKERS | {"The"}:
                a += len(words[0]) + 1
                words = words[1:]
            if words and words[0] not in ("He", "She", "They") and not (pattern is _NAME and a >= b):
                spans.append((a, b))
            elif pattern is _PRONOUN:
                spans.append((a, b))
    spans.sort(key=lambda s: (s[0], -s[1]))
    kept: list[tuple[int, int]] = []
    for span in spans:
        if not kept or span[0] >= kept[-1][1]:
            kept.append(span)
    return kept
