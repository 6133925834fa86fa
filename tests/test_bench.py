"""How `make bench` times a cold start."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path

BENCHMARKS = Path(__file__).parent.parent / "benchmarks"
sys.path.insert(0, str(BENCHMARKS))

from bench import cold_starts  # noqa: E402 - a script, not a part of the package


def test_cold_starts_take_turns_and_the_first_round_does_not_count() -> None:
    started: list[str] = []

    def start(name: str) -> float:
        started.append(name)
        return float(len(started))

    assert cold_starts(["a", "b"], start) == {"a": [3, 5, 7, 9, 11], "b": [4, 6, 8, 10, 12]}
    assert started == ["a", "b"] * 6


def test_a_cold_process_tells_the_seconds_to_its_first_label() -> None:
    command = [sys.executable, str(BENCHMARKS / "bench.py"), "--way", "stance, ONNX Runtime", "--cold"]
    begin = time.time()
    done = subprocess.run(command, env=os.environ | {"BENCH_BEGAN": str(begin)}, capture_output=True, text=True, check=True)
    assert 0 < json.loads(done.stdout) < time.time() - begin
