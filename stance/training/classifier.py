"""Labelled rows in, a checkpoint folder out: the same code trains the embedded model and a user's own.

The folder holds safetensors, tokenizer, config with label mapping, `calibration.json` and a card; the best epoch on
dev is kept, so that an interrupted run leaves a usable checkpoint.
"""

from __future__ import annotations

import json
import logging
import random
from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from stance.calibration import ece, fit_temperature, softmax
from stance.config import Source, Stage, TrainConfig
from stance.errors import InputError, ModelError
from stance.labels import LABELS
from stance.models import resolve_encoder
from stance.models.checkpoint import label_columns
from stance.models.first_token import skip_unread_tokens
from stance.models.machine import autocast
from stance.training.examples import Example, Row, dev_example, epoch_examples, read_source, split_by_group
from stance.training.optimise import Average, batches_by_length, loading, optimiser, set_dropout
from stance.training.state import RunFiles, load_state, save_state

logger = logging.getLogger(__name__)


def _with_stance_head(checkpoint: str) -> Any:
    """The checkpoint with outputs in `LABELS` order: its own head where its labels map to ours, else a fresh one."""
    import torch
    from transformers import AutoConfig, AutoModelForSequenceClassification

    own = AutoConfig.from_pretrained(checkpoint, trust_remote_code=False).id2label
    try:
        columns = label_columns(own, where=checkpoint)
    except ModelError:
        columns = None
    model = AutoModelForSequenceClassification.from_pretrained(
        checkpoint,
        id2label={i: str(label) for i, label in enumerate(LABELS)},
        label2id={str(label): i for i, label in enumerate(LABELS)},
        ignore_mismatched_sizes=columns is None,
        attn_implementation="eager",  # on a CPU 1.2 to 1.6 times as fast as SDPA at these lengths
        use_safetensors=True,
        trust_remote_code=False,
        dtype=torch.float32,  # shipped weights are fp16, too coarse for small steps
    )
    if columns is not None:
        head = [m for m in model.modules() if isinstance(m, torch.nn.Linear) and m.out_features == len(LABELS)][-1]
        with torch.no_grad():
            head.weight.copy_(head.weight[columns].clone())
            head.bias.copy_(head.bias[columns].clone())
    return skip_unread_tokens(model)


def _characters(example: Example) -> int:
    return len(example.text) + len(example.claim)


class _Run:
    """The state of one training run; methods in the order in which they are called."""

    def __init__(self, config: TrainConfig, output: Path, *, progress: bool, start: Path | None) -> None:
        import torch
        from transformers import AutoTokenizer

        torch.manual_seed(config.seed)
        self.torch, self.config, self.output, self.progress = torch, config, output, progress
        with loading(config.base):
            checkpoint = str(start) if start else resolve_encoder(config.base)
            self.tokenizer = AutoTokenizer.from_pretrained(checkpoint)
            self.model = _with_stance_head(checkpoint)
        self.scores: list[float] = []  # dev macro-F1 of each epoch of the stage at work
        if config.languages:
            self.model.config.languages = list(config.languages)
        self.device = "cuda" if torch.cuda.is_available() else "cpu"
        self.model.to(self.device)

    def encode(self, batch: list[Example]) -> Any:
        """Tensors of a batch, padded to its longest row."""
        return self.tokenizer(
            [e.text for e in batch],
            [e.claim for e in batch],
            truncation="longest_first",  # a claim may be longer than its text
            max_length=self.config.max_length,
            padding=True,
            return_tensors="pt",
        ).to(self.device)

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

    def fit_seeds(self, stage: Stage, train: Sequence[Row], dev: Sequence[Row], files: RunFiles, index: int) -> None:
        """Train one stage once for each of its seeds, all from the same start, and keep the mean of their weights, the start's
        among them if the stage says so."""
        start = {k: v.clone() for k, v in self.model.state_dict().items()}
        members = stage.seeds + stage.with_start
        mean = {k: v / members * stage.with_start for k, v in start.items() if v.is_floating_point()}
        for seed in range(stage.seeds):
            self.model.load_state_dict(start)
            self.fit(stage, train, [], seed=seed, state=files.state(index, seed))
            if dev:
                logger.info("%s seed %d: dev macro-F1 %.3f", stage.name, seed, self.score(dev)[0])
            for k, v in self.model.state_dict().items():
                if k in mean:
                    mean[k] += v / members
        self.model.load_state_dict(mean, strict=False)
        if dev:
            logger.info("%s mean of %d weights: dev macro-F1 %.3f", stage.name, members, self.score(dev)[0])

    def score(self, dev: Sequence[Row]) -> tuple[float, NDArray[np.float32]]:
        """Macro-F1 on dev rows, and their logits."""
        from sklearn.metrics import f1_score

        logits = self.logits([dev_example(row) for row in dev])
        gold = [row.label for row in dev]
        return float(f1_score(gold, logits.argmax(1), labels=[0, 1, 2], average="macro", zero_division=0)), logits

    def fit(self, stage: Stage, train: Sequence[Row], dev: Sequence[Row], *, seed: int = 0, state: Path) -> None:
        """Train one stage, from the epoch in the file `state` where there is one; the best epoch on dev is saved."""
        torch, config = self.torch, self.config
        torch.manual_seed(config.seed + seed)  # here too, so that a resumed run draws as a whole one does
        rng = random.Random(f"{config.seed} {stage.name} {seed}" if seed else f"{config.seed} {stage.name}")
        set_dropout(self.model, stage.dropout, attention=stage.attention_dropout)
        self.model.get_input_embeddings().weight.requires_grad_(not stage.freeze_words)
        epochs = [batches_by_length(epoch_examples(train, rng), config.batch_size, _characters, rng) for _ in range(stage.epochs)]
        trained = [p for p in self.model.parameters() if p.requires_grad]
        steps = sum(map(len, epochs))
        optimizer, schedule = optimiser(trained, learning_rate=stage.learning_rate, steps=steps, warmup=config.warmup)
        average = Average(self.model, stage.average) if stage.average else None
        loss_of = torch.nn.CrossEntropyLoss(label_smoothing=config.label_smoothing)
        gold = np.array([row.label for row in dev])
        parts = {"model": self.model, "optimizer": optimizer, "schedule": schedule, "average": average}
        done, self.scores = load_state(state, **parts) if state.exists() else (0, [])
        scores = self.scores
        for epoch, batches in enumerate(epochs[done:], start=done):
            self.model.train()
            for batch in tqdm(batches, desc=f"{stage.name} {epoch + 1}", disable=not self.progress, mininterval=10):
                labels = torch.tensor([e.label for e in batch], device=self.device)
                with autocast(self.device):
                    loss = loss_of(self.model(**self.encode(batch)).logits.float(), labels)
                loss.backward()
                torch.nn.utils.clip_grad_norm_(self.model.parameters(), 1.0)
                optimizer.step()
                schedule.step()
                optimizer.zero_grad()
                if average:
                    average.update()
            if not dev:
                save_state(state, **parts, epochs=epoch + 1, scores=scores)
                continue
            with average.applied() if average else nullcontext():
                score, logits = self.score(dev)
                scores.append(score)
                logger.info("%s epoch %d: dev macro-F1 %.3f", stage.name, epoch + 1, scores[-1])
                if scores[-1] == max(scores):
                    self.save(logits, gold, scores)
            if len(scores) - 1 - scores.index(max(scores)) >= config.patience:
                break
            save_state(state, **parts, epochs=epoch + 1, scores=scores)
        if average and not dev:
            average.keep()

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


def train_classifier(
    config: TrainConfig, *, data: Path, home: Path, output: Path, resume: bool, progress: bool
) -> Path:
    """Train a stance checkpoint; see :func:`stance.train`."""

    def read(sources: Sequence[Source], name: str) -> list[Row]:
        # a generator of its own for each file: adding one changes no other's draw, and a resumed run equals a whole one
        return [
            row
            for s in sources
            for row in read_source(s, folder=data, home=home, rng=random.Random(f"{config.seed} {name} {s.path}"))
        ]

    loaded = [read(stage.sources, stage.name) for stage in config.stages]
    dev = read(config.dev, "dev")
    if not dev:
        loaded[-1], dev = split_by_group(loaded[-1], config.dev_share, config.seed)
    if len({row.label for row in loaded[-1]}) < 2:
        raise InputError(f"{config.name}: the training rows have only one label; a classifier needs at least two.")
    files = RunFiles(output, len(loaded))
    if not resume:
        files.remove()
    done = files.finished()
    run = _Run(config, output, progress=progress, start=files.stages[done - 1] if done else None)
    for index, stage in list(enumerate(config.stages))[done:]:
        last = index == len(loaded) - 1
        logger.info("stage %s: %d rows", stage.name, len(loaded[index]))
        try:
            if stage.keeps_a_mean:
                run.fit_seeds(stage, loaded[index], dev, files, index)
            else:
                run.fit(stage, loaded[index], dev if last else [], state=files.state(index))
        except KeyboardInterrupt:
            if not (run.scores and (output / "README.md").exists()):  # the card is written last
                raise
            logger.warning("interrupted: %s holds the best epoch so far", output)
            break
        if not last:
            files.finish(index, model=run.model, tokenizer=run.tokenizer)
        files.forget_states(index)
    return output
