"""Build a data set in child processes that are killed (kill -9) further on each time, until one comes through; run by a test.

    python kill_build.py CONFIG DATA OUTPUT

The k-th child is killed a moment after the k-th step is finished, so that the kills come at every step on any machine.
Prints, for each kill, which steps were finished.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import time
from pathlib import Path

# loaded before the fork, so that a child begins at once
import datasets  # noqa: F401
import datasketch  # noqa: F401
import ftfy  # noqa: F401
import sklearn.feature_extraction.text  # noqa: F401

from stance.corpus import build_dataset
from stance.corpus.steps import code_hash

MOMENTS = (0.0, 0.005, 0.02)
"""Seconds between the end of a step and the kill, in turn."""


def finished(output: str) -> list[str]:
    """Names of the steps that are done."""
    return sorted(p.name.split("-")[0] for p in Path(output, "steps").glob("[!.]*"))


def main(config: str, data: str, output: str) -> None:
    """Kill builds until one ends by itself, and print what each had finished."""
    code_hash()
    kills: list[list[str]] = []
    while True:
        child = os.fork()
        if not child:
            try:
                build_dataset(config, data=data, output=output)
            finally:
                os._exit(int(not (Path(output) / "dataset").is_dir()))
        ended = False
        while not ended and len(finished(output)) < len(kills):
            ended = os.waitid(os.P_PID, child, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None
            time.sleep(0.001)
        time.sleep(MOMENTS[len(kills) % len(MOMENTS)])
        if not ended and os.waitid(os.P_PID, child, os.WEXITED | os.WNOHANG | os.WNOWAIT) is None:
            os.kill(child, signal.SIGKILL)
            kills.append(finished(output))
            os.waitpid(child, 0)
            continue
        _, status = os.waitpid(child, 0)
        print(json.dumps({"stages": kills, "status": status}))
        return


if __name__ == "__main__":
    main(*sys.argv[1:])
