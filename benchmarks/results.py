"""Fill the figures of README and model card: `make results DATA=../shared/data`.

Scores the embedded model by configs/evaluate-nato.yaml, configs/evaluate-public.yaml and configs/evaluate-more.yaml, and the
extraction of quotes; measures import time, a cold first label and quotes a second. Each block goes between its marks, in the
files that have them. The full reports go to build/results; they hold texts of the sets, so they are not for the repository.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import time
from pathlib import Path
from typing import Any, get_args

from quotes import line as quotes_speed_line  # benchmarks/quotes.py, beside this script

from stance.evaluation import Report, evaluate, evaluate_config
from stance.evaluation.quotes import evaluate_quotes
from stance.io import read_table
from stance.models import load_model
from stance.quotes import Extractor
from stance.training.examples import NLI_LABELS

ROOT = Path(__file__).parent.parent
PLACES = (ROOT / "README.md", ROOT / "stance/weights/minilm-nato/README.md")
BASELINES = ("frozen encoder + LR", "TF-IDF + LR", "majority")
"""The columns beside the model, where a report has them; the first two are trained on each set."""
TEXT = "A country's entry into the alliance is decided by all of its members, and we have said for years how we will vote."


def scores_table(reports: list[Report]) -> list[str]:
    """One line for each data set: the model with its interval beside people and baselines."""
    parts = [part for report in reports for part in report.values["datasets"]]
    ran = {s["name"] for part in parts for s in part["systems"]}
    others = [name for name in BASELINES if name in ran]
    people = ["people"] if any(part["human"] for part in parts) else []
    columns = [name if name == "majority" else f"{name}, trained on the set" for name in others]
    head = ["set", "n", "metric", *people, "embedded model [95 %]", *columns, "ECE"]
    lines = [_line(head), _line(["---"] * len(head))]
    for part in parts:
        by_name = {s["name"]: s["scores"] for s in part["systems"]}
        ours = part["systems"][0]["scores"]
        cells = [part["name"], f"{part['n']:,}", part["metric"]]
        cells += [f"{part['human']['value']:.3f}" if part["human"] else "–"] if people else []
        cells += [f"{ours['value']:.3f} [{ours['value_ci'][0]:.3f}, {ours['value_ci'][1]:.3f}]"]
        cells += [f"{by_name[name]['value']:.3f}" if name in by_name else "–" for name in others]
        lines.append(_line([*cells, f"{ours['ece']:.3f}"]))
    return [*lines, *(f"\n{note}" for report in reports for note in report.people())]


def _line(cells: list[str]) -> str:
    return "| " + " | ".join(cells) + " |"


def probes_line(report: Report) -> str:
    """Pass rates of the probes on the project's own set."""
    probes = report.values["datasets"][0]["systems"][0]["probes"]
    rates = [f"{p['probe'].replace('_', ' ')} {p['pass_rate']:.2f} ({p['n']})" for p in probes if p["pass_rate"] is not None]
    return f"Probes on rows that were read right, pass rate (n): {', '.join(rates)}."


def quotes_table(folders: dict[str, Path]) -> list[str]:
    """How well quotes are found in annotated articles, by tagger and by rules."""
    lines = [
        "| quotes found | articles | extractor | content F1 (overlap ≥ .3) | ≥ .8 | speaker right | canonical speaker |",
        "| --- | --- | --- | --- | --- | --- | --- |",
    ]
    for name, folder in folders.items():
        for extractor in get_args(Extractor):
            found: dict[str, Any] = evaluate_quotes(folder, extractor=extractor)
            some, most = found["content_overlap_0.3"], found["content_overlap_0.8"]
            named = found.get("canonical_speaker")
            cells = [some["f1"], most["f1"], some["speaker_right"], named["accuracy"] if named else None]
            numbers = ["–" if x is None else f"{x:.3f}" for x in cells]
            lines.append("| " + " | ".join([name, str(found["n"]), extractor, *numbers]) + " |")
    return lines


def spans_line(path: Path) -> str:
    """Exact spans by CofeNet's rule."""
    found = evaluate_quotes(path)
    shares = [f"{kind} F1 {found[kind]['f1']:.3f}" for kind in ("source", "cue", "content")]
    return f"Exact spans of the tagger on PolNeAR dev by CofeNet's rule ({found['n']:,} instances): {', '.join(shares)}."


def nli_line(path: Path) -> str:
    """General inference: gold MNLI pairs that training has not seen, entailment as favor."""
    rows = [
        {"text": row["premise"], "target": row["hypothesis"], "label": str(NLI_LABELS[row["label"]])}
        for batch in read_table(path)
        for row in batch
    ]
    scores = evaluate("default", rows, baselines=()).values["datasets"][0]["systems"][0]["scores"]
    return f"MNLI, {scores['n']:,} gold pairs: accuracy {scores['accuracy']:.3f}."


def speed_line() -> str:
    """Import time, a cold first label, and quotes a second."""
    model, texts = load_model("default"), [f"{TEXT} ({i})" for i in range(1000)]
    begin = time.perf_counter()
    model.logits(texts, ["Ukraine should become a member of NATO."] * len(texts), batch_size=32, progress=False)
    rate = len(texts) / (time.perf_counter() - begin)
    cold = _seconds("import stance; stance.classify('We support Ukraine in NATO.')")
    bare = _seconds("import stance") - _seconds("pass")
    return (
        f"On the machine that made this: {rate:.0f} quotes of {len(TEXT.split())} words a second on ONNX Runtime; "
        f"cold process to first label {cold:.2f} s; `import stance` {1000 * bare:.0f} ms."
    )


def _seconds(code: str) -> float:
    """The median of five runs."""
    times = []
    for _ in range(5):
        begin = time.perf_counter()
        subprocess.run([sys.executable, "-c", code], check=True)
        times.append(time.perf_counter() - begin)
    return sorted(times)[2]


def report_of(name: str, data: Path | None, limit: int | None) -> Report:
    """The report of a configuration, kept in build/results."""
    folder = ROOT / "build" / "results"
    folder.mkdir(parents=True, exist_ok=True)
    report = evaluate_config(ROOT / f"configs/evaluate-{name}.yaml", data=data, limit=limit)
    for ending in ("html", "json"):
        report.save(folder / f"{name}.{ending}")
    return report


def filled(page: str, name: str, lines: list[str]) -> str:
    """The page with these lines between its marks of that name; as it was where it has none.

    Example:
        >>> filled("a <!-- x --> old <!-- /x --> b", "x", ["new"])
        'a <!-- x -->\\nnew\\n<!-- /x --> b'
    """
    begin, end = f"<!-- {name} -->", f"<!-- /{name} -->"
    head, found, rest = page.partition(begin)
    block = "\n".join(lines)
    return f"{head}{begin}\n{block}\n{end}{rest.partition(end)[2]}" if found else page


def main() -> None:
    """Score, measure, write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="folder of the public sets")
    parser.add_argument("--limit", type=int, help="most rows of each set; the figures are then printed, not written")
    options = parser.parse_args()
    reports = [report_of("nato", None, options.limit), report_of("public", options.data, options.limit)]
    polnear = options.data / "quotes" / "polnear"
    own = ROOT / "data" / "articles"
    folders = {"own articles": own / "gold", "fresh articles": own / "fresh", "PolNeAR dev": polnear / "dev"}
    lines = [*scores_table(reports), "", probes_line(reports[0]), ""]
    lines += [*quotes_table({name: folder for name, folder in folders.items() if folder.is_dir()}), ""]
    if (polnear / "cofenet_valid.txt").is_file():
        lines += [spans_line(polnear / "cofenet_valid.txt")]
    mnli = options.data / "nli" / "nli_mnli_gold2000.jsonl"
    lines += ["", nli_line(mnli)] if mnli.is_file() else []
    model = reports[0].values["datasets"][0]["systems"][0]["model"]
    lines += ["", quotes_speed_line()]
    lines += ["", f"{speed_line()} Model {model}; metrics as named in `stance/evaluation/metrics.py`."]
    blocks = {"figures": lines, "more": scores_table([report_of("more", options.data, options.limit)])}
    for name, block in blocks.items():
        sys.stdout.write("\n".join([f"{name}:", *block, ""]))
        for path in PLACES if options.limit is None else ():
            path.write_text(filled(path.read_text("utf-8"), name, block), encoding="utf-8")


if __name__ == "__main__":
    main()
