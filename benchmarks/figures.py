"""Print the shipped model's figures: `make figures DATA=../shared/data`.

It writes benchmarks/figures.json, and the table of README and model card.

Each set is scored on the split named here; claims are those of the set. 95 % intervals are percentile bootstraps.
"""

from __future__ import annotations

import argparse
import json
import random
import subprocess
import sys
import time
from pathlib import Path

import numpy as np

from stance.calibration import ece, softmax
from stance.config import Source, load_train_config
from stance.evaluation import evaluate
from stance.labels import LABELS
from stance.models import load_model
from stance.models.baseline import BaselineModel
from stance.training.examples import read_examples, split_by_group

ROOT = Path(__file__).parent.parent
SETS = {
    "SemEval-2016 A test": Source(path="stance/semeval2016_t6.jsonl", splits=("testA",)),
    "VAST dev": Source(path="stance/vast.jsonl", splits=("dev",)),
}


def _held_out(data: Path) -> tuple[list, list]:
    """The rows that training set aside, drawn again with the config's seed; (train, dev) of the last stage."""
    config = load_train_config(ROOT / "configs" / "train-default.yaml")
    rng = random.Random(config.seed)
    stages = [
        [e for s in stage.sources for e in read_examples(s, folder=data, rng=rng)] for stage in config.stages
    ]
    return split_by_group(stages[-1], config.dev_share, config.seed)


def _score(model, examples: list) -> dict:
    logits, _ = model.logits(
        [e.text for e in examples], [e.claim for e in examples], batch_size=32, progress=False
    )
    p = softmax(logits / model.temperature)
    gold = np.array([e.label for e in examples])
    names = [str(x) for x in LABELS]
    result = evaluate([names[i] for i in gold], [names[i] for i in p.argmax(1)], probabilities=p)
    return result | {"ece_before": ece(softmax(logits), gold)}


def main() -> None:
    """Score every set, time the runtime, write the results."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="folder with stance/, nli/ and nato/")
    data = parser.parse_args().data
    model = load_model("default")
    train, dev = _held_out(data)
    nato = [e for e in dev if "Ukraine" in e.claim and "NATO" in e.claim]
    sets = {"NATO quotes, held out (chose the temperature)": nato}
    real = {json.loads(line)["text"] for line in (data / "nato/real_train.jsonl").open(encoding="utf-8")}
    sets["of these, real passages"] = [e for e in nato if e.group in real]
    for name, source in SETS.items():
        sets[name] = read_examples(source, folder=data, rng=random.Random(0))
    rows = {name: _score(model, examples) for name, examples in sets.items()}
    names = [str(x) for x in LABELS]
    fit = [(e.text, names[e.label]) for e in train if "Ukraine" in e.claim and "NATO" in e.claim]
    rows["TF-IDF baseline on the held-out NATO quotes"] = _score(BaselineModel.fit(fit), nato)
    quotes = [e.text for e in nato][:400]
    begin = time.perf_counter()
    model.logits(quotes, ["Ukraine should join NATO."] * len(quotes), batch_size=32, progress=False)
    rate = len(quotes) / (time.perf_counter() - begin)
    cold = _seconds("import stance; stance.classify('We support Ukraine in NATO.')")
    bare = _seconds("import stance") - _seconds("pass")
    lines = [
        "| set | n | macro-F1 [95 %] | mean F1 favor, against | ECE before → after |",
        "| --- | --- | --- | --- | --- |",
    ]
    for name, r in rows.items():
        low, high = r["macro_f1_ci"]
        lines.append(
            f"| {name} | {r['n']} | {r['macro_f1']:.3f} [{low:.3f}, {high:.3f}] | {r['f_avg']:.3f} "
            f"| {r['ece_before']:.3f} → {r['ece']:.3f} |"
        )
    speed = f"On this machine: {rate:.0f} quotes/s on ONNX Runtime; "
    speed += f"cold process to first label {cold:.2f} s; `import stance` {1000 * bare:.0f} ms."
    table = "\n".join([*lines, "", speed])
    sys.stdout.write(table + "\n")
    (ROOT / "benchmarks" / "figures.json").write_text(json.dumps(rows, indent=1) + "\n", encoding="utf-8")
    for path in (ROOT / "README.md", ROOT / "stance/weights/minilm-nato/README.md"):
        head, _, rest = path.read_text("utf-8").partition("<!-- figures -->")
        tail = rest.partition("<!-- /figures -->")[2]
        path.write_text(f"{head}<!-- figures -->\n{table}\n<!-- /figures -->{tail}", encoding="utf-8")


def _seconds(code: str) -> float:
    times = []
    for _ in range(5):
        begin = time.perf_counter()
        subprocess.run([sys.executable, "-c", code], check=True)
        times.append(time.perf_counter() - begin)
    return sorted(times)[2]


if __name__ == "__main__":
    main()
