"""Labelled quotes to the folder that is published: splits checked for leaks, JSONL, Parquet, `DatasetDict`, card, manifest."""

from __future__ import annotations

import json
import platform
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING, Any

from stance.config import BuildConfig
from stance.corpus.card import dataset_card
from stance.corpus.splits import SPLITS, assign_splits, check_leaks, join_near_duplicates, split_tables
from stance.corpus.steps import code_hash, file_hash
from stance.errors import InputError
from stance.io import write_table
from stance.labels import LABELS
from stance.targets import Target

if TYPE_CHECKING:
    import pyarrow as pa

Row = dict[str, Any]

_TEXT = (
    "id", "text", "label", "speaker", "form", "context", "group", "split", "article", "title", "date", "outlet", "url",
    "language", "cue", "decided", "stratum",
)  # fmt: skip
_SOURCE = ("id", "article", "outlet", "date", "url")
READING = ("charset-normalizer", "ftfy", "markdown-it-py", "py3langid", "pyarrow", "trafilatura", "warcio")
"""Packages that decide what is read of an article."""
PREDICTING = ("numpy", "onnxruntime", "scikit-learn", "tokenizers", "torch", "transformers")
"""Packages that decide what a model says."""
_PACKAGES = ("stance", "datasets", "datasketch", "openpyxl", *READING, *PREDICTING)


def package_versions(names: Iterable[str] = _PACKAGES) -> dict[str, str]:
    """The version of each package, "missing" where it is not installed.

    Args:
        names: of packages; all that decide the bytes of a build by default.

    Example:
        >>> package_versions(["no-such-package"])
        {'no-such-package': 'missing'}
    """
    found = {}
    for name in sorted(names):
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            found[name] = "missing"
    return found


def _schema() -> pa.Schema:
    import pyarrow as pa

    text = [(name, pa.string()) for name in _TEXT]
    flags = [("negated", pa.bool_()), ("hedged", pa.bool_()), ("start", pa.int64()), ("end", pa.int64())]
    votes = pa.struct([(str(x), pa.int64()) for x in LABELS])
    sources = pa.list_(pa.struct([(name, pa.string()) for name in _SOURCE]))
    numbers = [("confidence", pa.float64()), ("weight", pa.float64())]
    return pa.schema([*text, *flags, *numbers, ("votes", votes), ("annotations", pa.list_(pa.string())), ("sources", sources)])


@contextmanager
def _quiet() -> Iterator[None]:
    """No bars of `datasets` in here, and its setting as it was afterwards."""
    from datasets.utils import are_progress_bars_disabled, disable_progress_bars, enable_progress_bars

    before = are_progress_bars_disabled()
    disable_progress_bars()
    try:
        yield
    finally:
        if not before:
            enable_progress_bars()


def write_dataset(labelled: Iterable[Row], folder: Path, *, config: BuildConfig, target: Target, manifest: Row) -> None:
    """Split labelled quotes and write them with their card.

    Args:
        labelled: rows of labelled quotes, with `stratum` and `weight` where they were drawn for annotation.
        folder: made here; `data/` in it holds JSONL and Parquet, `hf/` the `DatasetDict` of the splits that have rows.
        config: of the build.
        target: what the labels are about.
        manifest: what is known of the steps so far; the rest is added, and it is written beside the data.

    Raises:
        InputError: the splits leak.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq
    from datasets import Dataset, DatasetDict

    options = config.split
    rows = list(labelled)
    undated = [r for r in rows if options.by == "date" and not r["date"]]
    rows = [r for r in rows if options.by != "date" or r["date"]]
    for row, group in zip(rows, join_near_duplicates(rows), strict=True):
        row["group"] = group
    days = {"dev_from": options.dev_from, "test_from": options.test_from}
    for row, split in zip(rows, assign_splits(rows, by=options.by, dev=options.dev, test=options.test, **days), strict=True):
        row["split"] = split
    check_leaks(rows, by=options.by, **days)
    (folder / "data").mkdir(parents=True)
    schema, tables = _schema(), {}
    for split in SPLITS:
        own = [{name: row.get(name) for name in schema.names} for row in rows if row["split"] == split]
        for row in own:
            row["votes"] = {str(x): row["votes"].get(x, 0) for x in LABELS}
            row["annotations"] = [x for x, n in row["votes"].items() for _ in range(n)]  # where the evaluation looks for people
        tables[split] = pa.Table.from_pylist(own, schema=schema)
        write_table([own], folder / "data" / f"{split}.jsonl")
        pq.write_table(tables[split], folder / "data" / f"{split}.parquet")
    parts = {s: Dataset(t, fingerprint=file_hash(folder / "data" / f"{s}.jsonl")[:16]) for s, t in tables.items() if len(t)}
    if parts:
        with _quiet():
            DatasetDict(parts).save_to_disk(folder / "hf")
    counts = manifest["counts"] | {
        "labelled": len(rows),
        "without a date": len(undated),
        "groups": len({r["group"] for r in rows}),
    }
    versions = package_versions() | {"python": platform.python_version()}
    full = manifest | {"counts": counts, "tables": split_tables(rows), "versions": versions, "code": code_hash()}
    (folder / "README.md").write_text(dataset_card(full, config=config, target=target), encoding="utf-8")
    full["files"] = {str(f.relative_to(folder)): file_hash(f) for f in sorted(folder.rglob("*")) if f.is_file()}
    (folder / "manifest.json").write_text(json.dumps(full, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


def refuse_foreign_files(folder: Path) -> None:
    """Refuse a `dataset/` in which something is not as a build left it: the next build would delete it.

    Args:
        folder: the `dataset/` of an earlier build, or of none yet.

    Raises:
        InputError: a file that the manifest there does not list, or that was changed since; it is named.
    """
    manifest = folder / "manifest.json"
    own: Row = {}
    if manifest.is_file():
        try:
            own = dict(json.loads(manifest.read_text("utf-8"))["files"])
        except (ValueError, KeyError, TypeError):
            raise InputError(f"{manifest}: not a build's manifest; move it away and build again.") from None
    for file in sorted(f for f in folder.rglob("*") if f.is_file() and f != manifest):
        if own.get(str(file.relative_to(folder))) != file_hash(file):
            raise InputError(f"{file}: not as the build left it, and the next build would delete it; move it out of {folder}.")


def push_dataset(folder: Path, name: str) -> None:
    """Push a built data set to the hub, in one commit; one that is not there yet is made private.

    Card, Parquet, JSONL and manifest go as they are; `hf/`, which the hub has no use for, stays here.

    Args:
        folder: the `dataset/` of a build.
        name: "owner/name".

    Raises:
        InputError: no labelled rows, or the hub refused.
    """
    from huggingface_hub import HfApi

    if not (folder / "hf").is_dir():
        raise InputError(f"{folder}: no labelled rows to push.")
    hub = HfApi()
    try:
        hub.create_repo(name, repo_type="dataset", private=True, exist_ok=True)
        hub.upload_folder(repo_id=name, repo_type="dataset", folder_path=folder, ignore_patterns="hf/*")
    except Exception as error:  # the hub's client raises HTTP, network and value errors alike
        raise InputError(f"The hub did not take {name!r}: {error}") from error
