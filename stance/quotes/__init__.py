"""Article text to quotes with their speakers. `extractor` names the way: a tagger with rules on top, or rules alone."""

from __future__ import annotations

from typing import Literal, get_args

from stance.errors import InputError
from stance.records import Article, Quote

__all__ = ["Extractor", "extract_quotes"]

Extractor = Literal["tagger", "rules"]


def extract_quotes(article: Article | str, *, extractor: Extractor = "tagger") -> list[Quote]:
    """The quotes of an article, in reading order, each with its speaker where the text gives one.

    Args:
        article: an `Article` or its plain text.
        extractor: "tagger": the embedded attribution tagger, with rules on top; "rules": quotation marks, reporting
            verbs and clauses, which needs no weights.

    Returns:
        Quotes; for each piece (a, b) of a quote, `text[a:b]` is that piece of it.

    Raises:
        InputError: an unknown extractor, or something that is no text.
        ModelError: the embedded tagger is damaged.

    Example:
        >>> [q] = extract_quotes('"We will not block the door," said Anna Holm.')
        >>> q.text, q.speaker
        ('We will not block the door', 'Anna Holm')
    """
    if extractor not in get_args(Extractor):
        raise InputError(f"Unknown extractor {extractor!r}; there are {', '.join(get_args(Extractor))}.")
    if not isinstance(article, (Article, str)):
        raise InputError(f"An article is a string or an Article, not {type(article).__name__}.")
    text = article.text if isinstance(article, Article) else article
    if extractor == "rules":
        from stance.quotes import rules

        return rules.extract(text)
    from stance.quotes import attribution
    from stance.quotes.tagger import load_tagger

    return attribution.extract(text, load_tagger())
