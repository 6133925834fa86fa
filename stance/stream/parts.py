"""Labelled parts in a folder beside the output, so that a run which was killed goes on where it stopped.

A part appears whole or not at all, and counts only beside the manifest that says what it was made from.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from filelock import FileLock, Timeout

from stance.errors import InputError
from stance.io import atomic_path

if TYPE_CHECKING:
    import pyarrow as pa

_MANIFEST = "manifest.json"
_UNFINISHED = (".part-*", ".joined.*", "joined.*", ".manifest.*")
"""What a kill may leave."""


class Parts:
    """The parts of one output, on which one process at a time works.

    Args:
        output: the file to be; its parts lie in the folder `<output>.parts`.
        made_from: JSON values: all that the labels depend on, to be compared with those of an earlier run.
        resume: go on with the parts of an earlier run; False removes them.

    Raises:
        InputError: the output's folder does not exist, another process writes this output, or an earlier run was made
            from something else.
    """

    def __init__(self, output: Path, made_from: Mapping[str, Any], *, resume: bool) -> None:
        self.output, self._made_from, self._resume = output, dict(made_from), resume
        self.folder = output.with_name(f"{output.name}.parts")
        self._manifest = self.folder / _MANIFEST
        self._lock = FileLock(self.folder / ".lock")

    def __enter__(self) -> Self:
        if not self.output.parent.is_dir():
            raise InputError(f"{self.output}: the folder {self.output.parent} does not exist; make it first.")
        self.folder.mkdir(exist_ok=True)
        try:
            self._lock.acquire(timeout=0)
        except Timeout:
            raise InputError(f"{self.output}: another run is writing it; wait for that, or use another output.") from None
        try:
            self._begin()
        except BaseException:
            self._lock.release()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        if not any(self.folder.glob("part-*")):
            self._remove(_MANIFEST, *_UNFINISHED, ".lock")
            if not any(self.folder.iterdir()):  # a file that is not ours keeps it
                self.folder.rmdir()
        self._lock.release()

    def _begin(self) -> None:
        """Keep the parts there are if they fit, remove them if they may go, else say what differs."""
        if not (self._resume and self._manifest.exists()):
            self._remove(_MANIFEST, "part-*", *_UNFINISHED)
            with atomic_path(self._manifest) as path:
                path.write_text(json.dumps(self._made_from, ensure_ascii=False, indent=1), encoding="utf-8")
            return
        was = json.loads(self._manifest.read_text("utf-8"))
        differs = [name for name in {**was, **self._made_from} if was.get(name) != self._made_from.get(name)]
        if differs:
            said = "; ".join(f"{name} was {was.get(name)!r} and is {self._made_from.get(name)!r}" for name in differs)
            raise InputError(
                f"{self.folder} holds the parts of another unfinished run: {said}. Repeat that run to finish it, use another "
                "output, or remove its parts with --restart (resume=False)."
            )
        self._remove(*_UNFINISHED)

    def _path(self, number: int) -> Path:
        return self.folder / f"part-{number:06}.parquet"

    def load(self, number: int, *columns: str) -> pa.Table | None:
        """A part, or only some of its columns; None where it is missing or damaged."""
        import pyarrow as pa
        import pyarrow.parquet as pq

        try:
            with pq.ParquetFile(self._path(number), pre_buffer=False) as file:
                return file.read(list(columns) or None)
        except (OSError, pa.ArrowException):
            return None

    def save(self, number: int, table: pa.Table) -> None:
        """Keep a labelled part.

        Raises:
            InputError: a type that Parquet does not know, such as a JSON object without keys.
        """
        import pyarrow as pa
        import pyarrow.parquet as pq

        try:
            with atomic_path(self._path(number)) as path:
                pq.write_table(table, path)
        except pa.ArrowNotImplementedError as error:
            raise InputError(f"{self.output}: no Parquet column holds these values ({error}); write .jsonl instead.") from error

    def tables(self, count: int) -> Iterator[pa.Table]:
        """The first `count` parts in order."""
        for number in range(count):
            yield self.load(number)

    @contextmanager
    def joining(self) -> Iterator[Path]:
        """A path for the whole result, which becomes the output when the block ends well; then the parts go."""
        joined = self.folder / f"joined{self.output.suffix}"
        yield joined
        os.replace(joined, self.output)
        self._remove(_MANIFEST, "part-*")

    def _remove(self, *patterns: str) -> None:
        """Remove files of ours in this order: the manifest goes first, because without it parts are none."""
        for pattern in patterns:
            for path in self.folder.glob(pattern):
                path.unlink()
