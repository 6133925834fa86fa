"""A folder of labelled JSON-lines files is checked, grouped, split and counted; the same rows give the same bytes.

Files named `test_*.jsonl` and `dev_*.jsonl` are those splits, written apart; of the rest a tenth falls to dev by a hash of
its group.
"""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from pathlib import Path
from typing import Any

from stance.corpus.groups import near_duplicate_groups, split_of
from stance.errors import InputError
from stance.io import atomic_path, read_table
from stance.labels import LABELS

FIELDS = (
    "id", "text", "form", "speaker", "context", "label", "relevant", "rule", "pair", "phenomenon", "targets", "second_label",
    "group", "split",
)  # fmt: skip
"""The fields of a row, in the order in which they are written."""


def curate(folder: str | Path) -> dict[str, Any]:
    """Check every `*.jsonl` of a folder, give each row `group` and `split`, and write `manifest.json`.

    Rows of training files that are near-duplicates of test rows are an error, not a warning.

    Args:
        folder: the data set.

    Returns:
        The manifest: for each file its rows and content hash, and counts by split, label, form, phenomenon.

    Raises:
        InputError: a missing field, an unknown label or field, an id or text that stands twice, or a leak between test
            and the rest; the message names file and row.
        MissingExtraError: datasketch is not installed.

    Example:
        >>> curate("data/nato")["counts"]["split"]  # doctest: +SKIP
        {'dev': 600, 'test': 360, 'train': 5700}
    """
    paths = sorted(Path(folder).glob("*.jsonl"))
    if not paths:
        raise InputError(f"{folder}: no .jsonl files.")
    rows: list[dict[str, Any]] = []
    places: list[tuple[Path, int]] = []
    for path in paths:
        own = [row for batch in read_table(path) for row in batch]
        rows += own
        places += [(path, number) for number in range(1, len(own) + 1)]
    _check(rows, [f"{path}, row {number}" for path, number in places])
    groups = near_duplicate_groups([r["text"] for r in rows], [r.get("pair") for r in rows])
    apart = [next((name for name in ("test", "dev") if path.name.startswith(f"{name}_")), None) for path, _ in places]
    homes: dict[int, tuple[str, tuple[Path, int]]] = {}
    for group, split, place in zip(groups, apart, places, strict=True):
        if split:
            homes.setdefault(group, (split, place))
    for row, group, split, (path, number) in zip(rows, groups, apart, places, strict=True):
        home, (twin, at) = homes.get(group, (split, (path, number)))
        if home != split and "test" in (home, split):
            raise InputError(f"{path}, row {number}: a near-duplicate of {twin}, row {at}, of another split; take one out.")
        row["group"] = rows[group]["id"]
        row["split"] = home or split_of(row["group"])
    files = {}
    for path in paths:
        own = [r for r, (home, _) in zip(rows, places, strict=True) if home == path]
        text = "".join(json.dumps({k: r.get(k) for k in FIELDS}, ensure_ascii=False) + "\n" for r in own)
        with atomic_path(path) as temporary:
            temporary.write_text(text, encoding="utf-8")
        files[path.name] = {"rows": len(own), "sha256": hashlib.sha256(text.encode()).hexdigest()}
    counts = {name: dict(sorted(Counter(str(r.get(name)) for r in rows).items())) for name in ("split", "label", "form")}
    counts["phenomenon"] = dict(sorted(Counter(str(r.get("phenomenon") or "none") for r in rows).items()))
    counts["off_target"] = {"rows": sum(r.get("relevant") is False for r in rows)}
    counts["sets"] = {"pairs": len({r["pair"] for r in rows if r.get("pair")})}
    for split in ("train", "dev", "test"):
        counts[f"label in {split}"] = dict(sorted(Counter(r["label"] for r in rows if r["split"] == split).items()))
    manifest = {"rows": len(rows), "groups": len(set(groups)), "counts": counts, "files": files}
    with atomic_path(Path(folder) / "manifest.json") as temporary:
        temporary.write_text(json.dumps(manifest, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    return manifest


def _check(rows: list[dict[str, Any]], where: list[str]) -> None:
    """Raise on the first row that cannot be published."""
    ids: dict[str, str] = {}
    texts: dict[tuple[str, str, str], str] = {}
    for row, place in zip(rows, where, strict=True):
        for name in ("id", "text", "label", "form"):
            if not row.get(name):
                raise InputError(f"{place}: no {name}.")
        if row["label"] not in list(LABELS):
            raise InputError(f"{place}: label {row['label']!r} is none of {[*map(str, LABELS)]}.")
        if unknown := sorted(set(row) - set(FIELDS)):
            raise InputError(f"{place}: unknown field {unknown[0]!r}.")
        if row["id"] in ids:
            raise InputError(f"{place}: id {row['id']!r} stands already in {ids[row['id']]}.")
        key = (row["text"], str(row.get("speaker")), str(row.get("context")))
        if key in texts:
            raise InputError(f"{place}: the same text, speaker and context as {texts[key]}.")
        ids[row["id"]], texts[key] = place, place

