"""Quotes by rule: marks, reporting verbs, clauses. The reporter's own frame is context, never content.

Every pass is linear in the text; offsets are those of the article as given.
"""

from __future__ import annotations

import re

from stance.quotes.assemble import Assembler
from stance.quotes.marks import count_words, holding, inner, is_title, touching, trim
from stance.quotes.names import mentions
from stance.records import Quote

Span = tuple[int, int]

_VERBS = (
    "said says say saying told tells stated declared declares remarked noted emphasized emphasised "
    "stressed stresses warned warns insisted insists argued argues claimed asserted asserts maintained maintains "
    "demanded added adds adding announced announces explained replied answered wrote writes reiterated "
    "repeated suggested concluded confirmed acknowledged admitted denied denies urged vowed pledged indicated "
    "cautioned affirmed reaffirmed assured mentioned countered called described recalled predicted believes continued"
).split()
_CUE = re.compile(rf"\b(?:(?:has|have|had) )?(?:\w+ly )?(?:{'|'.join(_VERBS)}|went on)\b")
_ACCORDING = re.compile(r"\b[Aa]ccording to\b")
_PASSIVE = re.compile(r"\b(?:was|were|is|are|been|be|being)(?: \w+)?\s*$")
_IMPERSONAL = re.compile(
    r"\b[Ii]t (?:was|has been|is) (?:\w+ly )?(?:announced|said|stated|confirmed|reported|added|explained|claimed)"
    r"(?: by (.{1,80}?))??(?: (?:on|in|at) [\w ]{1,40}?)? that "
)
_ASIDE = re.compile(r",[”\"]? (?:al)?though (?:he|she|they)\b")
_WORDS = re.compile(r"\w+")
MIN_QUOTED_WORDS = 4
"""A quoted span below this, without a reporting verb beside it, is a scare quote or a title."""


class _Extractor:
    """One walk over one article, paragraph by paragraph."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.found = Assembler(text)

    def run(self) -> list[Quote]:
        open_speaker = False
        for block in self.found.statements:
            if not open_speaker:
                self.found.previous = None
            if self.found.turn(block):
                continue
            for a, b in block.sentences:
                self.sentence(a, b, [m for m in touching(block.marked, (a, b)) if a <= m[0] and m[1] <= b + 1], block.number)
            open_speaker = block.open
        return self.found.quotes

    def sentence(self, a: int, b: int, marked: list[Span], n: int) -> None:
        """All statements of one sentence."""
        text = self.text

        def outside(i: int) -> bool:
            return holding(marked, i) is None

        names = [m for m in mentions(text, a, b) if outside(m[0])]
        marked = [m for m in marked if not any(n[0] < m[0] and m[1] <= n[1] for n in names)]  # nicknames
        impersonal = _IMPERSONAL.search(text, a, b)
        if impersonal and outside(impersonal.start()):
            by = impersonal.span(1) if impersonal.group(1) else None
            self.found.add([trim(text, impersonal.end(), b)], by, (impersonal.start(), impersonal.end()), (a, b), n)
            return
        according = next((m for m in _ACCORDING.finditer(text, a, b) if outside(m.start())), None)
        if according:
            self.according(a, b, according.span(), names, marked, n)
            return
        cues = [m.span() for m in _CUE.finditer(text, a, b) if outside(m.start())]
        cues = [c for c in cues if not _PASSIVE.search(text[max(a, c[0] - 30) : c[0]])]
        # a verb inside another's content reports nothing of its own; "…, adding that" does
        cues = [c for i, c in enumerate(cues) if i == 0 or text[slice(*c)].endswith("ing")]
        long = [m for m in marked if count_words(text, m) >= MIN_QUOTED_WORDS]
        if not cues:
            long = [m for m in long if not is_title(text[m[0] + 1 : m[1] - 1])]
            if long and sum(count_words(text, m) for m in long) >= 0.5 * count_words(text, (a, b)):
                dash = next((m for m in names if text[long[-1][1] : m[0]].strip() in ("—", "–", "-")), None)
                colon = next((m for m in names if text[m[1] : long[0][0]].strip() == ":"), None)
                self.found.add([inner(text, m) for m in long], dash or colon, None, (a, b), n)
            return
        for index, cue in enumerate(cues):
            stop = cues[index + 1][0] if index + 1 < len(cues) else b
            self.clause(a if index == 0 else cues[index - 1][1], cue, stop, (a, b), names, marked, n)

    def according(self, a: int, b: int, cue: Span, names: list[Span], marked: list[Span], n: int) -> None:
        """`content, according to X` and `According to X, content`."""
        text = self.text
        source = next((m for m in names if m[0] >= cue[1]), None)
        if text[a : cue[0]].strip(" ,"):
            content = trim(text, a, cue[0])
        else:
            comma = text.find(",", source[1] if source else cue[1], b)
            if re.match(r", (?:an?|the|who) ", text[comma : comma + 6]) and text.find(",", comma + 1, b) >= 0:
                comma = text.find(",", comma + 1, b)  # an apposition to the source
            content = trim(text, comma + 1, b) if comma >= 0 else (b, b)
        whole = [m for m in marked if m[0] <= content[0] + 1 and m[1] >= content[1] - 1]
        self.found.add([inner(text, whole[0])] if whole else [content], source, cue, (a, b), n)

    def clause(self, a: int, cue: Span, stop: int, at: Span, names: list[Span], marked: list[Span], n: int) -> None:
        """The content of one reporting verb: marked spans before and after it, or the clause that follows."""
        text = self.text
        before = [m for m in names if a <= m[0] and m[1] <= cue[0]]
        after = next((m for m in names if cue[1] <= m[0] <= cue[1] + 3), None)
        source = after if after and not before else (before[-1] if before else after)
        if len(before) > 1 and text[before[-1][1] : before[-1][1] + 2] in ("'s", "’s"):
            source = before[0]
        if before and "," in text[before[0][1] : before[-1][0]] and text[before[0][1]] == ",":
            source = before[0]  # an aside between name and verb
        quoted = [m for m in marked if a <= m[0] < stop or a < m[1] <= stop]
        earlier = [m for m in quoted if m[1] <= cue[0] and (count_words(text, m) >= 3 or text[m[1] - 2] in ",.!?")]
        following = text[cue[1] : quoted[-1][0]] if quoted and quoted[-1][0] >= cue[1] else ""
        frame = _WORDS.findall(following.replace(text[slice(*source)], "") if source else following)
        if earlier or (quoted and quoted[-1][0] >= cue[1] and len(frame) <= 2 and not {"that", "the", "a", "an"} & set(frame)):
            pieces = [inner(text, m) for m in (earlier + [m for m in quoted if m[0] >= cue[1]])]
            self.found.add(pieces, source, cue, at, n)
            return
        begin = cue[1]
        that = re.compile(r"\s+(?:[\w’' ]{0,40}?\s)?that\s+|\s*:\s+|\s+").match(text, begin, stop)
        begin = that.end() if that else begin
        content = trim(text, begin, stop, " \t,;:." if stop != at[1] else " \t,;:")
        aside = _ASIDE.search(text, *content)
        if aside:
            content = trim(text, content[0], aside.start())
        content = self.balanced(content, marked)
        if count_words(text, content) < 3 or source is None and self.found.previous is None:
            return
        whole = [m for m in marked if m[0] <= content[0] and m[1] >= content[1] - 1]
        self.found.add([inner(text, whole[0])] if whole else [content], source, cue, at, n)

    def balanced(self, content: Span, marked: list[Span]) -> Span:
        """A content that never begins or ends within marks that it does not hold."""
        a, b = content
        for m in marked:
            if m[0] < b < m[1]:
                b = m[1]
            if m[0] < a < m[1]:
                a = m[0]
        return a, b


def extract(text: str) -> list[Quote]:
    """The quotes of an article's text, in reading order."""
    return sorted(_Extractor(text).run(), key=lambda q: q.start)
