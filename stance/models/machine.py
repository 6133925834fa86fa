"""What the machine offers: threads, and arithmetic in bf16. Light: the default model imports it in every cold process."""

from __future__ import annotations

import os
from contextlib import AbstractContextManager, nullcontext
from functools import cache
from pathlib import Path
from typing import Any

from stance.errors import InputError


def cores() -> int:
    """How many threads compute: `OMP_NUM_THREADS` where it is set, else the cores that this process may use.

    torch reads the variable itself; ONNX Runtime does not, and neither heeds the quota of a container.

    Raises:
        InputError: the variable is not a whole number from 1 on.
    """
    given = os.environ.get("OMP_NUM_THREADS", "").split(",")[0].strip()  # OpenMP allows a list, one for each level
    if given:
        if not given.isdecimal() or int(given) < 1:
            raise InputError(f"OMP_NUM_THREADS is {given!r}; set it to a whole number from 1 on, or unset it.")
        return int(given)
    usable = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    try:
        quota, period = Path("/sys/fs/cgroup/cpu.max").read_text("ascii").split()
        return max(1, min(usable, int(quota) // int(period)))
    except (OSError, ValueError):  # no container, or one without a quota ("max")
        return usable


@cache
def has_bf16(device: str) -> bool:
    """Whether the device multiplies bf16 in hardware: a GPU that says so; a CPU with AMX or AVX512-BF16.

    Args:
        device: of torch, such as "cpu" or "cuda".
    """
    import torch

    if device.startswith("cuda"):
        return bool(torch.cuda.is_bf16_supported(including_emulation=False))
    features = torch.cpu.get_capabilities()
    return device == "cpu" and bool(features.get("amx_bf16") or features.get("avx512_bf16"))


def autocast(device: str) -> AbstractContextManager[Any]:
    """bf16 arithmetic where :func:`has_bf16` finds it, fp32 elsewhere."""
    import torch

    return torch.autocast(device.split(":")[0], torch.bfloat16) if has_bf16(device) else nullcontext()
