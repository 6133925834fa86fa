"""The `stance` command: a thin layer over the functions of the package; every error is one line on stderr, exit code 2."""

from __future__ import annotations

import json
import logging
import sys
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from stance.cli_corpus import app as corpus_commands
from stance.errors import InputError, StanceError
from stance.targets import UKRAINE_NATO, Target

if TYPE_CHECKING:
    from stance.stream.batch import LabelOptions

app = typer.Typer(
    help="Who said what about Ukraine joining NATO, and how sure are we?",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)

app.add_typer(corpus_commands)


class OnError(StrEnum):
    """What happens to a row that is no text."""

    RAISE = "raise"
    SKIP = "skip"
    NULL = "null"


class Weights(StrEnum):
    """See :func:`stance.models.export.export_checkpoint`."""

    int8 = "int8"
    fp32 = "fp32"


class Engine(StrEnum):
    """Where rows are labelled."""

    LOCAL = "local"
    RAY = "ray"


class Extraction(StrEnum):
    """How quotes are found."""

    TAGGER = "tagger"
    RULES = "rules"


Model = Annotated[str, typer.Option(help="Embedded model, checkpoint folder or hub name; see `stance models`.")]
Claim = Annotated[str | None, typer.Option(help='Another target, as a claim: "Georgia should join NATO."')]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]


def _target(claim: str | None) -> Target:
    return Target(claim, claim=claim) if claim is not None else UKRAINE_NATO


@app.command()
def classify(
    file: Annotated[str | None, typer.Argument(help="CSV, JSONL or Parquet; - for CSV on standard input.")] = None,
    text: Annotated[str | None, typer.Option(help="One text instead of a file.")] = None,
    speaker: Annotated[str | None, typer.Option(help="Who says that text.")] = None,
    text_column: Annotated[str, typer.Option(help="Column of the texts.")] = "text",
    speaker_column: Annotated[str | None, typer.Option(help="Column of the speakers.")] = None,
    context_column: Annotated[str | None, typer.Option(help="Column of the contexts.")] = None,
    output: Annotated[str, typer.Option("--output", "-o", help="CSV, JSONL or Parquet; - as the input, or CSV.")] = "-",
    input_format: Annotated[str | None, typer.Option("--format", help="Input: csv, jsonl or parquet, if not by ending.")] = None,
    on_error: Annotated[OnError | None, typer.Option(help="A row that is no text; if not given: raise, with ray null.")] = None,
    model: Model = "default",
    claim: Claim = None,
    batch_size: Annotated[int, typer.Option(help="Rows of 64 tokens in one step.")] = 32,
    device: Annotated[str | None, typer.Option(help='For torch models, such as "cuda".')] = None,
    runtime: Annotated[str | None, typer.Option(help="onnx, openvino, torch, torch-bf16 or auto.")] = None,
    abstain_below: Annotated[float | None, typer.Option(help="No label below this probability.", min=0, max=1)] = None,
    workers: Annotated[int | None, typer.Option(help="Processes that share the cores: 1, or as many as Ray has.", min=1)] = None,
    restart: Annotated[bool, typer.Option("--restart", help="Remove the parts of an unfinished run; begin anew.")] = False,
    rows_per_part: Annotated[int, typer.Option(help="Rows that are kept, or lost by a kill, together.", min=1)] = 4096,
    engine: Annotated[Engine, typer.Option(help="ray takes a glob too, and writes a folder of Parquet.")] = Engine.LOCAL,
    address: Annotated[str | None, typer.Option(help='Of a Ray cluster, such as "auto"; else it is this machine.')] = None,
    as_json: AsJson = False,
) -> None:
    """Label quotes: stance classify quotes.csv --text-column quote -o out.parquet

    From file to file, the same command goes on where a run was killed.
    """
    if (file is None) == (text is None):
        raise InputError("Give a file or --text, one of the two.")
    if text is not None:
        from stance.classifier import classify as run

        found = run(
            text,
            speaker=speaker,
            target=_target(claim),
            model=model,
            device=device,
            runtime=runtime,
            abstain_below=abstain_below,
        )
        if as_json:
            typer.echo(json.dumps(found.to_dict(), ensure_ascii=False))
        else:
            shares = "  ".join(f"{name} {p:.2f}" for name, p in found.probabilities.items())
            typer.echo(f"{found.label}  ({shares})")
        return
    options: LabelOptions = {
        "text_column": text_column,
        "speaker_column": speaker_column,
        "context_column": context_column,
        "target": _target(claim),
        "model": model,
        "batch_size": batch_size,
        "device": device,
        "runtime": runtime,
        "abstain_below": abstain_below,
    }
    if on_error is not None:
        options["on_error"] = on_error.value
    progress = sys.stderr.isatty()
    if engine is Engine.RAY:
        if output == "-" or input_format or restart:
            raise InputError("--engine ray writes a new folder: give --output FOLDER, and neither --format nor --restart.")
        from stance.distributed import classify as classify_on_ray

        written = classify_on_ray(
            str(file),
            output=output,
            concurrency=workers,
            rows_per_batch=rows_per_part,
            address=address,
            progress=progress,
            **options,
        )
        typer.echo(f"{written.count()} rows written to the folder {output}", err=True)
        return
    from stance.stream import classify_file

    summary = classify_file(
        str(file),
        output,
        input_format=input_format,
        workers=workers or 1,
        resume=not restart,
        rows_per_part=rows_per_part,
        progress=progress,
        **options,
    )
    if summary.resumed:
        typer.echo(f"{summary.resumed} rows had been labelled by an unfinished run", err=True)
    typer.echo(f"{summary.rows} rows written, {summary.failed} without a label", err=True)
    if summary.foreign:
        typer.echo(f"{summary.foreign} rows are in a language that the model does not read; see unsupported_language", err=True)


def _column(rows: list[dict[str, Any]], name: str, file: str) -> list[Any]:
    if name not in rows[0]:
        raise InputError(f"{file}: no column {name!r}; there are {', '.join(rows[0])}.")
    return [row.get(name) for row in rows]


@app.command()
def analyze(
    file: Annotated[Path, typer.Argument(help="An article: .txt, .md or .html.")],
    as_json: AsJson = False,
    html: Annotated[Path | None, typer.Option(help="Write a self-contained page here.")] = None,
    extractor: Annotated[Extraction, typer.Option(help="How quotes are found; the rules need no weights.")] = Extraction.TAGGER,
    model: Model = "default",
    claim: Claim = None,
) -> None:
    """Find an article's quotes, who said each, and each one's stance: stance analyze article.txt --html page.html"""
    from stance.analysis import analyze as run
    from stance.io import atomic_path, read_article

    found = run(read_article(file), target=_target(claim), model=model, extractor=extractor.value)
    if html is not None:
        with atomic_path(html) as path:
            path.write_text(found.to_html(), encoding="utf-8")
        typer.echo(f"page written to {html}", err=True)
    if as_json:
        typer.echo(json.dumps(found.to_dict(), ensure_ascii=False, indent=1))
        return
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table("speaker", "quote", "stance", "against", "neutral", "favor", title=found.target.name)
    for row in found.rows():
        shares = [f"{row[f'p_{x}']:.2f}" for x in ("against", "neutral", "favor")]
        table.add_row(Text(row["speaker"] or "unknown"), Text(row["text"]), row["stance"], *shares)
    Console().print(table)


@app.command()
def models(
    reasons: Annotated[bool, typer.Option("--why", help="Which runtime is fastest here; measured once, then kept.")] = False,
    model: Model = "default",
    as_json: AsJson = False,
) -> None:
    """List the embedded models: stance models. Or what runtime="auto" takes on this machine, and why: stance models --why"""
    from stance.models import list_models

    if reasons:
        _print_choice(model, as_json)
        return
    if as_json:
        typer.echo(json.dumps(list_models()))
        return
    for entry in list_models():
        typer.echo(f"{entry['name']:<14} {entry['runtime']:<5} {entry['description']}")
    typer.echo("Any checkpoint folder or hub name with entailment or stance labels works too.")


def _print_choice(model: str, as_json: bool) -> None:
    from dataclasses import asdict

    from stance.models import why
    from stance.models.runtimes import RUNTIMES

    found = why(model)
    if as_json:
        typer.echo(json.dumps(asdict(found)))
        return
    for name, what in RUNTIMES.items():
        speed = f"{found.speeds[name]:>7.1f} quotes/s" if name in found.speeds else "no candidate"
        typer.echo(f"{'*' if name == found.runtime else ' '} {name:<11} {speed:<18} {found.missing.get(name, what)}")
    typer.echo(f"{found.runtime} is the fastest here by a tenth or more, or the plainer of equals; kept in {found.path} for")
    typer.echo(f"  {found.machine}")


@app.command()
def train(
    config: Annotated[Path, typer.Argument(help="A YAML file such as configs/train-own.yaml.")],
    data: Annotated[Path | None, typer.Option(help="Folder of the sources; the config's folder if not given.")] = None,
    output: Annotated[Path | None, typer.Option(help="Folder of the checkpoint; the config's if not given.")] = None,
    resume: Annotated[bool, typer.Option("--resume", help="Go on after the last finished epoch.")] = False,
) -> None:
    """Fine-tune on labelled quotes: stance train configs/train-own.yaml --data data"""
    from stance.training import train as run

    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s", datefmt="%H:%M:%S")
    folder = run(config, data=data, output=output, resume=resume, progress=sys.stderr.isatty())
    typer.echo(f"checkpoint in {folder}; use it with --model {folder}")


@app.command()
def export(
    checkpoint: Annotated[Path, typer.Argument(help="A checkpoint folder of stance train, or of transformers.")],
    output: Annotated[Path, typer.Option("--output", "-o", help="The new folder.")],
    texts: Annotated[Path, typer.Option(help="Some hundred texts of the field, in a table; for a tagger its dev file.")],
    text_column: Annotated[str, typer.Option(help="Column of the texts.")] = "text",
    claim: Claim = None,
    weights: Annotated[Weights, typer.Option(help="Of the ONNX file; fp32 is larger. A tagger's are int8.")] = Weights.int8,
) -> None:
    """Make an ONNX folder of a checkpoint: stance export runs/own -o own-int8 --texts quotes.csv

    It is written only if ONNX and torch in fp32 give the same label on 99 % of the texts and, where the table has a column
    `label`, ONNX loses at most half a point of macro-F1; what was measured goes into its README.md.
    """
    from stance.io import read_table

    if (checkpoint / "tagger.json").exists():
        from stance.training.tagger import export_tagger

        if weights is not Weights.int8:
            raise InputError(f"{checkpoint}: a tagger is exported with int8 weights; leave out --weights {weights}.")
        share = export_tagger(checkpoint, output, data=texts)
        typer.echo(f"{output}: int8 and fp32 give the same tags in {share:.2%}")
    else:
        from stance.models.export import export_checkpoint

        rows = [row for batch in read_table(texts) for row in batch]
        labels = [str(row["label"]) for row in rows] if rows and "label" in rows[0] else None
        parity = export_checkpoint(
            checkpoint,
            output,
            texts=_column(rows, text_column, str(texts)),
            claim=_target(claim).claim,
            labels=labels,
            weights="int8" if weights is Weights.int8 else "fp32",
            source=texts.name,
        )
        typer.echo(f"{output}: {parity}")


@app.command()
def evaluate(
    config: Annotated[Path | None, typer.Argument(help="A YAML file such as configs/evaluate-own.yaml.")] = None,
    suite: Annotated[str | None, typer.Option(help="A public benchmark: semeval2016a, semeval2016b, vast, pstance, …")] = None,
    data: Annotated[Path | None, typer.Option(help="Folder of the data; the config's folder if not given.")] = None,
    split: Annotated[str, typer.Option(help="What of the suite is scored: test, dev or train.")] = "test",
    model: Model = "default",
    predictions: Annotated[Path | None, typer.Option(help="JSONL with id, stance and p_against, p_neutral, p_favor.")] = None,
    gold: Annotated[Path | None, typer.Option(help="JSONL with id, label and, for clusters, group.")] = None,
    limit: Annotated[int | None, typer.Option(help="Most rows of each data set.", min=1)] = None,
    output: Annotated[list[Path] | None, typer.Option("--output", "-o", help="Report: .html, .md or .json; repeatable.")] = None,
    as_json: AsJson = False,
    seed: Annotated[int, typer.Option(help="Seed of the bootstrap.")] = 0,
) -> None:
    """Score models on labelled data: stance evaluate configs/evaluate-own.yaml -o report.html

    Or one model on a public benchmark: stance evaluate --suite vast --data FOLDER
    Or labels against gold: stance evaluate --predictions P.jsonl --gold G.jsonl --json
    """
    from stance.config import DatasetConfig, EvaluateConfig, SystemConfig
    from stance.evaluation.harness import evaluate_config, evaluate_files

    if sum(x is not None for x in (config, suite, predictions)) != 1 or (predictions is None) != (gold is None):
        raise InputError("Give a configuration, or --suite, or --predictions with --gold.")
    if predictions is not None and gold is not None:
        _print_scores(evaluate_files(predictions, gold, seed=seed), as_json)
        return
    if suite is not None:
        if data is None:
            raise InputError("--suite needs the folder of its files: --data FOLDER.")
        systems = (SystemConfig(model=model), SystemConfig(baseline="majority"), SystemConfig(baseline="tfidf"))
        chosen: Path | EvaluateConfig = EvaluateConfig(
            name=f"{model} on {suite}", systems=systems, datasets=(DatasetConfig(suite=suite, split=split),), seed=seed
        )
    else:
        chosen = Path(str(config))
    report = evaluate_config(chosen, data=data, limit=limit)
    for path in output or ():
        typer.echo(f"report written to {report.save(path)}", err=True)
    for note in [*report.people(), *(n for part in report.values["datasets"] for n in part["notes"])]:
        typer.echo(f"note: {note}", err=True)
    if as_json:
        typer.echo(json.dumps(report.to_dict(), ensure_ascii=False))
        return
    for row in (rows := report.rows()):
        row["95 %"] = None if row["low"] is None else f"{row['low']:.3f} to {row['high']:.3f}"
    _print_table(rows, ("dataset", "system", "n", "metric", "value", "95 %", "ece"))


def _print_scores(result: dict[str, Any], as_json: bool) -> None:
    """One set of scores, a line each."""
    if as_json:
        typer.echo(json.dumps(result))
        return
    for name in ("n", "macro_f1", "macro_f1_ci", "f_avg", "accuracy", "mcc", "weighted_kappa", "relevance_f1", "ece", "brier"):
        typer.echo(f"{name:<14} {result[name]}")
    for label, row in result["per_label"].items():
        typer.echo(f"{label:<14} {row}")
    for note in [*result["notes"], result["power"]]:
        typer.echo(f"note: {note}", err=True)


def _print_table(rows: list[dict[str, Any]], columns: tuple[str, ...]) -> None:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(*columns, box=None)
    for row in rows:
        values = [row[c] for c in columns]
        table.add_row(*(Text("" if v is None else f"{v:.3f}" if isinstance(v, float) else str(v)) for v in values))
    Console().print(table)


@app.command()
def compare(
    first: Annotated[Path, typer.Argument(help="Report in JSON.")],
    second: Annotated[Path, typer.Argument(help="Another one, on the same rows.")],
    system: Annotated[str | None, typer.Option(help="System of the first report; its first if not given.")] = None,
    other: Annotated[str | None, typer.Option(help="System of the second report; its first if not given.")] = None,
    as_json: AsJson = False,
) -> None:
    """Is one report's model better than another's, beyond chance? stance compare before.json after.json"""
    from stance.evaluation.compare import compare as run

    found = run(first, second, system=system, other=other)
    if as_json:
        typer.echo(json.dumps(found))
        return
    _print_table(found, ("dataset", "metric", "first", "second", "difference", "p", "p_holm", "p_mcnemar"))
    for row in found:
        typer.echo(f"note: {row['dataset']}: {row['power']}", err=True)


@app.command()
def shares(
    corpus: Annotated[Path, typer.Argument(help="Labels of the corpus: p_against, p_neutral, p_favor and, if known, group.")],
    predictions: Annotated[Path, typer.Option(help="The same model's labels on scored rows, with id.")],
    gold: Annotated[Path, typer.Option(help="Gold labels of the scored rows: id, label and, if known, group.")],
    as_json: AsJson = False,
    seed: Annotated[int, typer.Option(help="Seed of the bootstrap.")] = 0,
) -> None:
    """Shares of the stances, corrected: stance shares out.csv --predictions P.jsonl --gold G.jsonl

    Counting labels is biased by the model's errors; scored rows of the same model take them out.
    """
    from stance.evaluation.harness import shares_of_files

    found = shares_of_files(corpus, predictions, gold, seed=seed)
    if as_json:
        typer.echo(json.dumps(found))
        return
    for name, row in found.items():
        spans = [f"{label} {x['share']:.3f} [{x['ci'][0]:.3f}, {x['ci'][1]:.3f}]" for label, x in row.items()]
        typer.echo(f"{name:<9} " + "  ".join(spans))


@app.command("evaluate-quotes")
def evaluate_quotes(
    path: Annotated[Path, typer.Argument(help="CofeNet JSON lines, or a folder of brat .ann or NN.json with texts.")],
    extractor: Annotated[Extraction, typer.Option(help="How quotes are found.")] = Extraction.TAGGER,
    as_json: AsJson = False,
) -> None:
    """Score the extraction of quotes: stance evaluate-quotes data/articles/gold --json"""
    from stance.evaluation.quotes import evaluate_quotes as run

    result = run(path, extractor=extractor.value)
    if as_json:
        typer.echo(json.dumps(result))
        return
    for name, value in result.items():
        typer.echo(f"{name:<20} {value}")


def main() -> None:
    """Run the command; an error of the package is a message, never a traceback."""
    try:
        app()
    except StanceError as error:
        typer.echo(f"stance: {error}", err=True)
        raise SystemExit(2) from None
