"""How a quote is written for a model: one place, the same for training and for use."""

from __future__ import annotations


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
