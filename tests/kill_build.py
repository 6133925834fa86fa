"""Build a data set in child processes that are killed (kill -9) at growing delays, until one comes through; run by a test.

    python kill_build.py CONFIG DATA OUTPUT FIRST_DELAY STEP

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


def main(config: str, data: str, output: str, first: str, step: str) -> None:
    delay, stages = float(first), []
    code_hash()
    while True:
        child = os.fork()
        if not child:
            try:
                build_dataset(config, data=data, output=output)
            finally:
                os._exit(int(not (Path(output) / "dataset").is_dir()))
        end = time.monotonic() + delay
        while time.monotonic() < end and not os.waitid(os.P_PID, child, os.WEXITED | os.WNOHANG | os.WNOWAIT):
            time.sleep(0.002)
        done = os.waitid(os.P_PID, child, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None
        if not done:
            os.kill(child, signal.SIGKILL)
            stages.append(sorted(p.name.split("-")[0] for p in Path(output, "steps").glob("[!.]*")))
        _, status = os.waitpid(child, 0)
        if done:
            print(json.dumps({"stages": stages, "status": status}))
            return
        delay += float(step)


if __name__ == "__main__":
    main(*sys.argv[1:])
