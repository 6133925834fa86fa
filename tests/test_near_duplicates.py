"""Near-duplicates are found, and no others, on made clusters: those that the benchmark measures, fewer of them."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.append(str(Path(__file__).parents[1] / "benchmarks"))

from builder import near_duplicates  # noqa: E402


def test_precision_and_recall() -> None:
    found = near_duplicates(200)
    assert found["clusters"] == 200 and found["precision"] >= 0.99 and found["recall"] >= 0.95
