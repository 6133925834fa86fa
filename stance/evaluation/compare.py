"""Two reports on the same rows: which is better, and is the difference more than chance?"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from stance.errors import InputError
from stance.evaluation.statistics import holm
from stance.evaluation.versus import compare_with_first


def compare(
    first: str | Path, second: str | Path, *, system: str | None = None, other: str | None = None, seed: int = 0
) -> list[dict[str, Any]]:
    """Compare a system of one report with a system of another, on every data set that stands in both.

    Args:
        first, second: JSON files that `stance evaluate -o report.json` wrote.
        system, other: names of the systems; the first of each report when None.
        seed: of the permutations.

    Returns:
        For each data set: dataset, metric, first, second, difference (first minus second), p (permutation by group),
        p_mcnemar, p_holm (over all data sets), disagreement, power.

    Raises:
        InputError: a file that is no report, no data set in both, other rows under one name, or an unknown system.

    Example:
        >>> compare("before.json", "after.json")[0]["p"]  # doctest: +SKIP
        0.031
    """
    one, two = _read(first), _read(second)
    both = [name for name in one if name in two]
    if not both:
        raise InputError(f"{first} has {', '.join(one)}; {second} has {', '.join(two)}: no data set stands in both.")
    out = []
    for name in both:
        a, b = one[name], two[name]
        rows = a["rows"]
        if (rows["ids"], rows["gold"], a["sha256"]) != (b["rows"]["ids"], b["rows"]["gold"], b["sha256"]):
            raise InputError(f"{name}: the two reports were not made on the same rows; score both on one version of the data.")
        pair = [_system(a, system, first), _system(b, other, second)]
        out += compare_with_first(name, rows["gold"], pair, rows["groups"], rows["targets"], a["metric"], seed)
    for row, p in zip(out, holm([row["p"] for row in out]), strict=True):
        row["p_holm"] = p
    return out


def _read(path: str | Path) -> dict[str, dict[str, Any]]:
    """The data sets of a report by name."""
    if not Path(path).is_file():
        raise InputError(f"{path}: no such file.")
    try:
        parts = json.loads(Path(path).read_text("utf-8"))["datasets"]
        return {part["name"]: part for part in parts}
    except (ValueError, KeyError, TypeError) as error:
        raise InputError(f"{path}: not a report; make one with: stance evaluate CONFIG -o report.json") from error


def _system(part: dict[str, Any], name: str | None, path: str | Path) -> dict[str, Any]:
    found = [s for s in part["systems"] if name in (None, s["name"])]
    if not found:
        raise InputError(f"{path}: no system {name!r} on {part['name']}; there are {[s['name'] for s in part['systems']]}.")
    return {**found[0], "name": f"{path}: {found[0]['name']}"}
