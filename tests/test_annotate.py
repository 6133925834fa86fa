"""The annotator as a person uses it: keys in a real terminal, a crash in between, buttons in a notebook."""

from __future__ import annotations

import json
import os
import pty
import signal
import subprocess
import sys
import termios
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from stance.corpus.annotate import Session, annotate_in_notebook, annotate_in_terminal
from stance.errors import InputError
from stance.labels import Stance

QUOTES = [
    {"id": f"q{i}", "text": f"Statement {i}.", "speaker": "Ann", "context": None, "stance": "favor", "p_favor": 0.987}
    for i in range(5)
]


@pytest.fixture
def sample(tmp_path: Path) -> Path:
    path = tmp_path / "sample.jsonl"
    path.write_text("".join(json.dumps(q) + "\n" for q in QUOTES))
    return path


def labels(path: Path) -> list[tuple[str, str]]:
    return [(r["quote"], r["label"]) for r in map(json.loads, path.read_text().splitlines())]


def play(sample: Path, out: Path, keys: str, notes: str = "") -> str:
    """Press keys, then q."""
    shown: list[str] = []
    pressed = iter(keys + "q")
    session = Session(sample, out, annotator="ann")
    annotate_in_terminal(session, read_key=lambda: next(pressed), read_line=lambda: notes, show=shown.append)
    return "\n".join(shown)


def test_keys(sample: Path, tmp_path: Path) -> None:
    out = tmp_path / "ann.jsonl"
    shown = play(sample, out, "fsxgarn", notes="odd one")
    assert labels(out) == [("q0", "favor"), ("q2", "against"), ("q3", "neutral")]
    assert json.loads(out.read_text().splitlines()[2])["note"] == "odd one"
    assert "0.987" not in shown and "takes no side" in shown and "3 of 5 labelled" in shown
    play(sample, out, "uaf")  # takes q3 back, then q4; the skipped q1 comes again as a new session begins
    assert dict(labels(out)) == {"q0": "favor", "q2": "against", "q3": "against", "q1": "favor"}
    assert "nothing to take back" in play(sample, tmp_path / "new.jsonl", "fuu")
    assert labels(tmp_path / "new.jsonl") == []
    assert "5 of 5 labelled" in play(sample, out, "n")


def test_a_half_written_line_is_moved_aside(sample: Path, tmp_path: Path) -> None:
    out = tmp_path / "ann.jsonl"
    play(sample, out, "fa")
    with out.open("a") as handle:
        handle.write('{"quote": "q2", "anno')
    session = Session(sample, out, annotator="ann")
    assert session.broken == 1 and session.done == 2
    assert (tmp_path / "ann.jsonl.broken").read_text() == '{"quote": "q2", "anno\n'
    session.label(Stance.NEUTRAL)
    assert labels(out) == [("q0", "favor"), ("q1", "against"), ("q2", "neutral")]
    with pytest.raises(InputError, match="holds annotations by 'ann'"):
        Session(sample, out, annotator="bob")


def test_a_line_cut_inside_a_letter_is_moved_aside_too(sample: Path, tmp_path: Path) -> None:
    out = tmp_path / "ann.jsonl"
    play(sample, out, "fra", notes="сумнівно")
    whole = out.read_bytes()
    at = whole.index("в".encode()) + 1
    out.write_bytes(whole[:at])
    session = Session(sample, out, annotator="ann")
    assert session.broken == 1 and session.done == 1 and labels(out) == [("q0", "favor")]
    assert (tmp_path / "ann.jsonl.broken").read_bytes() == whole[:at].splitlines()[1] + b"\n"


def until(true: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 60
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_a_real_terminal_killed_in_between(sample: Path, tmp_path: Path) -> None:
    out = tmp_path / "ann.jsonl"
    command = [sys.executable, "-m", "stance", "annotate", str(sample), "--annotator", "ann", "-o", str(out)]
    for keys, expected in (("fa", 2), ("n", 3)):
        master, slave = pty.openpty()
        process = subprocess.Popen(command, stdin=slave, stdout=slave, stderr=slave, close_fds=True)
        for number, key in enumerate(keys, start=1):
            until(lambda: not termios.tcgetattr(slave)[3] & termios.ICANON)  # noqa: B023  it waits for a key
            os.write(master, key.encode())
            wanted = expected - len(keys) + number
            until(lambda: out.is_file() and len(labels(out)) == wanted)  # noqa: B023
        process.send_signal(signal.SIGKILL)
        process.wait()
        os.close(master)
        os.close(slave)
    assert labels(out) == [("q0", "favor"), ("q1", "against"), ("q2", "neutral")]


def test_buttons_in_a_notebook(sample: Path, tmp_path: Path) -> None:
    session = Session(sample, tmp_path / "ann.jsonl", annotator="ann")
    box = annotate_in_notebook(session)
    view, buttons, note, _ = box.children
    named = {b.description: b for b in buttons.children}
    note.value = "hm"
    for name in ("favor", "against", "undo", "skip", "neutral"):
        named[name].click()
    assert labels(tmp_path / "ann.jsonl") == [("q0", "favor"), ("q2", "neutral")]
    assert session.given[0].note == "hm" and session.given[1].note is None and "Statement 3" in view.value
