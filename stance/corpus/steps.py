"""Steps that are done once: each is a folder named by the hash of all that went into it, and appears whole.

A process that is killed leaves an unfinished folder, which the next run removes and does again; what is finished stays.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import tempfile
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any, Self

from filelock import FileLock, Timeout

from stance.errors import InputError

_UNFINISHED = ".unfinished-"


def file_hash(path: Path) -> str:
    """The SHA-256 of a file's bytes, in hexadecimal."""
    with path.open("rb") as handle:
        return hashlib.file_digest(handle, "sha256").hexdigest()


@cache
def code_hash() -> str:
    """A hash of this package's sources and weights: other code may give other results."""
    package = Path(__file__).parent.parent
    files = sorted(f for f in package.rglob("*") if f.is_file() and "__pycache__" not in f.parts)
    return hashlib.sha256("".join(f"{f.relative_to(package)} {file_hash(f)}\n" for f in files).encode()).hexdigest()


class Steps:
    """The finished steps of a build, in one folder that one process at a time works in.

    Args:
        folder: made when it is not there.

    Raises:
        InputError: another process builds in this folder.

    Example:
        >>> with tempfile.TemporaryDirectory() as folder, Steps(Path(folder)) as steps:
        ...     done = steps.run("count", {"n": 3}, lambda out: (out / "n.txt").write_text("3"))
        ...     (done / "n.txt").read_text()
        '3'
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        self._lock = FileLock(folder / ".lock")
        self._used: set[str] = set()
        self.unfinished = 0
        """How many steps an earlier run left unfinished."""

    def __enter__(self) -> Self:
        try:
            self._lock.acquire(timeout=0)
        except Timeout:
            raise InputError(f"{self.folder}: another build is running here; wait for it, or use another output.") from None
        for left in self.folder.glob(f"{_UNFINISHED}*"):
            self.unfinished += 1
            shutil.rmtree(left)
        return self

    def __exit__(self, *_: object) -> None:
        self._lock.release()

    def run(self, name: str, inputs: Any, work: Callable[[Path], object]) -> Path:
        """The folder of a step, which `work` fills unless it is there already.

        Args:
            name: of the step.
            inputs: JSON values: all that the result depends on beside the package's code.
            work: writes files into the folder that it is given.
        """
        key = hashlib.sha256(json.dumps([name, code_hash(), inputs], sort_keys=True).encode()).hexdigest()[:16]
        done = self.folder / f"{name}-{key}"
        self._used.add(done.name)
        if not done.is_dir():
            temporary = Path(tempfile.mkdtemp(dir=self.folder, prefix=_UNFINISHED))
            try:
                work(temporary)
                os.replace(temporary, done)
            finally:
                shutil.rmtree(temporary, ignore_errors=True)
        return done

    def forget_the_rest(self) -> None:
        """Remove the steps that this run had no use for, of older inputs."""
        for path in self.folder.iterdir():
            if path.is_dir() and path.name not in self._used:
                shutil.rmtree(path)


def put_in_place(step: Path, place: Path) -> None:
    """Put a copy of a step's folder in its place, whole, instead of the one there."""
    new, old = place.with_name(f".{place.name}.new"), place.with_name(f".{place.name}.old")
    for left in (new, old):
        shutil.rmtree(left, ignore_errors=True)
    shutil.copytree(step, new)
    if place.is_dir():
        os.replace(place, old)
    os.replace(new, place)
    shutil.rmtree(old, ignore_errors=True)


def put_files_in_place(step: Path, place: Path) -> None:
    """Put a copy of each file of a step, whole, in a folder where people work too; files of theirs stay."""
    place.mkdir(exist_ok=True)
    for file in sorted(step.iterdir()):
        new = place / f".{file.name}.new"  # always this name: what a killed run leaves, the next one takes
        shutil.copyfile(file, new)
        os.replace(new, place / file.name)
