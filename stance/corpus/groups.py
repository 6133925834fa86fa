"""Which rows must stand in one split: minimal sets, mirror images, near-duplicates. By words, never by embeddings,
which put support next to opposition."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from stance.errors import MissingExtraError

SHARED_SHINGLES = 0.5
"""Two texts that share this part of their three-word shingles (Jaccard) are near-duplicates."""
_BANDS, _WIDTH = 21, 3
"""Texts are compared when they agree in any band of their sketch: 94 % of pairs at a Jaccard of 0.5, 99.98 % at 0.7."""


def words_of(text: str) -> list[str]:
    """The words of a text without case and punctuation: equal lists are the same statement.

    Example:
        >>> words_of("Never, ever!")
        ['never', 'ever']
    """
    return re.findall(r"\w+", text.casefold())


def _shingles(text: str) -> set[str]:
    words = words_of(text)
    return {" ".join(words[i : i + 3]) for i in range(max(1, len(words) - 2))}


class Groups:
    """Numbers 0..n-1 that are joined, two by two, into groups (union-find); a group's name is its lowest number.

    Example:
        >>> groups = Groups(3)
        >>> groups.join(2, 0)
        >>> [groups.root(i) for i in range(3)]
        [0, 1, 0]
    """

    def __init__(self, n: int) -> None:
        self._parent = list(range(n))

    def root(self, i: int) -> int:
        """The lowest number of the group of i."""
        while self._parent[i] != i:
            self._parent[i] = self._parent[self._parent[i]]
            i = self._parent[i]
        return i

    def join(self, i: int, j: int) -> None:
        """Make one group of the groups of i and j."""
        low, high = sorted((self.root(i), self.root(j)))
        self._parent[high] = low

    def join_equal(self, keys: Sequence[str | None]) -> None:
        """Join all numbers with the same key; None joins nothing."""
        first: dict[str, int] = {}
        for i, key in enumerate(keys):
            if key is not None:
                self.join(i, first.setdefault(key, i))


def near_duplicate_groups(texts: Sequence[str], *keys: Sequence[str | None]) -> list[int]:
    """A group number for each text: equal for near-duplicates and for texts with the same key.

    MinHash sketches (Broder 1997) find the pairs, in 252 bytes a text; their shared shingles decide.

    Args:
        texts: any number of texts.
        keys: further reasons to stand together, each with one value for every text: the name of a minimal set, of an
            article, of a speaker, or None.

    Returns:
        The lowest row number of each text's group.

    Raises:
        MissingExtraError: datasketch is not installed.

    Example:
        >>> near_duplicate_groups(["a b c d", "x y z", "A b c d!"], [None, None, None])
        [0, 1, 0]
    """
    groups = Groups(len(texts))
    for column in keys:
        groups.join_equal(column)
    for bucket in _buckets(_sketches(texts)):
        leads: list[tuple[int, set[str]]] = []  # members of the bucket that are no near-duplicates of each other
        roots: set[int] = set()  # theirs; statements of one frame fill a bucket, so each member has to be cheap
        for i in bucket:
            if groups.root(i) in roots:
                continue
            mine = _shingles(texts[i])
            for j, theirs in leads:
                shared = len(mine & theirs)
                if shared >= SHARED_SHINGLES * (len(mine) + len(theirs) - shared):
                    roots.remove(groups.root(j))
                    groups.join(i, j)
                    roots.add(groups.root(j))
                    break
            else:
                leads.append((i, mine))
                roots.add(groups.root(i))
    return [groups.root(i) for i in range(len(texts))]


def _sketches(texts: Sequence[str]) -> NDArray[np.uint32]:
    """MinHash values, (n, 63)."""
    try:
        from datasketch import MinHash
    except ImportError as error:
        raise MissingExtraError("datasketch", "corpus") from error
    sketches = np.empty((len(texts), _BANDS * _WIDTH), dtype=np.uint32)
    blank = MinHash(num_perm=_BANDS * _WIDTH, seed=1)
    for i, text in enumerate(texts):
        sketch = blank.copy()
        sketch.update_batch([s.encode() for s in _shingles(text)])
        sketches[i] = sketch.hashvalues
    return sketches


def _buckets(sketches: NDArray[np.uint32]) -> Iterator[list[int]]:
    """Rows that agree in all values of a band, two or more at a time."""
    if not len(sketches):
        return
    for start in range(0, _BANDS * _WIDTH, _WIDTH):
        band = sketches[:, start : start + _WIDTH]
        order = np.lexsort(band.T)
        changes = (band[order[1:]] != band[order[:-1]]).any(axis=1)
        begins = np.concatenate([[0], np.flatnonzero(changes) + 1])
        ends = np.append(begins[1:], len(order))
        for i in np.flatnonzero(ends - begins > 1):
            yield sorted(order[begins[i] : ends[i]].tolist())


def split_of(group: str, *, dev: float = 0.1, test: float = 0.0) -> str:
    """"train", "dev" or "test" by a hash of the group's name, so that a group never moves when others come or go.

    Args:
        group: any name.
        dev, test: share of groups for each, 0 to 1 together.

    Example:
        >>> split_of("p001"), split_of("p001", dev=0, test=1)
        ('train', 'test')
    """
    place = int(hashlib.sha256(group.encode()).hexdigest(), 16) % 10_000
    if place < dev * 10_000:
        return "dev"
    return "test" if place < (dev + test) * 10_000 else "train"
