"""Tiny checkpoints made on the spot: no hub, no download."""

from __future__ import annotations

from pathlib import Path

import pytest

WORDS = "ukraine nato should join become a member of the we reject back it no yes never must alliance . kremlin :".split()


NLI = {0: "entailment", 1: "neutral", 2: "contradiction"}


def tiny_checkpoint(folder: Path, labels: dict[int, str], initializer_range: float) -> Path:
    """A random two-layer BERT with these labels."""
    import torch
    from transformers import BertConfig, BertForSequenceClassification, BertTokenizerFast

    folder.mkdir()
    vocabulary = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *WORDS]
    (folder / "vocab.txt").write_text("\n".join(vocabulary), encoding="utf-8")
    tokenizer = BertTokenizerFast(str(folder / "vocab.txt"))
    torch.manual_seed(0)
    config = BertConfig(
        vocab_size=len(vocabulary),
        hidden_size=32,
        num_hidden_layers=2,
        num_attention_heads=2,
        intermediate_size=64,
        max_position_embeddings=64,
        id2label=labels,
        label2id={name: i for i, name in labels.items()},
        initializer_range=initializer_range,
    )
    BertForSequenceClassification(config).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


@pytest.fixture(scope="session")
def tiny_nli(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A checkpoint with NLI labels in an unusual order, and weights large enough to give different answers."""
    return tiny_checkpoint(tmp_path_factory.mktemp("checkpoints") / "tiny-nli", NLI, 0.5)


@pytest.fixture(scope="session")
def tiny_encoder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A checkpoint with a head of two unnamed labels, as a base to train from."""
    return tiny_checkpoint(tmp_path_factory.mktemp("checkpoints") / "tiny", {0: "LABEL_0", 1: "LABEL_1"}, 0.1)
