"""What a second Ray worker brings: `python benchmarks/cluster.py`.

Two workers should label twice as many quotes as one, each on one thread; the ratio of one run is the claim. Both run in turn
on the same cluster of this machine, several times, and the clock starts when the workers have labelled their first batches; the
machine should have two free cores.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import sys
import time

import pyarrow as pa
import ray

from stance.distributed import classify
from stance.io import read_table

NATO = f"{os.path.dirname(__file__)}/../data/nato/test_field.jsonl"


def seconds(rows: pa.Table, workers: int, batch: int) -> float:
    """How long the workers label, from the first to the last batch; their start is not counted."""
    plan = classify(ray.data.from_arrow(rows), concurrency=workers, rows_per_batch=batch)
    batches = iter(plan.iter_batches(batch_size=None, batch_format="pyarrow", prefetch_batches=0))
    done = [next(batches).num_rows for _ in range(workers)]  # each worker has its model
    begin = time.perf_counter()
    done += [labelled.num_rows for labelled in batches]
    if sum(done) != len(rows):
        raise AssertionError(f"{sum(done)} rows of {len(rows)}")
    return (time.perf_counter() - begin) / sum(done[workers:])


def main() -> None:
    """Measure, print JSON."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=20_000)
    parser.add_argument("--batch", type=int, default=500, help="rows that a worker labels at a time")
    parser.add_argument("--runs", type=int, default=3)
    options = parser.parse_args()
    texts = [row["text"] for rows in read_table(NATO) for row in rows]
    texts = [f"{texts[i % len(texts)]} ({i})" for i in range(options.rows)]  # none twice
    os.environ |= {"RAY_USAGE_STATS_ENABLED": "0", "RAY_BACKEND_LOG_LEVEL": "fatal"}
    ray.init("local", num_cpus=3, include_dashboard=False, log_to_driver=False, logging_level="ERROR")
    ray.data.DataContext.get_current().enable_progress_bars = False
    rates: dict[int, list[float]] = {1: [], 2: []}
    for _ in range(options.runs):
        for workers, found in rates.items():
            found.append(1 / seconds(pa.table({"text": texts}), workers, options.batch))
            print(f"{workers} workers: {found[-1]:.0f} quotes/s, load {os.getloadavg()[0]:.1f}", file=sys.stderr)
    one, two = (statistics.median(found) for found in rates.values())
    print(json.dumps({"one_worker": one, "two_workers": two, "ratio": two / one, "runs": rates, "load": os.getloadavg()[0]}))


if __name__ == "__main__":
    main()
