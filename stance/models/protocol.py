"""The seam between models and everything above them: one method.

A model gets rendered texts and claims and answers with logits whose columns stand in `LABELS` order.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import numpy as np
from numpy.typing import NDArray


class StanceModel(Protocol):
    """What :class:`stance.classifier.StanceClassifier` needs of a model."""

    name: str
    """Name and fingerprint, kept in every prediction."""
    languages: tuple[str, ...] | None
    """ISO 639-1 codes of the languages that it reads; None where the checkpoint does not say."""
    temperature: float
    """Divides the logits; 1 where the model was never calibrated."""

    def logits(
        self, texts: Sequence[str], claims: Sequence[str], *, batch_size: int, progress: bool
    ) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
        """Logits of shape (n, 3) in `LABELS` order, and the number of windows in which each text was read, (n,)."""
        ...
