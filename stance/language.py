"""Which language a text is in, told only when it is plain; a model that does not read it must not label it in silence."""

from __future__ import annotations

import re
import unicodedata
from functools import cache
from typing import Any

MIN_WORDS = 4
"""A text with fewer words is too short to tell, unless its script tells."""
MIN_PROBABILITY = 0.8
"""The identifier must be at least this sure. Of 2,647 English statements of `data/nato`, this marks none."""

_WORD = re.compile(r"\w+")
_ENGLISH = frozenset(
    "the and that not will would with has have this are was been said by its which should we they their our your must never "
    "could who what when where into from there than because support join".split()
)
"""Words of which two different ones make a text English."""


def foreign(text: str, *, reads: tuple[str, ...]) -> str | None:
    """The text's language when it is plainly none of those that a model reads, else None.

    Args:
        text: any text.
        reads: ISO 639-1 codes, such as ("en",).

    Returns:
        An ISO 639-1 code; "und" for another script without enough words.

    Example:
        >>> foreign("Die Ukraine gehört in die NATO, und zwar bald.", reads=("en",))
        'de'
        >>> foreign("No NATO for Ukraine", reads=("en",)) is None
        True
    """
    words = _WORD.findall(text)
    if "en" in reads and len(_ENGLISH.intersection(w.lower() for w in words)) >= 2:
        return None  # the common case, without loading the identifier
    letters = [c for c in text[:2000] if c.isalpha()]
    other_script = sum(not unicodedata.name(c, "LATIN").startswith("LATIN") for c in letters) > len(letters) / 2
    if len(words) < MIN_WORDS and not other_script:
        return None
    language, probability = _identifier().classify(text[:2000])
    if language in reads:
        return None
    if other_script:
        return str(language) if probability >= 0.3 else "und"
    return str(language) if probability >= MIN_PROBABILITY else None


@cache
def _identifier() -> Any:
    from py3langid.langid import MODEL_FILE, LanguageIdentifier

    return LanguageIdentifier.from_model_file(MODEL_FILE, norm_probs=True)
