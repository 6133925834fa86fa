"""What a stance is about: a target is a name and the claim that a supporter would affirm."""

from __future__ import annotations

from dataclasses import dataclass

from stance.errors import InputError


@dataclass(frozen=True, slots=True)
class Target:
    """Something that a speaker can be for or against.

    Args:
        name: short name, used in outputs.
        claim: one sentence that is true for a supporter ("Georgia should join NATO.").
        paraphrases: further wordings of the claim, for training and for probes.

    Raises:
        InputError: if the name or the claim is blank.

    Example:
        >>> Target("Georgia's NATO membership", claim="Georgia should join NATO.").name
        "Georgia's NATO membership"
    """

    name: str
    claim: str
    paraphrases: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if not self.name.strip() or not self.claim.strip():
            raise InputError("A target needs a name and a claim, such as 'Georgia should join NATO.'.")


UKRAINE_NATO = Target(
    "Ukraine's NATO membership",
    claim="Ukraine should become a member of NATO.",
    paraphrases=(
        "Ukraine should join NATO.",
        "Ukraine becoming a member of NATO",
        "Ukraine's NATO membership",
    ),
)
"""The target that the package ships for."""
