"""From texts and claims to padded batches: duplicates once, rows of like length together, long texts in windows.

Nothing is cut: a text that does not fit beside its claim is read in overlapping windows, whose logits are averaged.
At most `WASTE` of what is computed is padding, and at most two chunks of texts are held as tokens, however many come.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from stance.errors import InputError, ModelError

if TYPE_CHECKING:
    from tokenizers import Encoding, Tokenizer

Forward = Callable[[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]], NDArray[np.float32]]
"""(input_ids, attention_mask, token_type_ids), each (rows, tokens), to logits (rows, 3)."""
_Job = tuple[NDArray[np.int64], int, "Future[NDArray[np.float32]]"]
"""The text of each row of a batch, how many texts begin in it, and its logits to come."""
WASTE = 0.05
"""Largest share of padding in a batch."""
CHUNK = 1024
"""Pairs that are tokenised and sorted together: a quarter of a file's batch, so that the next ones are tokenised meanwhile."""


def batches(lengths: NDArray[np.int64], *, budget: int) -> Iterator[NDArray[np.int64]]:
    """Rows of like length, a batch at a time, the longest first: it ends on small work, and memory peaks at once.

    Args:
        lengths: tokens of each row, (n,).
        budget: tokens of a batch, padding included; a longer row is a batch by itself.

    Yields:
        Row numbers; at most `WASTE` of a batch is padding.

    Example:
        >>> [b.tolist() for b in batches(np.array([8, 40, 9, 41]), budget=100)]
        [[3, 1], [2], [0]]
    """
    order = np.argsort(-lengths, kind="stable")
    begin = 0
    while begin < len(order):
        width, size, tokens = int(lengths[order[begin]]), 1, int(lengths[order[begin]])
        for row in order[begin + 1 : begin + max(1, budget // width)]:
            tokens += int(lengths[row])
            if tokens < (1 - WASTE) * width * (size + 1):
                break
            size += 1
        yield order[begin : begin + size]
        begin += size


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
        threads: int = 1,
        most: int | None = None,
        each_thread: Callable[[], object] | None = None,
    ) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
        """Logits (n, 3) and windows (n,) of the pairs; see :class:`stance.models.protocol.StanceModel`.

        Args:
            texts, claims: the pairs, (n,) each.
            forward: computes a batch; with several threads it is called from all of them.
            batch_size: rows of 64 tokens in one batch.
            progress: show a bar on stderr.
            threads: batches that are computed at the same time, while the next chunk is tokenised.
            most: tokens of a batch that are not exceeded, whatever `batch_size` says; no such limit when None.
            each_thread: called once in each of the threads before its first batch.

        Raises:
            InputError: a claim that leaves no room for its text.
        """
        places: dict[tuple[str, str], int] = {}
        index = [places.setdefault(pair, len(places)) for pair in zip(texts, claims, strict=True)]
        pairs = list(places)
        for claim in {claim for _, claim in pairs}:
            size = len(self.tokenizer.encode(claim, add_special_tokens=False).ids)
            if size > self.max_length // 2:
                raise InputError(
                    f"The claim {claim[:40]!r}… has {size} tokens or more; a claim is one sentence of at most "
                    f"{self.max_length // 2} tokens."
                )
        step = batch_size * 64
        budget = min(step, most or step)
        logits = np.zeros((len(pairs), 3), dtype=np.float32)
        counts = np.zeros(len(pairs), dtype=np.int64)
        bar = _bar(len(pairs)) if progress else None

        def collect(jobs: list[_Job]) -> None:
            for owners, texts_begun, job in jobs:
                np.add.at(logits, owners, job.result())
                np.add.at(counts, owners, 1)
                if bar is not None:
                    bar.update(texts_begun)

        pool = ThreadPoolExecutor(threads, initializer=each_thread)
        try:
            before: list[_Job] = []
            for begin in range(0, len(pairs), CHUNK):
                encoded = self.tokenizer.encode_batch(pairs[begin : begin + CHUNK])
                windows = [(begin + i, part) for i, e in enumerate(encoded) for part in (e, *e.overflowing)]
                owners = np.array([owner for owner, _ in windows])
                firsts = np.diff(owners, prepend=-1) > 0
                now = [
                    (owners[rows], int(firsts[rows].sum()), pool.submit(_compute, forward, [windows[i][1] for i in rows]))
                    for rows in batches(np.array([len(w.ids) for _, w in windows]), budget=budget)
                ]
                collect(before)
                before = now
            collect(before)
        finally:
            pool.shutdown(cancel_futures=True)
            if bar is not None:
                bar.close()
        logits /= np.maximum(counts, 1)[:, None]
        return logits[index], counts[index]


def _compute(forward: Forward, windows: Sequence[Encoding]) -> NDArray[np.float32]:
    return forward(*_pad(windows))


def _bar(total: int) -> Any:
    """A bar on stderr; tqdm is imported only for it, since that takes longer than a text."""
    from tqdm import tqdm

    return tqdm(total=total, unit="text")


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
