"""On what a checkpoint runs: the names, what this machine can do, and a choice by measurement.

The default is fixed and measures nothing. `runtime="auto"` times the candidates once on texts of our own and keeps the
answer in the user's cache for this processor, these versions and these weights. It never takes an ONNX file that no export has
compared with fp32; a runtime that is named does.
"""

from __future__ import annotations

import json
import os
import platform
import time
from collections.abc import Callable
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from stance.errors import ModelError, StanceError
from stance.io import atomic_path
from stance.models.checkpoint import fingerprint
from stance.models.machine import cores
from stance.models.protocol import StanceModel

RUNTIMES = {
    "onnx": "ONNX Runtime, int8 or fp32 weights as exported; needs a folder of `stance export`",
    "openvino": "OpenVINO on the same folder; needs the extra `openvino`",
    "torch": "torch: fp32 on a CPU, bf16 on a GPU that has it",
    "torch-bf16": "torch in bf16, where the CPU (AMX, AVX512-BF16) or the GPU multiplies it in hardware",
}
"""Every runtime and what it is, the one that is kept in a tie first."""
_UNCHECKED = (
    "model.onnx is not checked against fp32 (there is no export.json beside it); name the runtime to use it as it is, or make it "
    "with `stance export`"
)
_MARGIN = 1.1
"""A runtime must be faster by this factor than one before it in `RUNTIMES`."""
_CLAIM = "Ukraine should become a member of NATO."
_SENTENCES = (
    "Nobody outside the alliance has a veto over who joins it, and that has not changed.",
    "Membership now would bring the war to all of us, the minister warned on Tuesday.",
    "The question was not on the agenda of this meeting, and the talks go on in the autumn.",
    "We have met every condition that was put to us, so what are the allies still waiting for?",
    "Guarantees can be written in other ways than by Article 5, she told reporters after the vote.",
)


@dataclass(frozen=True, slots=True)
class Choice:
    """Which runtime a checkpoint gets on this machine, and why."""

    runtime: str
    """The fastest; one that stands before it in `RUNTIMES` where the two differ by less than a tenth."""
    speeds: dict[str, float]
    """Quotes per second of each candidate, on 64 texts of 50 tokens on average."""
    missing: dict[str, str]
    """Why each of the others is no candidate: it cannot run here, or its file was not checked against fp32."""
    machine: str
    """Processor, threads, versions and weights for which it holds."""
    path: str
    """The file in which it is kept; delete it to measure again."""


def choose(folder: Path, *, load: Callable[[str], StanceModel]) -> Choice:
    """The runtime for a checkpoint folder: read from the cache, else measured (some seconds, most of them loading).

    Args:
        folder: with `model.onnx` or `*.safetensors` or both.
        load: a runtime's name to the checkpoint's model; a :class:`StanceError` says why it cannot run here.

    Raises:
        ModelError: no runtime can load it, or only one whose file was not checked.
    """
    machine = _machine(folder)
    path = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache", "stance", "runtimes.json")
    kept = _read(path)
    try:
        found = Choice(**kept[machine], machine=machine, path=str(path))
        if found.runtime in RUNTIMES:
            return found
    except (KeyError, TypeError):  # another machine's, or not what this version writes
        pass
    speeds, missing = {}, {}
    if (folder / "model.onnx").is_file() and not (folder / "export.json").is_file():
        missing = dict.fromkeys(("onnx", "openvino"), _UNCHECKED)
    for name in [n for n in RUNTIMES if n not in missing]:
        try:
            speeds[name] = _measure(load(name))
        except StanceError as error:
            missing[name] = str(error)
    if not speeds:
        raise ModelError(f"{folder}: no runtime is left for it. " + " ".join(f"{k}: {v}" for k, v in missing.items()))
    kept[machine] = {"runtime": _fastest(speeds), "speeds": speeds, "missing": missing}
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with atomic_path(path) as new:
            new.write_text(json.dumps(kept, indent=1) + "\n", encoding="utf-8")
    except OSError:  # a home that cannot be written to: it is measured in each process
        pass
    return Choice(**kept[machine], machine=machine, path=str(path))


def _fastest(speeds: dict[str, float]) -> str:
    best = ""
    for name, speed in speeds.items():
        if not best or speed > _MARGIN * speeds[best]:
            best = name
    return best


def _measure(model: StanceModel) -> float:
    """Quotes per second: 64 texts of one to five sentences, the better of two passes after one that warms up."""
    texts = [f"{i}: " + " ".join(_SENTENCES[(i + k) % 5] for k in range(1 + i % 5)) for i in range(64)]
    best = 0.0
    for size in (8, 64, 64):
        begin = time.perf_counter()
        model.logits(texts[:size], [_CLAIM] * size, batch_size=32, progress=False)
        best = max(best, size / (time.perf_counter() - begin))
    return round(best, 1)


def _machine(folder: Path) -> str:
    """What the choice depends on, as one line; found without importing torch."""
    gpus = len(list(Path("/dev").glob("nvidia[0-9]*"))) if os.environ.get("CUDA_VISIBLE_DEVICES") != "" else 0
    versions = [f"{name} {_version(name)}" for name in ("onnxruntime", "openvino", "torch", "transformers")]
    names = ("model.onnx", "export.json", "*.safetensors")
    weights = [fingerprint(path) for name in names for path in sorted(folder.glob(name))]
    return ", ".join([_processor(), f"{cores()} threads", f"{gpus} GPUs", *versions, f"{folder.name}@{'+'.join(weights)}"])


def _processor() -> str:
    """The processor's name; on Linux its family too, as a virtual machine often tells the name of the maker alone."""
    try:
        lines = Path("/proc/cpuinfo").read_text("utf-8").split("\n\n")[0].splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    told = dict(line.replace("\t", "").split(":", 1) for line in lines if ":" in line)
    parts = [told.get(key, "").strip() for key in ("model name", "cpu family", "model")]
    return " ".join(p for p in parts if p) or platform.machine()


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return "missing"


def _read(path: Path) -> dict[str, Any]:
    try:
        kept = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError):  # not there yet, or damaged: it is measured again
        return {}
    return kept if isinstance(kept, dict) else {}
