"""Speed and memory of `stance classify` on a big file:

    python benchmarks/stream.py --rows 1000000 --formats csv jsonl parquet

It prints JSON, a line for each run. The rows are made of 10,000 texts of about 23 words; peak_mb is the largest sum of the
resident sets of the command and its workers (shared pages count in each), looked at ten times a second. With the model
"baseline" (TF-IDF, fitted on three sentences) it is reading, writing and bookkeeping that are measured.
"""

from __future__ import annotations

import argparse
import csv
import json
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pyarrow as pa
import pyarrow.parquet as pq

from stance.models.baseline import BaselineModel

WORDS = "ukraine nato should join become a member of the alliance we reject back it never must talks go on".split()
FITTED = [("we back membership", "favor"), ("never, a mistake", "against"), ("talks go on", "neutral")]


def rows(count: int) -> Iterator[dict]:
    """Rows with an id, a text, a speaker and a number."""
    rng = random.Random(1)
    texts = [" ".join(rng.choices(WORDS, k=rng.randint(6, 40))).capitalize() + "." for _ in range(10_000)]
    for i in range(count):
        yield {"id": f"{i:09}", "text": rng.choice(texts), "speaker": f"Speaker {i % 977}", "length": i % 400}


def write(path: Path, count: int) -> None:
    """Write the rows in the format of the file's ending."""
    made = rows(count)
    if path.suffix == ".parquet":
        with pq.ParquetWriter(path, pa.Table.from_pylist([next(rows(1))]).schema) as writer:
            while part := [row for _, row in zip(range(100_000), made, strict=False)]:
                writer.write_table(pa.Table.from_pylist(part))
        return
    with path.open("w", encoding="utf-8", newline="") as handle:
        if path.suffix == ".jsonl":
            handle.writelines(json.dumps(row) + "\n" for row in made)
        else:
            writer = csv.writer(handle)
            writer.writerow(next(rows(1)))
            writer.writerows(row.values() for row in made)


def peak_of(command: list[str]) -> tuple[float, float]:
    """Seconds of a command, and the most megabytes that it and its children held."""
    begin, peak = time.perf_counter(), 0
    process = psutil.Popen(command, stderr=subprocess.DEVNULL)
    while process.poll() is None:
        held = 0
        for one in [process, *process.children(recursive=True)]:
            try:
                held += one.memory_info().rss
            except psutil.NoSuchProcess:
                continue
        peak = max(peak, held)
        time.sleep(0.1)
    if process.returncode:
        raise SystemExit(f"{' '.join(command)} ended with {process.returncode}")
    return time.perf_counter() - begin, peak / 2**20


def main() -> None:
    """Make each file, label it and print what that took."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--formats", nargs="+", default=["csv", "jsonl", "parquet"], choices=["csv", "jsonl", "parquet"])
    parser.add_argument("--model", default="baseline")
    parser.add_argument("--workers", type=int, default=1)
    options = parser.parse_args()
    for kind in options.formats:
        with tempfile.TemporaryDirectory() as folder:
            source, output = Path(folder, f"in.{kind}"), Path(folder, f"out.{kind}")
            write(source, options.rows)
            model = BaselineModel.fit(FITTED).save(Path(folder, "model")) if options.model == "baseline" else options.model
            stance = [sys.executable, "-m", "stance", "classify", str(source), "-o", str(output), "--model", str(model)]
            seconds, peak = peak_of([*stance, "--workers", str(options.workers)])
            result = {
                "format": kind,
                "rows": options.rows,
                "model": options.model,
                "workers": options.workers,
                "input_mb": round(source.stat().st_size / 2**20),
                "seconds": round(seconds, 1),
                "rows_per_second": round(options.rows / seconds),
                "peak_mb": round(peak),
            }
            print(json.dumps(result), flush=True)


if __name__ == "__main__":
    main()
