"""What all training here shares: the base encoder, the optimiser with its schedule, the average of the weights."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, TypeVar

from stance.errors import ConfigError, ModelError

Item = TypeVar("Item")


@contextmanager
def loading(base: str) -> Iterator[None]:
    """Inside the block, a base that is not there or that transformers cannot load becomes a :class:`ConfigError`."""
    try:
        yield
    except (OSError, ValueError, ImportError, ModelError) as error:
        raise ConfigError(
            f"base {base}: cannot be loaded ({(str(error).strip() or type(error).__name__).splitlines()[0]}). "
            "Give an embedded model's name, a folder from here, or a hub name that can be reached."
        ) from error


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


def batches_by_length(items: Sequence[Item], size: int, length: Callable[[Item], int], rng: random.Random) -> list[list[Item]]:
    """Random batches whose items are of like length: sorted within windows of 50 batches.

    Args:
        items: of one epoch.
        size: of a batch.
        length: of an item, in any unit.
        rng: draws the order.
    """
    shuffled = rng.sample(list(items), len(items))
    out = []
    for begin in range(0, len(shuffled), size * 50):
        window = sorted(shuffled[begin : begin + size * 50], key=length)
        out += [window[i : i + size] for i in range(0, len(window), size)]
    rng.shuffle(out)
    return out


def set_dropout(model: Any, share: float, *, attention: float) -> None:
    """Give every dropout of a torch module this share, 0 to 1, and those of the attention weights a share of their own."""
    import torch

    for name, module in model.named_modules():
        if isinstance(module, torch.nn.Dropout):
            module.p = attention if "attention." in name and ".output." not in name else share


class Average:
    """An exponential moving average of a module's weights (Polyak and Juditsky 1992), taken at every fourth step.

    Before the fourth step it is the weights at the start.

    Args:
        model: a torch module.
        decay: of the average for one step, 0 (the last weights) to under 1; it ramps up over the first steps.
    """

    EVERY = 4
    """Steps between two updates: a quarter of the memory traffic for the same average."""

    def __init__(self, model: Any, decay: float) -> None:
        self._model, self._decay, self.steps = model, decay, 0
        self.mean = {k: v.detach().clone() for k, v in model.named_parameters() if v.requires_grad}

    def update(self) -> None:
        """Take in the weights after one more step."""
        import torch

        self.steps += 1
        if self.steps % self.EVERY:
            return
        keep = min(self._decay**self.EVERY, (1 + self.steps) / (10 * self.EVERY + self.steps))
        now = dict(self._model.named_parameters())
        torch._foreach_lerp_([*self.mean.values()], [now[k].detach() for k in self.mean], 1 - keep)

    def keep(self) -> None:
        """Put the average into the model."""
        self._model.load_state_dict(self.mean, strict=False)

    @contextmanager
    def applied(self) -> Iterator[None]:
        """The model holds the average inside the block, and its own weights after it."""
        own = {k: v.detach().clone() for k, v in self._model.state_dict().items()}
        self.keep()
        try:
            yield
        finally:
            self._model.load_state_dict(own)
