"""Learning curve: what more statements of `data/nato` bring, on its test split and on real passages that none has seen.

    python benchmarks/curve.py --data ../shared/data --checkpoint runs/minilm-nato.stage-1

Starts from the checkpoint that `stance train configs/train-default.yaml` leaves after its stage `entailment`, and trains it on
random shares of the training rows, without the replay of the second stage. The table goes between the marks `curve` of the
model card.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from folds import labelled, passages, scores  # benchmarks/folds.py, beside this script
from results import PLACES, filled  # benchmarks/results.py, beside this script

from stance.config import Source, Stage, TrainConfig
from stance.io import read_table
from stance.training import train

ROOT = Path(__file__).parent.parent
NATO = str(ROOT / "data" / "nato" / "*.jsonl")


def config(rows: int, *, checkpoint: Path, seed: int, output: Path) -> TrainConfig:
    """The recipe of the domain stage, on some of its statements and nothing else."""
    stage = Stage(
        name="domain",
        sources=(Source(path=NATO, splits=("train",), limit=rows),),
        epochs=2,
        learning_rate=1.2e-4,
        freeze_words=True,
        average=0.99,
    )
    return TrainConfig(
        name=f"curve-{rows}-{seed}",
        base=str(checkpoint),
        output=str(output),
        stages=(stage,),
        dev=(Source(path=NATO, splits=("dev",)),),
        max_length=208,
        batch_size=48,
        seed=seed,
    )


def macro_f1(folder: str, rows: Sequence[dict[str, Any]]) -> str:
    """Macro-F1 with its interval, for a table."""
    part = scores(labelled(folder, rows), rows)
    low, high = part["macro_f1_ci"]
    return f"{part['macro_f1']:.3f} [{low:.3f}, {high:.3f}]"


def main() -> None:
    """Train on each size, score, write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="folder that holds nato/real_train.jsonl")
    parser.add_argument("--checkpoint", type=Path, required=True, help="the folder after the stage `entailment`")
    parser.add_argument("--sizes", type=int, nargs="+", default=[900, 3600, 14400])
    parser.add_argument("--seeds", type=int, default=1)
    given = parser.parse_args()
    real = passages(given.data)
    field = [dict(row) for rows in read_table(ROOT / "data/nato/test_field.jsonl") for row in rows]
    lines = ["| statements | seed | `test_field` | real passages |", "| --- | --- | --- | --- |"]
    for size, seed in [(0, 0), *((size, seed) for size in given.sizes for seed in range(given.seeds))]:
        with tempfile.TemporaryDirectory() as scratch:
            folder = str(given.checkpoint)
            if size:
                folder = str(train(config(size, checkpoint=given.checkpoint, seed=seed, output=Path(scratch, "run")), data="/"))
            lines.append(f"| {size:,} | {seed} | {macro_f1(folder, field)} | {macro_f1(folder, real)} |")
        sys.stdout.write(lines[-1] + "\n")
    for path in PLACES:
        path.write_text(filled(path.read_text("utf-8"), "curve", lines), encoding="utf-8")


if __name__ == "__main__":
    main()
