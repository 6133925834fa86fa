"""Which rows must stand in one split: minimal sets, mirror images, near-duplicates. By words, never by embeddings,
which put support next to opposition."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from typing import Any

from stance.errors import MissingExtraError

SHARED_SHINGLES = 0.5
"""Two texts that share this part of their three-word shingles (Jaccard) are near-duplicates."""


def _shingles(text: str) -> list[str]:
    words = re.findall(r"\w+", text.casefold())
    return [" ".join(words[i : i + 3]) for i in range(max(1, len(words) - 2))]


def near_duplicate_groups(texts: Sequence[str], keys: Sequence[str | None]) -> list[int]:
    """A group number for each text: equal for near-duplicates and for texts with the same key.

    Args:
        texts: any number of texts.
        keys: for each text, the name of its minimal set, or None.

    Returns:
        The lowest row number of each text's group.

    Raises:
        MissingExtraError: datasketch is not installed.

    Example:
        >>> near_duplicate_groups(["a b c d", "x y z", "A b c d!"], [None, None, None])
        [0, 1, 0]
    """
    try:
        from datasketch import MinHash, MinHashLSH
    except ImportError as error:
        raise MissingExtraError("datasketch", "corpus") from error
    parent = list(range(len(texts)))

    def root(i: int) -> int:
        while parent[i] != i:
            parent[i] = parent[parent[i]]
            i = parent[i]
        return i

    def join(i: int, j: int) -> None:
        low, high = sorted((root(i), root(j)))
        parent[high] = low

    first: dict[str, int] = {}
    index: Any = MinHashLSH(threshold=SHARED_SHINGLES, num_perm=64)
    for i, (text, key) in enumerate(zip(texts, keys, strict=True)):
        if key is not None:
            join(i, first.setdefault(key, i))
        sketch = MinHash(num_perm=64, seed=1)
        sketch.update_batch([s.encode() for s in _shingles(text)])
        for j in index.query(sketch):
            join(i, j)
        index.insert(i, sketch)
    return [root(i) for i in range(len(texts))]


def split_of(group: str, *, dev: float = 0.1) -> str:
    """"train" or "dev" by a hash of the group's name, so that a group never moves when others come or go.

    Args:
        group: any name.
        dev: share of groups for dev, 0 to 1.

    Example:
        >>> split_of("p001"), split_of("p001") == split_of("p001")
        ('train', True)
    """
    return "dev" if int(hashlib.sha256(group.encode()).hexdigest(), 16) % 10_000 < dev * 10_000 else "train"
