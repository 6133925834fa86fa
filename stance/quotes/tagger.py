"""The attribution tagger: which words of a paragraph are source, cue or content (BIO, one layer).

A MiniLM encoder reads words, their shape and whether they stand in quotation marks; a linear-chain CRF decodes (`crf.py`),
so that an I- never stands without its B-. Labels and rule follow Pareti's attribution scheme as used for PolNeAR and CofeNet.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from stance.errors import ModelError
from stance.models.batching import batches
from stance.models.machine import cores
from stance.models.onnx import TOKENS, session
from stance.quotes.crf import decode

Span = tuple[int, int]

KINDS = ("source", "cue", "content")
TAGS = ("O", *(f"{bio}-{kind}" for kind in KINDS for bio in "BI"))
"""The seven tags, in the order of the tagger's columns."""
MAX_WORDS = 300
"""Longest instance in words, as in CofeNet."""
LEAST = 0.35
"""Probability from which a span is kept for a quote: one whose very edges are unsure is worth having too. Overlap F1 of content
on PolNeAR dev is .795, .802, .798, .796 and .779 at .10, .25, .30, .35 and .45; at .25 titles of books become quotes."""
EXACT = 0.45
"""The same for a measure that counts exact spans alone; chosen on 1,500 instances of PolNeAR's training set."""

_WORD = re.compile(
    r"``|''|(?:[A-Za-z]\.){2,}|(?:Mr|Mrs|Ms|Dr|Sen|Rep|Gov|Gen|St|Jr|Sr)\.|\w+(?=n['’]t\b)|n['’]t\b|['’](?:s|re|ve|ll|d|m)\b"
    r"|\d+(?:[.,:]\d+)*%?|\w+(?:-\w+)*|\.{2,}|-{2,}|\S"
)
_OPENING, _CLOSING = "“„«‘「", "”»’」"
_PENN = {"``": "“", "''": "”", "`": "‘", "-LRB-": "(", "-RRB-": ")", "-LSB-": "[", "-RSB-": "]"}
SHAPES = 16
"""Number of word features: eight shapes, each inside or outside quotation marks."""


def words_of(text: str, start: int, end: int, marked: Sequence[Span] = ()) -> list[tuple[str, int, int]]:
    """Words of `text[start:end]` as (word, start, end), Penn-like; a mark of a quoted span is given its direction.

    Args:
        text: the article.
        start, end: where to read.
        marked: spans in quotation marks, marks included.

    Example:
        >>> [w for w, *_ in words_of('"No," he said.', 0, 14, [(0, 5)])]
        ['“', 'No', ',', '”', 'he', 'said', '.']
    """
    direction = {a: "“" for a, _ in marked} | {b - 1: "”" for _, b in marked}
    return [(direction.get(m.start(), m.group()), *m.span()) for m in _WORD.finditer(text, start, end)]


def shapes(words: Sequence[str]) -> list[int]:
    """The feature of each word, 0 to `SHAPES` - 1: its shape, and whether it stands in quotation marks."""
    out, inside = [], False
    for word in words:
        if word in _CLOSING or word == "''":
            inside = False
        out.append(_shape(word) * 2 + inside)
        if word in "“„«「" or word == "``":
            inside = True
    return out


def _shape(word: str) -> int:
    if word in _OPENING or word == "``":
        return 1
    if word in _CLOSING or word == "''":
        return 2
    if word.isupper():
        return 3 if len(word) > 1 else 4
    if word[:1].isupper():
        return 5
    if word.isalpha() or "-" in word[1:]:
        return 6
    return 7 if any(c.isdigit() for c in word) else 0


def constraints() -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Scores of forbidden moves: (7, 7) from tag to tag and (7,) at the start; -10,000 for an I- without its B-."""
    move, start = np.zeros((len(TAGS), len(TAGS)), np.float32), np.zeros(len(TAGS), np.float32)
    for j, tag in enumerate(TAGS):
        if tag[0] == "I":
            start[j] = -1e4
            for i, before in enumerate(TAGS):
                if before[2:] != tag[2:] or before == "O":
                    move[i, j] = -1e4
    return move, start


def spans(tags: Sequence[str]) -> list[tuple[str, int, int]]:
    """(kind, first word, end word) of each span; an I- without its B- is dropped, as CofeNet does.

    Example:
        >>> spans(["B-cue", "I-cue", "O", "I-content"])
        [('cue', 0, 2)]
    """
    found: list[tuple[str, int, int]] = []
    kind, begin = "", 0
    for i, tag in enumerate([*tags, "O"]):
        if tag[0] == "I" and tag[2:] == kind:
            continue
        if kind:
            found.append((kind, begin, i))
        kind, begin = (tag[2:], i) if tag[0] == "B" else ("", i)
    return found


class WordEncoder:
    """Words to the arrays that the tagger's graph takes; the same for training and for use.

    Args:
        tokenizer: a `tokenizers.Tokenizer`.
    """

    def __init__(self, tokenizer: Any) -> None:
        tokenizer.enable_truncation(512)
        tokenizer.no_padding()
        self._tokenizer = tokenizer

    def __call__(self, instances: Sequence[Sequence[str]]) -> list[tuple[list[int], list[int], list[int]]]:
        """For each instance: token ids, token features, and the first token of each word (-1 beyond 512 tokens)."""
        plain = [[_PENN.get(w, w) for w in words] for words in instances]
        out = []
        for words, encoding in zip(plain, self._tokenizer.encode_batch(plain, is_pretokenized=True), strict=True):
            shape = shapes(words)
            first = [-1] * len(words)
            features = [0] * len(encoding.ids)
            for token, word in enumerate(encoding.word_ids):
                if word is not None:
                    features[token] = shape[word] + 1
                    if first[word] < 0:
                        first[word] = token
            out.append((encoding.ids, features, first))
        return out


def pad(rows: Sequence[Sequence[int]], fill: int = 0) -> NDArray[np.int64]:
    """Rows of integers as one array, padded on the right."""
    out = np.full((len(rows), max(map(len, rows))), fill, dtype=np.int64)
    for i, row in enumerate(rows):
        out[i, : len(row)] = row
    return out


@dataclass(frozen=True, slots=True)
class Reading:
    """One instance as the tagger read it.

    Args:
        tags: one of `TAGS` for each word.
        shares: (words, 7): the probability of each tag at each word.
    """

    tags: list[str]
    shares: NDArray[np.float64]


class Tagger:
    """The embedded tagger on ONNX Runtime.

    Args:
        folder: `model.onnx`, `tokenizer.json` and `tagger.json` (the CRF's scores).

    Raises:
        ModelError: a file is missing or damaged.
    """

    def __init__(self, folder: Path) -> None:
        from tokenizers import Tokenizer

        try:
            scores = json.loads((folder / "tagger.json").read_text("utf-8"))
            self._threads = cores()
            self._session = session(folder / "model.onnx", threads=1)  # a batch on each core: see stance.models.onnx
            self.encode = WordEncoder(Tokenizer.from_file(str(folder / "tokenizer.json")))
            self._move = np.array(scores["move"], dtype=np.float32)
            self._start = np.array(scores["start"], dtype=np.float32)
        except Exception as error:  # onnxruntime and tokenizers have no public exceptions of their own
            raise ModelError(f"{folder}: missing or damaged tagger ({error}); install the package again.") from error

    def emissions(self, instances: Sequence[Sequence[str]]) -> list[NDArray[np.float32]]:
        """Scores (words, 7) of each instance, in order."""
        encoded = self.encode(instances)
        lengths = np.array([len(ids) for ids, *_ in encoded], dtype=np.int64)
        out: list[NDArray[np.float32]] = [np.zeros((0, len(TAGS)), np.float32)] * len(encoded)

        def compute(rows: NDArray[np.int64]) -> None:
            ids, features = pad([encoded[i][0] for i in rows]), pad([encoded[i][1] for i in rows])
            mask = pad([[1] * len(encoded[i][0]) for i in rows])
            feed = {"input_ids": ids, "attention_mask": mask, "features": features}
            scores: NDArray[np.float32] = self._session.run(None, feed)[0]
            for row, i in enumerate(rows):
                first = np.array(encoded[i][2], dtype=np.int64)
                found = scores[row, np.maximum(first, 0)]
                found[first < 0] = np.eye(len(TAGS), dtype=np.float32)[0] * 100
                out[i] = found

        with ThreadPoolExecutor(self._threads) as pool:
            for _ in pool.map(compute, batches(lengths, budget=TOKENS)):  # an error in a batch is raised here
                pass
        return out

    def read(self, instances: Sequence[Sequence[str]], *, least: float = LEAST) -> list[Reading]:
        """What the tagger reads in each instance.

        Args:
            instances: lists of words, at most `MAX_WORDS` each.
            least: probability from which a span is kept, 0 to 1.
        """
        found = decode(self.emissions(instances), self._move, self._start, least=least)
        return [Reading([TAGS[k] for k in tags], shares) for tags, shares in found]

    def tag(self, instances: Sequence[Sequence[str]]) -> list[list[str]]:
        """The tags alone, for a measure that counts exact spans."""
        return [reading.tags for reading in self.read(instances, least=EXACT)]


@lru_cache(maxsize=2)
def load_tagger(folder: Path | None = None) -> Tagger:
    """The embedded tagger, loaded once in a process.

    Args:
        folder: another tagger's folder.
    """
    return Tagger(folder or Path(__file__).parent.parent / "weights" / "minilm-attribution")
