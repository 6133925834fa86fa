"""Speed of the embedded model beside the usual ways to run the same checkpoint: `make bench`.

Each way runs in processes of its own, on the same quotes of `data/nato`: some are started cold, the ways by turns, and give
a first label; one labels all quotes several times after a warm-up. Times differ from machine to machine; the ratios of one run
are the claim. Peers get the best of several batch sizes, and the checkpoint that the embedded model was exported from.
Results go to `benchmarks/results.json`, as a picture to `benchmarks/results.svg`, and as a table into the README.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from importlib.metadata import version
from itertools import islice
from pathlib import Path
from typing import Any

from machine import peak_megabytes  # benchmarks/machine.py, beside this script

HERE = Path(__file__).parent
NATO = HERE.parent / "data" / "nato" / "test_field.jsonl"
WEIGHTS = HERE.parent / "stance" / "weights" / "minilm-nato"
CLAIM = "Ukraine should become a member of NATO."
OPEN, CLOSE = "<!-- speed -->", "<!-- /speed -->"
SIZES = (1, 8, 32)
"""Batch sizes that a peer is tried with, on a fifth of the quotes; the best is measured."""
COLD = 5
"""Cold processes of each way, after one whose time does not count."""
Labeller = Callable[[Sequence[str], int], Any]
"""(texts, batch size) to labels."""


def quotes(n: int, *, long: bool) -> list[str]:
    """The first n texts of the set's test file; long ones are three texts in a row, as with much context."""
    with NATO.open(encoding="utf-8") as file:
        texts = [json.loads(line)["text"] for line in file]
    return [" ".join(texts[i : i + 3]) for i in range(n)] if long else texts[:n]


def ours(what: str) -> Labeller:
    """`stance.classify` on one runtime; torch's is named with its device."""
    import stance

    runtime, _, device = what.partition("@")
    return lambda texts, size: stance.classify(
        list(texts), runtime=runtime, device=device or None, batch_size=size, on_unsupported="ignore"
    )


def zero_shot(folder: str) -> Labeller:
    """transformers' zero-shot pipeline: one pass for each of three label sentences."""
    from transformers import pipeline

    pipe = pipeline("zero-shot-classification", model=folder, device="cpu")
    names = ("in favor of", "against", "neutral on")
    labels = [f"{name} Ukraine becoming a member of NATO" for name in names]
    return lambda texts, size: pipe(list(texts), labels, hypothesis_template="The speaker is {}.", batch_size=size)


def text_classification(folder: str) -> Labeller:
    """transformers' text-classification pipeline over pairs of text and claim."""
    from transformers import pipeline

    pipe = pipeline("text-classification", model=folder, device="cpu")
    return lambda texts, size: pipe([{"text": t, "text_pair": CLAIM} for t in texts], batch_size=size, truncation=True)


def cross_encoder(folder: str) -> Labeller:
    """sentence-transformers' CrossEncoder."""
    from sentence_transformers import CrossEncoder

    model = CrossEncoder(folder, device="cpu")
    return lambda texts, size: model.predict([(t, CLAIM) for t in texts], batch_size=size, show_progress_bar=False)


def setfit(folder: str) -> Labeller:
    """SetFit's predict: on the texts alone, as its encoder reads no pairs, with a logistic regression on top."""
    from setfit import SetFitModel

    model = SetFitModel.from_pretrained(f"{folder}/setfit", device="cpu")
    return lambda texts, size: model.predict(list(texts), batch_size=size, show_progress_bar=False)


WAYS: dict[str, tuple[Callable[[str], Labeller], str]] = {
    "stance, ONNX Runtime": (ours, "onnx"),
    "stance, OpenVINO": (ours, "openvino"),
    "stance, torch bf16": (ours, "torch-bf16@cpu"),
    "stance, torch fp32": (ours, "torch@cpu"),
    "stance, torch on the GPU": (ours, "torch@cuda"),
    "transformers zero-shot pipeline": (zero_shot, "peer"),
    "transformers text-classification pipeline": (text_classification, "peer"),
    "sentence-transformers CrossEncoder": (cross_encoder, "peer"),
    "SetFit": (setfit, "peer"),
}
"""Name, maker and runtime of each way; "peer" is the checkpoint in the form that transformers loads."""


def first_label(name: str, folder: str) -> float:
    """Seconds from the start of this process, which has labelled nothing yet, to its first label."""
    make, what = WAYS[name]
    make(folder if what == "peer" else what)(quotes(1, long=False), 1)
    return time.time() - float(os.environ["BENCH_BEGAN"])


def cold_starts(ways: Sequence[str], start: Callable[[str], float]) -> dict[str, list[float]]:
    """What `start` tells of each way, `COLD` times by turns; a round before them reads the files from the disk."""
    rounds = [{name: start(name) for name in ways} for _ in range(1 + COLD)]
    return {name: [times[name] for times in rounds[1:]] for name in ways}


def measure(name: str, folder: str, *, n: int, runs: int) -> dict[str, Any]:
    """What one way does in this process: quotes a second and peak memory."""
    make, what = WAYS[name]
    label = make(folder if what == "peer" else what)
    texts, longer = quotes(n, long=False), quotes(n // 4, long=True)
    sizes = (32,) if make is ours else SIZES
    some = texts[: max(1, n // 5)]
    label(some, sizes[-1])

    def rate(texts: Sequence[str], size: int) -> float:
        start = time.perf_counter()
        label(texts, size)
        return len(texts) / (time.perf_counter() - start)

    best = max(sizes, key=lambda size: rate(some, size)) if len(sizes) > 1 else sizes[0]
    rates = [rate(texts, best) for _ in range(runs)]
    return {
        "name": name,
        "batch_size": best,
        "quotes_per_second": statistics.median(rates),
        "quotes_per_second_runs": rates,
        "long_quotes_per_second": statistics.median(rate(longer, best) for _ in range(runs)),
        "peak_megabytes": peak_megabytes(),
    }


def matmul_peak() -> dict[str, float]:
    """The machine's measured TFLOP/s in a product of two 2048 by 2048 matrices, all cores, best of ten."""
    import torch

    found = {}
    for name, kind in (("fp32", torch.float32), ("bf16", torch.bfloat16)):
        a, b = (torch.randn(2048, 2048).to(kind) for _ in range(2))
        a @ b
        times = []
        for _ in range(10):
            start = time.perf_counter()
            a @ b
            times.append(time.perf_counter() - start)
        found[name] = 2 * 2048**3 / min(times) / 1e12
    return found


def teraflops_per_quote(texts: Sequence[str]) -> float:
    """Operations of the encoder's matrices for one quote, padding not counted: 2 for each weight and token, and attention's.

    In the last layer ours computes the keys and values of all tokens, and the rest of the first one alone.
    """
    from tokenizers import Tokenizer

    config = json.loads((WEIGHTS / "config.json").read_text("utf-8"))
    width, layers, inner = config["hidden_size"], config["num_hidden_layers"], config["intermediate_size"]
    tokenizer = Tokenizer.from_file(str(WEIGHTS / "tokenizer.json"))
    tokenizer.no_padding()
    lengths = [len(e.ids) for e in tokenizer.encode_batch([(t, CLAIM) for t in texts])]

    def products(n: int) -> int:
        whole = 2 * n * (4 * width**2 + 2 * width * inner) + 4 * n**2 * width
        last = 2 * n * 2 * width**2 + 2 * (2 * width**2 + 2 * width * inner) + 4 * n * width
        return (layers - 1) * whole + last

    return statistics.mean(map(products, lengths)) / 1e12


def peer_folder(folder: Path) -> Path:
    """The checkpoint as fp32 safetensors with NLI label names, which every peer loads."""
    from transformers import AutoModelForSequenceClassification, AutoTokenizer

    model = AutoModelForSequenceClassification.from_pretrained(WEIGHTS).float()
    model.config.id2label = {0: "contradiction", 1: "neutral", 2: "entailment"}
    model.config.label2id = {v: k for k, v in model.config.id2label.items()}
    model.save_pretrained(folder)
    AutoTokenizer.from_pretrained(WEIGHTS).save_pretrained(folder)
    return folder


def add_setfit(folder: Path) -> None:
    """A SetFit model in the peers' folder: their encoder, and a regression fitted on few rows, as only its speed is measured."""
    from sentence_transformers import SentenceTransformer
    from setfit import SetFitModel
    from sklearn.linear_model import LogisticRegression

    with NATO.open(encoding="utf-8") as file:
        rows = [json.loads(line) for line in islice(file, 96)]
    body = SentenceTransformer(str(folder), device="cpu")
    head = LogisticRegression(max_iter=1000).fit(body.encode([r["text"] for r in rows]), [r["label"] for r in rows])
    SetFitModel(body, head).save_pretrained(str(folder / "setfit"))


def run(n: int, runs: int) -> dict[str, Any]:
    """Cold starts of every way by turns, then every way in one process."""
    import torch

    load = os.getloadavg()
    ways = [name for name, (_, what) in WAYS.items() if not what.endswith("@cuda") or torch.cuda.is_available()]
    with tempfile.TemporaryDirectory() as scratch:
        folder = peer_folder(Path(scratch) / "peer")
        add_setfit(folder)

        def child(name: str, *more: str) -> Any:
            command = [sys.executable, __file__, "--way", name, "--folder", str(folder), *more]
            environment = os.environ | {"BENCH_BEGAN": str(time.time()), "TOKENIZERS_PARALLELISM": "true", "HF_HUB_OFFLINE": "1"}
            done = subprocess.run(command, env=environment, check=True, stdout=subprocess.PIPE, text=True)
            return json.loads(done.stdout.splitlines()[-1])

        cold = cold_starts(ways, lambda name: float(child(name, "--cold")))
        results = []
        for name in ways:
            found = child(name, "--n", str(n), "--runs", str(runs))
            times = {"first_label_seconds": statistics.median(cold[name]), "first_label_seconds_runs": cold[name]}
            results.append(found | times)
            print(f"{name}: {found['quotes_per_second']:.0f} quotes/s", file=sys.stderr)
    peak, work = matmul_peak(), teraflops_per_quote(quotes(n, long=False))
    by_name = {r["name"]: r for r in results}
    on_cpu = [r for r in results if r["name"].startswith("stance") and not WAYS[r["name"]][1].endswith("@cuda")]
    best = max(on_cpu, key=lambda r: float(r["quotes_per_second"]))
    quick = by_name["stance, ONNX Runtime"]
    return {
        "machine": {"cpu": _cpu(), "cores": os.cpu_count(), "python": platform.python_version(), "matmul_teraflops": peak}
        | {name: version(name) for name in ("torch", "transformers", "onnxruntime", "sentence-transformers", "setfit")}
        | {"threads": torch.get_num_threads(), "load_average_at_start": load},
        "quotes": {"n": n, "runs": runs, "teraflop_each": work},
        "ways": results,
        "ours": {
            "best": best["name"],
            "quotes_per_second": best["quotes_per_second"],
            "share_of_matmul_peak": {
                kind: by_name[f"stance, torch {kind}"]["quotes_per_second"] * work / peak[kind] for kind in peak
            },
            "times_as_fast_as": {
                r["name"]: best["quotes_per_second"] / r["quotes_per_second"] for r in results if r is not best
            },
            "cold_times_as_fast_as": {
                r["name"]: r["first_label_seconds"] / quick["first_label_seconds"] for r in results if r is not quick
            },
        },
    }


def _cpu() -> str:
    info = Path("/proc/cpuinfo")
    lines = info.read_text().splitlines() if info.exists() else []
    return next((line.split(":")[1].strip() for line in lines if line.startswith("model name")), platform.processor())


def plot(result: dict[str, Any], path: Path) -> None:
    """Quotes a second of each way, as bars."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    ways = sorted(result["ways"], key=lambda r: float(r["quotes_per_second"]))
    figure, axes = pyplot.subplots(figsize=(8, 0.5 * len(ways) + 1), layout="constrained")
    colours = ["tab:blue" if r["name"].startswith("stance") else "tab:gray" for r in ways]
    bars = axes.barh([r["name"] for r in ways], [r["quotes_per_second"] for r in ways], color=colours)
    axes.bar_label(bars, [f"{r['quotes_per_second']:.0f}" for r in ways], padding=3)
    axes.set_xlabel(f"quotes a second, {result['machine']['cpu']}, {result['machine']['cores']} cores")
    axes.spines[["top", "right"]].set_visible(False)
    figure.savefig(path)


def table(result: dict[str, Any]) -> str:
    """The README's table: what each way does, and how often ours is as fast."""
    ratios, cold = (result["ours"][key] for key in ("times_as_fast_as", "cold_times_as_fast_as"))
    lines = [
        "| way to label | quotes/s | long ones/s | first label, cold | peak memory | fastest of ours is | cold, ONNX is |",
        "| --- | --- | --- | --- | --- | --- | --- |",
    ]
    for r in result["ways"]:
        name = r["name"]
        times = [f"{x[name]:.1f}×" if name in x else "–" for x in (ratios, cold)]
        cells = [f"{r['quotes_per_second']:.0f}", f"{r['long_quotes_per_second']:.0f}", f"{r['first_label_seconds']:.2f} s"]
        lines.append("| " + " | ".join([name, *cells, f"{r['peak_megabytes']:.0f} MB", *times]) + " |")
    about, given, share = result["machine"], result["quotes"], result["ours"]["share_of_matmul_peak"]
    peak = about["matmul_teraflops"]
    how = (
        f"{given['n']} quotes of `data/nato`, medians of {given['runs']} runs, peers at the best of three batch sizes; "
        f"first labels are medians of {COLD} cold processes by turns; load at the start {about['load_average_at_start'][0]:.1f}; "
        f"{about['cpu']}, {about['cores']} cores; matrix peak {peak['fp32']:.2f} TFLOP/s in fp32 and {peak['bf16']:.2f} in bf16, "
        f"of which torch in stance reaches {share['fp32']:.0%} and {share['bf16']:.0%}. "
        "Made by `make bench`; times differ from machine to machine."
    )
    return "\n".join([*lines, "", how])


def main() -> None:
    """Parse the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--n", type=int, default=400, help="quotes")
    parser.add_argument("--runs", type=int, default=5, help="measured runs of each way")
    parser.add_argument("--way", choices=list(WAYS), help="only this way, in this process, as one line of JSON")
    parser.add_argument("--cold", action="store_true", help="for --way: only the seconds to the first label")
    parser.add_argument("--folder", help="for --way: the checkpoint of the peers")
    given = parser.parse_args()
    if given.way:
        folder = str(given.folder)
        found = first_label(given.way, folder) if given.cold else measure(given.way, folder, n=given.n, runs=given.runs)
        print(json.dumps(found))
        return
    result = run(given.n, given.runs)
    (HERE / "results.json").write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")
    plot(result, HERE / "results.svg")
    readme = HERE.parent / "README.md"
    before, rest = readme.read_text("utf-8").split(OPEN)
    readme.write_text(f"{before}{OPEN}\n{table(result)}\n{CLOSE}{rest.split(CLOSE)[1]}", encoding="utf-8")
    print(json.dumps(result["ours"], indent=1))


if __name__ == "__main__":
    main()
