"""Speed and memory of `stance build`, and precision and recall of the near-duplicates:

    python benchmarks/builder.py --articles 1000 20000

It prints JSON. Each size runs in its own process, from nothing; the peak is that process's largest resident set. With
--baseline a model of three sentences stands for the default one: the builder's own time and memory.
"""

from __future__ import annotations

import argparse
import json
import random
import subprocess
import sys
import tempfile
import time
from itertools import combinations
from pathlib import Path

from machine import peak_megabytes  # benchmarks/machine.py, beside this script

from stance.config import BuildConfig
from stance.corpus import build_dataset, near_duplicate_groups
from stance.models.baseline import BaselineModel

SOUNDS = [a + b for a in "bcdfghklmnprstvz" for b in "aeiou"]
CLAIMS = (
    "Ukraine's place is in NATO, whatever {} may say",
    "Ukraine must never join NATO, for {} would pay the price",
    "the paper on Ukraine and NATO speaks of {} and names no date",
)
OTHER = ("the harbour will get {} before the winter", "we counted {} on the lake", "prices of {} rose again")
THINGS = "boats nets barrels crates ropes lamps sheds cranes pallets buoys anchors sails planks tarps ladders".split()
PEOPLE = [f"{first} {last}" for first in ("Anna", "Tomas", "Marta", "Ilya") for last in ("Holm", "Brenner", "Lindqvist", "Garin")]


def words(rng: random.Random, count: int) -> str:
    """Made-up words."""
    return " ".join("".join(rng.choices(SOUNDS, k=3)) for _ in range(count))


def article(rng: random.Random) -> str:
    """About 400 words, eight quotes, two of them on the target."""
    said = [*rng.choices(CLAIMS, k=2), *rng.choices(OTHER, k=6)]
    rng.shuffle(said)
    lines = []
    for template in said:
        lines.append(f"“{template.format(words(rng, 8)).capitalize()},” said {rng.choice(PEOPLE)} on Monday.")
        lines.append(f"In the harbour stood {', '.join(rng.choices(THINGS, k=26))} and carts.")
    return "\n\n".join(lines)


def one_size(count: int, *, baseline: bool) -> dict:
    """Build from so many articles; every twentieth is a reprint of the one before it."""
    rng = random.Random(1)
    with tempfile.TemporaryDirectory() as folder:
        text = ""
        with (Path(folder) / "articles.jsonl").open("w", encoding="utf-8") as handle:
            for i in range(count):
                text = text if i % 20 == 19 else article(rng)
                row = {"id": f"a{i}", "text": text, "date": f"202{i % 5}-01-01", "outlet": f"o{i % 7}"}
                handle.write(json.dumps(row) + "\n")
        model = "default"
        if baseline:
            rows = [("we back membership", "favor"), ("never, a mistake", "against"), ("pages and dates", "neutral")]
            model = str(BaselineModel.fit(rows).save(Path(folder) / "model"))
        config = BuildConfig(name="made", output=f"{folder}/out", articles=("articles.jsonl",), model=model)
        begin = time.perf_counter()
        built = build_dataset(config, data=folder)
        seconds = time.perf_counter() - begin
        begin = time.perf_counter()
        build_dataset(config, data=folder)
        again = time.perf_counter() - begin
    return {
        "articles": count,
        "articles_per_second": round(count / seconds, 1),
        "seconds": round(seconds, 1),
        "seconds_again": round(again, 1),
        "cpu_seconds": round(time.process_time()),
        "peak_mb": round(peak_megabytes()),
        "counts": built.manifest["counts"],
    }


def near_duplicates(clusters: int = 2000) -> dict:
    """Pairwise precision and recall on made clusters.

    A cluster is a statement of 12 to 40 words and up to four versions of it: one word in ten changed, the end cut off, a
    few words added before it. Half of the statements share their first third with another one: near, but no duplicates.
    """
    rng, texts, truth, last = random.Random(2), [], [], ""
    for number in range(clusters):
        length = rng.randint(12, 40)
        base = words(rng, length).split()
        if number % 2:
            base[: length // 3] = last.split()[: length // 3]
        last = " ".join(base)
        for version in range(rng.randint(1, 5)):
            copy = list(base)
            if version == 1:
                for i in rng.sample(range(length), length // 10):
                    copy[i] = words(rng, 1)
            elif version == 2:
                copy = copy[: -max(1, length // 6)]
            elif version == 3:
                copy = [*words(rng, 3).split(), *copy]
            elif version == 4:
                copy[-1] = copy[-1].upper() + "!"
            texts.append(" ".join(copy))
            truth.append(number)
    begin = time.perf_counter()
    found = near_duplicate_groups(texts)
    seconds = time.perf_counter() - begin

    def pairs(groups: list[int]) -> set[tuple[int, int]]:
        members: dict[int, list[int]] = {}
        for i, group in enumerate(groups):
            members.setdefault(group, []).append(i)
        return {pair for rows in members.values() for pair in combinations(rows, 2)}

    told, true = pairs(found), pairs(truth)
    return {
        "texts": len(texts),
        "clusters": clusters,
        "precision": round(len(told & true) / len(told), 4),
        "recall": round(len(told & true) / len(true), 4),
        "texts_per_second": round(len(texts) / seconds),
    }


def main() -> None:
    """Run each size in a process of its own."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--articles", type=int, nargs="+", default=[1000])
    parser.add_argument("--baseline", action="store_true", help="a model that costs nothing")
    parser.add_argument("--one", type=int, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.one:
        print(json.dumps(one_size(options.one, baseline=options.baseline)))
        return
    sizes, extra = [], ["--baseline"] if options.baseline else []
    for count in options.articles:
        done = subprocess.run([sys.executable, __file__, "--one", str(count), *extra], capture_output=True, text=True, check=True)
        sizes.append(json.loads(done.stdout.splitlines()[-1]))
    print(json.dumps({"near_duplicates": near_duplicates(), "builds": sizes}, indent=1))


if __name__ == "__main__":
    main()
