"""The commands that make data sets; :mod:`stance.cli` adds them to the `stance` command."""

from __future__ import annotations

import json
import sys
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from stance.errors import InputError

app = typer.Typer()

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]


class Kind(StrEnum):
    """Whose file it is."""

    STANCE = "stance"
    LABELSTUDIO = "labelstudio"
    DOCCANO = "doccano"
    PRODIGY = "prodigy"
    TABLE = "table"


@app.command()
def build(
    config: Annotated[Path, typer.Argument(help="A YAML file such as configs/build.yaml.")],
    data: Annotated[Path | None, typer.Option(help="Folder of articles and annotations; the config's if not given.")] = None,
    output: Annotated[Path | None, typer.Option(help="Folder of the results; the config's if not given.")] = None,
    push_to_hub: Annotated[str | None, typer.Option(help="Push to the hub as OWNER/NAME, private where it is new.")] = None,
    as_json: AsJson = False,
) -> None:
    """Build a data set from articles, or go on with it: stance build configs/build.yaml"""
    from stance.corpus import build_dataset

    made = build_dataset(config, data=data, output=output, push_to_hub=push_to_hub, progress=sys.stderr.isatty())
    if made.unfinished:
        typer.echo(f"{made.unfinished} steps that an earlier run left unfinished were done again", err=True)
    if as_json:
        typer.echo(json.dumps(made.manifest, ensure_ascii=False))
        return
    for name, count in made.manifest["counts"].items():
        parts = count.items() if isinstance(count, dict) else [("", count)]
        for part, n in parts:
            typer.echo(f"{n:>8}  {name.replace('_', ' ')}{': ' if part else ''}{part}")
    for pattern, count in made.manifest["counts"]["annotation_files"].items():
        if not count:
            typer.echo(f"annotations: no file is {pattern}", err=True)
    typer.echo(f"dataset in {made.dataset}; lists of all that was left out in {made.review}")
    if not made.manifest["counts"]["labelled"]:
        typer.echo(f"next: stance annotate {made.review / 'sample.jsonl'} --annotator YOU -o YOU.jsonl")


@app.command()
def annotate(
    sample: Annotated[Path, typer.Argument(help="Quotes to label, such as review/sample.jsonl of a build.")],
    annotator: Annotated[str, typer.Option(help="Your name.")],
    output: Annotated[Path, typer.Option("--output", "-o", help="JSON lines; goes on where it stopped.")],
    guidelines: Annotated[Path | None, typer.Option(help="A text that the key g shows.")] = None,
) -> None:
    """Label quotes, one key each: stance annotate sample.jsonl --annotator ann -o ann.jsonl"""
    from stance.corpus.annotate import Session, annotate_in_terminal

    if guidelines is not None and not guidelines.is_file():
        raise InputError(f"{guidelines}: no such file.")
    session = Session(sample, output, annotator=annotator)
    if session.broken:
        typer.echo(f"{session.broken} unreadable lines moved to {output}.broken", err=True)
    annotate_in_terminal(session, guidelines=guidelines.read_text("utf-8") if guidelines else None)


@app.command()
def convert(
    source: Annotated[Path, typer.Argument(help="Quotes (JSONL of a build), or a tool's file.")],
    output: Annotated[Path, typer.Option("--output", "-o", help="The file to write.")],
    to: Annotated[Kind, typer.Option(help="Whose file to write.")],
    from_: Annotated[Kind | None, typer.Option("--from", help="Whose file it is; quotes of a build if not given.")] = None,
) -> None:
    """Carry tasks and annotations between tools: stance convert sample.jsonl --to labelstudio -o tasks.json"""
    from stance.corpus.formats import LABEL_STUDIO_CONFIG, Tasks, read_tasks, write_tasks
    from stance.io import atomic_path, read_table

    if from_ is None:
        tasks = Tasks({row["id"]: row for batch in read_table(source) for row in batch})
    else:
        tasks = read_tasks(source, kind=from_.value)
    write_tasks(tasks.rows, output, kind=to.value, annotations=tasks.annotations)
    for problem in tasks.problems:
        typer.echo(f"not carried: {problem.file}: {problem.quote or ''} {problem.annotator or ''}: {problem.reason}", err=True)
    typer.echo(f"{len(tasks.rows)} quotes, {len(tasks.annotations)} annotations in {output}", err=True)
    if to is Kind.LABELSTUDIO:
        with atomic_path(output.with_suffix(".xml")) as path:
            path.write_text(LABEL_STUDIO_CONFIG, encoding="utf-8")
        typer.echo(f"labelling configuration in {output.with_suffix('.xml')}", err=True)


@app.command("agreement")
def show_agreement(
    files: Annotated[list[Path], typer.Argument(help="Files of annotations.")],
    kind: Annotated[Kind, typer.Option("--from", help="Whose files they are.")] = Kind.STANCE,
    as_json: AsJson = False,
) -> None:
    """Say how far annotators agree: stance agreement ann.jsonl bob.jsonl"""
    from stance.corpus import agreement, join_annotations, read_tasks

    read = [(str(f), read_tasks(f, kind=kind.value)) for f in files]
    given = [(name, a) for name, tasks in read for a in tasks.annotations]
    good, problems = join_annotations(given, {a.quote: a.quote for _, a in given})
    for problem in [p for _, tasks in read for p in tasks.problems] + problems:
        typer.echo(f"not used: {problem.file}: {problem.quote or ''} {problem.annotator or ''}: {problem.reason}", err=True)
    report = agreement(good)
    if as_json:
        typer.echo(json.dumps(report, ensure_ascii=False))
        return
    for name in ("units", "annotated_twice", "alpha_nominal", "alpha_ordinal", "fleiss_kappa", "ceiling"):
        typer.echo(f"{name:<16} {report[name]}")
    for pair in report["pairs"]:
        typer.echo(f"{', '.join(pair['annotators']):<16} {pair['units']} in common, equal {pair['agreement']}, "
                   f"kappa {pair['cohen_kappa']}, macro-F1 {pair['macro_f1']}")  # fmt: skip
    for dispute in report["disagreements"]:
        typer.echo(f"{dispute['quote']:<16} {dispute['labels']}")


@app.command()
def curate(folder: Annotated[Path, typer.Argument(help="A data set: JSON-lines files with id, text, label, form.")]) -> None:
    """Check, group, split and count a data set: stance curate data/nato"""
    from stance.corpus import curate as run

    typer.echo(json.dumps(run(folder)["counts"], indent=1, ensure_ascii=False))
