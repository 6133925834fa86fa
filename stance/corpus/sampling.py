"""Which quotes people should label first. The same rows, options and seed draw the same sample."""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Sequence
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from stance.errors import InputError
from stance.labels import LABELS

Row = dict[str, Any]
Strategy = Literal["stratified", "uncertainty", "disagreement", "random"]


def sample_for_annotation(
    rows: Sequence[Row],
    *,
    size: int,
    strategy: Strategy = "stratified",
    strata: Sequence[str] = ("stance",),
    others: Sequence[NDArray[np.float64]] = (),
    seed: int = 0,
) -> list[Row]:
    """Draw quotes for annotation.

    Args:
        rows: with id, p_against, p_neutral, p_favor, and what the strata need.
        size: how many, at most.
        strategy: "stratified": as many of each stratum, as far as they last; "uncertainty": the highest entropy of the
            model's distribution; "disagreement": the highest Jensen–Shannon divergence between the models' (Lin 1991);
            "random".
        strata: columns whose values make a stratum, or "year", the first four characters of `date`.
        others: for "disagreement", distributions of further models, each (n, 3) in `LABELS` order.
        seed: of the draw; it also breaks ties.

    Returns:
        The rows in a mixed order, each with `stratum`, and `weight`: how many rows of its stratum it stands for (None
        unless the strategy is stratified or random: the others are no probability samples).

    Raises:
        InputError: a size below 1, an unknown strategy, a missing column, or no second model for "disagreement".

    Example:
        >>> row = {"id": "1", "stance": "favor", "p_against": 0.1, "p_neutral": 0.1, "p_favor": 0.8}
        >>> [r["stratum"] for r in sample_for_annotation([row], size=5)]
        ['favor']
    """
    if size < 1:
        raise InputError(f"size must be at least 1, not {size}.")
    order = list(range(len(rows)))
    random.Random(seed).shuffle(order)
    if strategy in ("uncertainty", "disagreement"):
        scores = _scores(rows, strategy, others)
        order.sort(key=lambda i: -scores[i])  # stable: ties stay shuffled
        picked = order[:size]
        random.Random(seed).shuffle(picked)
        return [{**rows[i], "stratum": None, "weight": None} for i in picked]
    if strategy not in ("stratified", "random"):
        raise InputError(f"strategy must be stratified, uncertainty, disagreement or random, not {strategy!r}.")
    members: dict[str, list[int]] = defaultdict(list)
    for i in order:
        members[_stratum(rows[i], strata) if strategy == "stratified" else "all"].append(i)
    taken = _even_shares({name: len(found) for name, found in members.items()}, size)
    drawn = [(i, name) for name in sorted(members) for i in members[name][: taken[name]]]
    random.Random(seed).shuffle(drawn)
    return [
        {**rows[i], "stratum": name, "weight": round(len(members[name]) / taken[name], 6)} for i, name in drawn
    ]


def _stratum(row: Row, strata: Sequence[str]) -> str:
    missing = [s for s in strata if s != "year" and s not in row]
    if missing:
        raise InputError(f"Row {row.get('id')!r}: no column {missing[0]!r} to make strata of.")
    values = [(row.get("date") or "")[:4] if s == "year" else row[s] for s in strata]
    return " | ".join(str(v or "unknown") for v in values)


def _even_shares(sizes: dict[str, int], wanted: int) -> dict[str, int]:
    """As many of each as of any other, as far as they last; the rest goes on to those that have more."""
    taken = dict.fromkeys(sizes, 0)
    left = wanted
    for rank, name in enumerate(sorted(sizes, key=lambda n: (sizes[n], n))):
        share = -(-left // (len(sizes) - rank)) if rank < len(sizes) - 1 else left
        taken[name] = min(sizes[name], share)
        left -= taken[name]
    return taken


def _scores(rows: Sequence[Row], strategy: str, others: Sequence[NDArray[np.float64]]) -> NDArray[np.float64]:
    own = np.array([[row[f"p_{x}"] for x in LABELS] for row in rows], dtype=np.float64).reshape(-1, len(LABELS))
    if strategy == "uncertainty":
        return _entropy(own)
    if not others or any(o.shape != own.shape for o in others):
        raise InputError(f"Disagreement needs `others`: one array of shape {own.shape} for each further model.")
    models = np.stack([own, *others])
    divergence: NDArray[np.float64] = _entropy(models.mean(axis=0)) - _entropy(models).mean(axis=0)
    return divergence


def _entropy(p: NDArray[np.float64]) -> NDArray[np.float64]:
    result: NDArray[np.float64] = -(p * np.log(np.clip(p, 1e-12, None))).sum(axis=-1)
    return result
