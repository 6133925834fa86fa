"""What `make results` writes: a table of reports, between the marks of the pages that have them."""

from __future__ import annotations

import sys
from pathlib import Path

from test_harness import ROWS

import stance
from stance.evaluation import Dataset

sys.path.insert(0, str(Path(__file__).parent.parent / "benchmarks"))
from results import PLACES, filled, scores_table  # noqa: E402 - a script, not a part of the package


def test_a_block_goes_between_its_marks_and_nowhere_else() -> None:
    page = "a <!-- figures -->old<!-- /figures --> b <!-- more -->kept<!-- /more -->\n"
    expected = "a <!-- figures -->\nnew\nlines\n<!-- /figures --> b <!-- more -->kept<!-- /more -->\n"
    assert filled(page, "figures", ["new", "lines"]) == expected
    assert filled("no marks", "figures", ["new"]) == "no marks"


def test_every_block_has_a_place() -> None:
    pages = [path.read_text("utf-8") for path in PLACES]
    for name in ("figures", "more"):
        assert any(f"<!-- {name} -->" in page and f"<!-- /{name} -->" in page for page in pages)


def test_the_table_shows_people_and_the_baselines_that_ran() -> None:
    rows = tuple({**r, "second_label": r["label"]} for r in ROWS[:12])
    human = {"column": "second_label", "source": "an upper bound"}
    sure = [[0.9 if name == r["label"] else 0.05 for name in ("against", "neutral", "favor")] for r in rows]
    data = Dataset("made", rows, tuple(ROWS[12:]), human=human)
    lines = scores_table([stance.evaluate(sure, data, baselines=("majority", "tfidf"))])
    head = "| set | n | metric | people | embedded model [95 %] | TF-IDF + LR, trained on the set | majority | ECE |"
    assert lines[0] == head
    assert lines[2] == "| made | 12 | macro_f1 | 1.000 | 1.000 [1.000, 1.000] | 1.000 | 0.167 | 0.100 |"
    assert lines[3] == "\nPeople on made: macro_f1 1.000 on 12 labels, Cohen's kappa 1.000 (an upper bound)."
