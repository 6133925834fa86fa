"""Words with BIO tags in, the attribution tagger out: encoder, word features and a linear-chain CRF.

The data is CofeNet's form of PolNeAR: JSON lines with `tokens` and `labels`.
"""

from __future__ import annotations

import json
import logging
import random
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from tqdm import tqdm

from stance.config import TaggerConfig
from stance.models import resolve_encoder
from stance.models.machine import autocast
from stance.quotes.cofenet import Instance, read_instances
from stance.quotes.crf import decode
from stance.quotes.tagger import EXACT, SHAPES, TAGS, WordEncoder, constraints, pad, spans
from stance.training.optimise import batches_by_length, loading, optimiser, set_dropout

logger = logging.getLogger(__name__)


class AttributionModel(torch.nn.Module):
    """Encoder, an embedding of word features added to its input, a linear layer and the CRF's scores."""

    forbidden_move: torch.Tensor
    forbidden_start: torch.Tensor

    def __init__(self, encoder: Any) -> None:
        super().__init__()
        self.encoder = encoder
        width = encoder.config.hidden_size
        self.features = torch.nn.Embedding(SHAPES + 1, width)
        torch.nn.init.zeros_(self.features.weight)  # the encoder starts as it was
        self.dropout = torch.nn.Dropout(0.1)
        self.head = torch.nn.Linear(width, len(TAGS))
        self.move = torch.nn.Parameter(torch.zeros(len(TAGS), len(TAGS)))
        self.start = torch.nn.Parameter(torch.zeros(len(TAGS)))
        move, start = constraints()
        self.register_buffer("forbidden_move", torch.tensor(move), persistent=False)
        self.register_buffer("forbidden_start", torch.tensor(start), persistent=False)

    def forward(self, input_ids: Any, attention_mask: Any, features: Any) -> Any:
        """Scores (rows, tokens, tags)."""
        embedded = self.encoder.get_input_embeddings()(input_ids) + self.features(features)
        hidden = self.encoder(inputs_embeds=embedded, attention_mask=attention_mask).last_hidden_state
        return self.head(self.dropout(hidden))

    def crf(self) -> tuple[Any, Any]:
        """Moves (tags, tags) and starts (tags,), forbidden ones far below zero."""
        return self.move + self.forbidden_move, self.start + self.forbidden_start

    def loss(self, scores: Any, tags: Any, mask: Any) -> Any:
        """Mean negative log-likelihood a word of the tag sequences (Lafferty et al. 2001).

        Args:
            scores: (rows, words, tags).
            tags, mask: (rows, words).
        """
        move, start = self.crf()
        gold = start[tags[:, 0]] + scores[:, 0].gather(1, tags[:, :1]).squeeze(1)
        total = start + scores[:, 0]
        for t in range(1, scores.shape[1]):
            here = mask[:, t]
            step = move[tags[:, t - 1], tags[:, t]] + scores[:, t].gather(1, tags[:, t : t + 1]).squeeze(1)
            gold = gold + step * here
            total = torch.where(here[:, None] > 0, torch.logsumexp(total[:, :, None] + move, 1) + scores[:, t], total)
        return (torch.logsumexp(total, 1) - gold).sum() / mask.sum()


class _Run:
    def __init__(self, config: TaggerConfig, output: Path) -> None:
        from tokenizers import Tokenizer
        from transformers import AutoModel, AutoTokenizer

        torch.manual_seed(config.seed)
        self.config, self.output = config, output
        with loading(config.base):
            base = resolve_encoder(config.base)
            self.tokenizer = AutoTokenizer.from_pretrained(base)
            encoder = AutoModel.from_pretrained(
                base, use_safetensors=True, trust_remote_code=False, add_pooling_layer=False, attn_implementation="eager"
            )
        self.encode = WordEncoder(Tokenizer.from_str(self.tokenizer.backend_tokenizer.to_str()))
        self.model = AttributionModel(encoder)
        set_dropout(self.model, config.dropout, attention=config.dropout)

    def scores(self, batch: Sequence[Instance]) -> tuple[Any, Any, Any]:
        """Word scores (rows, words, tags), gold tags and mask (rows, words)."""
        encoded = self.encode([words for words, _ in batch])
        ids, features, first = (pad([e[k] for e in encoded], fill) for k, fill in ((0, 0), (1, 0), (2, -1)))
        attention = pad([[1] * len(e[0]) for e in encoded])
        out = self.model(torch.tensor(ids), torch.tensor(attention), torch.tensor(features)).float()
        index = torch.tensor(np.maximum(first, 0))[:, :, None].expand(-1, -1, len(TAGS))
        tags = pad([[TAGS.index(t) for t in tags] for _, tags in batch])
        return out.gather(1, index), torch.tensor(tags), torch.tensor((first >= 0).astype(np.float32))

    def predict(self, instances: Sequence[Instance]) -> list[list[str]]:
        self.model.eval()
        move, start = (x.detach().numpy() for x in self.model.crf())
        order = sorted(range(len(instances)), key=lambda i: len(instances[i][0]))
        out: list[list[str]] = [[]] * len(instances)
        with torch.inference_mode():
            for begin in range(0, len(order), 32):
                rows = order[begin : begin + 32]
                scores, _, mask = self.scores([instances[i] for i in rows])
                for row, i in enumerate(rows):
                    n = int(mask[row].sum())
                    [(tags, _)] = decode([scores[row, :n].numpy()], move, start, least=EXACT)
                    out[i] = [TAGS[k] for k in tags] + ["O"] * (len(instances[i][0]) - n)
        return out

    def save(self, figures: dict[str, Any]) -> None:
        from safetensors.torch import save_file

        self.output.mkdir(parents=True, exist_ok=True)
        weights = {k: v.contiguous() for k, v in self.model.state_dict().items()}
        save_file(weights, self.output / "model.safetensors")
        self.model.encoder.config.save_pretrained(self.output)
        self.tokenizer.save_pretrained(self.output)
        move, start = (x.detach().tolist() for x in self.model.crf())
        settings = {"tags": TAGS, "move": move, "start": start, **figures}
        (self.output / "tagger.json").write_text(json.dumps(settings) + "\n", encoding="utf-8")


def f1_by_kind(gold: Sequence[Sequence[str]], found: Sequence[Sequence[str]]) -> dict[str, float]:
    """F1 of exact spans for source, cue and content, each from 0 to 1."""
    out = {}
    for kind in ("source", "cue", "content"):
        want = {(i, *s) for i, tags in enumerate(gold) for s in spans(tags) if s[0] == kind}
        have = {(i, *s) for i, tags in enumerate(found) for s in spans(tags) if s[0] == kind}
        out[kind] = 2 * len(want & have) / max(1, len(want) + len(have))
    return out


def train_tagger(config: TaggerConfig, *, data: Path, output: Path, progress: bool = False) -> Path:
    """Train the attribution tagger and return its folder; the best epoch on dev is kept.

    Args:
        config: see `configs/train-tagger.yaml`.
        data: folder that the config's paths are relative to.
        output: folder of the checkpoint.
        progress: show a progress bar on stderr.

    Raises:
        ConfigError: the base is not installed.
        InputError: a file is missing or has a bad row.
    """
    train, dev = read_instances(data / config.train), read_instances(data / config.dev)
    rng = random.Random(config.seed)
    run = _Run(config, output)
    encoder = [p for n, p in run.model.named_parameters() if n.startswith("encoder.")]
    fresh = [p for n, p in run.model.named_parameters() if not n.startswith("encoder.")]
    groups = [{"params": encoder}, {"params": fresh, "lr": config.learning_rate * 10}]
    steps = config.epochs * -(-len(train) // config.batch_size)
    optimizer, schedule = optimiser(groups, learning_rate=config.learning_rate, steps=steps, warmup=config.warmup)
    best = -1.0
    try:
        for epoch in range(config.epochs):
            run.model.train()
            batches = batches_by_length(train, config.batch_size, lambda x: len(x[0]), rng)
            bar = tqdm(batches, desc=f"tagger {epoch + 1}", disable=not progress, mininterval=10)
            for batch in bar:
                with autocast("cpu"):
                    scores, tags, mask = run.scores(batch)
                loss = run.model.loss(scores, tags, mask)
                loss.backward()
                torch.nn.utils.clip_grad_norm_(run.model.parameters(), 1.0)
                optimizer.step()
                schedule.step()
                optimizer.zero_grad()
            f1 = f1_by_kind([tags for _, tags in dev], run.predict(dev))
            logger.info("tagger epoch %d: dev F1 %s", epoch + 1, {k: round(v, 3) for k, v in f1.items()})
            if sum(f1.values()) > best:
                best = sum(f1.values())
                run.save({"dev_f1": f1, "epoch": epoch + 1})
    except KeyboardInterrupt:
        if not (output / "tagger.json").exists():
            raise
        logger.warning("interrupted: %s holds the best epoch so far", output)
    return output


def export_tagger(checkpoint: str | Path, output: str | Path, *, data: str | Path) -> float:
    """Export a trained tagger for the ONNX runtime, behind the same gate as a stance checkpoint.

    Args:
        checkpoint: the folder of :func:`train_tagger`.
        output: the new folder, which :class:`stance.quotes.tagger.Tagger` reads.
        data: CofeNet JSON lines on which the tags of int8 and fp32 are compared.

    Returns:
        The share of words with equal tags, 0 to 1.

    Raises:
        ModelError: the share is below `AGREEMENT`.
    """
    import shutil

    from safetensors.torch import load_file
    from transformers import AutoConfig, AutoModel

    from stance.errors import ModelError
    from stance.models.export import AGREEMENT, int8_onnx
    from stance.quotes.tagger import Tagger

    source, target = Path(checkpoint), Path(output)
    encoder = AutoModel.from_config(AutoConfig.from_pretrained(source), add_pooling_layer=False, attn_implementation="eager")
    model = AttributionModel(encoder).eval()
    model.load_state_dict(load_file(source / "model.safetensors"))
    target.mkdir(parents=True, exist_ok=True)
    for name in ("tokenizer.json", "tagger.json", "README.md"):
        if (source / name).exists():
            shutil.copy(source / name, target / name)
    names = ("input_ids", "attention_mask", "features")
    inputs = {name: torch.ones(2, 12, dtype=torch.long) for name in names}
    int8_onnx(model, inputs, {"scores": {0: "rows", 1: "tokens"}}, target / "model.onnx")
    tagger, words = Tagger(target), [w for w, _ in read_instances(Path(data))]
    ours, right, total = tagger.tag(words), 0, 0
    move, start = (x.detach().numpy() for x in model.crf())
    with torch.inference_mode():
        for row, tags in zip(words, ours, strict=True):
            [(ids, features, first)] = tagger.encode([row])
            scores = model(torch.tensor([ids]), torch.ones(1, len(ids), dtype=torch.long), torch.tensor([features]))[0]
            known = [f for f in first if f >= 0]
            [(found, _)] = decode([scores[known].numpy()], move, start, least=EXACT)
            theirs = [TAGS[k] for k in found]
            right += sum(a == b for a, b in zip(tags, theirs, strict=False))
            total += len(theirs)
    if right / total < AGREEMENT:
        (target / "model.onnx").unlink()
        raise ModelError(f"{checkpoint}: int8 and fp32 agree on {right / total:.1%} of tags, under {AGREEMENT:.0%}.")
    return right / total
