"""Systems and data sets in, one report out: every system on every data set, beside people and simple baselines."""

from __future__ import annotations

import platform
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from stance.config import DatasetConfig, EvaluateConfig, SystemConfig, load_evaluate_config
from stance.errors import InputError
from stance.evaluation.dataset import Dataset, probabilities_of, read_dataset, rows_by_id
from stance.evaluation.prevalence import corrected_shares
from stance.evaluation.report import Report
from stance.evaluation.score import score
from stance.evaluation.suites import SUITES, read_suite
from stance.evaluation.systems import NEEDS_TRAINING, Baseline, answer, baseline
from stance.evaluation.versus import System, score_systems
from stance.io import read_table


def evaluate(
    system: object,
    dataset: Dataset | str | Path | Sequence[Mapping[str, Any]],
    *,
    baselines: Sequence[Baseline] = ("majority",),
    encoder: str | None = None,
    slices: Sequence[str] = ("length",),
    probes: bool = False,
    batch_size: int = 32,
    seed: int = 0,
    resamples: int = 1000,
) -> Report:
    """Score a model, a callable or somebody's labels on a data set, beside baselines and the human ceiling.

    Args:
        system: a model (embedded name, checkpoint folder, hub name or loaded), a callable of (texts, claims) that gives
            labels or probabilities (n, 3), a CSV, JSONL or Parquet file of labels, or labels or `Predictions` in the rows' order.
        dataset: a `Dataset`, a file or folder of labelled rows, or rows with `text` and `label`.
        baselines: "majority", "tfidf", "encoder", "setfit"; all but the first need training rows.
        encoder: the checkpoint of the last two.
        slices: columns to slice by; "length" stands for the number of words.
        probes: change the texts and ask again; needs a model or a callable.
        batch_size: of models.
        seed, resamples: of the bootstrap and the tests.

    Returns:
        A `Report`: `rows()`, `to_frame()`, `to_dict()`, `to_markdown()`, `to_html()`.

    Raises:
        InputError: rows or labels that cannot be used; the message names the row.
        ModelError: a model that cannot be loaded.

    Example:
        >>> rows = [{"text": "We back it.", "label": "favor"}, {"text": "We reject it.", "label": "against"}]
        >>> evaluate(["favor", "against"], rows).rows()[0]["value"]
        0.6666666666666666
    """
    if isinstance(dataset, str | Path):
        dataset = read_dataset(dataset)
    elif not isinstance(dataset, Dataset):
        dataset = Dataset("rows", tuple(dict(row) for row in dataset))
    systems = [System(partial(answer, system, batch_size=batch_size), probed=system)]
    systems += [_learner(kind, encoder) for kind in baselines]
    part = score_systems(dataset, systems, slices=slices, probes=probes, seed=seed, resamples=resamples)
    return Report(_provenance(f"Evaluation on {dataset.name}", seed, resamples) | {"datasets": [part]})


def evaluate_config(config: str | Path | EvaluateConfig, *, data: str | Path | None = None, limit: int | None = None) -> Report:
    """Score the systems of a configuration on its data sets.

    Args:
        config: a YAML file such as `configs/evaluate-own.yaml`, or a configuration.
        data: folder that the paths of data and labels are relative to; the config file's folder when None.
        limit: most rows of each data set, instead of the config's.

    Raises:
        ConfigError: a wrong configuration.
        InputError: data or labels that cannot be used.
        ModelError: a model that cannot be loaded.

    Example:
        >>> evaluate_config("configs/evaluate-nato.yaml").rows()  # doctest: +SKIP
    """
    settings = config if isinstance(config, EvaluateConfig) else load_evaluate_config(config)
    home = Path() if isinstance(config, EvaluateConfig) else Path(config).parent
    folder = home if data is None else Path(data)
    systems = [_system(spec, folder, settings.batch_size) for spec in settings.systems]
    parts = []
    for spec in settings.datasets:
        dataset = _read(spec, folder, home, limit or settings.limit, settings.seed)
        slices = spec.slices or (SUITES[spec.suite].slices if spec.suite else ())
        parts.append(
            score_systems(
                dataset, systems, slices=slices, probes=spec.probes, seed=settings.seed, resamples=settings.resamples
            )
        )  # fmt: skip
    return Report(_provenance(settings.name, settings.seed, settings.resamples) | {"datasets": parts})


def _system(spec: SystemConfig, folder: Path, batch_size: int) -> System:
    if spec.baseline is not None:
        return _learner(spec.baseline, spec.encoder, spec.name)
    if spec.labels is not None:
        return System(partial(answer, folder / spec.labels), spec.name)
    return System(partial(answer, spec.model, batch_size=batch_size), spec.name, probed=spec.model)


def _learner(kind: Baseline, encoder: str | None, name: str | None = None) -> System:
    titles = {"majority": "majority", "tfidf": "TF-IDF + LR", "encoder": "frozen encoder + LR", "setfit": "SetFit"}
    return System(partial(baseline, kind, encoder=encoder), name or titles[kind], learns=kind in NEEDS_TRAINING)


def _read(spec: DatasetConfig, folder: Path, home: Path, limit: int | None, seed: int) -> Dataset:
    if spec.suite is not None:
        return read_suite(spec.suite, folder, split=spec.split, limit=limit, seed=seed)
    path = (home if str(spec.path).startswith("./") else folder) / str(spec.path)
    return read_dataset(
        path, name=spec.name, splits=spec.splits, train_splits=spec.train_splits, limit=limit, seed=seed,
        metric=spec.metric or "macro_f1", human=None if spec.human is None else spec.human.model_dump(exclude_none=True),
    )  # fmt: skip


def _provenance(name: str, seed: int, resamples: int) -> dict[str, Any]:
    """Title, and what a reader needs to get the same numbers again."""
    packages = ("stance", "numpy", "scikit-learn", "onnxruntime", "tokenizers", "torch", "transformers")
    return {
        "name": name,
        "provenance": {
            "made": datetime.now(UTC).isoformat(timespec="seconds"),
            "python": platform.python_version(),
            "machine": platform.machine(),
            "versions": {package: version(package) for package in packages},
            "seed": seed,
            "resamples": resamples,
        },
    }


def evaluate_files(predictions: Path, gold: Path, *, seed: int = 0, resamples: int = 1000) -> dict[str, Any]:
    """Score a file of predictions against one of gold, joined by `id`; see :func:`stance.evaluation.score.score`.

    Args:
        predictions: rows with id, stance and, if known, p_against, p_neutral, p_favor.
        gold: rows with id, label and, if known, group.
        seed, resamples: of the bootstrap.

    Raises:
        InputError: an id that is missing on one side, twice there, an unknown label, or bad probabilities.
    """
    given, truth, probabilities, groups = _joined(predictions, gold)
    return score(truth, given, probabilities=probabilities, groups=groups, seed=seed, resamples=resamples)


def shares_of_files(corpus: Path, predictions: Path, gold: Path, *, seed: int = 0) -> dict[str, Any]:
    """Shares of the stances in a file of predictions, corrected; see :func:`stance.evaluation.corrected_shares`.

    Args:
        corpus: rows with p_against, p_neutral, p_favor and, if known, group.
        predictions, gold: the same model's scored rows, joined by `id` as in :func:`evaluate_files`.
        seed: of the bootstrap.

    Raises:
        InputError: rows without probabilities, or what :func:`evaluate_files` refuses.
    """
    _, truth, scored, scored_groups = _joined(predictions, gold)
    rows = [row for batch in read_table(corpus) for row in batch]
    probabilities = probabilities_of(rows, str(corpus))
    if probabilities is None or scored is None:
        raise InputError(f"{corpus if probabilities is None else predictions}: shares need p_against, p_neutral and p_favor.")
    groups = [str(row["group"]) for row in rows] if all(row.get("group") for row in rows) else None
    return corrected_shares(probabilities, scored, truth, groups=groups, scored_groups=scored_groups, seed=seed)


def _joined(
    predictions: Path, gold: Path
) -> tuple[list[str], list[str], NDArray[np.float64] | None, list[str] | None]:
    """(given labels, gold labels, probabilities, groups) of two files joined by id."""
    given, truth = rows_by_id(predictions, "stance"), rows_by_id(gold, "label")
    for one, other, path in ((truth, given, predictions), (given, truth, gold)):
        lost = [i for i in one if i not in other]
        if lost:
            raise InputError(f"{path}: no row with id {lost[0]!r} ({len(lost)} missing).")
    groups = [str(row["group"]) for row in truth.values()] if all(row.get("group") for row in truth.values()) else None
    probabilities = probabilities_of([given[i] for i in truth], str(predictions))
    return [given[i]["stance"] for i in truth], [row["label"] for row in truth.values()], probabilities, groups
