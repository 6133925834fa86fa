"""Readers of public benchmarks in the file formats in which they are published. Nothing is downloaded or distributed.

Each suite also reads the normalised JSONL (`text, target, label, split`) where the folder holds that instead. The target
stands as the claim, as the benchmark words it. Label names are mapped or refused, never guessed.

What the readers were checked on: SemEval-2016 A, P-Stance and VAST on the original files; COVID-19-Stance and RUW on names,
columns and labels of the files in their repositories (whose COVID texts are not published); GWSD on its repository's
description of the columns; SemEval-2016 B, whose file has the form of A, on made-up rows alone.
"""

from __future__ import annotations

import csv
import io
import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from stance.errors import InputError
from stance.evaluation.dataset import Dataset, flat, sample
from stance.io import Row, read_table

_LABELS = {
    "favor": "favor", "favour": "favor", "1": "favor", "agree": "favor", "agrees": "favor",
    "against": "against", "0": "against", "disagree": "against", "disagrees": "against",
    "none": "neutral", "neutral": "neutral", "neither": "neutral", "2": "neutral",
}  # fmt: skip


def _label(name: object, where: str) -> str:
    try:
        return _LABELS[str(name).strip().lower()]
    except KeyError:
        raise InputError(f"{where}: unknown stance {name!r}.") from None


def _text(path: Path) -> str:
    """The file's text: UTF-8, else Windows' latin, in which the SemEval files are published."""
    data = path.read_bytes()
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        return data.decode("cp1252", errors="replace")


def _records(path: Path, delimiter: str = ",") -> Iterator[tuple[str, dict[str, str]]]:
    """("file, row n", cells by column) of a delimited file with a header."""
    csv.field_size_limit(2**27)
    reader = csv.DictReader(io.StringIO(_text(path), newline=""), delimiter=delimiter)
    for number, row in enumerate(reader, start=2):
        yield f"{path}, row {number}", row


def _cell(row: Mapping[str, str], where: str, *names: str) -> str:
    """The first of these columns that the row has."""
    for name in names:
        if row.get(name) is not None:
            return row[name]
    raise InputError(f"{where}: none of the columns {', '.join(names)}; there are {', '.join(map(str, row))}.")


SEMEVAL_TARGETS = (
    "Atheism", "Climate Change is a Real Concern", "Donald Trump", "Feminist Movement", "Hillary Clinton",
    "Legalization of Abortion",
)  # fmt: skip
_SEMEVAL_LINE = re.compile(rf"({'|'.join(SEMEVAL_TARGETS)})\s+(.*\S)\s+(FAVOR|AGAINST|NONE)\s*")


def read_semeval(path: Path) -> Iterator[Row]:
    """SemEval-2016 task 6: tab-separated `ID, Target, Tweet, Stance`; or one line "Target tweet STANCE" as often copied.

    Raises:
        InputError: a line of neither form.
    """
    for number, line in enumerate(_text(path).splitlines(), start=1):
        cells, where = line.split("\t"), f"{path}, row {number}"
        if not line.strip() or cells[0] == "ID":
            continue
        if len(cells) == 4:
            name, target, text, stance = cells
            yield {"id": name, "text": text, "target": target, "label": _label(stance, where)}
        elif found := _SEMEVAL_LINE.fullmatch(line):
            yield {"text": found[2], "target": found[1], "label": _label(found[3], where)}
        else:
            raise InputError(f"{where}: neither 'ID, Target, Tweet, Stance' by tabs nor 'Target tweet STANCE'.")


def read_vast(path: Path) -> Iterator[Row]:
    """VAST: `post, topic_str, label` (0 con, 1 pro, 2 neutral) with `seen?`; or the same as `Tweet, Target 1, Stance 1`.

    The topic is `topic_str`: `new_topic` is another one on the synthetic neutrals.
    """
    for where, row in _records(path):
        seen = {"1": "few-shot", "0": "zero-shot"}.get(row.get("seen?", ""), "unknown")
        text = _cell(row, where, "post", "Tweet")
        yield {
            "text": text,
            "target": _cell(row, where, "topic_str", "Target 1"),
            "label": _label(_cell(row, where, "label", "Stance 1"), where),
            "group": row.get("arc_id") or text,
            "seen": seen,
        }


def read_tweets(path: Path) -> Iterator[Row]:
    """P-Stance, COVID-19-Stance and RUW: `Tweet, Target, Stance`, or `Tweet, Target 1, Stance 1, Target 2, Stance 2`.

    COVID-19-Stance writes its targets as names (`face_masks`), which stand here as words; without a target column the
    file's name gives it (`face_masks_test.csv`). Published are `Tweet Id, Target, Stance, Opinion Towards, Sentiment`.

    Raises:
        InputError: other columns; the published COVID files hold ids only, whose texts must be asked from the authors.
    """
    for where, row in _records(path):
        if "Tweet Id" in row and not {"Tweet", "tweet", "text"} & set(row):
            raise InputError(f"{where}: only ids, no text; ask the authors for the texts, or add a column 'Tweet'.")
        text = _cell(row, where, "Tweet", "tweet", "text")
        if "Target 1" in row:
            for i in (1, 2):
                target = _cell(row, where, f"Target {i}")
                yield {"text": text, "target": target, "label": _label(_cell(row, where, f"Stance {i}"), where), "group": text}
            continue
        target = row.get("Target") or re.sub(r"_(train|val|test)$", "", path.stem)
        yield {"text": text, "target": target.replace("_", " "), "label": _label(_cell(row, where, "Stance", "label"), where)}


GWSD_CLAIM = "Climate change/global warming is a serious concern"


def read_gwsd(path: Path) -> Iterator[Row]:
    """GWSD: `sentence`, eight workers' labels, the model's `disagree, agree, neutral`, and `in_held_out_test`.

    Gold is the likeliest of the three; the few screening sentences that have none take the workers' majority.
    """
    for where, row in _records(path, delimiter="\t"):
        people = [_label(v, where) for k, v in row.items() if k.startswith("worker_") and v]
        try:
            shares = {name: float(row[name]) for name in ("disagree", "agree", "neutral")}
            label = _label(max(shares, key=shares.__getitem__), where)
        except (ValueError, KeyError):
            if not people:
                raise InputError(f"{where}: neither probabilities nor workers' labels.") from None
            label = Counter(people).most_common(1)[0][0]
        split = "test" if _cell(row, where, "in_held_out_test").lower() == "true" else "train"
        yield {
            "text": row["sentence"], "target": GWSD_CLAIM, "label": label, "split": split, "annotations": people,
        }  # fmt: skip


@dataclass(frozen=True, slots=True)
class Suite:
    """A public benchmark.

    Args:
        about: what it is, and how its authors score it.
        home: where the data is to be had.
        metric: the official one.
        read: the reader of one of its files.
        files: for each split, regular expressions of its files' names (case does not matter); the first that finds any counts.
        normalised: the JSONL file, and for each split the values of `split` there.
        labels: those that the task has.
        slices: columns by which reports cut it.
    """

    about: str
    home: str
    metric: str
    read: Callable[[Path], Iterator[Row]]
    files: Mapping[str, tuple[str, ...]]
    normalised: tuple[str, Mapping[str, tuple[str, ...]]]
    labels: tuple[str, ...] = ("against", "neutral", "favor")
    slices: tuple[str, ...] = ("target",)


_SEMEVAL_HOME = "https://alt.qcri.org/semeval2016/task6/"
_THREE = {"train": ("train",), "dev": ("dev",), "test": ("test",)}


def _by_split(pattern: str) -> dict[str, tuple[str, ...]]:
    return {split: (pattern % name,) for split, name in (("train", "train"), ("dev", "val"), ("test", "test"))}


SUITES: dict[str, Suite] = {
    "semeval2016a": Suite(
        "SemEval-2016 task 6 A: tweets, 5 targets; F_avg over all targets; organisers' SVM .690",
        _SEMEVAL_HOME, "f_avg", read_semeval,
        {
            "train": (r"semeval2016-task6-trainingdata.*\.txt",),
            "dev": (r"semeval2016-task6-trialdata.*\.txt",),
            "test": (r"semeval2016-task6-subtaska-testdata-gold.*\.txt",),
        },
        ("semeval2016_t6.jsonl", {"train": ("train", "trial"), "dev": ("trial",), "test": ("testA",)}),
    ),
    "semeval2016b": Suite(
        "SemEval-2016 task 6 B: tweets on Donald Trump, no training data; F_avg; best of the task .563",
        _SEMEVAL_HOME, "f_avg", read_semeval,
        {"test": (r"semeval2016-task6-subtaskb-testdata-gold.*\.txt",)},
        ("semeval2016_t6.jsonl", {"test": ("testB",)}),
    ),
    "vast": Suite(
        "VAST: news comments, thousands of topics; macro-F1, also of zero-shot and few-shot topics (column seen)",
        "https://github.com/emilyallaway/zero-shot-stance", "macro_f1", read_vast,
        {
            "train": (r"vast_train.*\.csv", r"raw_train_all_onecol\.csv"),
            "dev": (r"vast_dev.*\.csv", r"raw_val_all_onecol\.csv"),
            "test": (r"vast_test\.csv", r"raw_test_all_onecol\.csv"),
        },
        ("vast.jsonl", _THREE), slices=("seen",),
    ),
    "pstance": Suite(
        "P-Stance: tweets on three US politicians, no neutral; F_avg by target, then their mean; BERTweet .805",
        "https://github.com/chuchun8/PStance", "f_avg_by_target", read_tweets,
        _by_split(r"raw_%s_(trump|biden|bernie)\.csv"), ("pstance.jsonl", _THREE), ("against", "favor"),
    ),
    "covid19": Suite(
        "COVID-19-Stance: tweets, 4 targets; macro-F1 by target, then their mean",
        "https://github.com/kglandt/stance-detection-in-covid-19-tweets", "macro_f1_by_target", read_tweets,
        _by_split(r"(face_masks|fauci|school_closures|stay_at_home_orders)_%s\.csv"), ("covid19_stance.jsonl", _THREE),
    ),
    "gwsd": Suite(
        "GWSD: clauses from news on global warming, eight annotators; macro-F1 on the held-out rows",
        "https://github.com/yiweiluo/GWStance", "macro_f1", read_gwsd,
        {"train": (r"gwsd\.tsv",), "test": (r"gwsd\.tsv",)},
        ("gwsd.jsonl", {"train": ("train",), "test": ("test",)}),
    ),
    "ruw": Suite(
        "RUW: tweets on the war, targets Russia and Ukraine; macro-F1 (the paper's own averaging was not checked)",
        "https://github.com/multi-target/RUW", "macro_f1", read_tweets,
        _by_split(r"raw_%s_russia_ukraine\.csv"), ("ruw.jsonl", _THREE),
    ),
}  # fmt: skip
"""The public benchmarks by name. Quotes (PolNeAR) go through `stance evaluate-quotes`."""


def read_suite(name: str, folder: str | Path, *, split: str = "test", limit: int | None = None, seed: int = 0) -> Dataset:
    """A public benchmark from its files.

    Args:
        name: one of :data:`SUITES`.
        folder: where its files lie, at any depth.
        split: "test", "dev" or "train"; what is scored. Baselines learn from "train" where its files are there.
        limit: most rows scored, drawn with the seed.
        seed: of the draw.

    Raises:
        InputError: an unknown suite, files that are not there (with where to get them), or a row that cannot be read.

    Example:
        >>> read_suite("semeval2016a", "semeval2016").metric  # doctest: +SKIP
        'f_avg'
    """
    if name not in SUITES:
        raise InputError(f"Unknown suite {name!r}; there are {', '.join(SUITES)}.")
    suite, folder = SUITES[name], Path(folder)
    if split not in suite.files:
        raise InputError(f"{name} has no split {split!r}; it has {', '.join(suite.files)}.")
    rows = _split_rows(suite, folder, split)
    if not rows:
        others = [s for s in suite.files if s != split and _split_rows(suite, folder, s)]
        there = f" There are files of {', '.join(others)}: try --split {others[0]}." if others else ""
        wanted = " or ".join((*suite.files[split], suite.normalised[0]))
        raise InputError(f"{folder}: no file {wanted} with {split} rows of {name}.{there} {_where(suite)}")
    train = () if split == "train" or "train" not in suite.files else tuple(_split_rows(suite, folder, "train"))
    return Dataset(
        f"{name} {split}", sample(rows, limit, seed), train, metric=suite.metric, labels=suite.labels, about=suite.about
    )


def _where(suite: Suite) -> str:
    return f"Get the data at {suite.home} and pass its folder with --data."


def _split_rows(suite: Suite, folder: Path, split: str) -> list[Row]:
    """The rows of one split; none when its files are not there."""
    if not folder.is_dir():
        raise InputError(f"{folder}: no such folder. {_where(suite)}")
    paths = sorted(p for p in folder.rglob("*") if p.suffix in (".txt", ".csv", ".tsv", ".jsonl"))
    for pattern in suite.files[split]:
        found = [p for p in paths if re.fullmatch(pattern, p.name, re.IGNORECASE)]
        if found:
            rows = [row for path in found for row in suite.read(path)]
            return [row for row in rows if row.get("split", split) == split]
    file, splits = suite.normalised
    for path in (p for p in paths if p.name == file):
        rows = [flat(row) for batch in read_table(path) for row in batch if row.get("split") in splits.get(split, ())]
        return [_plain(row) for row in rows if row["label"] in suite.labels]
    return []


def _plain(row: Row) -> Row:
    """A normalised row as the readers give it."""
    seen: Any = {1: "few-shot", 0: "zero-shot"}.get(row.get("seen", -1))
    kept = {k: row[k] for k in ("text", "target", "label") if k in row}
    return kept | ({"seen": seen} if seen else {})
