"""Tables survive a round trip, bad files are named with their row, and an output appears whole or not at all."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

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


@given(words=st.lists(st.text("aж€\n\",", min_size=1), min_size=1, max_size=6), data=st.data())
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@pytest.mark.parametrize("ending", ["csv", "jsonl"])
def test_a_file_cut_anywhere_gives_the_rows_before(tmp_path: Path, ending: str, words: list[str], data: st.DataObject) -> None:
    path, rows = tmp_path / f"t.{ending}", [{"id": str(i), "text": w} for i, w in enumerate(words)]
    ends = []
    for count in range(len(rows) + 1):
        write_table([rows[:count]], path, columns=("id", "text"))
        ends.append(path.stat().st_size)
    whole = path.read_bytes()
    cut = data.draw(st.integers(ends[0], len(whole)))
    path.write_bytes(whole[:cut])
    before = sum(end <= cut for end in ends[1:])
    reasons: list[str] = []
    found = [row for batch in read_table(path, skip=reasons.append) for row in batch]
    assert found[:before] == rows[:before] and len(found) + len(reasons) >= before + (cut not in ends)
    got = []
    try:
        for batch in read_table(path):
            got += batch
    except InputError as error:
        assert f"row {before + (2 if ending == 'csv' else 1)}: not " in str(error) or "another number of cells" in str(error)
    assert got == found


@pytest.mark.parametrize(
    ("name", "content", "why"),
    [
        ("a.csv", 'a,b\n1,2\n3,"cut', "row 3: not valid CSV from here on"),
        ("a.csv", "a,b\n1,2\n3,ж", "row 3: not UTF-8 text from here on"),
        ("a.jsonl", '{"a": "1", "b": "2"}\n{"a": "ж', "row 2: not UTF-8 text"),
    ],
)
def test_a_cut_file_gives_its_good_rows_before_the_error(tmp_path: Path, name: str, content: str, why: str) -> None:
    (tmp_path / name).write_bytes(content.encode().removesuffix("ж".encode()[1:]))
    batches = read_table(tmp_path / name)
    assert next(batches) == [{"a": "1", "b": "2"}]
    with pytest.raises(InputError, match=why):
        next(batches)


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


def test_front_matter_of_markdown_is_no_text(tmp_path: Path) -> None:
    path = tmp_path / "a.md"
    matter = "---\ntitle: 'Holm: never'\ndate: 2024-05-06\nLanguage: no\noutlet: Post\nurl: https://example.org\ntags: [a]\n---\n"
    path.write_text(f"{matter}\n# Another heading\n\nAnna Holm said no.\n", encoding="utf-8")
    found = read_article(path)
    assert (found.title, found.date, found.outlet) == ("Holm: never", "2024-05-06", "Post")
    assert (found.url, found.language) == ("https://example.org", "no")
    assert found.text == "Another heading\n\nAnna Holm said no."
    for heading, title in (("## Week\n\n# Talks *end*", "Talks end"), ("Talks\n===", "Talks"), ("## Week", None)):
        path.write_text(f"{heading}\n\nYes.")
        assert read_article(path).title == title and read_article(path).text.endswith("\n\nYes.")
    path.write_text("---\nHe said no.\n---\n")
    assert read_article(path).text == "He said no."
    for text, why in (("---\ntitle: a: b\n---\nYes.", "its front matter is not valid YAML"), (matter, "the file has no text")):
        path.write_text(text)
        with pytest.raises(InputError, match=why):
            read_article(path)


def test_mojibake_is_repaired(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    broken = "“We’ll see”, said Zoë.".encode().decode("windows-1252", errors="replace").replace("\ufffd", "\x9d")
    path.write_text(broken, encoding="utf-8")
    assert read_article(path).text == "“We’ll see”, said Zoë."
