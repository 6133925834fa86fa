"""An article in, each quote's speaker and stance out: extraction and classification joined, and shown."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from stance.classifier import classify
from stance.errors import InputError
from stance.io import article_of_html
from stance.labels import LABELS
from stance.models import DEFAULT, StanceModel
from stance.pages import template
from stance.quotes import Extractor, extract_quotes
from stance.records import Article, Predictions, Quote
from stance.targets import UKRAINE_NATO, Target

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True, slots=True)
class Analysis:
    """The quotes of one article and their stances, row by row."""

    article: Article
    target: Target
    quotes: tuple[Quote, ...]
    predictions: Predictions

    def rows(self) -> list[dict[str, Any]]:
        """One dictionary a quote: text, speaker, form, start, end, stance, p_against, p_neutral, p_favor, …"""
        return [
            {
                "text": q.text,
                "speaker": q.speaker,
                "form": q.form,
                "start": q.start,
                "end": q.end,
                **{k: v for k, v in p.row().items() if k != "error"},
                "cue": q.cue,
                "speaker_mention": q.speaker_mention,
                "negated": q.negated,
                "hedged": q.hedged,
                "confidence": q.confidence,
                "context": q.context,
            }
            for q, p in zip(self.quotes, self.predictions, strict=True)
        ]

    def to_dict(self) -> dict[str, Any]:
        """The analysis as plain JSON values: title, target, model, the text that offsets count in, and `quotes`."""
        model = self.predictions[0].model if self.quotes else None
        about = {"title": self.article.title, "target": self.target.name, "model": model}
        return {**about, "text": self.article.text, "quotes": self.rows()}

    def to_frame(self) -> pd.DataFrame:
        """One row a quote, as a pandas DataFrame."""
        import pandas as pd

        return pd.DataFrame(self.rows())

    def to_html(self) -> str:
        """A self-contained page: no script, no network."""
        return template("page.html").render(**self._view())

    def _repr_html_(self) -> str:
        return template("table.html").render(**self._view())

    def _view(self) -> dict[str, Any]:
        people: dict[str, dict[str, int]] = {}
        for row in self.rows():
            counts = people.setdefault(row["speaker"] or "unknown", dict.fromkeys(map(str, LABELS), 0))
            counts[row["stance"]] += 1
        return {
            "title": self.article.title or "Who said what",
            "target": self.target.name,
            "rows": self.rows(),
            "labels": [*map(str, LABELS)],
            "people": people,
            "pieces": self._highlighted(),
        }

    def _highlighted(self) -> list[tuple[str, str]]:
        """The article's text in pieces, each with the stance of its quote or ''."""
        pieces, at = [], 0
        for row in self.rows():
            if row["start"] < at:
                continue
            pieces += [(self.article.text[at : row["start"]], ""), (self.article.text[row["start"] : row["end"]], row["stance"])]
            at = row["end"]
        return [*pieces, (self.article.text[at:], "")]


def analyze(
    article: Article | str,
    *,
    target: Target = UKRAINE_NATO,
    model: str | StanceModel = DEFAULT,
    extractor: Extractor = "tagger",
) -> Analysis:
    """Find an article's quotes, who said each, and each one's stance toward the target.

    Args:
        article: an `Article`, plain text, or HTML (which needs the extra `html`).
        target: what the stances are about.
        model: as in :func:`stance.classify`.
        extractor: as in :func:`stance.extract_quotes`.

    Raises:
        InputError: the article is blank.
        ModelError: the model cannot be loaded.

    Example:
        >>> found = analyze('"Ukraine must never join NATO," said Ilya Garin.')
        >>> found.rows()[0]["speaker"]
        'Ilya Garin'
    """
    if isinstance(article, str):
        article = article_of_html(article) if article.lstrip()[:1] == "<" else Article(article)
    if not article.text.strip():
        raise InputError("The article is blank.")
    quotes = tuple(extract_quotes(article, extractor=extractor))
    return Analysis(article, target, quotes, classify(quotes, target=target, model=model))
