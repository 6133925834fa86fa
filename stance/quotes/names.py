"""What names look like: titles, roles, bodies, demonyms, and the spans of a text that may name a speaker."""

from __future__ import annotations

import re

WORD = r"[A-ZÀ-ÖØ-ÞĀ-Ž][\w’'-]*\w|[A-Z]\."
_PARTICLE = r"de|van|von|der|den|al|bin|du|della|ter|la|le"
_NICKNAME = r"[\"“][\w’' -]{2,20}[\"”]"
NAME = re.compile(rf"(?:{WORD})(?: (?:(?:{_PARTICLE}|{_NICKNAME}) ){{0,3}}(?:{WORD})){{0,11}}")
_PRONOUN = re.compile(r"\b(?:[Hh]e|[Ss]he|[Tt]hey)\b")
ROLE_WORDS = (
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
_SPEAKING = "|".join(word for word in (*ROLE_WORDS, *_BODIES) if word != "union")
_ROLE = re.compile(rf"\b(?:[Tt]he|[Aa]n?) (?:[\w’'-]+ ){{0,3}}?(?:secretary[ -]general|{_SPEAKING})\b")
TITLES = frozenset(
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
PLAIN_DEMONYMS = frozenset(
    "Dutch French German Greek Czech Swiss Polish Finnish Danish Swedish Turkish Spanish British Irish American Russian "
    "Ukrainian Belarusian Estonian Latvian Lithuanian Hungarian Romanian Bulgarian Serbian Croatian Slovak Slovene Slovenian "
    "Norwegian Icelandic Italian Portuguese Belgian Austrian Canadian Chinese Japanese Korean Indian Israeli Iranian Georgian "
    "Moldovan Armenian Kazakh Nordic Baltic European Maltese Cypriot Albanian Bosnian Macedonian Australian Mexican Brazilian "
    "Soviet Scottish Welsh English Flemish Finn Dane Swede Pole Briton Turk Spaniard Czechs".split()
)
INSTITUTION = re.compile(
    r"(?i)\b(?:ministry|commission|association|council|union|university|party|institute|army|office|court|police|department|"
    r"agency|committee|government|parliament|kremlin|pentagon|house|senate|congress|bundestag|duma|rada|sejm|alliance|nato|"
    r"bank|group|company|federation|foundation|centre|center|service|board|authority|forum|observatory|industries|club|"
    r"staff|command|district|embassy|delegation|campaigners|network|press|times|post|blatt|tribune|radio|television|tv|states?|member|physicians)\b"
)
NOT_SPEAKERS = frozenset(
    "Monday Tuesday Wednesday Thursday Friday Saturday Sunday January February March April May June July August "
    "September October November December In On At But And However Despite Regarding When While Although After Before "
    "If Since For Earlier Later It This That These Those His Her Their There Here As By With Also Yet Still Nobody "
    "No Nothing Everything Something Everybody Everyone Someone "
    "Meanwhile Asked According Speaking Instead Then Both Each A An I We You Our My Its One Two Three Several Some Many "
    "Most All Any Every Not Now Once Only Even So Such To From Of Or Nor Neither Either What Who Why How Where Whether "
    "Last Next Under Over During Until Among Between Against Without Within Across Back Just Perhaps Never Yes Retired".split()
)
MASCULINE = frozenset(
    "mr mr. sir lord king prince father brother spokesman chairman congressman pope cardinal bishop monsieur herr "
    "son husband uncle nephew grandfather widower boyfriend".split()
)
FEMININE = frozenset(
    "mrs mrs. ms ms. miss dame lady queen princess sister spokeswoman chairwoman congresswoman madame frau "
    "daughter wife mother aunt niece grandmother widow girlfriend".split()
)
KIN = (
    "son daughter husband wife father mother brother sister uncle aunt nephew niece cousin grandfather grandmother grandson "
    "granddaughter widow widower boyfriend girlfriend partner fiance fiancee friend neighbour neighbor colleague"
).split()
"""Who stands before a single name: "her daughter Sofia"."""
UNNAMED = frozenset(
    {*ROLE_WORDS, *KIN}
    | set(
        "man woman boy girl person resident employee worker witness aide source insider client reader viewer listener caller "
        "passenger survivor volunteer activist protester shopkeeper fisherman miner nun priest pupil tourist visitor "
        "refugee".split()
    )
)
"""Heads of a description that stands for one person without a name: "a former employee"."""
LIKE = {
    "diplomat": {"minister", "ambassador", "envoy", "secretary"},
    "lawmaker": {"mp", "senator", "congressman", "congresswoman", "representative", "deputy", "mep", "msp", "td", "councillor"},
    "politician": {"mp", "senator", "minister", "premier", "president", "chancellor", "mayor", "mep", "leader", "governor"},
    "soldier": {"sergeant", "colonel", "captain", "major", "lieutenant", "private", "corporal", "commander"},
    "officer": {"sergeant", "colonel", "captain", "major", "lieutenant", "general", "admiral", "commander"},
    "leader": {"president", "premier", "chancellor", "chief", "chairman", "chairwoman", "head"},
    "official": {"minister", "secretary", "commissioner", "director", "governor", "envoy"},
    "academic": {"professor", "historian", "economist", "researcher", "lecturer"},
    "chief": {"head", "general"},
    "premier": {"prime"},
}
"""Roles that a wider word may mean."""
ABBREVIATED = {
    "gen": "general", "brig": "brigadier", "sen": "senator", "rep": "representative", "gov": "governor", "col": "colonel",
    "lt": "lieutenant", "maj": "major", "sgt": "sergeant", "capt": "captain", "adm": "admiral", "prof": "professor",
    "dr": "doctor",
}  # fmt: skip
PEOPLES = {
    "finn": "finnish", "dane": "danish", "swede": "swedish", "pole": "polish", "briton": "british", "turk": "turkish",
    "spaniard": "spanish", "scot": "scottish", "czechs": "czech", "slovene": "slovenian", "serb": "serbian",
    "croat": "croatian", "dutchman": "dutch", "frenchman": "french", "frenchwoman": "french", "englishman": "english",
    "irishman": "irish", "welshman": "welsh", "texan": "texas",
}  # fmt: skip
"""One of a people, and the adjective of a title: "the Finn" may be the "Finnish president"."""
MEN_IN_A = frozenset(
    "ilya nikita luca luka joshua mustafa kostya sasha misha danila mykola mykyta illia ezra costa kuzma andrea vanya "
    "petya grisha seva zoltana noa attila elisha".split()
)
POSSESSIVE = re.compile(r"['’]s$")


def is_title_word(word: str) -> bool:
    """Whether a word before a name is a title, a role, a people or a possessive rather than part of the name."""
    plain = word.strip("*_,").lower()
    return plain in TITLES or word.strip("*_,") in PLAIN_DEMONYMS or plain in ROLE_WORDS or bool(POSSESSIVE.search(word))


_BODY = re.compile(rf"(?: [a-z][\w-]*){{0,3}}? (?:{'|'.join([*_BODIES, *ROLE_WORDS])})s?\b(?! [A-Z])")
_BODY_OF = re.compile(
    rf"(?:Ministry|Department|Association|University|Bank|Council|Institute|Office|House|Board|Court|Union|Federation|Chamber)"
    rf" (?:of|for) (?:the )?(?:{WORD})(?:(?:,| and| of| for)? (?:{WORD}))*"
)


def _whole(text: str, a: int, b: int, end: int) -> int:
    """Where a mention ends that begins with a state or its people: "Russia's defence ministry"."""
    last = text[a:b].split()[-1]
    if POSSESSIVE.search(last) or last in PLAIN_DEMONYMS:
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
    for pattern in (_BODY_OF, _ROLE, NAME, _PRONOUN):
        for match in pattern.finditer(text, start, end):
            a, b = match.span()
            words = match.group().split()
            while words and pattern is NAME and words[0] in NOT_SPEAKERS | {"The"}:
                a += len(words[0]) + 1
                words = words[1:]
            if words and words[0] not in ("He", "She", "They") and not (pattern is NAME and a >= b):
                spans.append((a, _whole(text, a, b, end) if pattern is NAME else b))
            elif pattern is _PRONOUN:
                spans.append((a, b))
    spans.sort(key=lambda s: (s[0], -s[1]))
    kept: list[tuple[int, int]] = []
    for span in spans:
        if not kept or span[0] >= kept[-1][1]:
            kept.append(span)
    return kept
