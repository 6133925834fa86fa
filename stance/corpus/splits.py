"""Train, dev and test without leaks: what belongs together stands together, and a check says so."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from datetime import date
from typing import Any, Literal

from stance.corpus.groups import Groups, near_duplicate_groups, split_of
from stance.errors import InputError

Row = dict[str, Any]
By = Literal["group", "speaker", "date"]
SPLITS = ("train", "dev", "test")


def assign_splits(
    rows: Sequence[Row],
    *,
    by: By = "group",
    dev: float = 0.1,
    test: float = 0.2,
    dev_from: date | None = None,
    test_from: date | None = None,
) -> list[str]:
    """The split of each row: all rows of a group fall to one.

    By group and by speaker, a hash of the group's name decides, so that a row keeps its split when others come; in a
    small set the shares are rough. By date, a group falls to the split of its latest day: nothing later than a split's
    begin stands before it.

    Args:
        rows: with `group`, and `speaker` or `date` where it is split by.
        by: "group", "speaker" (rows of one speaker, too, stand together) or "date".
        dev, test: share of the groups, 0 to 1.
        dev_from, test_from: first day of dev and of test, for "date".

    Raises:
        InputError: by date, a row without one (YYYY-MM-DD), or no days given.

    Example:
        >>> assign_splits([{"group": "p001"}, {"group": "p001"}])
        ['train', 'train']
    """
    units = Groups(len(rows))
    units.join_equal([row["group"] for row in rows])
    if by == "speaker":
        units.join_equal([(row["speaker"] or "").casefold() or None for row in rows])
    roots = [units.root(i) for i in range(len(rows))]
    if by == "date":
        return _by_date(rows, roots, dev_from, test_from)
    names: dict[int, str] = {}
    for root, row in zip(roots, rows, strict=True):
        names[root] = min(names.get(root, row["group"]), row["group"])
    return [split_of(names[root], dev=dev, test=test) for root in roots]


def join_near_duplicates(rows: Sequence[Row]) -> list[str]:
    """The group of each row, with those of near-duplicates made one.

    Groups of a larger set may part two near-duplicates of a smaller one that is drawn from it: in a full bucket a text
    is compared with one of each group only. What is split is therefore looked at again, as :func:`find_leaks` will.

    Args:
        rows: with `text` and `group`.

    Raises:
        MissingExtraError: datasketch is not installed.

    Example:
        >>> join_near_duplicates([{"text": "Not in NATO", "group": "p"}, {"text": "not in NATO!", "group": "q"}])
        ['p', 'p']
    """
    units = Groups(len(rows))
    units.join_equal([row["group"] for row in rows])
    units.join_equal([str(root) for root in near_duplicate_groups([row["text"] for row in rows])])
    return [rows[units.root(i)]["group"] for i in range(len(rows))]


def _by_date(rows: Sequence[Row], roots: list[int], dev_from: date | None, test_from: date | None) -> list[str]:
    if dev_from is None or test_from is None:
        raise InputError("Splits by date need dev_from and test_from.")
    latest: dict[int, date] = {}
    for root, row in zip(roots, rows, strict=True):
        latest[root] = max(latest.get(root, date.min), *map(_day, _dates(row)))
    return ["test" if latest[r] >= test_from else "dev" if latest[r] >= dev_from else "train" for r in roots]


def _dates(row: Row) -> list[Any]:
    return [row["date"], *(s["date"] for s in row.get("sources") or () if s["date"])]


def _day(value: Any) -> date:
    try:
        return date.fromisoformat(str(value)[:10])
    except ValueError:
        raise InputError(f"{value!r} is no date (YYYY-MM-DD); a split by date needs one in each row.") from None


def find_leaks(
    rows: Sequence[Row], *, by: By = "group", dev_from: date | None = None, test_from: date | None = None
) -> list[str]:
    """What stands in two splits and must not, in words; empty when all is well.

    It trusts no `group`: near-duplicates are looked for anew.

    Args:
        rows: with id, text, split, and if known group, article, sources, speaker, date.
        by, dev_from, test_from: what the splits were made by.

    Raises:
        MissingExtraError: datasketch is not installed.

    Example:
        >>> row = {"text": "Ukraine belongs in NATO now", "group": "g"}
        >>> find_leaks([{**row, "id": "1", "split": "train"}, {**row, "id": "2", "split": "test"}])[0]
        "group 'g' stands in test and train"
    """
    near = near_duplicate_groups([r["text"] for r in rows])
    seen: dict[tuple[str, str], set[str]] = defaultdict(set)
    for row, root in zip(rows, near, strict=True):
        keys = [("near-duplicate of", rows[root]["id"])]
        keys += [(name, row[name]) for name in ("group", "article") if row.get(name)]
        keys += [("article", source["article"]) for source in row.get("sources") or ()]
        if by == "speaker" and row.get("speaker"):
            keys.append(("speaker", row["speaker"].casefold()))
        for key in keys:
            seen[key].add(row["split"])
    found = [f"{kind} {name!r} stands in {' and '.join(sorted(s))}" for (kind, name), s in seen.items() if len(s) > 1]
    ends = {"train": dev_from, "dev": test_from} if by == "date" else {}
    for row in rows:
        if end := ends.get(row["split"]):
            found += [f"{row['id']!r} of {day} stands in {row['split']}" for day in _dates(row) if _day(day) >= end]
    return sorted(found, key=lambda text: not text.startswith("group"))


def check_leaks(
    rows: Sequence[Row], *, by: By = "group", dev_from: date | None = None, test_from: date | None = None
) -> None:
    """Raise when :func:`find_leaks` finds any.

    Raises:
        InputError: naming the first leak and how many there are.
    """
    if found := find_leaks(rows, by=by, dev_from=dev_from, test_from=test_from):
        raise InputError(f"The splits leak: {found[0]} ({len(found)} in all).")


def split_tables(
    rows: Iterable[Row], *, slices: Sequence[str] = ("form", "outlet", "year")
) -> dict[str, dict[str, dict[str, int]]]:
    """Counts of labels in each split, and of each slice's values.

    Args:
        rows: with label and split.
        slices: columns, or "year" of `date`.

    Returns:
        {"label": {split: {label: rows}}, and for each slice {split: {value: rows}}}.
    """
    counts: dict[str, dict[str, Counter[str]]] = {name: {s: Counter() for s in SPLITS} for name in ("label", *slices)}
    for row in rows:
        for name, table in counts.items():
            value = (row.get("date") or "")[:4] if name == "year" else row.get(name)
            table[row["split"]][str(value or "unknown")] += 1
    return {name: {s: dict(sorted(c.items())) for s, c in table.items()} for name, table in counts.items()}
