"""Fill docs/costing.md: `make costing PRICE=0.05 CORES=64`.

Reads the rates that `make bench` wrote: `machine` with `cpu` and `cores`, and `ways` with `name` and `quotes_per_second`, of
which those of this package count.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parent.parent
OPEN, CLOSE = "<!-- figures -->", "<!-- /figures -->"
QUOTES = (10**6, 10**8, 10**9)


def figures(results: dict[str, Any], *, price: float, cores: int) -> str:
    """The table of costs.

    Args:
        results: of `make bench`.
        price: of a core-hour.
        cores: that work at the same time.
    """
    machine = results["machine"]
    lines = [
        f"Measured on {machine['cpu']} with {machine['cores']} cores. Example: {cores} cores at {price:g} a core-hour.",
        "",
        "| runtime | quotes per core-second | " + " | ".join(f"{n:,} quotes" for n in QUOTES) + " |",
        "| --- | --- |" + " --- |" * len(QUOTES),
    ]
    for way in results["ways"]:
        if way["name"].startswith("stance"):
            rate = way["quotes_per_second"] / machine["cores"]
            cells = [_cost(n / rate / 3600, price, cores) for n in QUOTES]
            lines.append("| " + " | ".join([way["name"], f"{rate:.0f}", *cells]) + " |")
    return "\n".join(lines)


def _cost(hours: float, price: float, cores: int) -> str:
    """The cost of core-hours, in words."""
    time = f"{hours / cores:.1f} h" if hours >= cores else f"{60 * hours / cores:.1f} min"
    return f"{hours:,.1f} core-hours: {time}, {hours * price:,.2f}"


def main() -> None:
    """Read, reckon, write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--results", type=Path, default=ROOT / "benchmarks" / "results.json", help="written by make bench")
    parser.add_argument("--page", type=Path, default=ROOT / "docs" / "costing.md")
    parser.add_argument("--price", type=float, default=0.05, help="of a core-hour; the default is an example")
    parser.add_argument("--cores", type=int, default=64, help="that work at the same time; the default is an example")
    options = parser.parse_args()
    if not options.results.is_file():
        parser.error(f"{options.results}: no such file; run make bench first.")
    text = figures(json.loads(options.results.read_text("utf-8")), price=options.price, cores=options.cores)
    head, _, rest = options.page.read_text("utf-8").partition(OPEN)
    options.page.write_text(f"{head}{OPEN}\n{text}\n{CLOSE}{rest.partition(CLOSE)[2]}", encoding="utf-8")


if __name__ == "__main__":
    main()
