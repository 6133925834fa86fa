"""Label a file in child processes that are killed (kill -9), each before one more change of the disk; run by a test.

    python kill_classify.py INPUT FOLDER MODEL

The k-th child dies before its k-th renaming or removal of a file, and another run of the same call follows, until a child
comes through. Prints, for each kill, what the run after it found labelled and the files that it left.
"""

from __future__ import annotations

import json
import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

# loaded before the fork, so that a child begins at once
import pyarrow.parquet  # noqa: F401
import sklearn.feature_extraction.text  # noqa: F401

from stance.stream import classify_file


def killed_before(change: int, call: Callable[[], Any]) -> bool:
    """Run a call in a child that is killed before that change; True if the child did not come so far."""
    child = os.fork()
    if not child:
        left = change

        def dying(function: Callable[..., Any]) -> Callable[..., Any]:
            def one_less(*values: Any, **names: Any) -> Any:
                nonlocal left
                left -= 1
                if not left:
                    os.kill(os.getpid(), signal.SIGKILL)
                return function(*values, **names)

            return one_less

        os.replace, os.unlink, os.rmdir = dying(os.replace), dying(os.unlink), dying(os.rmdir)
        code = 1
        try:
            call()
            code = 0
        finally:
            os._exit(code)
    _, status = os.waitpid(child, 0)
    if os.WIFSIGNALED(status):
        return False
    assert status == 0
    return True


def main(source: str, folder: str, model: str) -> None:
    """Kill runs until one ends by itself."""
    done: list[dict[str, Any]] = []
    while True:
        place = Path(folder, f"{len(done):03}")
        place.mkdir()
        output = place / "out.csv"

        def call(output: Path = output) -> Any:
            return classify_file(source, output, model=model, rows_per_part=10, on_error="null")

        through = killed_before(len(done) + 1, call)
        if through:
            break
        result = place / "resumed.json"
        again = os.fork()
        if not again:
            code = 1
            try:
                result.write_text(str(call().resumed))
                code = 0
            finally:
                os._exit(code)
        assert os.waitpid(again, 0)[1] == 0
        resumed = int(result.read_text())
        result.unlink()
        done.append({"resumed": resumed, "files": sorted(p.name for p in place.iterdir())})
    print(json.dumps(done))


if __name__ == "__main__":
    main(*sys.argv[1:])
