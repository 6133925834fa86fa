"""The costing page is filled from the rates of a benchmark, and says how."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parent.parent


def test_the_page_follows_from_the_rates(tmp_path: Path) -> None:
    page, results = tmp_path / "costing.md", tmp_path / "results.json"
    page.write_text((ROOT / "docs" / "costing.md").read_text("utf-8"), encoding="utf-8")
    ways = [
        {"name": "stance, ONNX Runtime", "quotes_per_second": 500.0},
        {"name": "transformers zero-shot pipeline", "quotes_per_second": 50.0},
    ]
    results.write_text(json.dumps({"machine": {"cpu": "A CPU", "cores": 2}, "ways": ways}))
    command = [sys.executable, str(ROOT / "benchmarks" / "costing.py"), "--results", str(results), "--page", str(page)]
    for _ in range(2):  # filling it again changes nothing
        subprocess.run([*command, "--price", "0.1", "--cores", "10"], check=True)
    text = page.read_text("utf-8")
    assert "Measured on A CPU with 2 cores. Example: 10 cores at 0.1 a core-hour." in text
    row = "| stance, ONNX Runtime | 250 | 1.1 core-hours: 6.7 min, 0.11 | 111.1 core-hours: 11.1 h, 11.11 |"
    assert text.count(row) == 1 and "zero-shot" not in text
    none = subprocess.run([*command, "--results", str(tmp_path / "no.json")], capture_output=True, text=True)
    assert none.returncode == 2 and "run make bench first" in none.stderr
