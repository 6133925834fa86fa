"""The nearest view of real statements: passages of public news and reports that the model has not seen.

    python benchmarks/folds.py --data ../shared/data --checkpoint runs/minilm-nato.stage-3

The checkpoint is the one that `stance train configs/train-default.yaml` leaves before its last stage, which is the only
one that reads `nato/real_train.jsonl`. First it is scored as it is: none of the passages has trained it. Then the last
stage is run five times, each time without a fifth of the passages, which are then labelled; passages from one document
stay in one fold. Both figures go between the marks `folds` of README and model card. The passages stay where they are.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from results import PLACES, filled  # benchmarks/results.py, beside this script
from sklearn.model_selection import StratifiedGroupKFold

import stance
from stance.config import TrainConfig, load_train_config
from stance.evaluation import Dataset, evaluate
from stance.io import read_table
from stance.training import train

ROOT = Path(__file__).parent.parent
CONFIG = ROOT / "configs" / "train-default.yaml"
PASSAGES = "nato/real_train.jsonl"
FOLDS = 5
Row = dict[str, Any]


def passages(data: Path) -> list[Row]:
    """The real passages; those of one document are a group."""
    rows = [dict(row) for batch in read_table(data / PASSAGES) for row in batch]
    return [row | {"group": str(row["source"])} for row in rows]


def labelled(folder: str, rows: Sequence[Row], *, with_speaker: bool = True) -> list[stance.Prediction]:
    """The rows' predictions from text and, unless told otherwise, speaker; the contexts that some passages have are not given."""
    return list(
        stance.classify(
            [row["text"] for row in rows],
            speaker=[(row["speaker"] or None) if with_speaker else None for row in rows],
            model=folder,
            on_unsupported="ignore",
        )
    )


def last_stage(checkpoint: Path, scratch: Path, rows: Sequence[Row], data: Path) -> str:
    """The checkpoint after the last stage of the recipe, with these passages instead of all."""
    config = load_train_config(CONFIG)
    assert isinstance(config, TrainConfig)
    some = scratch / "passages.jsonl"
    some.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    stage = config.stages[-1]

    def placed(path: str) -> str:
        return str(some) if path == PASSAGES else str(CONFIG.parent / path) if path.startswith("./") else str(data / path)

    def sources(given: Sequence[Any]) -> tuple[Any, ...]:
        return tuple(s.model_copy(update={"path": placed(s.path)}) for s in given)

    stage = stage.model_copy(update={"sources": sources(stage.sources)})
    changes = {"base": str(checkpoint), "stages": (stage,), "dev": sources(config.dev)}
    return str(train(config.model_copy(update=changes), data="/", output=scratch / "run"))


def scores(found: Sequence[stance.Prediction], rows: Sequence[Row]) -> Mapping[str, Any]:
    """Scores with intervals over groups of rows, such as documents."""
    report = evaluate(found, Dataset("rows", tuple(rows)), resamples=2000)
    part: Mapping[str, Any] = report.values["datasets"][0]["systems"][0]["scores"]
    return part


def line(name: str, part: Mapping[str, Any]) -> str:
    """One row of the table."""
    low, high = part["macro_f1_ci"]
    by_label = " | ".join(f"{part['per_label'][label]['f1']:.3f}" for label in ("favor", "against", "neutral"))
    return f"| {name} | {part['n']} | {part['macro_f1']:.3f} [{low:.3f}, {high:.3f}] | {by_label} | {part['ece']:.3f} |"


def main() -> None:
    """Score, train on four fifths five times, write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="folder that holds nato/real_train.jsonl")
    parser.add_argument("--checkpoint", type=Path, required=True, help="the folder before the last stage")
    options = parser.parse_args()
    data = options.data.resolve()
    rows = passages(data)
    before = str(options.checkpoint)
    lines = [
        "| real passages, none seen by what labels them | n | macro-F1 [95 %] | F1 favor | against | neutral | ECE |",
        "| --- | --- | --- | --- | --- | --- | --- |",
        line("before the last stage, speaker given", scores(labelled(before, rows), rows)),
        line("before the last stage, text alone", scores(labelled(before, rows, with_speaker=False), rows)),
    ]
    sys.stderr.write("\n".join([*lines, ""]))
    given: list[stance.Prediction | None] = [None] * len(rows)
    folds = StratifiedGroupKFold(n_splits=FOLDS, shuffle=True, random_state=0)
    for seen, held in folds.split(rows, [row["label"] for row in rows], [row["group"] for row in rows]):
        with tempfile.TemporaryDirectory() as scratch:
            folder = last_stage(options.checkpoint, Path(scratch), [rows[i] for i in seen], data)
            for i, prediction in zip(held, labelled(folder, [rows[i] for i in held]), strict=True):
                given[i] = prediction
    lines.append(line(f"{FOLDS}-fold through the last stage, speaker given", scores([p for p in given if p], rows)))
    sys.stdout.write("\n".join([*lines, ""]))
    for path in PLACES:
        path.write_text(filled(path.read_text("utf-8"), "folds", lines), encoding="utf-8")


if __name__ == "__main__":
    main()
