"""A linear-chain CRF over scores of words: how probable each span is among all that the tags allow, and the best spans.

The likeliest sequence of tags is not the set of spans with the best F1: a span is kept when its own probability, both edges
exact, is high enough. Instances are summed side by side, so that the time goes with the longest one's words.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

Scores = NDArray[np.float64]

_TOGETHER = 256
"""Instances summed at once."""


def decode(
    emissions: Sequence[NDArray[np.float32]], move: NDArray[np.float32], start: NDArray[np.float32], *, least: float
) -> list[tuple[list[int], Scores]]:
    """The tags of each instance, and the probability of every tag at every word.

    Args:
        emissions: for each instance (words, tags); the tags are O, then B- and I- of each kind.
        move: (tags, tags), from row to column; -10,000 forbids a move.
        start: (tags,).
        least: probability from which a span is kept, 0 to 1; of two that overlap the likelier.

    Returns:
        For each instance its tags, and (words, tags) of probabilities from 0 to 1 that sum to 1 at each word.

    Example:
        >>> free = np.zeros((3, 3), np.float32), np.zeros(3, np.float32)
        >>> [(tags, shares)] = decode([np.array([[0, 9, 0], [0, 0, 9], [9, 0, 0]], np.float32)], *free, least=0.5)
        >>> tags, shares.argmax(1).tolist()
        ([1, 2, 0], [1, 2, 0])
    """
    out: list[tuple[list[int], Scores]] = [([], np.zeros((0, len(start))))] * len(emissions)
    order = sorted((i for i, e in enumerate(emissions) if len(e)), key=lambda i: len(emissions[i]))
    moves = move.astype(np.float64)
    for begin in range(0, len(order), _TOGETHER):
        some = order[begin : begin + _TOGETHER]
        lengths = np.array([len(emissions[i]) for i in some])
        scores = np.zeros((len(some), lengths[-1], len(start)))
        for row, i in enumerate(some):
            scores[row, : lengths[row]] = emissions[i]
        ahead, behind = _sums(scores, lengths, moves, start)
        for row, i in enumerate(some):
            n = lengths[row]
            both = ahead[row, :n] + behind[row, :n]
            total = _log_sum(both[0], 0)
            tags = _spans(scores[row, :n], ahead[row, :n], behind[row, :n], moves, float(total), least)
            out[i] = (tags, np.exp(both - total))
    return out


def _sums(scores: Scores, lengths: NDArray[np.int64], move: Scores, start: NDArray[np.float32]) -> tuple[Scores, Scores]:
    """Logarithms of the sums over all sequences up to each word, and behind it: (instances, words, tags) each."""
    ahead, behind = np.zeros_like(scores), np.zeros_like(scores)
    ahead[:, 0] = scores[:, 0] + start
    words = scores.shape[1]
    for t in range(1, words):
        ahead[:, t] = _log_sum(ahead[:, t - 1, :, None] + move, 1) + scores[:, t]
    for t in range(words - 2, -1, -1):
        total = _log_sum(move + (scores[:, t + 1] + behind[:, t + 1])[:, None, :], 2)
        behind[:, t] = np.where((t + 1 < lengths)[:, None], total, 0)
    return ahead, behind


def _spans(scores: Scores, ahead: Scores, behind: Scores, move: Scores, total: float, least: float) -> list[int]:
    """The tags of one instance: spans by their probability, where the sequence begins one and leaves it right behind."""
    words, k = scores.shape
    found: list[tuple[float, int, int, int]] = []
    for b in range(1, k, 2):
        others = [j for j in range(k) if j != b + 1]
        ends = np.zeros((words, 2))
        if words > 1:
            after = scores[1:, None, others] + behind[1:, None, others]
            ends[:-1] = _log_sum(move[b : b + 2, others] + after, 2)
        single = np.exp(ahead[:, b] + ends[:, 0] - total)
        found += [(float(single[i]), b, int(i), int(i) + 1) for i in np.flatnonzero(single >= least)]
        if words > 1:
            along = np.cumsum(scores[:, b + 1] + move[b + 1, b + 1])  # of staying inside
            first = ahead[:-1, b] + move[b, b + 1] - move[b + 1, b + 1] - along[:-1]
            longer = np.triu(first[:, None] + (along + ends[:, 1])[None, 1:] - total >= np.log(least))
            for i, j in np.argwhere(longer):
                found.append((float(np.exp(first[i] + along[j + 1] + ends[j + 1, 1] - total)), b, int(i), int(j) + 2))
    tags = [0] * words
    for _, b, i, j in sorted(found, reverse=True):
        if not any(tags[i:j]):
            tags[i:j] = [b] + [b + 1] * (j - i - 1)
    return tags


def _log_sum(values: Scores, axis: int) -> Scores:
    top = values.max(axis, keepdims=True)
    out: Scores = np.log(np.exp(values - top).sum(axis)) + top.squeeze(axis)
    return out
