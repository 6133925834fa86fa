"""Our tasks through a real doccano: its own import reads them, and we read what its own export writes; run by `make doccano`.

The interface is left out: labels and comments that people give there go straight into its database.
"""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest

from stance.corpus import read_tasks, write_tasks
from stance.records import Annotation

pytestmark = pytest.mark.doccano
ROWS: list[dict[str, Any]] = [
    {
        "id": f"q{i}", "text": f"“Statement {i}”\nwith a break & <marks> \\ / \u2028 🙂", "speaker": "Ann" if i else None,
        "context": None, "stance": "favor", "p_favor": 0.1234567890123456, "sources": [{"id": f"q{i}", "date": None}],
    }
    for i in range(4)
]  # fmt: skip
BROUGHT = [Annotation("q0", "ann", "against"), Annotation("q2", "ann", "neutral", "two\nlines")]
GIVEN = [
    {"user": "bob", "row": 0, "label": "favor", "comment": None},
    {"user": "bob", "row": 1, "label": "neutral", "comment": "odd\none"},
    {"user": "ann", "row": 3, "label": "favor", "comment": None},
]


@pytest.fixture(scope="module")
def exported(tmp_path_factory: pytest.TempPathFactory) -> Path:
    python = os.environ.get("DOCCANO_PYTHON")
    assert python, "DOCCANO_PYTHON names no interpreter with doccano; run: make doccano"
    folder = tmp_path_factory.mktemp("doccano")
    write_tasks(ROWS, folder / "tasks.jsonl", kind="doccano", annotations=BROUGHT)
    (folder / "plan.json").write_text(json.dumps({"importer": "ann", "given": GIVEN}), encoding="utf-8")
    script = Path(__file__).with_name("through_doccano.py")
    done = subprocess.run([python, script, folder], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-3000:]
    return folder / "exported"


def test_labels_that_we_bring_along_come_back_and_so_do_new_ones(exported: Path) -> None:
    back = read_tasks(exported / "ann.jsonl", kind="doccano")
    assert (back.rows, back.annotations, back.problems) == (ROWS, [*BROUGHT, Annotation("q3", "ann", "favor")], [])


def test_labels_of_another_user_are_that_users(exported: Path) -> None:
    back = read_tasks(exported / "bob.jsonl", kind="doccano")
    given = [Annotation("q0", "bob", "favor"), Annotation("q1", "bob", "neutral", "odd\none")]
    assert (back.rows, back.annotations, back.problems) == (ROWS, given, [])
