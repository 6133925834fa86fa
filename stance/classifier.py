"""Texts in, predictions out: checks every row, runs one model, calibrates, abstains.

A single text is a batch of one; a bad row is named and never lost in silence.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Literal, TypedDict, Unpack, overload

import numpy as np

from stance.calibration import softmax
from stance.errors import InputError, UnsupportedLanguageWarning
from stance.labels import LABELS
from stance.language import foreign
from stance.models import DEFAULT, StanceModel, load_model
from stance.models.inputs import needs_context, render
from stance.records import Prediction, Predictions, Quote
from stance.targets import UKRAINE_NATO, Target

OnError = Literal["raise", "skip", "null"]
OnUnsupported = Literal["warn", "raise", "ignore"]


def _check(value: object) -> str | None:
    """Why a value is no text to classify, or None."""
    if value is None:
        return "is None"
    if isinstance(value, float) and value != value:
        return "is NaN"
    if not isinstance(value, str):
        return f"is {type(value).__name__}, not a string"
    if not value.strip() or not any(c.isprintable() and not c.isspace() for c in value):
        return "is blank"
    try:
        value.encode("utf-8")
    except UnicodeEncodeError:
        return "has a lone surrogate; decode it with errors='replace'"
    return None


def _per_item(value: object, n: int, name: str, kinds: type | tuple[type, ...]) -> list[Any]:
    """One value for all rows, or one for each."""
    if value is None or isinstance(value, kinds):
        return [value] * n
    if not isinstance(value, Iterable):
        raise InputError(f"{name} must be one value or one for each text, not {type(value).__name__}.")
    values = [None if v is None or v != v else v for v in value]
    if len(values) != n:
        raise InputError(f"{name} has {len(values)} values for {n} texts; give one, or one for each.")
    for row, item in enumerate(values):
        if item is not None and not isinstance(item, kinds):
            raise InputError(f"{name}, row {row}: is {type(item).__name__}, which is not allowed here.")
    return values


class _Options(TypedDict, total=False):
    speaker: str | Iterable[str | None] | None
    context: str | Iterable[str | None] | None
    target: Target | Sequence[Target]
    model: str | StanceModel
    batch_size: int
    device: str | None
    runtime: str | None
    progress: bool
    on_error: OnError
    on_unsupported: OnUnsupported
    abstain_below: float | None


@overload
def classify(texts: str | Quote, **options: Unpack[_Options]) -> Prediction: ...
@overload
def classify(texts: Iterable[Any], **options: Unpack[_Options]) -> Predictions: ...
def classify(
    texts: str | Quote | Iterable[Any],
    *,
    speaker: str | Iterable[str | None] | None = None,
    context: str | Iterable[str | None] | None = None,
    target: Target | Sequence[Target] = UKRAINE_NATO,
    model: str | StanceModel = DEFAULT,
    batch_size: int = 32,
    device: str | None = None,
    runtime: str | None = None,
    progress: bool = False,
    on_error: OnError = "raise",
    on_unsupported: OnUnsupported = "warn",
    abstain_below: float | None = None,
) -> Prediction | Predictions:
    """Label the stance of one text or of many toward a target.

    Args:
        texts: a string or `Quote`, or any iterable of them (list, generator, Series, dataset column).
        speaker: who says it, one for all or one for each; a `Quote` brings its own.
        context: text around it, one for all or one for each; a `Quote` of less than ten words brings its own, for a longer
            one it more often holds another person's words.
        target: what the stance is about, one for all or one for each.
        model: an embedded name, a checkpoint folder, a hub name, or a loaded model.
        batch_size: about this many rows of 64 tokens in one step, at least 1.
        device: for torch models, such as "cuda".
        runtime: "onnx", "openvino", "torch", "torch-bf16", or "auto" for the fastest by measurement; see
            :func:`stance.load_model`.
        progress: show a bar on stderr.
        on_error: what to do with a row that is no text: raise, skip it, or keep it with `error` set.
        on_unsupported: what to do with texts in a language that the model does not read: warn once and set `language`
            in their predictions, raise, or ignore (which also skips the test).
        abstain_below: a label less probable than this, 0 to 1, becomes None.

    Returns:
        A `Prediction` for one text, `Predictions` in the order of the texts for many.

    Raises:
        InputError: a row is no text (with `on_error="raise"`), a text is in another language (with
            `on_unsupported="raise"`), or arguments do not fit together.
        ModelError: the model cannot be loaded.

    Example:
        >>> classify("Ukraine must join NATO, and we will back its accession.").label
        <Stance.FAVOR: 'favor'>
    """
    if isinstance(texts, (bytes, bytearray)) or texts is None or isinstance(texts, (int, float)):
        raise InputError(f"texts {_check(texts)}; give a string or an iterable of strings.")
    single = isinstance(texts, (str, Quote))
    items: list[Any] = [texts] if isinstance(texts, (str, Quote)) else list(texts)
    if on_error not in ("raise", "skip", "null"):
        raise InputError(f"on_error must be raise, skip or null, not {on_error!r}.")
    if batch_size < 1:
        raise InputError(f"batch_size must be at least 1, not {batch_size}.")
    if abstain_below is not None and not 0 <= abstain_below <= 1:
        raise InputError(f"abstain_below must lie between 0 and 1, not {abstain_below}.")
    if on_unsupported not in ("warn", "raise", "ignore"):
        raise InputError(f"on_unsupported must be warn, raise or ignore, not {on_unsupported!r}.")
    speakers = _per_item(speaker, len(items), "speaker", str)
    contexts = _per_item(context, len(items), "context", str)
    targets = [t or UKRAINE_NATO for t in _per_item(target, len(items), "target", Target)]
    for row, item in enumerate(items):
        if isinstance(item, Quote):
            speakers[row] = speakers[row] or item.speaker
            contexts[row] = contexts[row] or (item.context if needs_context(item.text) else None)
            items[row] = item.text
    problems = {row: problem for row, item in enumerate(items) if (problem := _check(item))}
    if problems and (on_error == "raise" or single):
        row, problem = next(iter(problems.items()))
        where = "The text" if single else f"Row {row}"
        raise InputError(f"{where} {problem}. Mend it, or pass on_error='skip' or 'null'.")
    good = [row for row in range(len(items)) if row not in problems]
    loaded = load_model(model, device, runtime=runtime) if isinstance(model, str) else model
    languages = _languages(good, items, loaded, on_unsupported)
    found = _predict(good, items, speakers, contexts, targets, loaded, batch_size, progress, abstain_below, languages)
    if on_error == "null":
        for row, problem in problems.items():
            text = items[row] if isinstance(items[row], str) else ""
            found[row] = Prediction(text, None, target=targets[row].name, speaker=speakers[row], error=problem)
    ordered = [found[row] for row in sorted(found)]
    return ordered[0] if single else Predictions(ordered)


def _languages(rows: list[int], items: list[Any], model: StanceModel, on_unsupported: OnUnsupported) -> dict[int, str]:
    """The language of each row whose text the model does not read."""
    reads = getattr(model, "languages", None)
    if on_unsupported == "ignore" or not reads:
        return {}
    found = {row: code for row in rows if (code := foreign(items[row], reads=reads))}
    if found:
        row, code = next(iter(found.items()))
        said = (
            f"{len(found)} of {len(rows)} texts are in a language that {model.name} does not read "
            f"(first: row {row}, {code}); its labels for them mean little. Pass a multilingual model, "
            "or on_unsupported='raise' or 'ignore'."
        )
        if on_unsupported == "raise":
            raise InputError(said)
        warnings.warn(said, UnsupportedLanguageWarning, stacklevel=3)
    return found


def _predict(
    rows: list[int],
    items: list[Any],
    speakers: list[str | None],
    contexts: list[str | None],
    targets: list[Target],
    loaded: StanceModel,
    batch_size: int,
    progress: bool,
    abstain_below: float | None,
    languages: Mapping[int, str],
) -> dict[int, Prediction]:
    """Predictions of the good rows, by row."""
    if not rows:
        return {}
    texts = [render(items[i], speaker=speakers[i], context=contexts[i]) for i in rows]
    claims = [targets[i].claim for i in rows]
    logits, windows = loaded.logits(texts, claims, batch_size=batch_size, progress=progress)
    probabilities = softmax(logits / loaded.temperature)
    best = np.argmax(probabilities, axis=1)
    found = {}
    for i, p, k, w in zip(rows, probabilities, best, windows, strict=True):
        label = None if abstain_below is not None and p[k] < abstain_below else LABELS[k]
        values = {str(name): float(x) for name, x in zip(LABELS, p, strict=True)}
        found[i] = Prediction(
            items[i], label, values, targets[i].name, loaded.name, int(w), speakers[i], language=languages.get(i)
        )
    return found
