"""How fast quotes are found: `python benchmarks/quotes.py` prints one JSON object; `--times 1` is a quick trial.

The project's own gold articles, several times over, go through `stance.extract_many` on two cores. Given are articles a
second for the rules, for the tagger with articles together and one by one (their ratio is what batching gains, both
measured in turn in one run), and for extraction with classification; then one article of 1 MB. Each part is a process of
its own, whose peak memory is the whole of it, models and libraries included.
"""

from __future__ import annotations

import argparse
import json
import re
import subprocess
import sys
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from machine import peak_megabytes  # benchmarks/machine.py, beside this script

import stance
from stance.quotes import Extractor

ARTICLES = Path(__file__).parent.parent / "data" / "articles" / "gold"
NAMES = ("rules", "tagger", "tagger_and_stance", "one_megabyte", "one_megabyte_rules")
TIMES = 5
"""How often the articles are read in one timing; of three timings the median counts."""


def articles() -> list[str]:
    """The texts."""
    return [path.read_text("utf-8") for path in sorted(ARTICLES.glob("*.txt"))]


def one_megabyte() -> str:
    """The articles end to end until there are 10**6 characters; no paragraph and no name comes twice as it was."""
    out, size, copy = [], 0, 0
    while size < 1_000_000:
        suffix = "".join(chr(ord("a") + int(digit)) for digit in str(copy))
        for text in articles():
            named = re.sub(r"\b[A-Z][a-z]{4,}\b", lambda m: m.group() + suffix, text)  # noqa: B023
            out.append(re.sub(r"(?<=\S)\n\n", f" Item {copy}.\n\n", named))
            size += len(out[-1])
        copy += 1
    return "".join(out)[:1_000_000]


def consume(found: Iterable[Any]) -> int:
    """Number of items of a stream."""
    return sum(1 for _ in found)


def both(texts: list[str]) -> int:
    """Quotes found and classified."""
    quotes = [q for some in stance.extract_many(texts) for q in some]
    return len(stance.classify([q.text for q in quotes], speaker=[q.speaker for q in quotes]))


def seconds(work: Callable[[], Any]) -> float:
    """Wall time of one call."""
    begin = time.perf_counter()
    work()
    return time.perf_counter() - begin


def part(name: str, times_over: int) -> dict[str, Any]:
    """One measurement."""
    texts = articles() * times_over
    work: dict[str, dict[str, Callable[[], Any]]] = {
        "rules": {"": lambda: consume(stance.extract_many(texts, extractor="rules"))},
        "tagger": {
            "": lambda: consume(stance.extract_many(texts)),
            "one_by_one_": lambda: consume(map(stance.extract_quotes, texts)),
        },
        "tagger_and_stance": {"": lambda: both(texts)},
    }
    if name.startswith("one_megabyte"):
        extractor: Extractor = "rules" if name.endswith("rules") else "tagger"
        long = one_megabyte()
        out: dict[str, Any] = {"seconds": seconds(lambda: stance.extract_quotes(long, extractor=extractor))}
    else:
        times: dict[str, list[float]] = {key: [] for key in work[name]}
        for run in work[name].values():
            run()  # models loaded, memory taken
        for _ in range(3):
            for key, run in work[name].items():
                times[key].append(seconds(run))
        out = {f"{key}articles_per_second": len(texts) / sorted(times[key])[1] for key in times}
        out["words_per_article"] = sum(len(t.split()) for t in texts) / len(texts)
        if "one_by_one_" in times:
            out["gain_of_batching"] = sorted(times["one_by_one_"])[1] / sorted(times[""])[1]
    return {**out, "peak_megabytes": peak_megabytes()}


def measure(times_over: int = TIMES) -> dict[str, dict[str, float]]:
    """Every part, each in a fresh process."""
    command = ["taskset", "-c", "0,1", sys.executable, __file__, "--times", str(times_over), "--part"]
    return {name: json.loads(subprocess.run([*command, name], check=True, stdout=subprocess.PIPE).stdout) for name in NAMES}


def line() -> str:
    """The figures as one sentence for the README."""
    found = measure()
    rules, tagger, both_, long, long_rules = (found[name] for name in NAMES)
    return (
        f"Articles of {tagger['words_per_article']:.0f} words a second on two cores: rules {rules['articles_per_second']:.0f}, "
        f"tagger {tagger['articles_per_second']:.1f} (one by one {tagger['one_by_one_articles_per_second']:.1f}), tagger and "
        f"stance {both_['articles_per_second']:.1f}; peak memory {rules['peak_megabytes']:.0f}, {tagger['peak_megabytes']:.0f} "
        f"and {both_['peak_megabytes']:.0f} MB. An article of 1 MB takes {long['seconds']:.0f} s and "
        f"{long['peak_megabytes']:.0f} MB, by rules {long_rules['seconds']:.0f} s."
    )


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--times", type=int, default=TIMES, help="how often the articles are read in one timing")
    parser.add_argument("--part", choices=NAMES, help="measure only this, in this process")
    given = parser.parse_args()
    sys.stdout.write(json.dumps(part(given.part, given.times) if given.part else measure(given.times)) + "\n")
