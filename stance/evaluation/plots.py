"""Plots as inline SVG: text takes the page's own font and colour, so that they are right in the dark too."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from typing import Any

from stance.errors import MissingExtraError

_INK = "#0a0b0c"
"""Drawn in this colour, replaced by the page's `currentColor`."""
_COLOURS = ("#1b6fb3", "#d9622b", "#2f9e62", "#9a5fc4", "#b8860b", "#5b8a8a")
_STYLE: Any = {
    "svg.fonttype": "none", "svg.hashsalt": "stance", "font.size": 11, "text.color": _INK, "axes.labelcolor": _INK,
    "axes.edgecolor": _INK, "xtick.color": _INK, "ytick.color": _INK, "axes.spines.top": False, "axes.spines.right": False,
}  # fmt: skip


def _figure(width: float, height: float) -> tuple[Any, Any]:
    try:
        import matplotlib
    except ImportError as error:
        raise MissingExtraError("matplotlib", "report") from error
    from matplotlib.figure import Figure

    with matplotlib.rc_context(_STYLE):
        figure = Figure(figsize=(width, height), layout="constrained")
        return figure, figure.add_subplot()


def _svg(figure: Any, title: str) -> str:
    import matplotlib

    file = io.StringIO()
    with matplotlib.rc_context(_STYLE):
        figure.savefig(file, format="svg", transparent=True, metadata={"Date": None, "Creator": None})
    picture = file.getvalue()
    picture = picture[picture.index("<svg") :].replace(_INK, "currentColor")
    return picture.replace("<svg ", f'<svg role="img" aria-label="{title}" ', 1)


def scores(part: Mapping[str, Any]) -> str:
    """Each system's score with its interval, and the human score as a line.

    Args:
        part: one data set of a report.

    Raises:
        MissingExtraError: matplotlib is not installed.
    """
    systems = part["systems"]
    figure, axes = _figure(5.6, 0.9 + 0.38 * len(systems))
    for place, system in enumerate(reversed(systems)):
        low, high = system["scores"]["value_ci"]
        axes.plot([low, high], [place, place], color=_COLOURS[0], linewidth=2.5, solid_capstyle="round")
        axes.plot(system["scores"]["value"], place, "o", color=_COLOURS[0], markersize=7)
    if part["human"]:
        axes.axvline(part["human"]["value"], color=_COLOURS[1], linestyle="--", label="people")
        axes.legend(frameon=False, labelcolor=_INK)
    axes.set(xlim=(0, 1), ylim=(-0.6, len(systems) - 0.4), xlabel=part["metric"])
    axes.set_yticks(range(len(systems)), [s["name"].replace("$", "") for s in reversed(systems)])
    return _svg(figure, "scores with intervals")


def reliability(systems: Sequence[Mapping[str, Any]]) -> str:
    """How often labels are right, by how probable they are said to be; the diagonal is perfect."""
    figure, axes = _figure(4.6, 3.6)
    axes.plot([0, 1], [0, 1], color=_INK, linewidth=0.8, linestyle=":")
    for system, colour in zip(systems, _COLOURS, strict=False):
        bars = system["scores"]["reliability"]
        axes.plot([b["confidence"] for b in bars], [b["accuracy"] for b in bars], "o-", color=colour, markersize=4,
                  label=system["name"].replace("$", ""))  # fmt: skip
    axes.set(xlim=(0.3, 1.01), ylim=(0, 1.03), xlabel="stated probability", ylabel="share right")
    axes.legend(frameon=False, fontsize=9, labelcolor=_INK)
    return _svg(figure, "reliability")


def coverage(systems: Sequence[Mapping[str, Any]]) -> str:
    """Errors among the labels kept, by the share kept when the least probable ones are left out."""
    figure, axes = _figure(4.6, 3.6)
    for system, colour in zip(systems, _COLOURS, strict=False):
        curve = system["scores"]["coverage_risk"]
        axes.plot([c["coverage"] for c in curve], [c["risk"] for c in curve], color=colour,
                  label=system["name"].replace("$", ""))  # fmt: skip
    axes.set(xlim=(0, 1.01), ylim=(0, None), xlabel="share of rows kept", ylabel="share wrong among them")
    axes.legend(frameon=False, fontsize=9, labelcolor=_INK)
    return _svg(figure, "coverage and risk")
