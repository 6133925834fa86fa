"""The YAML files of `configs/` as checked values: an unknown key is an error, never ignored."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any, Literal, Self, TypeVar

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from stance.errors import ConfigError


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


_Config = TypeVar("_Config", bound=_Strict)


class Source(_Strict):
    """One file of labelled rows.

    JSON lines or CSV with `text`, `label` and optionally `target`, `speaker`, `context`, `targets`;
    or NLI rows with `premise`, `hypothesis`, `label` (those that say only "not_entailment" are left out).

    Args:
        path: file or pattern ("nato/*.jsonl"), relative to the data folder of the run (`--data`), or to the config's
            folder when it begins with "./".
        splits: values of `split` to keep; all rows when empty.
        limit: most rows taken, drawn with the config's seed; all when None.
        off_target: share of extra neutral rows made by pairing texts with another target of the same file.
        neutral_to: a claim of which none of the texts speaks; every row then becomes a neutral one toward it.
        repeat: how often each row is taken.
    """

    path: str
    splits: tuple[str, ...] = ()
    limit: int | None = Field(default=None, ge=1)
    off_target: float = Field(default=0.0, ge=0, le=1)
    neutral_to: str | None = None
    repeat: int = Field(default=1, ge=1)


class Stage(_Strict):
    """One pass of training over some sources.

    Args:
        name: for logs and checkpoints.
        sources: files to read.
        epochs: passes over the rows.
        learning_rate: peak of the linear schedule.
        dropout: share of hidden values zeroed; one pass over many rows needs none.
        attention_dropout: share of attention weights zeroed; on a CPU, drawing them takes half of a step.
        freeze_words: leave the word embeddings as they are, so that words unseen in training keep their place among the seen.
        average: decay of the moving average of the weights that is kept instead of the last ones; 0 keeps the last.
        seeds: run the stage so often, each time from the same start with another seed, and keep the mean of the weights
            (Wortsman et al. 2022, "Model soups"); for any stage but the last.
        with_start: the weights before the stage count as one of those in the mean (Wortsman et al. 2022, "Robust
            fine-tuning"); for any stage but the last.
    """

    name: str
    sources: tuple[Source, ...]
    epochs: int = Field(default=3, ge=1)
    learning_rate: float = Field(default=1e-4, gt=0)
    dropout: float = Field(default=0.1, ge=0, lt=1)
    attention_dropout: float = Field(default=0.0, ge=0, lt=1)
    freeze_words: bool = False
    average: float = Field(default=0.0, ge=0, lt=1)
    seeds: int = Field(default=1, ge=1)
    with_start: bool = False

    @property
    def keeps_a_mean(self) -> bool:
        """Whether its result is a mean of several weights, not those of one run."""
        return self.seeds > 1 or self.with_start


class TrainConfig(_Strict):
    """How a checkpoint is trained; see `configs/train-default.yaml`.

    Args:
        name: name of the checkpoint and of its folder.
        base: an embedded model's name, a folder or hub name, or `package:NAME` for weights inside a Python package.
        output: folder of the run.
        stages: run one after the other.
        dev: rows that choose the best epoch and fit the temperature; a share of the last stage when empty.
        dev_share: that share, stratified by label and kept apart by `pair`.
        max_length: tokens of text and claim together.
        batch_size: rows in one step.
        label_smoothing, warmup, seed: as usual.
        patience: epochs without a better dev macro-F1 before the last stage stops.
        languages: ISO 639-1 codes that the checkpoint reads, kept in its config; a text in another one is then marked.
        licences: what the card says on the terms of the data.
    """

    name: str
    base: str
    output: str
    stages: tuple[Stage, ...] = Field(min_length=1)
    dev: tuple[Source, ...] = ()
    dev_share: float = Field(default=0.1, gt=0, lt=1)
    max_length: int = Field(default=128, ge=16, le=512)
    batch_size: int = Field(default=32, ge=1)
    label_smoothing: float = Field(default=0.05, ge=0, lt=1)
    warmup: float = Field(default=0.06, ge=0, lt=1)
    patience: int = Field(default=2, ge=1)
    seed: int = 1
    languages: tuple[str, ...] = ()
    licences: str = ""

    @field_validator("stages")
    @classmethod
    def _last_stage_chooses_an_epoch(cls, stages: tuple[Stage, ...]) -> tuple[Stage, ...]:
        if stages and stages[-1].keeps_a_mean:
            raise ValueError(
                "the last stage keeps its best epoch on dev, no mean of weights; give seeds or with_start to a stage before it"
            )
        return stages


class TaggerConfig(_Strict):
    """How the attribution tagger is trained; see `configs/train-tagger.yaml`.

    Args:
        task: tells this file from a stance configuration.
        name, base, output, seed, warmup, licences: as in :class:`TrainConfig`.
        train, dev: JSON lines with `tokens` and `labels` (BIO of source, cue, content).
        epochs: passes over the instances.
        learning_rate: peak for the encoder; the new layers take ten times as much.
        dropout: share of values zeroed.
        batch_size: instances in one step.
    """

    task: Literal["tagger"]
    name: str
    base: str
    output: str
    train: str
    dev: str
    epochs: int = Field(default=4, ge=1)
    learning_rate: float = Field(default=1e-4, gt=0)
    dropout: float = Field(default=0.1, ge=0, lt=1)
    batch_size: int = Field(default=16, ge=1)
    warmup: float = Field(default=0.06, ge=0, lt=1)
    seed: int = 1
    licences: str = ""


class SystemConfig(_Strict):
    """One thing to score: exactly one of `model`, `labels` and `baseline`.

    Args:
        name: for reports; the model's own name when None.
        model: embedded name, checkpoint folder or hub name.
        labels: CSV, JSONL or Parquet file of somebody's labels, relative to the data folder; see
            :func:`stance.evaluation.systems.from_file`.
        baseline: a simple learner, fitted on each data set's training rows.
        encoder: checkpoint of the baselines `encoder` and `setfit`: a folder, a hub name, an embedded model's name, or
            `package:NAME` for weights inside a Python package.
    """

    name: str | None = None
    model: str | None = None
    labels: str | None = None
    baseline: Literal["majority", "tfidf", "encoder", "setfit"] | None = None
    encoder: str | None = None

    @model_validator(mode="after")
    def _one_kind(self) -> Self:
        if sum(x is not None for x in (self.model, self.labels, self.baseline)) != 1:
            raise ValueError("a system is one of model, labels and baseline")
        if (self.baseline in ("encoder", "setfit")) != (self.encoder is not None):
            raise ValueError("the baselines encoder and setfit, and no others, need an encoder")
        return self


class Human(_Strict):
    """The human score beside a model's: exactly one of `value` and `column`.

    Args:
        value: a published one, in the data set's metric.
        column: where the rows hold a second annotator's labels; these are scored against `label`.
        source: where it stands, or who the annotators are.
    """

    value: float | None = Field(default=None, ge=0, le=1)
    column: str | None = None
    source: str

    @model_validator(mode="after")
    def _one_score(self) -> Self:
        if (self.value is None) == (self.column is None):
            raise ValueError("a human score is one of value and column")
        return self


class DatasetConfig(_Strict):
    """Rows to score against: exactly one of `path` and `suite`.

    Args:
        name: for reports; the file's or suite's name when None.
        path: file or folder of labelled rows, relative to the data folder, or to the config's folder when it begins with "./".
        suite: a public benchmark, looked for in the data folder; see :data:`stance.evaluation.suites.SUITES`.
        split: what a suite scores: test, dev or train.
        splits, train_splits: values of `split` that a file's rows are scored on, and that baselines learn from.
        metric: name of the number to compare by; a suite brings its own.
        human: the human score, where rows have no `annotations`; see :class:`Human`.
        slices: columns to slice by.
        probes: run the probes on it.
    """

    name: str | None = None
    path: str | None = None
    suite: str | None = None
    split: str = "test"
    splits: tuple[str, ...] = ()
    train_splits: tuple[str, ...] = ()
    metric: str | None = None
    human: Human | None = None
    slices: tuple[str, ...] = ()
    probes: bool = False

    @model_validator(mode="after")
    def _one_source(self) -> Self:
        if (self.path is None) == (self.suite is None):
            raise ValueError("a data set is one of path and suite")
        if self.suite is not None and (self.splits or self.train_splits or self.metric):
            raise ValueError("a suite has its own splits and metric; leave them out")
        return self


class EvaluateConfig(_Strict):
    """What is scored on what; see `configs/evaluate-own.yaml`.

    Args:
        name: title of the report.
        systems: the first one is compared with each of the others.
        datasets: scored one after the other.
        limit: most rows of each data set, drawn with the seed; all when None.
        batch_size: of models.
        seed, resamples: of the bootstrap and the tests.
    """

    name: str
    systems: tuple[SystemConfig, ...] = Field(min_length=1)
    datasets: tuple[DatasetConfig, ...] = Field(min_length=1)
    limit: int | None = Field(default=None, ge=1)
    batch_size: int = Field(default=32, ge=1)
    seed: int = 0
    resamples: int = Field(default=1000, ge=100)


def load_evaluate_config(path: str | Path) -> EvaluateConfig:
    """Read an evaluation's configuration.

    Args:
        path: a YAML file.

    Raises:
        ConfigError: the file is missing, is no YAML, or has an unknown key or a value out of range.

    Example:
        >>> load_evaluate_config("nowhere.yaml")
        Traceback (most recent call last):
        ...
        stance.errors.ConfigError: nowhere.yaml: no such file.
    """
    return _checked(_values(path), EvaluateConfig, path)


def load_train_config(path: str | Path) -> TrainConfig | TaggerConfig:
    """Read a training configuration.

    Args:
        path: a YAML file.

    Raises:
        ConfigError: the file is missing, is no YAML, or has an unknown key or a value out of range.

    Example:
        >>> load_train_config("nowhere.yaml")
        Traceback (most recent call last):
        ...
        stance.errors.ConfigError: nowhere.yaml: no such file.
    """
    values = _values(path)
    if values.get("task") == "tagger":
        return _checked(values, TaggerConfig, path)
    return _checked(values, TrainConfig, path)


class RelevanceConfig(_Strict):
    """Which quotes speak of the target.

    Args:
        keywords: beginnings of words; of each list, one must occur in a quote, its context or its article's title. The
            names in the claim when empty.
        neutral_above: a quote whose own words do not hold the keywords is dropped when the model gives it this much
            probability of neutral; 1 keeps them all.
    """

    keywords: tuple[tuple[str, ...], ...] = ()
    neutral_above: float = Field(default=0.9, ge=0, le=1)


class SamplingConfig(_Strict):
    """Which quotes people should label; see :func:`stance.corpus.sample_for_annotation`.

    Args:
        size: how many, at most.
        strategy: "stratified", "uncertainty", "disagreement" (of the models) or "random".
        strata: what a stratum has in common, for "stratified".
        models: further models, for "disagreement".
        skip_annotated: leave out the quotes that have annotations already, for the next round of active learning.
        seed: of the draw.
    """

    size: int = Field(default=200, ge=1)
    strategy: Literal["stratified", "uncertainty", "disagreement", "random"] = "stratified"
    strata: tuple[Literal["stance", "speaker", "year", "outlet", "form"], ...] = ("stance",)
    models: tuple[str, ...] = ()
    skip_annotated: bool = False
    seed: int = 1

    @model_validator(mode="after")
    def _two_models(self) -> Self:
        if self.strategy == "disagreement" and not self.models:
            raise ValueError("strategy disagreement needs at least one further model in `models`")
        return self


class AnnotationSource(_Strict):
    """Files of annotations.

    Args:
        path: a file or a glob that may match nothing yet, from the data folder on.
        format: who wrote them; see :mod:`stance.corpus.formats`.
        annotator: whose they are, where the files do not say; the file's name without its ending when None.
    """

    path: str
    format: Literal["stance", "labelstudio", "doccano", "prodigy", "table"] = "stance"
    annotator: str | None = None


class AdjudicationConfig(_Strict):
    """How several labels of a quote become one; see :func:`stance.corpus.adjudicate`.

    Args:
        method: "majority", "dawid_skene" or "expert".
        expert: the annotator whose label counts, for "expert".
    """

    method: Literal["majority", "dawid_skene", "expert"] = "majority"
    expert: str | None = None

    @model_validator(mode="after")
    def _named_expert(self) -> Self:
        if (self.method == "expert") != (self.expert is not None):
            raise ValueError("method expert and the name of the expert go together")
        return self


class SplitConfig(_Strict):
    """How labelled quotes fall to train, dev and test; see :func:`stance.corpus.assign_splits`.

    Args:
        dev, test: share of the groups for each.
        by: "group" (article and near-duplicates), "speaker" (also no speaker in two splits) or "date".
        dev_from, test_from: first day (YYYY-MM-DD) of dev and of test, for "date".
    """

    dev: float = Field(default=0.1, ge=0, lt=1)
    test: float = Field(default=0.2, ge=0, lt=1)
    by: Literal["group", "speaker", "date"] = "group"
    dev_from: date | None = None
    test_from: date | None = None

    @model_validator(mode="after")
    def _dates(self) -> Self:
        if self.dev + self.test >= 1:
            raise ValueError("dev and test together leave nothing to train on")
        if (self.by == "date") != (self.dev_from is not None and self.test_from is not None):
            raise ValueError("by: date and both dev_from and test_from go together")
        if self.dev_from and self.test_from and not self.dev_from < self.test_from:
            raise ValueError("dev_from must be before test_from")
        return self


class BuildConfig(_Strict):
    """How a data set is built; see `configs/build.yaml`.

    Args:
        name: of the data set, on its card.
        output: folder of the results. `dataset/` and `steps/` in it are the build's alone: it replaces the first whole,
            but stops at a file there that it did not write, and clears the second up. `review/` is shared: the build
            replaces its own lists there and leaves every other file, such as people's annotations.
        articles: files, globs and folders, from the data folder on.
        columns: for tables of articles, our field to their column.
        claim: the target, as a claim; Ukraine's membership when None.
        extractor: "tagger" or "rules"; see :func:`stance.extract_quotes`.
        model: whose predictions filter and stratify.
        relevance, sampling, annotations, adjudication, split: the steps.
        licence: of the labels, an identifier such as cc-by-4.0.
        description: a paragraph for the card.
        shard: articles that are worked on, and kept, at once.
    """

    name: str = Field(min_length=1)
    output: str
    articles: tuple[str, ...] = Field(min_length=1)
    columns: dict[str, str] = Field(default_factory=dict)
    claim: str | None = None
    extractor: Literal["tagger", "rules"] = "tagger"
    model: str = "default"
    relevance: RelevanceConfig = RelevanceConfig()
    sampling: SamplingConfig = SamplingConfig()
    annotations: tuple[AnnotationSource, ...] = ()
    adjudication: AdjudicationConfig = AdjudicationConfig()
    split: SplitConfig = SplitConfig()
    licence: str | None = None
    description: str = ""
    shard: int = Field(default=500, ge=1)


def load_build_config(path: str | Path) -> BuildConfig:
    """Read the configuration of a data set.

    Raises:
        ConfigError: as for :func:`load_train_config`.
    """
    return _checked(_values(path), BuildConfig, path)


def _values(path: str | Path) -> dict[str, Any]:
    if not Path(path).is_file():
        raise ConfigError(f"{path}: no such file.")
    try:
        values = yaml.safe_load(Path(path).read_text("utf-8"))
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path}: not valid YAML: {error}") from error
    if not isinstance(values, dict):
        raise ConfigError(f"{path}: the file must hold keys and values.")
    return values


def _checked(values: dict[str, Any], kind: type[_Config], path: str | Path) -> _Config:
    try:
        return kind.model_validate(values)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"]))
        raise ConfigError(f"{path}: {where or 'the file'}: {first['msg']}.") from error
