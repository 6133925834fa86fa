"""A frozen encoder and logistic regression: what a checkpoint's hidden states know of the task without fine-tuning."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from stance.errors import ModelError
from stance.models.baseline import linear_head
from stance.models.transformer import no_loading_bar


class FrozenEncoder:
    """Mean-pooled last hidden states of a pair (text, claim), then multinomial logistic regression. Kept in memory only.

    Args:
        encoder: folder or hub name of an encoder in safetensors.

    Raises:
        ModelError: the checkpoint cannot be found or loaded safely.
    """

    languages: tuple[str, ...] | None = None
    temperature = 1.0

    def __init__(self, encoder: str) -> None:
        from transformers import AutoModel, AutoTokenizer

        self.name = f"frozen {Path(encoder).name}"
        try:
            self._tokenizer: Any = AutoTokenizer.from_pretrained(encoder, use_fast=True, trust_remote_code=False)
            with no_loading_bar():
                model: Any = AutoModel.from_pretrained(encoder, use_safetensors=True, trust_remote_code=False)
            self._model = model.float().eval()
        except (OSError, ValueError) as error:
            raise ModelError(f"{encoder}: cannot be loaded as an encoder ({str(error).splitlines()[0]}).") from error
        self._limit = min(256, getattr(self._model.config, "max_position_embeddings", 512))

    def fit(self, texts: Sequence[str], claims: Sequence[str], labels: Sequence[str]) -> Self:
        """Fit the regression on labelled rows and return the model.

        Raises:
            InputError: fewer than two labels, or an unknown one.
        """
        self._weights, self._bias = linear_head(self._embed(texts, claims), labels, c=1.0)
        return self

    def logits(
        self, texts: Sequence[str], claims: Sequence[str], *, batch_size: int, progress: bool
    ) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
        """See :class:`stance.models.protocol.StanceModel`; a text longer than the window is cut, as this is a baseline."""
        scores = self._embed(texts, claims, batch_size) @ self._weights.T + self._bias
        return scores.astype(np.float32), np.ones(len(texts), dtype=np.int64)

    def _embed(self, texts: Sequence[str], claims: Sequence[str], batch_size: int = 32) -> NDArray[np.float32]:
        """(n, hidden) means over the tokens."""
        import torch

        order = sorted(range(len(texts)), key=lambda i: len(texts[i]))
        out: list[Any] = [None] * len(texts)
        for begin in range(0, len(order), batch_size):
            rows = order[begin : begin + batch_size]
            pairs = ([texts[i] for i in rows], [claims[i] for i in rows])
            batch = self._tokenizer(*pairs, padding=True, truncation="only_first", max_length=self._limit, return_tensors="pt")
            with torch.inference_mode():
                hidden = self._model(**batch).last_hidden_state
            mask = batch["attention_mask"].unsqueeze(-1)
            for i, row in zip(rows, ((hidden * mask).sum(1) / mask.sum(1)).numpy(), strict=True):
                out[i] = row
        return np.array(out, dtype=np.float32)
