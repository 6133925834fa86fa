"""The values that pass between rooms: articles, quotes, annotations and predictions.

Records are frozen, check themselves when made, and survive JSON and pickle unchanged.
"""

from __future__ import annotations

import html
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields
from typing import TYPE_CHECKING, Any, Literal, Self, get_args, overload

from stance.errors import InputError
from stance.labels import LABELS, Stance

if TYPE_CHECKING:
    import pandas as pd

QuoteForm = Literal["direct", "mixed", "indirect"]


def _stance(value: str, what: str) -> Stance:
    try:
        return Stance(value)
    except ValueError:
        raise InputError(f"{what} must be one of {[*map(str, LABELS)]}, not {value!r}.") from None


class _Record:
    """JSON in and out for the frozen dataclasses below."""

    def to_dict(self) -> dict[str, Any]:
        """The record as plain JSON values."""
        return asdict(self)  # type: ignore[call-overload, no-any-return]

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Self:
        """The record from :meth:`to_dict`'s values; an unknown key is an :class:`InputError`."""
        known = {f.name for f in fields(cls)}  # type: ignore[arg-type]
        unknown = sorted(set(values) - known)
        if unknown:
            raise InputError(f"{cls.__name__} has no field {unknown[0]!r}; it has {sorted(known)}.")
        return cls(**values)


@dataclass(frozen=True, slots=True)
class Article(_Record):
    """A news article.

    Args:
        text: the article as plain text; offsets of quotes count in it.
        title, date, outlet, url, id: what is known about it.
        language: ISO 639-1 code that its source states, or None.
    """

    text: str
    title: str | None = None
    date: str | None = None
    outlet: str | None = None
    url: str | None = None
    id: str | None = None
    language: str | None = None

    def __post_init__(self) -> None:
        if not isinstance(self.text, str):
            raise InputError(f"Article.text must be a string, not {type(self.text).__name__}.")


@dataclass(frozen=True, slots=True)
class Quote(_Record):
    """What somebody said, and where it stands in its article.

    Args:
        text: the content, without the reporter's frame.
        form: ``direct`` (all in quotation marks), ``mixed`` or ``indirect``.
        speaker: canonical name in this article, or None when unknown.
        speaker_mention: the words that named the speaker here ("he", "the minister").
        cue: the reporting verb or phrase.
        start, end: characters in the article, end exclusive, from the first to the last piece.
        cue_start, cue_end, mention_start, mention_end: likewise, of `cue` and of `speaker_mention`; None without one.
        context: the sentence or sentences around it.
        pieces: (start, end) of each part of a content that its attribution breaks.
        negated, hedged: the report is "did not say", "if he says".
        paragraph: index of the paragraph, from 0.
        confidence: 0 to 1: the least sure of content, cue and mention, each the mean probability that the tagger gives its
            words of being one; None where no tagger read them (the rules, the turns of a transcript).

    Raises:
        InputError: blank text, an unknown form, offsets that run backwards, or a confidence outside 0 to 1.
    """

    text: str
    form: QuoteForm = "direct"
    speaker: str | None = None
    speaker_mention: str | None = None
    cue: str | None = None
    start: int = 0
    end: int = 0
    cue_start: int | None = None
    cue_end: int | None = None
    mention_start: int | None = None
    mention_end: int | None = None
    context: str | None = None
    pieces: tuple[tuple[int, int], ...] = ()
    negated: bool = False
    hedged: bool = False
    paragraph: int | None = None
    confidence: float | None = None

    def __post_init__(self) -> None:
        if not isinstance(self.text, str) or not self.text.strip():
            raise InputError("Quote.text must be a string that is not blank.")
        if self.form not in get_args(QuoteForm):
            raise InputError(f"Quote.form must be one of {get_args(QuoteForm)}, not {self.form!r}.")
        if not 0 <= self.start <= self.end:
            raise InputError(f"Quote offsets must satisfy 0 <= start <= end, not {self.start}..{self.end}.")
        if self.confidence is not None and not 0 <= self.confidence <= 1:
            raise InputError(f"Quote.confidence must be from 0 to 1, not {self.confidence!r}.")
        object.__setattr__(self, "pieces", tuple((int(a), int(b)) for a, b in self.pieces))


@dataclass(frozen=True, slots=True)
class Annotation(_Record):
    """One person's label of one quote.

    Args:
        quote: id of the quote.
        annotator: who labelled it.
        label: the stance; a string becomes a `Stance`.
        note: what the annotator remarked, or None.

    Raises:
        InputError: no quote, no annotator, or a label outside the scheme.
    """

    quote: str
    annotator: str
    label: Stance
    note: str | None = None

    def __post_init__(self) -> None:
        for name in ("quote", "annotator"):
            if not isinstance(getattr(self, name), str) or not getattr(self, name).strip():
                raise InputError(f"Annotation.{name} must be a string that is not blank.")
        object.__setattr__(self, "label", _stance(self.label, "Annotation.label"))

    def to_dict(self) -> dict[str, Any]:
        """The annotation as plain JSON values."""
        return {**asdict(self), "label": str(self.label)}


@dataclass(frozen=True, slots=True)
class Prediction(_Record):
    """One text's stance toward one target, with the whole distribution.

    Args:
        text: the text as given.
        label: the stance; None for an abstention or an error.
        probabilities: one number from 0 to 1 for each label; empty when `error` is set.
        target: name of the target.
        model: name and fingerprint of the model.
        windows: number of windows in which the text was read; more than 1 for a long text.
        speaker: the speaker as given.
        error: why this row has no label, or None.
        language: the text's language when it is plainly one that the model does not read, else None.
    """

    text: str
    label: Stance | None
    probabilities: Mapping[str, float] = field(default_factory=dict)
    target: str = ""
    model: str = ""
    windows: int = 1
    speaker: str | None = None
    error: str | None = None
    language: str | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "label", None if self.label is None else _stance(self.label, "Prediction.label"))
        object.__setattr__(self, "probabilities", {str(k): float(v) for k, v in self.probabilities.items()})
        if self.error is None and set(self.probabilities) != {str(x) for x in LABELS}:
            raise InputError(f"Prediction.probabilities needs exactly {[*map(str, LABELS)]}.")

    @property
    def confidence(self) -> float | None:
        """Probability of the likeliest label, or None where there is an error."""
        return max(self.probabilities.values()) if self.probabilities else None

    def to_dict(self) -> dict[str, Any]:
        """The prediction as plain JSON values."""
        return {**asdict(self), "label": None if self.label is None else str(self.label)}

    def row(self) -> dict[str, Any]:
        """The prediction as one row of an output file: stance, p_against, p_neutral, p_favor, unsupported_language, error."""
        columns = {f"p_{label}": self.probabilities.get(label) for label in LABELS}
        label = None if self.label is None else str(self.label)
        return {"stance": label, **columns, "unsupported_language": self.language, "error": self.error}


class Predictions(Sequence[Prediction]):
    """Predictions in the order of their texts: a sequence that is also a table.

    Example:
        >>> len(Predictions([]))
        0
    """

    def __init__(self, items: Iterable[Prediction]) -> None:
        self._items = tuple(items)

    @overload
    def __getitem__(self, index: int) -> Prediction: ...
    @overload
    def __getitem__(self, index: slice) -> Predictions: ...
    def __getitem__(self, index: int | slice) -> Prediction | Predictions:
        return Predictions(self._items[index]) if isinstance(index, slice) else self._items[index]

    def __len__(self) -> int:
        return len(self._items)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Predictions) and self._items == other._items

    def __hash__(self) -> int:
        return hash(tuple(p.text for p in self._items))

    def __repr__(self) -> str:
        return f"Predictions({len(self)} rows)"

    def to_dicts(self) -> list[dict[str, Any]]:
        """One dictionary a row: text, speaker, target, stance, p_against, p_neutral, p_favor, error."""
        return [{"text": p.text, "speaker": p.speaker, "target": p.target, **p.row()} for p in self._items]

    def to_frame(self) -> pd.DataFrame:
        """The rows of :meth:`to_dicts` as a pandas DataFrame."""
        import pandas as pd

        columns = ["text", "speaker", "target", *Prediction("", None, error="-").row()]
        return pd.DataFrame(self.to_dicts(), columns=columns)

    def _repr_html_(self) -> str:
        head = "".join(f"<th>{name}</th>" for name in ("text", "speaker", "stance", *LABELS))
        rows = []
        for p in self._items:
            cells = [p.text, p.speaker or "", str(p.label or p.error or "abstained")]
            cells += [f"{p.probabilities[x]:.2f}" if p.probabilities else "" for x in LABELS]
            rows.append("<tr>" + "".join(f"<td>{html.escape(c)}</td>" for c in cells) + "</tr>")
        return f"<table><thead><tr>{head}</tr></thead><tbody>{''.join(rows)}</tbody></table>"
