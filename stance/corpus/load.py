"""Data sets by name or folder, by split. The project's own lie in `data/`, beside the package in its repository."""

from __future__ import annotations

import sysconfig
from pathlib import Path
from typing import TYPE_CHECKING

from stance.errors import InputError
from stance.io import read_table

if TYPE_CHECKING:
    from datasets import DatasetDict

_HOMES = (Path(__file__).parents[2] / "data", Path(sysconfig.get_path("data")) / "share" / "stance")
"""Where names are looked for: the repository's folder, and where a wheel puts it."""


def dataset_folder(name: str | Path) -> Path:
    """Where a data set lies: its guidelines, manifest and rows.

    Args:
        name: as for :func:`load_dataset`.

    Raises:
        InputError: no such data set.

    Example:
        >>> (dataset_folder("nato") / "guidelines.md").is_file()
        True
    """
    folder = next((home / name for home in (*_HOMES, Path()) if (home / name).is_dir()), None)
    if folder is None:
        raise InputError(f"{name}: no data set of this name, and no folder.")
    return folder


def load_dataset(name: str | Path) -> DatasetDict:
    """A data set by split.

    Args:
        name: "nato", the project's own; or a folder: the `dataset/` that `stance build` made, or JSON lines with
            `split`, as `stance curate` leaves them.

    Returns:
        A `datasets.DatasetDict`: train, dev, test, as far as they have rows.

    Raises:
        InputError: no such data set, or rows without a split.

    Example:
        >>> load_dataset("nowhere")
        Traceback (most recent call last):
        ...
        stance.errors.InputError: nowhere: no data set of this name, and no folder.
    """
    from datasets import Dataset, DatasetDict, load_from_disk

    folder = dataset_folder(name)
    if (folder / "hf").is_dir():
        built = load_from_disk(str(folder / "hf"))
        assert isinstance(built, DatasetDict)
        return built
    rows = []
    for path in sorted(folder.glob("*.jsonl")):
        for number, row in enumerate((r for batch in read_table(path) for r in batch), start=1):
            if not row.get("split"):
                raise InputError(f"{path}, row {number}: no split; run `stance curate {folder}` first.")
            rows.append(row)
    if not rows:
        raise InputError(f"{folder}: no rows; is it the `dataset/` of a build, or a folder of .jsonl files?")
    splits = sorted({r["split"] for r in rows}, key=lambda s: ({"train": 0, "dev": 1, "test": 2}.get(s, 3), s))
    columns = list(dict.fromkeys(key for row in rows for key in row))
    full = Dataset.from_list([{key: row.get(key) for key in columns} for row in rows])
    return DatasetDict({s: full.select([i for i, row in enumerate(rows) if row["split"] == s]) for s in splits})
