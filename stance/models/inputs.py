"""How a quote is written for a model: one place, the same for training and for use."""

from __future__ import annotations

ALONE = 10
"""Texts of fewer words than this are read with their context: "minus" or "yes, of course" says nothing alone."""


def needs_context(text: str) -> bool:
    """Whether a text is measured with its context, where it has one: the same rule in training and in evaluation.

    A longer text is measured without: the sentences around it often hold another person's words.

    Example:
        >>> needs_context("Yes, of course."), needs_context("We have said for years that Ukraine must become a member.")
        (True, False)
    """
    return len(text.split()) < ALONE


def render(text: str, *, speaker: str | None = None, context: str | None = None) -> str:
    """The text as the model reads it.

    A speaker stands before the text; a context that already holds the text replaces it, any other stands before it.

    Example:
        >>> render("We say no.", speaker="the Kremlin")
        'the Kremlin: We say no.'
        >>> render("We say no.", context='On membership: "We say no."')
        'On membership: "We say no."'
    """
    if context:
        text = context if text in context else f"{context} {text}"
    return f"{speaker}: {text}" if speaker else text
