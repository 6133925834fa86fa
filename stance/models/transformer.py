"""torch checkpoints: a fine-tuned stance model or any zero-shot NLI model, from a folder or the hub.

One forward pass for each pair of quote and claim. safetensors only, no remote code.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from stance.errors import ModelError
from stance.models.batching import pair_encoder
from stance.models.checkpoint import fingerprint, label_columns, read_languages, read_temperature
from stance.models.first_token import skip_unread_tokens
from stance.models.machine import autocast, cores, has_bf16


@contextmanager
def no_loading_bar() -> Iterator[None]:
    """transformers draws no bar over the weights that it reads; a download, which takes long, keeps its bar."""
    from huggingface_hub.utils.tqdm import are_progress_bars_disabled, disable_progress_bars, enable_progress_bars
    from transformers.utils import logging

    shown, downloads = logging.is_progress_bar_enabled(), not are_progress_bars_disabled()
    if not shown:
        yield
        return
    logging.disable_progress_bar()  # this one and the next one are about those of downloads too
    if downloads:
        enable_progress_bars()
    try:
        yield
    finally:
        logging.enable_progress_bar()
        if not downloads:
            disable_progress_bars()


class TransformerModel:
    """A sequence-pair classifier of `transformers`.

    Args:
        name_or_path: folder or hub name.
        device: "cpu", "cuda", …; the GPU where there is one when None.
        bf16: multiply in bf16; when None, on a GPU that has it and never on a CPU, whose labels stay those of fp32.

    Raises:
        ModelError: the checkpoint cannot be found or loaded safely, its labels cannot be mapped, or the device does not
            multiply bf16 in hardware, where it would be slower than fp32.
    """

    def __init__(self, name_or_path: str, *, device: str | None = None, bf16: bool | None = None) -> None:
        import torch
        from transformers import AutoModelForSequenceClassification, AutoTokenizer

        folder = Path(name_or_path)
        if folder.is_dir() and not any(folder.glob("*.safetensors")):
            raise ModelError(f"{folder}: no .safetensors weights; pickled weights are not loaded. Convert them first.")
        self._torch = torch
        self._device = torch.device(device or ("cuda" if torch.cuda.is_available() else "cpu"))
        self._bf16 = bf16 if bf16 is not None else self._device.type == "cuda" and has_bf16(str(self._device))
        if bf16 and not has_bf16(str(self._device)):
            raise ModelError(f"{name_or_path}: {self._device} does not multiply bf16 in hardware; use the runtime torch.")
        try:
            tokenizer: Any = AutoTokenizer.from_pretrained(name_or_path, use_fast=True, trust_remote_code=False)
            with no_loading_bar():
                self._model: Any = AutoModelForSequenceClassification.from_pretrained(
                    name_or_path, use_safetensors=True, trust_remote_code=False, dtype=torch.float32
                )
        except (OSError, ValueError) as error:
            raise ModelError(
                f"{name_or_path}: cannot be loaded ({str(error).splitlines()[0]}). "
                "Is the name right, and is the hub reached or the model in the local cache?"
            ) from error
        self._columns = label_columns(self._model.config.id2label, where=name_or_path)
        skip_unread_tokens(self._model).to(self._device).eval()
        limit = min(256, getattr(self._model.config, "max_position_embeddings", 512))
        self._types = getattr(self._model.config, "type_vocab_size", 0) > 1
        self._encoder = pair_encoder(tokenizer.backend_tokenizer, max_length=limit)
        self._encoder_pad = tokenizer.pad_token_id or 0
        self.temperature = read_temperature(folder) if folder.is_dir() else 1.0
        self.languages = read_languages(self._model.config.to_dict())
        weights = folder / "model.safetensors"
        mark = fingerprint(weights) if weights.exists() else getattr(self._model.config, "_commit_hash", None)
        self.name = f"{folder.name if folder.is_dir() else name_or_path}@{str(mark)[:8]}"

    def _forward(
        self, ids: NDArray[np.int64], mask: NDArray[np.int64], types: NDArray[np.int64]
    ) -> NDArray[np.float32]:
        ids = np.where(mask == 1, ids, self._encoder_pad)
        inputs = {"input_ids": ids, "attention_mask": mask} | ({"token_type_ids": types} if self._types else {})
        tensors = {k: self._torch.from_numpy(v).to(self._device) for k, v in inputs.items()}
        with self._torch.inference_mode(), autocast(str(self._device)) if self._bf16 else nullcontext():
            logits: NDArray[np.float32] = self._model(**tensors).logits.float().cpu().numpy()
        return logits[:, self._columns]

    def logits(
        self, texts: Sequence[str], claims: Sequence[str], *, batch_size: int, progress: bool
    ) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
        """See :class:`stance.models.protocol.StanceModel`."""
        torch = self._torch
        before = torch.get_num_threads()
        if self._device.type != "cpu" or before == 1:
            return self._encoder.run(texts, claims, self._forward, batch_size=batch_size, progress=progress)

        # a batch on each core is up to 1.4 times as fast as all cores on one batch, whose matrices are small
        def one_core() -> None:
            torch.set_num_threads(1)

        threads = min(before, cores())  # torch does not heed the quota of a container
        try:
            return self._encoder.run(
                texts, claims, self._forward, batch_size=batch_size, progress=progress, threads=threads, each_thread=one_core
            )
        finally:
            torch.set_num_threads(before)  # what a thread sets is what later ones begin with
