"""What the benchmark of the builder measures, on less: near-duplicates of made clusters, and quotes of made articles."""

from __future__ import annotations

import random
import sys
from pathlib import Path

sys.path.append(str(Path(__file__).parents[1] / "benchmarks"))

from builder import article, near_duplicates  # noqa: E402

import stance  # noqa: E402


def test_precision_and_recall() -> None:
    found = near_duplicates(200)
    assert found["clusters"] == 200 and found["precision"] >= 0.99 and found["recall"] >= 0.95


def test_an_article_has_the_eight_quotes_that_it_says() -> None:
    rng = random.Random(1)
    assert [len(stance.extract_quotes(article(rng), extractor="tagger")) for _ in range(6)] == [8] * 6
