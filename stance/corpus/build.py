"""From a folder of articles to a labelled, documented, split data set; the same inputs and config give the same bytes.

Each step reads the files of the one before it, so that memory does not grow with the articles, and is done once
(:mod:`stance.corpus.steps`). `review/` holds what people look at, `dataset/` what they publish.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass, replace
from glob import glob
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np

from stance.config import BuildConfig, load_build_config
from stance.corpus.agreement import agreement
from stance.corpus.annotations import Problem, adjudicate, join_annotations
from stance.corpus.duplicates import Duplicates
from stance.corpus.formats import read_tasks
from stance.corpus.ingest import Unreadable, article_files, name_of, read_articles
from stance.corpus.publish import (
    PREDICTING,
    READING,
    package_versions,
    push_dataset,
    refuse_foreign_files,
    write_dataset,
)
from stance.corpus.quotes import quotes_on_target, stances
from stance.corpus.sampling import sample_for_annotation
from stance.corpus.steps import Steps, file_hash, put_files_in_place, put_in_place
from stance.errors import InputError
from stance.io import read_table, write_table
from stance.labels import LABELS
from stance.models import StanceModel, load_model
from stance.records import Annotation, Article
from stance.targets import UKRAINE_NATO, Target

Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Build:
    """What a build made.

    Args:
        dataset: folder to publish: JSONL and Parquet by split, a `DatasetDict`, the card, `manifest.json`.
        review: folder to work with: all quotes, the sample to annotate, and lists of what was left out and why.
        manifest: counts of each step, hashes, config, versions.
        unfinished: steps that an earlier, killed run had left half-written, and that were done again.
    """

    dataset: Path
    review: Path
    manifest: Row
    unfinished: int


def build_dataset(
    config: str | Path | BuildConfig,
    *,
    data: str | Path | None = None,
    output: str | Path | None = None,
    push_to_hub: str | None = None,
    progress: bool = False,
) -> Build:
    """Build a data set, or go on with it: what is done already and did not change is not done again.

    Without annotations it ends with `review/sample.jsonl`, for people to label (`stance annotate`, or a tool's file by
    :func:`stance.corpus.write_tasks`); with them, run again, it fills `dataset/`.

    Args:
        config: a YAML file such as configs/build.yaml, or its values.
        data: folder that the config's paths start from; the config's own folder, or the working one, when None.
        output: instead of the config's.
        push_to_hub: name of a data set on the hub, to which the result is pushed; made private where it is new.
        progress: show a bar on stderr.

    Raises:
        ConfigError: an unknown key or a wrong value.
        InputError: no articles, a file of annotations that is not what its format says, splits that leak, another build
            in the same folder, a file in `dataset/` that is not the build's.
        ModelError: the model cannot be loaded.

    Example:
        >>> build_dataset("configs/build.yaml").manifest["counts"]["articles"]  # doctest: +SKIP
        {'read': 41, 'unreadable': 0, 'renamed': 0}
    """
    if not isinstance(config, BuildConfig):
        data = Path(config).parent if data is None else data
        config = load_build_config(config)
    folder, root = Path(output or config.output), Path(data or ".")
    with Steps(folder / "steps") as steps:
        refuse_foreign_files(folder / "dataset")
        run = _Run(config, root, steps, progress)
        ingested, found = run.ingest()
        quotes = run.merge(found)
        labelled = run.label(quotes)
        sample = run.sample(quotes)
        made = run.write(ingested, quotes, sample, labelled)
        put_files_in_place(made / "review", folder / "review")
        refuse_foreign_files(folder / "dataset")
        put_in_place(made / "dataset", folder / "dataset")
        steps.forget_the_rest()
    if push_to_hub is not None:
        push_dataset(folder / "dataset", push_to_hub)
    manifest = json.loads((folder / "dataset" / "manifest.json").read_text("utf-8"))
    return Build(folder / "dataset", folder / "review", manifest, steps.unfinished)


class _Run:
    """The steps of one build; each method gives the folder of its step."""

    def __init__(self, config: BuildConfig, root: Path, steps: Steps, progress: bool) -> None:
        self.config, self.root, self.steps, self.progress = config, root, steps, progress
        self.target = UKRAINE_NATO if config.claim is None else Target(config.claim, claim=config.claim)
        self.annotated = [(s, Path(f)) for s in config.annotations for f in sorted(glob(str(root / s.path), recursive=True))]

    def ingest(self) -> tuple[Path, list[Path]]:
        """Articles in shards, and the quotes of each shard."""
        from tqdm import tqdm

        config = self.config
        files = article_files(config.articles, folder=self.root)
        hashes = [(self._name(f), file_hash(f)) for f in files]

        def read(out: Path) -> None:
            unreadable: list[Row] = []

            def articles() -> Iterator[Row]:
                for found in read_articles(files, root=self.root, columns=config.columns):
                    if isinstance(found, Unreadable):
                        unreadable.append(asdict(found))
                    else:
                        yield found.to_dict()

            for number, rows in enumerate(_parts(articles(), config.shard)):
                write_table([rows], out / f"articles-{number:05}.jsonl")
            write_table([unreadable], out / "unreadable.jsonl")

        done = self.steps.run("articles", [hashes, config.columns, config.shard, package_versions(READING)], read)
        shards = sorted(done.glob("articles-*.jsonl"))
        if not shards:
            first = next(_rows(done / "unreadable.jsonl"))
            raise InputError(f"No article could be read; first: {first['file']}: {first['reason']}.")
        return done, [self.quotes(s) for s in tqdm(shards, "quotes", unit=" shards", disable=not self.progress)]

    def quotes(self, shard: Path) -> Path:
        """The quotes of a shard's articles that speak of the target."""
        config = self.config
        model = load_model(config.model)

        def find(out: Path) -> None:
            kept, dropped = quotes_on_target(
                [Article.from_dict(row) for row in _rows(shard)],
                target=self.target,
                keywords=config.relevance.keywords,
                neutral_above=config.relevance.neutral_above,
                model=model,
                extractor=config.extractor,
            )
            write_table([kept], out / "quotes.jsonl")
            write_table([dropped], out / "dropped.jsonl")

        inputs = [file_hash(shard), self.target.claim, config.relevance.model_dump(), _identity(model), config.extractor]
        return self.steps.run("quotes", inputs, find)

    def merge(self, shards: list[Path]) -> Path:
        """One row for one statement, in groups; all that was dropped so far."""

        def rows() -> Iterator[Row]:
            return chain.from_iterable(_rows(s / "quotes.jsonl") for s in shards)

        def join(out: Path) -> None:
            duplicates = Duplicates(rows())
            write_table(_parts((r for r in duplicates.mark(rows()) if "reason" not in r), 1000), out / "quotes.jsonl")
            dropped = chain.from_iterable(_rows(s / "dropped.jsonl") for s in shards)
            merged = (r for r in duplicates.mark(rows()) if "reason" in r)
            write_table(_parts(chain(dropped, merged), 1000), out / "dropped.jsonl")

        return self.steps.run("statements", [[s.name for s in shards], package_versions(["datasketch", "numpy"])], join)

    def label(self, quotes: Path) -> Path:
        """Labelled quotes, agreement, and what could not be used or decided."""
        given = [[s.model_dump(), self._name(f), file_hash(f)] for s, f in self.annotated]

        def join(out: Path) -> None:
            ids = {source["id"]: row["id"] for row in _rows(quotes / "quotes.jsonl") for source in row["sources"]}
            read, problems = self._annotations()
            good, more = join_annotations(read, ids)
            report = agreement(good)
            write_table([report.pop("disagreements")], out / "disagreements.jsonl")
            (out / "agreement.json").write_text(json.dumps(report, indent=1) + "\n", encoding="utf-8")
            method = self.config.adjudication
            decided = adjudicate(good, method=method.method, expert=method.expert)
            unlabelled = Counter(d.why for d in decided.values() if d.label is None)
            (out / "undecided.json").write_text(json.dumps(dict(sorted(unlabelled.items()))), encoding="utf-8")
            rows = (
                {**row, "label": str(d.label), "decided": d.why, "confidence": d.confidence, "votes": dict(d.votes)}
                for row in _rows(quotes / "quotes.jsonl")
                if (d := decided.get(row["id"])) is not None and d.label is not None
            )
            write_table(_parts(rows, 1000), out / "labelled.jsonl")
            write_table([[p.to_dict() for p in problems + more]], out / "problems.jsonl")

        versions = package_versions(["numpy", "openpyxl"])
        return self.steps.run("labels", [quotes.name, given, self.config.adjudication.model_dump(), versions], join)

    def _name(self, file: Path) -> str:
        return name_of(file, self.root)

    def _annotations(self) -> tuple[list[tuple[str, Annotation]], list[Problem]]:
        annotations: list[tuple[str, Annotation]] = []
        problems: list[Problem] = []
        for source, file in self.annotated:
            tasks = read_tasks(file, kind=source.format, annotator=source.annotator)
            annotations += [(self._name(file), a) for a in tasks.annotations]
            problems += [replace(p, file=self._name(file)) for p in tasks.problems]
        return annotations, problems

    def sample(self, quotes: Path) -> Path:
        """The quotes that people should label."""
        options = self.config.sampling
        done = {a.quote for _, a in self._annotations()[0]} if options.skip_annotated else set()
        models = [load_model(m) for m in options.models]

        def draw(out: Path) -> None:
            open_ = (r for r in _rows(quotes / "quotes.jsonl") if not done.intersection(s["id"] for s in r["sources"]))
            light = [{name: row[name] for name in _DRAWN_BY} for row in open_]
            others = [self._distribution(m, quotes, {r["id"] for r in light}) for m in models]
            drawn = sample_for_annotation(
                light, size=options.size, strategy=options.strategy, strata=options.strata, others=others, seed=options.seed
            )
            place = {row["id"]: row for row in drawn}
            full = {row["id"]: row for row in _rows(quotes / "quotes.jsonl") if row["id"] in place}
            chosen = [{**full[i], "stratum": row["stratum"], "weight": row["weight"]} for i, row in place.items()]
            write_table([chosen], out / "sample.jsonl")

        names = [_identity(m) for m in models]
        return self.steps.run("sample", [quotes.name, options.model_dump(), names, sorted(done)], draw)

    def _distribution(self, model: StanceModel, quotes: Path, ids: set[str]) -> np.ndarray[Any, np.dtype[np.float64]]:
        parts = []
        for rows in _parts((r for r in _rows(quotes / "quotes.jsonl") if r["id"] in ids), 1000):
            found = stances(rows, target=self.target, model=model, on_unsupported="ignore")
            parts += [[p.probabilities[x] for x in LABELS] for p in found]
        return np.array(parts, dtype=np.float64).reshape(-1, len(LABELS))

    def write(self, ingested: Path, quotes: Path, sample: Path, labelled: Path) -> Path:
        """The two folders of results."""
        files = {
            "unreadable.jsonl": ingested,
            "quotes.jsonl": quotes,
            "dropped.jsonl": quotes,
            "sample.jsonl": sample,
            "problems.jsonl": labelled,
            "disagreements.jsonl": labelled,
            "agreement.json": labelled,
        }
        config = self.config.model_dump(mode="json", exclude={"output"})

        def make(out: Path) -> None:
            review = out / "review"
            review.mkdir()
            for name, step in files.items():
                (review / name).write_bytes((step / name).read_bytes())
            undecided = json.loads((labelled / "undecided.json").read_text("utf-8"))
            articles = sum(1 for s in sorted(ingested.glob("articles-*.jsonl")) for _ in _rows(s))
            renamed = [row["kept_as"] is not None for row in _rows(review / "unreadable.jsonl")]
            counts = {
                "articles": {"read": articles, "unreadable": renamed.count(False), "renamed": renamed.count(True)},
                "statements": sum(1 for _ in _rows(quotes / "quotes.jsonl")),
                "dropped": _tally(r["reason"] for r in _rows(review / "dropped.jsonl")),
                "sample": sum(1 for _ in _rows(review / "sample.jsonl")),
                "annotation_files": {s.path: sum(of is s for of, _ in self.annotated) for s in self.config.annotations},
                "annotation_problems": _tally(p["reason"].split(":")[0] for p in _rows(review / "problems.jsonl")),
                "undecided": undecided,
            }
            drawn = {r["id"]: {name: r[name] for name in ("stratum", "weight")} for r in _rows(review / "sample.jsonl")}
            write_dataset(
                ({**row, **drawn.get(row["id"], {})} for row in _rows(labelled / "labelled.jsonl")),
                out / "dataset",
                config=self.config,
                target=self.target,
                manifest={
                    "name": self.config.name,
                    "config": config,
                    "inputs": [ingested.name, *[[self._name(f), file_hash(f)] for _, f in self.annotated]],
                    "counts": counts,
                    "agreement": json.loads((labelled / "agreement.json").read_text("utf-8")),
                    "review": {name: file_hash(review / name) for name in sorted(files)},
                },
            )

        inputs = [s.name for s in (ingested, quotes, sample, labelled)]
        return self.steps.run("results", [inputs, config, package_versions()], make)


_DRAWN_BY = ("id", "stance", "speaker", "date", "outlet", "form", *(f"p_{x}" for x in LABELS))
"""What sampling reads of a quote; the rest of it need not be in memory."""


def _identity(model: StanceModel) -> Row:
    """What a model's answers depend on: its weights (by its name), its temperature, the packages that run it."""
    return {"name": model.name, "temperature": model.temperature, "packages": package_versions(PREDICTING)}


def _rows(path: Path) -> Iterator[Row]:
    return chain.from_iterable(read_table(path))


def _parts(rows: Iterable[Row], size: int) -> Iterator[list[Row]]:
    part: list[Row] = []
    for row in rows:
        part.append(row)
        if len(part) == size:
            yield part
            part = []
    if part:
        yield part


def _tally(values: Iterable[str]) -> dict[str, int]:
    return dict(sorted(Counter(values).items()))
