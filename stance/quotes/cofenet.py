"""CofeNet's form of annotated text: JSON lines with `tokens` and `labels`, one BIO tag a word."""

from __future__ import annotations

import json
from pathlib import Path

from stance.errors import InputError
from stance.quotes.tagger import MAX_WORDS, TAGS

Instance = tuple[list[str], list[str]]


def read_instances(path: Path) -> list[Instance]:
    """(words, tags) of each line, cut at `MAX_WORDS` as in CofeNet.

    Raises:
        InputError: the file is missing or empty, or a line lacks words, has another number of tags, or an unknown tag.
    """
    if not path.is_file():
        raise InputError(f"{path}: no such file.")
    out = []
    for number, line in enumerate(path.read_text("utf-8").splitlines(), start=1):
        try:
            row = json.loads(line)
            words, tags = list(row["tokens"]), list(row["labels"])
        except (ValueError, KeyError, TypeError) as error:
            raise InputError(f"{path}, row {number}: needs a JSON object with tokens and labels ({error}).") from error
        if len(words) != len(tags) or not words or not set(tags) <= set(TAGS):
            raise InputError(f"{path}, row {number}: needs one tag of {TAGS} for each word.")
        out.append((words[:MAX_WORDS], tags[:MAX_WORDS]))
    if not out:
        raise InputError(f"{path}: no rows.")
    return out
