"""Article text to quotes with their speakers. `extractor` names the way: a tagger with rules on top, or rules alone."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Literal, get_args

from stance.errors import InputError
from stance.records import Article, Quote

__all__ = ["Extractor", "extract_many", "extract_quotes"]

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
    return next(extract_many([article], extractor=extractor))


def extract_many(articles: Iterable[Article | str], *, extractor: Extractor = "tagger") -> Iterator[list[Quote]]:
    """The quotes of each article of a stream, in order; the tagger reads several articles at once.

    Args:
        articles: read as needed.
        extractor: as for :func:`extract_quotes`.

    Raises:
        InputError: an unknown extractor, or something that is no text.
        ModelError: the embedded tagger is damaged.

    Example:
        >>> [len(quotes) for quotes in extract_many(['"We will not block the door," said Anna Holm.', "Rain."])]
        [1, 0]
    """
    if extractor not in get_args(Extractor):
        raise InputError(f"Unknown extractor {extractor!r}; there are {', '.join(get_args(Extractor))}.")
    texts = map(_text, articles)
    if extractor == "rules":
        from stance.quotes import rules

        return map(rules.extract, texts)
    from stance.quotes import attribution
    from stance.quotes.tagger import load_tagger

    return attribution.extract(texts, load_tagger())


def _text(article: Article | str) -> str:
    if not isinstance(article, (Article, str)):
        raise InputError(f"An article is a string or an Article, not {type(article).__name__}.")
    return article.text if isinstance(article, Article) else article
