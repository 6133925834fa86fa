"""Article text to quotes with their speakers. `extractor` names the way; the rules need no weights."""

from __future__ import annotations

from typing import Literal

from stance.errors import InputError
from stance.records import Article, Quote

__all__ = ["extract_quotes"]


def extract_quotes(article: Article | str, *, extractor: Literal["rules"] = "rules") -> list[Quote]:
    """The quotes of an article, in reading order, each with its speaker where the text gives one.

    Args:
        article: an `Article` or its plain text.
        extractor: "rules": quotation marks, reporting verbs and clauses.

    Returns:
        Quotes; for each piece (a, b) of a quote, `text[a:b]` is that piece of it.

    Raises:
        InputError: an unknown extractor, or something that is no text.

    Example:
        >>> [q] = extract_quotes('"We will not block the door," said Anna Holm.')
        >>> q.text, q.speaker
        ('We will not block the door', 'Anna Holm')
    """
    from stance.quotes.rules import extract

    if extractor != "rules":
        raise InputError(f"Unknown extractor {extractor!r}; there is 'rules'.")
    if not isinstance(article, (Article, str)):
        raise InputError(f"An article is a string or an Article, not {type(article).__name__}.")
    return extract(article.text if isinstance(article, Article) else article)
