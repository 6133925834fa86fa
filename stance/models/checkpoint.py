"""What a checkpoint says of itself: label mapping, temperature, fingerprint. A label is mapped or refused, never guessed."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from stance.errors import ModelError
from stance.labels import LABELS, Stance

_NAMES = {
    "against": Stance.AGAINST,
    "contradiction": Stance.AGAINST,
    "refutes": Stance.AGAINST,
    "neutral": Stance.NEUTRAL,
    "none": Stance.NEUTRAL,
    "favor": Stance.FAVOR,
    "favour": Stance.FAVOR,
    "entailment": Stance.FAVOR,
    "supports": Stance.FAVOR,
}


def label_columns(id2label: Mapping[str | int, str], *, where: str) -> list[int]:
    """The checkpoint's output columns in `LABELS` order.

    Args:
        id2label: as in `config.json`.
        where: the checkpoint, for the error.

    Raises:
        ModelError: the labels are not the three stances or the three NLI classes.

    Example:
        >>> label_columns({0: "entailment", 1: "neutral", 2: "contradiction"}, where="x")
        [2, 1, 0]
    """
    found = {_NAMES.get(str(name).lower()): int(column) for column, name in id2label.items()}
    if None in found or set(found) != set(LABELS) or len(id2label) != len(LABELS):
        raise ModelError(
            f"{where}: cannot map its labels {list(id2label.values())} to {[*map(str, LABELS)]}; "
            "set id2label in its config.json to entailment/neutral/contradiction or favor/neutral/against."
        )
    return [found[label] for label in LABELS]


def read_temperature(folder: Path) -> float:
    """The temperature in `calibration.json`; 1 when the checkpoint has none.

    Raises:
        ModelError: the file is damaged or its temperature is not above zero.
    """
    path = folder / "calibration.json"
    if not path.exists():
        return 1.0
    try:
        value = float(json.loads(path.read_text("utf-8"))["temperature"])
    except (ValueError, KeyError, TypeError) as error:
        raise ModelError(f"{path}: damaged; it needs a number 'temperature'.") from error
    if not 0 < value < 100:
        raise ModelError(f"{path}: temperature {value} is out of range (0, 100).")
    return value


def fingerprint(path: Path) -> str:
    """The first eight hex digits of a weight file's SHA-256."""
    with path.open("rb") as handle:
        return hashlib.file_digest(handle, "sha256").hexdigest()[:8]


def read_languages(config: Mapping[str, Any]) -> tuple[str, ...] | None:
    """The languages named in `config.json` under `languages`; None when it names none.

    Example:
        >>> read_languages({"languages": ["en"]})
        ('en',)
    """
    names = config.get("languages")
    return tuple(map(str, names)) if names else None
