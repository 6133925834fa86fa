"""The state of a run after an epoch, so that a stopped run goes on where it was: safetensors with JSON in its header."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from stance.errors import ModelError
from stance.io import atomic_path
from stance.training.optimise import Average


def save_state(path: Path, *, model: Any, optimizer: Any, schedule: Any, average: Average | None, about: dict[str, Any]) -> None:
    """Write weights, optimiser, average and the random state to one file, whole or not at all.

    Args:
        path: the file.
        model, optimizer, schedule, average: of the run.
        about: JSON values that :func:`load_state` gives back.
    """
    import torch
    from safetensors.torch import save_file

    tensors = {f"model.{k}": v for k, v in model.state_dict().items()}
    for i, values in optimizer.state_dict()["state"].items():
        tensors |= {f"adam.{i}.{k}": v for k, v in values.items()}
    if average:
        tensors |= {f"mean.{k}": v for k, v in average.mean.items()}
        tensors["mean"] = torch.tensor(average.steps)
    tensors["random"] = torch.get_rng_state()
    header = {"about": json.dumps({**about, "step": schedule.last_epoch})}
    with atomic_path(path) as temporary:
        save_file({k: v.detach().contiguous().cpu().clone() for k, v in tensors.items()}, temporary, metadata=header)


def load_state(path: Path, *, model: Any, optimizer: Any, schedule: Any, average: Average | None) -> dict[str, Any]:
    """Put a saved state back and return its `about`.

    Raises:
        ModelError: the file is damaged or of another configuration.
    """
    import torch
    from safetensors import safe_open

    try:
        with safe_open(str(path), framework="pt") as file:
            about: dict[str, Any] = json.loads(file.metadata()["about"])
            tensors = {k: file.get_tensor(k) for k in file.keys()}  # noqa: SIM118 - the file is no mapping
        part = {k.removeprefix("model."): v for k, v in tensors.items() if k.startswith("model.")}
        model.load_state_dict(part)
        state: dict[int, dict[str, Any]] = {}
        for k, v in tensors.items():
            if k.startswith("adam."):
                _, i, name = k.split(".")
                state.setdefault(int(i), {})[name] = v
        optimizer.load_state_dict({**optimizer.state_dict(), "state": state})
        schedule.load_state_dict({**schedule.state_dict(), "last_epoch": about.pop("step")})
        for group, rate in zip(optimizer.param_groups, schedule.lr_lambdas, strict=True):
            group["lr"] = group["initial_lr"] * rate(schedule.last_epoch)
        if average:
            average.steps = int(tensors["mean"])
            for k, v in average.mean.items():
                v.copy_(tensors[f"mean.{k}"])
        torch.set_rng_state(tensors["random"])
    except Exception as error:  # safetensors has no public exception of its own
        raise ModelError(f"{path}: cannot be resumed ({error}); delete it to begin this stage anew.") from error
    return about
