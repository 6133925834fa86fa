"""From texts and claims to padded batches: duplicates once, rows sorted by length, long texts in windows.

Nothing is cut: a text that does not fit beside its claim is read in overlapping windows, whose logits are averaged.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from stance.errors import InputError, ModelError

if TYPE_CHECKING:
    from tokenizers import Encoding, Tokenizer

Forward = Callable[[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]], NDArray[np.float32]]
"""(input_ids, attention_mask, token_type_ids), each (rows, tokens), to logits (rows, 3)."""


@dataclass(frozen=True, slots=True)
class PairEncoder:
    """Tokenises pairs of text and claim with the checkpoint's own tokenizer.

    Args:
        tokenizer: a `tokenizers.Tokenizer`; see :func:`load_tokenizer`.
        max_length: tokens of a window, claim and special tokens included.
        stride: tokens that neighbouring windows share.
    """

    tokenizer: Tokenizer
    max_length: int
    stride: int = 32

    def run(
        self,
        texts: Sequence[str],
        claims: Sequence[str],
        forward: Forward,
        *,
        batch_size: int,
        progress: bool,
    ) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
        """Logits (n, 3) and windows (n,) of the pairs; see :class:`stance.models.protocol.StanceModel`.

        Raises:
            InputError: a claim that leaves no room for its text.
        """
        from tqdm import tqdm

        pairs = list(dict.fromkeys(zip(texts, claims, strict=True)))
        for claim in {claim for _, claim in pairs}:
            size = len(self.tokenizer.encode(claim, add_special_tokens=False).ids)
            if size > self.max_length // 2:
                raise InputError(
                    f"The claim {claim[:40]!r}… has {size} tokens or more; a claim is one sentence of at most "
                    f"{self.max_length // 2} tokens."
                )
        windows: list[Encoding] = []
        owners: list[int] = []
        for owner, encoding in enumerate(self.tokenizer.encode_batch(pairs)):
            parts = [encoding, *encoding.overflowing]
            windows += parts
            owners += [owner] * len(parts)
        lengths = np.array([len(w.ids) for w in windows])
        order = np.argsort(lengths, kind="stable")
        # A budget of tokens, not of rows: short rows share big batches, long rows small ones.
        budget = batch_size * 64
        out = np.zeros((len(windows), 3), dtype=np.float32)
        bar = tqdm(total=len(windows), disable=not progress, unit="text")
        begin = 0
        while begin < len(order):
            size = 1
            while begin + size < len(order) and (size + 1) * lengths[order[begin + size]] <= budget:
                size += 1
            rows = order[begin : begin + size]
            out[rows] = forward(*_pad([windows[i] for i in rows]))
            bar.update(size)
            begin += size
        bar.close()
        counts = np.bincount(owners, minlength=len(pairs))
        logits = np.zeros((len(pairs), 3), dtype=np.float32)
        np.add.at(logits, owners, out)
        logits /= counts[:, None]
        where = {pair: i for i, pair in enumerate(pairs)}
        index = [where[pair] for pair in zip(texts, claims, strict=True)]
        return logits[index], counts[index]


def _pad(windows: Sequence[Encoding]) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    width = max(len(w.ids) for w in windows)
    ids, mask, types = (np.zeros((len(windows), width), dtype=np.int64) for _ in range(3))
    for row, window in enumerate(windows):
        n = len(window.ids)
        ids[row, :n], mask[row, :n], types[row, :n] = window.ids, window.attention_mask, window.type_ids
    return ids, mask, types


def load_tokenizer(folder: Path, *, max_length: int) -> PairEncoder:
    """The encoder of a checkpoint folder.

    Raises:
        ModelError: `tokenizer.json` is missing or damaged.
    """
    from tokenizers import Tokenizer

    path = folder / "tokenizer.json"
    try:
        return pair_encoder(Tokenizer.from_file(str(path)), max_length=max_length)
    except Exception as error:  # tokenizers raises plain Exception
        raise ModelError(f"{path}: missing or damaged tokenizer; install the package or checkpoint again.") from error


def pair_encoder(tokenizer: Tokenizer, *, max_length: int) -> PairEncoder:
    """An encoder that cuts only the text, into windows of `max_length` tokens."""
    stride = min(32, max_length // 4)
    tokenizer.enable_truncation(max_length, stride=stride, strategy="only_first")
    tokenizer.no_padding()
    return PairEncoder(tokenizer, max_length, stride)
