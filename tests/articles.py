"""Invented articles for the tests of the data set builder."""

from __future__ import annotations

import json
import random
from pathlib import Path

PEOPLE = ("Anna Holm", "Tomas Brenner", "Marta Lindqvist", "Ilya Garin", "Ewa Sobol", "Petr Vanek")
CLAIMS = (
    "Ukraine's place is in NATO, and {} are reasons enough to say so",
    "Ukraine must never join NATO, for {} would pay the price of it",
    "The paper on Ukraine and NATO speaks of {} and names no date",
    "We will back Ukraine's membership in NATO with {} and all our votes",
    "Taking Ukraine into NATO would be a mistake as large as {} together",
)
OTHER = ("The harbour will get {} before the winter", "We counted {} on the lake this morning")
MANIFEST = {
    "name": "made",
    "agreement": {},
    "counts": {
        "articles": {"read": 2, "unreadable": 0}, "statements": 2, "dropped": {}, "sample": 2, "annotation_problems": {},
        "undecided": {},
    },
}  # fmt: skip
"""What a build knows of its steps before it writes the data set."""
_SOUNDS = [a + b for a in "bdfgklmnprstvz" for b in "aeiou"]


def words(rng: random.Random, count: int = 9) -> str:
    """Words that nobody has used before, so that two statements are no near-duplicates by their frame."""
    return " ".join("".join(rng.choices(_SOUNDS, k=3)) for _ in range(count))


def article(number: int, *, seed: int = 0) -> str:
    """An article of four quotes, three of them on the target."""
    rng = random.Random(f"{seed} {number}")
    lines = [f"Ministers met in the town of Varnholm for the {number}th time."]
    for template in [*rng.sample(CLAIMS, 3), rng.choice(OTHER)]:
        lines.append(f"“{template.format(words(rng))},” said {rng.choice(PEOPLE)} on Monday.")
    return "\n\n".join(lines) + "\n"


def corpus(folder: Path, count: int = 24) -> Path:
    """A folder with `articles/` in several formats, a reprint, a broken file, and `build.yaml`."""
    articles = folder / "articles"
    articles.mkdir(parents=True)
    for i in range(count // 2):
        (articles / f"{i:03}.txt").write_text(article(i), encoding="utf-8")
    rows = [
        {"id": f"row{i}", "text": article(i), "date": f"2024-0{1 + i % 9}-03", "outlet": f"Outlet {i % 3}"}
        for i in range(count // 2, count)
    ]
    rows.append(rows[0] | {"id": "reprint", "outlet": "The Reprinter", "text": rows[0]["text"] + "\nReprinted with thanks."})
    (articles / "wire.jsonl").write_text("".join(json.dumps(r) + "\n" for r in rows) + "half a row\n", encoding="utf-8")
    (articles / "empty.txt").write_text("")
    (folder / "build.yaml").write_text(
        "name: made\noutput: out\narticles: [articles]\nshard: 10\nsampling: {size: 60}\n"
        "annotations: [{path: 'labels/*.jsonl'}]\nsplit: {dev: 0.2, test: 0.3}\n"
    )
    return folder
