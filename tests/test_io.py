"""Tables survive a round trip, bad files are named with their row, and an output appears whole or not at all."""

from __future__ import annotations

from pathlib import Path

import pytest

from stance.errors import InputError
from stance.io import read_article, read_table, write_table

ROWS = [{"id": "1", "text": 'He said "no", twice'}, {"id": "2", "text": "line\nbreak ü"}]


@pytest.mark.parametrize("ending", ["csv", "jsonl", "parquet"])
def test_round_trip(tmp_path: Path, ending: str) -> None:
    path = tmp_path / f"t.{ending}"
    assert write_table([ROWS[:1], ROWS[1:]], path) == 2
    assert [row for batch in read_table(path) for row in batch] == ROWS


@pytest.mark.parametrize(
    ("name", "content", "why"),
    [
        ("a.jsonl", '{"a": 1}\nnot json\n', r"a\.jsonl, row 2: not JSON"),
        ("a.csv", "a,b\n1,2\n1\n", r"a\.csv, row 3"),
        ("a.parquet", "a,b\n", "not a Parquet file"),
        ("a.xls", "x", "cannot read"),
    ],
)
def test_bad_files_are_named(tmp_path: Path, name: str, content: str, why: str) -> None:
    (tmp_path / name).write_text(content)
    with pytest.raises(InputError, match=why):
        list(read_table(tmp_path / name))


def test_a_failed_write_leaves_the_old_file_and_nothing_else(tmp_path: Path) -> None:
    path = tmp_path / "out.csv"
    path.write_text("old")

    def broken():  # type: ignore[no-untyped-def]
        yield ROWS
        raise RuntimeError("stop")

    with pytest.raises(RuntimeError):
        write_table(broken(), path)
    assert path.read_text() == "old"
    assert [p.name for p in tmp_path.iterdir()] == ["out.csv"]


def test_articles(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_bytes("\ufeffÜber".encode())
    assert read_article(tmp_path / "a.txt").text == "Über"
    (tmp_path / "b.txt").write_bytes(b"\x00\x01")
    with pytest.raises(InputError, match="binary"):
        read_article(tmp_path / "b.txt")
    page = "<html><body><article>" + "<p>“We will not block it,” said Anna Holm.</p>" * 5 + "</article></body></html>"
    (tmp_path / "c.html").write_text(page)
    assert "Anna Holm" in read_article(tmp_path / "c.html").text


def test_markdown_loses_its_marks_but_not_its_words(tmp_path: Path) -> None:
    path = tmp_path / "letter.md"
    path.write_text("## Week 12\n\n> **Anna Holm** told *us*: “We will [not](x.html)\n> block it.”\n", encoding="utf-8")
    assert read_article(path).text == "Week 12\n\nAnna Holm told us: “We will not block it.”"


def test_mojibake_is_repaired(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    broken = "“We’ll see”, said Zoë.".encode().decode("windows-1252", errors="replace").replace("\ufffd", "\x9d")
    path.write_text(broken, encoding="utf-8")
    assert read_article(path).text == "“We’ll see”, said Zoë."
