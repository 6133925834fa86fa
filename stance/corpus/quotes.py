"""Articles to the quotes that speak of the target; every quote that is left out carries its reason."""

from __future__ import annotations

import hashlib
import re
import warnings
from collections.abc import Sequence
from typing import Any

from stance.classifier import OnUnsupported, classify
from stance.errors import ConfigError, UnsupportedLanguageWarning
from stance.labels import LABELS
from stance.models import DEFAULT, StanceModel
from stance.quotes import Extractor, extract_many
from stance.records import Article, Predictions, Quote
from stance.targets import UKRAINE_NATO, Target

Row = dict[str, Any]
Keywords = Sequence[Sequence[str]]

NO_QUOTE = "article without quotes"
NO_KEYWORD = "no keyword in quote, context or title"
NO_STANCE = "keywords only around it, and no stance by the model"
OTHER_LANGUAGE = "language that the model does not read"
SAME_STATEMENT = "same words by the same speaker; kept as a source of the first"


def keywords_of(claim: str) -> tuple[tuple[str, ...], ...]:
    """The names in a claim, each of which a quote on it has to mention.

    Raises:
        ConfigError: a claim without names.

    Example:
        >>> keywords_of("Ukraine should become a member of NATO.")
        (('Ukraine',), ('NATO',))
    """
    names = [w for w in re.findall(r"\w+", claim) if w[0].isupper() and w not in ("The", "A", "An", "It", "We", "There")]
    if not names:
        raise ConfigError(f"The claim {claim!r} holds no names; set relevance.keywords.")
    return tuple((name,) for name in dict.fromkeys(names))


def mentions_all(text: str, keywords: Keywords) -> bool:
    """Whether the text has, of each list, a word that begins with one of its keywords; case does not count.

    Example:
        >>> mentions_all("Kyiv's road to NATO", [["ukrain", "kyiv"], ["nato", "alliance"]])
        True
    """
    return all(re.search(rf"\b(?:{'|'.join(map(re.escape, words))})", text, re.IGNORECASE) for words in keywords)


def quotes_on_target(
    articles: Sequence[Article],
    *,
    target: Target = UKRAINE_NATO,
    keywords: Keywords = (),
    neutral_above: float = 0.9,
    model: str | StanceModel = DEFAULT,
    extractor: Extractor = "rules",
) -> tuple[list[Row], list[Row]]:
    """The quotes of some articles that speak of the target, and what was left out.

    A quote is kept when its own words hold the keywords. When only its context or its article's title does, the model
    decides: it goes when it is neutral with more than `neutral_above`.

    Args:
        articles: with ids.
        target: what the stances are about.
        keywords: as for :func:`mentions_all`; the names in the claim when empty.
        neutral_above: 0 to 1.
        model, extractor: as in :func:`stance.analyze`.

    Returns:
        Rows of kept quotes (id, text, speaker, form, context, where they stand, the article's title, date, outlet, url,
        language, and the model's stance and p_against, p_neutral, p_favor), and rows of dropped ones (id, article,
        text, reason). An id comes from article, place and words, so that it never names another quote later.

    Raises:
        ConfigError: no keywords, and a claim without names.
        InputError: an unknown extractor.
        ModelError: the model cannot be loaded.

    Example:
        >>> kept, dropped = quotes_on_target([Article('"Ukraine must never join NATO," said Ilya Garin.', id="a")])
        >>> kept[0]["speaker"], kept[0]["stance"]
        ('Ilya Garin', 'against')
    """
    words = keywords or keywords_of(target.claim)
    rows, own, dropped = [], [], []
    for article, quotes in zip(articles, extract_many(articles, extractor=extractor), strict=True):
        if not quotes:
            dropped.append({"id": article.id, "article": article.id, "text": article.title, "reason": NO_QUOTE})
        for quote in quotes:
            row = _row(article, quote)
            around = " ".join(filter(None, (quote.text, quote.context, article.title)))
            if not mentions_all(around, words):
                dropped.append(_dropped(row, NO_KEYWORD))
                continue
            rows.append(row)
            own.append(mentions_all(quote.text, words))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UnsupportedLanguageWarning)  # each such quote is listed below
        found = stances(rows, target=target, model=model)
    kept = []
    for row, in_text, prediction in zip(rows, own, found, strict=True):
        if prediction.language is not None:
            dropped.append(_dropped(row, OTHER_LANGUAGE))
        elif not in_text and prediction.probabilities["neutral"] > neutral_above:
            dropped.append(_dropped(row, NO_STANCE))
        else:
            values = prediction.row()
            shares = {f"p_{x}": round(values[f"p_{x}"], 6) for x in LABELS}  # below it, threads may differ
            kept.append({**row, "stance": values["stance"], **shares, "model": prediction.model})
    return kept, dropped


def stances(
    rows: Sequence[Row],
    *,
    target: Target = UKRAINE_NATO,
    model: str | StanceModel = DEFAULT,
    on_unsupported: OnUnsupported = "warn",
) -> Predictions:
    """The model's stances of rows of quotes, read as :func:`stance.analyze` reads quotes: a short one with its context.

    Args:
        rows: with text, speaker, context.
        target, model, on_unsupported: as in :func:`stance.classify`.

    Raises:
        InputError: a blank text, or one in another language (with `on_unsupported="raise"`).
        ModelError: the model cannot be loaded.

    Example:
        >>> row = {"text": "out of the question", "speaker": None}
        >>> said = "Ukraine's membership in NATO is “out of the question,” she said."
        >>> [str(p.label) for p in stances([{**row, "context": None}, {**row, "context": said}])]
        ['neutral', 'against']
    """
    quotes = [Quote(row["text"], speaker=row["speaker"], context=row["context"]) for row in rows]
    return classify(quotes, target=target, model=model, on_unsupported=on_unsupported)


def _row(article: Article, quote: Quote) -> Row:
    place = repr((article.id, quote.start, quote.end, quote.text)).encode("utf-8", "surrogatepass")
    return {
        "id": hashlib.sha256(place).hexdigest()[:16],
        "text": quote.text,
        "speaker": quote.speaker,
        "form": quote.form,
        "context": quote.context,
        "article": article.id,
        "title": article.title,
        "date": article.date,
        "outlet": article.outlet,
        "url": article.url,
        "language": article.language,
        "start": quote.start,
        "end": quote.end,
        "cue": quote.cue,
        "negated": quote.negated,
        "hedged": quote.hedged,
    }


def _dropped(row: Row, reason: str) -> Row:
    return {"id": row["id"], "article": row["article"], "text": row["text"], "reason": reason}
