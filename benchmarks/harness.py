"""The harness's own time: score a file of predictions with intervals that resample articles.

    python benchmarks/harness.py                      # 100,000 predictions in 10,000 articles, 2,000 resamples

It prints JSON: seconds on the clock and of the processor, with reading the two files and without.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from pathlib import Path

import numpy as np

from stance.evaluation import evaluate_files, score
from stance.io import write_table
from stance.labels import LABELS


def main() -> None:
    """Make predictions that are right on seven rows of ten, and score them."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=100_000)
    parser.add_argument("--articles", type=int, default=10_000)
    parser.add_argument("--resamples", type=int, default=2000)
    options = parser.parse_args()
    rng, names = np.random.default_rng(1), [str(x) for x in LABELS]
    gold = rng.integers(0, 3, options.rows)
    raw = rng.gamma(1.0, size=(options.rows, 3)) + 1.5 * np.eye(3)[gold]
    p = raw / raw.sum(axis=1, keepdims=True)
    labels, given = [names[i] for i in gold], [names[i] for i in p.argmax(axis=1)]
    groups = [f"a{i}" for i in rng.integers(0, options.articles, options.rows)]
    with tempfile.TemporaryDirectory() as folder:
        truth, told = Path(folder) / "gold.jsonl", Path(folder) / "predictions.jsonl"
        write_table([[{"id": i, "label": x, "group": g} for i, (x, g) in enumerate(zip(labels, groups, strict=True))]], truth)
        shares = [{f"p_{n}": v for n, v in zip(names, row, strict=True)} for row in p.tolist()]
        rows = [{"id": i, "stance": x} | s for i, (x, s) in enumerate(zip(given, shares, strict=True))]
        write_table([rows], told)
        clock, processor = time.perf_counter(), time.process_time()
        found = evaluate_files(told, truth, resamples=options.resamples)
        whole = time.perf_counter() - clock, time.process_time() - processor
    clock, processor = time.perf_counter(), time.process_time()
    score(labels, given, probabilities=p, groups=groups, resamples=options.resamples)
    bare = time.perf_counter() - clock, time.process_time() - processor
    seconds = {n: [round(x, 1) for x in v] for n, v in (("files_clock_processor", whole), ("scores_clock_processor", bare))}
    print(json.dumps({**vars(options), **seconds, "macro_f1": found["macro_f1"], "macro_f1_ci": found["macro_f1_ci"]}))


if __name__ == "__main__":
    main()
