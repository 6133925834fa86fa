"""The state of a run after an epoch, so that a stopped run goes on where it was: safetensors with JSON in its header."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

from stance.errors import ModelError
from stance.io import atomic_path
from stance.training.optimise import Average


def save_state(
    path: Path, *, model: Any, optimizer: Any, schedule: Any, average: Average | None, epochs: int, scores: list[float]
) -> None:
    """Write weights, optimiser, average and the random state to one file, whole or not at all.

    Args:
        path: the file.
        model, optimizer, schedule, average: of the run.
        epochs: how many are finished.
        scores: dev macro-F1 of each.
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
    header = {"about": json.dumps({"epochs": epochs, "scores": scores, "step": schedule.last_epoch})}
    with atomic_path(path) as temporary:
        save_file({k: v.detach().contiguous().cpu().clone() for k, v in tensors.items()}, temporary, metadata=header)


def load_state(path: Path, *, model: Any, optimizer: Any, schedule: Any, average: Average | None) -> tuple[int, list[float]]:
    """Put a saved state back and return its finished epochs and their scores.

    Raises:
        ModelError: the file is damaged or of another configuration.
    """
    import torch
    from safetensors import safe_open

    try:
        with safe_open(str(path), framework="pt") as file:
            about = json.loads(file.metadata()["about"])
            tensors = {k: file.get_tensor(k) for k in file.keys()}  # noqa: SIM118 - the file is no mapping
        part = {k.removeprefix("model."): v for k, v in tensors.items() if k.startswith("model.")}
        model.load_state_dict(part)
        state: dict[int, dict[str, Any]] = {}
        for k, v in tensors.items():
            if k.startswith("adam."):
                _, i, name = k.split(".")
                state.setdefault(int(i), {})[name] = v
        optimizer.load_state_dict({**optimizer.state_dict(), "state": state})
        schedule.load_state_dict({**schedule.state_dict(), "last_epoch": about["step"]})
        for group, rate in zip(optimizer.param_groups, schedule.lr_lambdas, strict=True):
            group["lr"] = group["initial_lr"] * rate(schedule.last_epoch)
        if average:
            average.steps = int(tensors["mean"])
            for k, v in average.mean.items():
                v.copy_(tensors[f"mean.{k}"])
        torch.set_rng_state(tensors["random"])
    except Exception as error:  # safetensors has no public exception of its own
        raise ModelError(f"{path}: cannot be resumed ({error}); delete it to begin this stage anew.") from error
    return int(about["epochs"]), [float(x) for x in about["scores"]]


class RunFiles:
    """The files of unfinished work beside a run's output: a folder for each finished stage before the last, and a state for
    each seed of a stage at work.

    Args:
        output: folder of the checkpoint.
        stages: how many there are.
    """

    def __init__(self, output: Path, stages: int) -> None:
        self._output = output
        self.stages = [output.with_name(f"{output.name}.stage-{i}") for i in range(stages - 1)]

    def state(self, stage: int, seed: int = 0) -> Path:
        """Where the state of a stage's seed is kept."""
        return self._output.with_name(f"{self._output.name}.state-{stage}.{seed}.safetensors")

    def forget_states(self, stage: int | None = None) -> None:
        """Delete the states of one stage, or of all."""
        of = "*" if stage is None else str(stage)
        for state in self._output.parent.glob(f"{self._output.name}.state-{of}.*.safetensors"):
            state.unlink()

    def finished(self) -> int:
        """How many stages need not be run again."""
        return max((i + 1 for i, folder in enumerate(self.stages) if folder.exists()), default=0)

    def remove(self) -> None:
        """Forget an earlier run, so that no later `resume` goes on from it."""
        for folder in self.stages:
            shutil.rmtree(folder, ignore_errors=True)
        self.forget_states()

    def finish(self, stage: int, *, model: Any, tokenizer: Any) -> None:
        """Keep the weights of a finished stage: the folder appears whole or not at all."""
        folder = self.stages[stage]
        partial = folder.with_name(f".{folder.name}.partial")
        shutil.rmtree(partial, ignore_errors=True)
        model.save_pretrained(partial, safe_serialization=True)
        tokenizer.save_pretrained(partial)
        partial.rename(folder)
