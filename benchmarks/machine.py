"""What the benchmarks ask of the machine."""

from __future__ import annotations

import resource
from pathlib import Path


def peak_megabytes() -> float:
    """Most memory that this process has held.

    On Linux from its own status: `getrusage` starts a child at the peak of the process that began it.
    """
    status = Path("/proc/self/status")
    if status.exists():
        [line] = [x for x in status.read_text().splitlines() if x.startswith("VmHWM:")]
        return int(line.split()[1]) / 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
