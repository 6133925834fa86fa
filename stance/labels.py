"""The three stances and the one order in which their columns stand everywhere."""

from __future__ import annotations

from enum import StrEnum


class Stance(StrEnum):
    """The side that a speaker takes toward a target.

    Example:
        >>> Stance("favor") is Stance.FAVOR
        True
    """

    AGAINST = "against"
    NEUTRAL = "neutral"
    FAVOR = "favor"


LABELS: tuple[Stance, ...] = (Stance.AGAINST, Stance.NEUTRAL, Stance.FAVOR)
"""Column order of every probability array: against, neutral, favor."""
