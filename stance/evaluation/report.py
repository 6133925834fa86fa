"""What an evaluation found: as values, as a table, as Markdown, and as one HTML page without script or network."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from stance.errors import InputError
from stance.io import atomic_path
from stance.labels import LABELS
from stance.pages import template

if TYPE_CHECKING:
    import pandas as pd

_NUMBERS = ("value", "macro_f1", "f_avg", "accuracy", "mcc", "weighted_kappa", "relevance_f1", "ece", "brier")


@dataclass(frozen=True, slots=True)
class Report:
    """The results of :func:`stance.evaluate`.

    Args:
        values: name, provenance and, for each data set, what :func:`stance.evaluation.versus.score_systems` returns.
    """

    values: dict[str, Any]

    def rows(self) -> list[dict[str, Any]]:
        """One row for each data set and system: dataset, system, n, metric, value, low, high and further numbers.

        `value` is in the data set's `metric`; `low` and `high` are its 95 % interval. People stand as the system "people",
        with the number of labels that were compared as their n.
        """
        out = []
        for part in self.values["datasets"]:
            about = {"dataset": part["name"], "n": part["n"], "metric": part["metric"]}
            if part["human"]:
                people = {**about, "system": "people", "n": part["human"].get("n", part["n"])}
                out.append({**people, **dict.fromkeys(_NUMBERS), "value": part["human"]["value"]})
            for system in part["systems"]:
                scores = system["scores"]
                low, high = scores["value_ci"]
                out.append({**about, "system": system["name"], **{k: scores[k] for k in _NUMBERS}, "low": low, "high": high})
        columns = ("dataset", "system", "n", "metric", "value", "low", "high", *_NUMBERS[1:])
        return [{c: row.get(c) for c in columns} for row in out]

    def people(self) -> list[str]:
        """A sentence on the human score of each data set that has one: how high, on how much, and who they are."""
        return [_people(part) for part in self.values["datasets"] if part["human"]]

    def to_frame(self) -> pd.DataFrame:
        """The rows of :meth:`rows` as a pandas DataFrame."""
        import pandas as pd

        return pd.DataFrame(self.rows())

    def to_dict(self) -> dict[str, Any]:
        """Everything as plain JSON values; `stance compare` reads them."""
        return self.values

    def to_markdown(self) -> str:
        """The table of systems with intervals, and who the people in it are, in Markdown."""
        lines = [
            "| data set | system | n | metric | value [95 %] | macro-F1 | ECE |",
            "| --- | --- | --- | --- | --- | --- | --- |",
        ]
        for row in self.rows():
            span = "" if row["low"] is None else f" [{row['low']:.3f}, {row['high']:.3f}]"
            cells = [row["dataset"], row["system"], row["n"], row["metric"], f"{row['value']:.3f}{span}"]
            cells += ["" if row[k] is None else f"{row[k]:.3f}" for k in ("macro_f1", "ece")]
            lines.append("| " + " | ".join(str(c).replace("|", "\\|") for c in cells) + " |")
        return "\n".join([*lines, *(f"\n{note}" for note in self.people())]) + "\n"

    def to_html(self) -> str:
        """One self-contained page: tables, plots, slices, probes and errors to read.

        Raises:
            MissingExtraError: matplotlib is not installed.
        """
        from stance.evaluation import plots

        drawn = []
        for part in self.values["datasets"]:
            known = [s for s in part["systems"] if s["scores"]["reliability"]]
            pictures = {"scores": plots.scores(part)}
            if known:
                pictures |= {"reliability": plots.reliability(known), "coverage": plots.coverage(known)}
            drawn.append(part | {"plots": pictures, "people": _people(part) if part["human"] else None})
        view = {**self.values, "datasets": drawn, "labels": [*map(str, LABELS)]}
        return template("report.html").render(**view)

    def _repr_html_(self) -> str:
        return self.to_frame().to_html(index=False, float_format=lambda x: f"{x:.3f}", na_rep="")

    def save(self, path: str | Path) -> Path:
        """Write the report by its ending: .html, .md or .json; whole or not at all.

        Raises:
            InputError: another ending, or a folder that does not exist.
            MissingExtraError: HTML without matplotlib.
        """
        path = Path(path)
        makers: dict[str, Callable[[], str]] = {
            ".html": self.to_html,
            ".md": self.to_markdown,
            ".json": lambda: json.dumps(self.values, ensure_ascii=False),
        }
        if path.suffix not in makers:
            raise InputError(f"{path}: a report is written as .html, .md or .json.")
        text = makers[path.suffix]()
        with atomic_path(path) as temporary:
            temporary.write_text(text, encoding="utf-8")
        return path


def _people(part: dict[str, Any]) -> str:
    human = part["human"]
    seen = f" on {human['n']} labels" if "n" in human else ""
    kappa = f", Cohen's kappa {human['kappa']:.3f}" if human.get("kappa") is not None else ""
    return f"People on {part['name']}: {part['metric']} {human['value']:.3f}{seen}{kappa} ({human['source']})."
