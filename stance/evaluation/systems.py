"""What can be scored: a model, a callable, a file of somebody's labels, or a baseline fitted on the data set's training rows.

Every system answers the same question: the labels of a data set's rows and, where it has them, their probabilities.
Models and baselines read a row as training measures it: the text with its speaker, and with its context only where
:func:`stance.models.inputs.needs_context` says so. A callable gets the bare text and its claim.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from stance.classifier import classify
from stance.errors import InputError, MissingExtraError, ModelError
from stance.evaluation.dataset import Dataset, claim_of, probabilities_of, rows_by_id
from stance.evaluation.score import columns
from stance.io import Row, read_table
from stance.labels import LABELS
from stance.models import StanceModel, load_model, resolve_encoder
from stance.models.inputs import needs_context, render
from stance.records import Prediction
from stance.targets import Target

Labeller = Callable[[list[str], list[str]], Any]
"""(texts, claims) to labels, or to probabilities (n, 3) in `LABELS` order."""
Baseline = Literal["majority", "tfidf", "encoder", "setfit"]
NEEDS_TRAINING: tuple[Baseline, ...] = ("tfidf", "encoder", "setfit")
SETFIT_STEPS = 500
"""Most steps of 16 pairs in the fine-tuning of the baseline "setfit"; fewer where all pairs of rows are sooner seen."""


@dataclass(frozen=True, slots=True)
class Answer:
    """A system's answer to a data set.

    Args:
        labels: one for each row.
        probabilities: (n, 3) in `LABELS` order, or None.
        name: of the system, with its fingerprint where it has one.
    """

    labels: list[str]
    probabilities: NDArray[np.float64] | None
    name: str


def answer(system: object, dataset: Dataset, *, batch_size: int = 32, device: str | None = None) -> Answer:
    """A system's labels for a data set.

    Args:
        system: a model (embedded name, checkpoint folder, hub name or loaded), a callable of (texts, claims) that gives
            labels or probabilities, a CSV, JSONL or Parquet file or table of labels, or labels or `Predictions` in the order
            of the rows.
        dataset: the rows.
        batch_size, device: of models; see :func:`stance.classify`.

    Raises:
        InputError: labels that do not fit the rows, or a thing that is none of these.
        ModelError: a model that cannot be loaded.

    Example:
        >>> rows = Dataset("d", ({"text": "We back it.", "label": "favor"},))
        >>> answer(lambda texts, claims: ["favor"] * len(texts), rows).labels
        ['favor']
    """
    if isinstance(system, str | Path) and Path(system).suffix in (".csv", ".jsonl", ".parquet"):
        return from_file(system, dataset)
    if isinstance(system, str | Path) or hasattr(system, "logits"):
        return _from_model(str(system) if isinstance(system, Path) else system, dataset, batch_size, device)
    if callable(system):
        texts = [str(row["text"]) for row in dataset.rows]
        return _from_values(system(texts, dataset.claims), dataset, getattr(system, "__name__", type(system).__name__))
    if isinstance(system, Sequence) or hasattr(system, "__array__"):
        return _from_values(system, dataset, "labels")
    raise InputError(f"Cannot score {type(system).__name__}: give a model, a callable, a file, labels or Predictions.")


def _from_model(model: Any, dataset: Dataset, batch_size: int, device: str | None) -> Answer:
    found = classify(
        [row["text"] for row in dataset.rows],
        speaker=[row.get("speaker") or None for row in dataset.rows],
        context=[_context(row) for row in dataset.rows],
        target=[Target(claim, claim=claim) for claim in dataset.claims],
        model=load_model(model, device) if isinstance(model, str) else model,
        batch_size=batch_size,
        on_unsupported="ignore",
    )
    return _from_values(found, dataset, found[0].model)


def _from_values(values: Any, dataset: Dataset, name: str) -> Answer:
    """Labels, predictions or probabilities in the order of the rows."""
    items = list(values)
    if len(items) != len(dataset.rows):
        raise InputError(f"{name}: {len(items)} answers for the {len(dataset.rows)} rows of {dataset.name}.")
    if isinstance(items[0], Prediction):
        empty = [i for i, p in enumerate(items) if p.label is None]
        if empty:
            raise InputError(f"{name}, row {empty[0]}: no label ({items[empty[0]].error or 'abstained'}); score whole answers.")
        name = items[0].model
        items = [[p.probabilities[label] for label in LABELS] for p in items]
    if isinstance(items[0], str):
        return Answer([str(LABELS[i]) for i in columns(items, name)], None, name)
    table = np.asarray(items, dtype=float)
    if table.shape != (len(items), len(LABELS)):
        raise InputError(f"{name}: probabilities must be (n, {len(LABELS)}) in the order of LABELS, not {table.shape}.")
    rows = [{f"p_{label}": float(p) for label, p in zip(LABELS, row, strict=True)} for row in table]
    probabilities_of(rows, name)
    return _choose(table, dataset, name)


def _choose(table: NDArray[np.float64], dataset: Dataset, name: str) -> Answer:
    """The likeliest of the labels that the task has; probability of another label counts for none of them."""
    allowed = np.array([str(label) in dataset.labels for label in LABELS])
    kept = np.where(allowed, table, 0.0)
    total = kept.sum(axis=1, keepdims=True)
    kept = np.where(total > 0, kept / np.where(total > 0, total, 1), allowed / allowed.sum())
    return Answer([str(LABELS[i]) for i in kept.argmax(axis=1)], kept, name)


def from_file(path: str | Path, dataset: Dataset) -> Answer:
    """Labels from a file: `stance` (or `label`) and, if known, `p_against, p_neutral, p_favor`.

    Rows are joined by `id`; where the file has no ids, they must be as many as the data set's and in its order.

    Raises:
        InputError: a missing or doubled id, an unknown label, or bad probabilities.
    """
    rows = [row for batch in read_table(path) for row in batch]
    column = "stance" if rows and "stance" in rows[0] else "label"
    if rows and "id" in rows[0]:
        found = rows_by_id(path, column)
        lost = [i for i in dataset.ids if i not in found]
        if lost:
            raise InputError(f"{path}: no row with id {lost[0]!r} ({len(lost)} missing).")
        rows = [found[i] for i in dataset.ids]
    if len(rows) != len(dataset.rows):
        raise InputError(f"{path}: {len(rows)} rows without ids for the {len(dataset.rows)} of {dataset.name}.")
    labels = columns([str(row.get(column)) for row in rows], str(path))
    return Answer([str(LABELS[i]) for i in labels], probabilities_of(rows, str(path)), Path(path).stem)


def baseline(kind: Baseline, dataset: Dataset, *, encoder: str | None = None) -> Answer:
    """What a simple learner makes of a data set after its training rows.

    Args:
        kind: "majority" (the commonest training label, or gold label where there are no training rows), "tfidf" (word
            features and logistic regression), "encoder" (a frozen encoder's mean states and logistic regression) or
            "setfit" (few-shot fine-tuning; the extra `setfit`).
        dataset: with training rows.
        encoder: the checkpoint of the last two: a folder, a hub name, an embedded model's name, or `package:NAME`.

    Raises:
        InputError: no training rows, or no encoder given.
        MissingExtraError: setfit, or the package of the encoder, is not installed.
        ModelError: the encoder cannot be loaded.

    Example:
        >>> rows = ({"text": "a", "label": "favor"}, {"text": "b", "label": "favor"})
        >>> baseline("majority", Dataset("d", rows)).labels
        ['favor', 'favor']
    """
    if kind == "majority":
        counts = Counter(row["label"] for row in dataset.train or dataset.rows)
        where = "of training" if dataset.train else "of gold"
        return Answer([str(counts.most_common(1)[0][0])] * len(dataset.rows), None, f"majority {where}")
    if not dataset.train:
        raise InputError(f"{dataset.name}: the baseline {kind!r} needs training rows; give train_splits, or leave it out.")
    read = [(_rendered(row), claim_of(row), str(row["label"])) for row in dataset.train]
    texts, claims = [_rendered(row) for row in dataset.rows], dataset.claims
    if kind == "tfidf":
        from stance.models.baseline import BaselineModel

        # the claim stands among the words, so that it can tell the targets of a set apart
        fitted: StanceModel = BaselineModel.fit([(f"{claim} {text}", label) for text, claim, label in read])
        return _logits(fitted, [f"{c} {t}" for t, c in zip(texts, claims, strict=True)], dataset, "TF-IDF + LR")
    if encoder is None:
        raise InputError(f"The baseline {kind!r} needs an encoder: a folder or hub name.")
    called, encoder = Path(encoder.removeprefix("package:")).name, resolve_encoder(encoder)
    if kind == "encoder":
        from stance.models.frozen import FrozenEncoder

        model = FrozenEncoder(encoder)
        fitted = model.fit(*(list(column) for column in zip(*read, strict=True)))
        return _logits(fitted, texts, dataset, f"frozen {called} + LR")
    return _setfit(read, [f"{c} {t}" for t, c in zip(texts, claims, strict=True)], dataset, encoder, f"SetFit {called}")


def _context(row: Row) -> str | None:
    """The context of a row that needs it; a conversation's is a list of turns."""
    context = row.get("context") or None
    if not needs_context(row["text"]):
        return None
    return " ".join(map(str, context)) if isinstance(context, list) else context


def _rendered(row: Row) -> str:
    return render(row["text"], speaker=row.get("speaker") or None, context=_context(row))


def _logits(model: StanceModel, texts: list[str], dataset: Dataset, name: str) -> Answer:
    from stance.calibration import softmax

    found, _ = model.logits(texts, dataset.claims, batch_size=32, progress=False)
    return _choose(softmax(found), dataset, name)


def _setfit(read: list[tuple[str, str, str]], texts: list[str], dataset: Dataset, encoder: str, name: str) -> Answer:
    try:
        from sentence_transformers import SentenceTransformer
        from setfit import SetFitModel, Trainer, TrainingArguments
    except ImportError as error:
        raise MissingExtraError("setfit", "setfit") from error
    from datasets import Dataset as Table
    from sklearn.linear_model import LogisticRegression

    names = [*map(str, LABELS)]
    rows = Table.from_dict({"text": [f"{c} {t}" for t, c, _ in read], "label": [names.index(x) for *_, x in read]})
    try:
        # the parts by hand: `from_pretrained` would unpickle a head that lies beside the encoder
        body = SentenceTransformer(encoder, trust_remote_code=False, model_kwargs={"use_safetensors": True}, device="cpu")
    except (OSError, ValueError) as error:
        raise ModelError(f"{encoder}: cannot be loaded as an encoder ({str(error).splitlines()[0]}).") from error
    model = SetFitModel(body, LogisticRegression(max_iter=1000))
    with TemporaryDirectory() as folder:
        steps = min(SETFIT_STEPS, len(read) * (len(read) - 1) // 2 // 16 + 1)
        options = TrainingArguments(
            output_dir=folder, batch_size=16, max_steps=steps, seed=0, save_strategy="no", logging_strategy="no",
            report_to="none", show_progress_bar=False,
        )  # fmt: skip
        trainer = Trainer(model=model, args=options, train_dataset=rows)
        trainer.train()
    table = np.zeros((len(texts), len(LABELS)))
    table[:, model.model_head.classes_] = model.predict_proba(texts, as_numpy=True, show_progress_bar=False)
    return _choose(table, dataset, name)
