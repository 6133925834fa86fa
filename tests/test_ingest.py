"""Every kind of file becomes articles; what cannot be read is listed with its reason, and the rest goes on."""

from __future__ import annotations

import io
import json
from pathlib import Path

import pandas as pd
import pytest

from stance.corpus.ingest import Unreadable, article_files, read_articles
from stance.errors import InputError
from stance.records import Article

TEXT = "“We will not block Ukraine's road to NATO,” said Anna Holm on Monday."
PAGE = (
    '<html lang="en"><head><title>Talks end</title><meta property="og:site_name" content="The Harbour Post">'
    '<meta property="article:published_time" content="2024-05-06"></head><body><article>'
    + f"<h1>Talks end</h1><p>{TEXT} The ministers then left for the port, where a ship was waiting for them.</p>" * 4
    + "</article></body></html>"
)


def read(folder: Path, **options: object) -> tuple[list[Article], list[Unreadable]]:
    found = list(read_articles(article_files(["."], folder=folder), root=folder, **options))  # type: ignore[arg-type]
    return [a for a in found if isinstance(a, Article)], [u for u in found if isinstance(u, Unreadable)]


def test_each_kind_of_file(tmp_path: Path) -> None:
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / "a.txt").write_text(TEXT)
    (tmp_path / "b.md").write_text(f"# Talks\n\n{TEXT}")
    (tmp_path / "c.html").write_text(PAGE)
    rows = [{"id": f"r{i}", "text": f"{TEXT} {i}", "date": "2024-05-01", "outlet": "Post", "language": "en"} for i in range(2)]
    (tmp_path / "d.jsonl").write_text("".join(json.dumps(r) + "\n" for r in rows[:1]))
    pd.DataFrame(rows[1:]).to_csv(tmp_path / "e.csv", index=False)
    pd.DataFrame([{"text": TEXT, "url": "https://example.org/1"}]).to_parquet(tmp_path / "f.parquet")
    articles, unreadable = read(tmp_path)
    assert not unreadable
    assert [a.id for a in articles][:5] == ["b.md", "c.html", "r0", "r1", articles[4].id]
    by_id = {a.id: a for a in articles}
    page = by_id["c.html"]
    assert (page.title, page.date, page.outlet, page.language) == ("Talks end", "2024-05-06", "The Harbour Post", "en")
    assert by_id["r1"].outlet == "Post" and by_id["sub/a.txt"].text == TEXT
    assert all("Anna Holm" in a.text for a in articles)


def test_what_cannot_be_read_is_named_and_the_rest_goes_on(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("   \n")
    (tmp_path / "b.png").write_bytes(b"\x89PNG\0")
    (tmp_path / "c.jsonl").write_text(
        '{"id": "x", "text": "One."}\nhalf a li\n{"id": "y"}\n{"id": "x", "text": "Another."}\n{"id": 7, "text": "Three."}\n'
    )
    (tmp_path / "d.parquet").write_bytes(b"PAR1 not really")
    (tmp_path / "e.txt").write_text("Last.")
    articles, unreadable = read(tmp_path)
    assert [a.id for a in articles] == ["x", "c.jsonl:x", "7", "e.txt"]
    reasons = {(u.file, u.reason.split(":")[0]) for u in unreadable}
    assert reasons == {
        ("a.txt", "the file has no text."),
        ("b.png", "cannot read '.png'"),
        ("c.jsonl", "row 2"),
        ("c.jsonl", "row with id 'y'"),
        ("c.jsonl", "id 'x' stands already in c.jsonl, with another text; kept as 'c.jsonl"),
        ("d.parquet", unreadable[-1].reason.split(":")[0]),
    }
    assert "Parquet" in unreadable[-1].reason


def test_two_texts_with_one_id_are_both_kept_and_one_text_twice_is_not(tmp_path: Path) -> None:
    for name, texts in (("a", ["One."]), ("b", ["Two.", "One.", "Three.", "Two."])):
        (tmp_path / f"{name}.jsonl").write_text("".join(json.dumps({"id": "x", "text": t}) + "\n" for t in texts))
    articles, listed = read(tmp_path)
    assert {a.id: a.text for a in articles} == {"x": "One.", "b.jsonl:x": "Two.", "b.jsonl:b.jsonl:x": "Three."}
    assert [(u.file, u.kept_as) for u in listed] == [
        ("b.jsonl", "b.jsonl:x"), ("b.jsonl", None), ("b.jsonl", "b.jsonl:b.jsonl:x"), ("b.jsonl", None),
    ]  # fmt: skip
    assert listed[1].reason == "id 'x' stands already in a.jsonl, with the same text"


def test_a_web_archive(tmp_path: Path) -> None:
    from warcio.statusandheaders import StatusAndHeaders
    from warcio.warcwriter import WARCWriter

    with (tmp_path / "crawl.warc.gz").open("wb") as handle:
        writer = WARCWriter(handle, gzip=True)
        for number, (kind, body) in enumerate([("text/html; charset=utf-8", PAGE.encode()), ("image/png", b"\x89PNG")]):
            headers = StatusAndHeaders("200 OK", [("Content-Type", kind)], protocol="HTTP/1.1")
            record = writer.create_warc_record(
                f"https://example.org/{number}", "response", payload=io.BytesIO(body), http_headers=headers
            )
            writer.write_record(record)
    (tmp_path / "broken.warc").write_bytes(b"no archive at all")
    articles, unreadable = read(tmp_path)
    assert [(a.url, a.date, a.outlet) for a in articles] == [("https://example.org/0", "2024-05-06", "The Harbour Post")]
    assert {u.file for u in unreadable} == {"broken.warc", "crawl.warc.gz"}
    assert any("image/png" in u.reason for u in unreadable)


def archive(path: Path, records: list[tuple[str, str, bytes]]) -> list[int]:
    """Write records (type, content type, content); returns where each ends."""
    from warcio.statusandheaders import StatusAndHeaders
    from warcio.warcwriter import WARCWriter

    ends = []
    with path.open("wb") as handle:
        writer = WARCWriter(handle, gzip=path.suffix == ".gz")
        for number, (record, kind, body) in enumerate(records):
            http = StatusAndHeaders("200 OK", [("Content-Type", kind)], protocol="HTTP/1.1") if record == "response" else None
            made = writer.create_warc_record(
                f"https://example.org/{number}", record, payload=io.BytesIO(body), http_headers=http, warc_content_type=kind
            )
            writer.write_record(made)
            ends.append(handle.tell())
    return ends


def test_pages_that_a_crawler_kept_otherwise_are_read(tmp_path: Path) -> None:
    archive(
        tmp_path / "a.warc.gz",
        [("resource", "text/html", PAGE.encode()), ("conversion", "text/plain", TEXT.encode()), ("resource", "image/png", b"P")],
    )
    articles, unreadable = read(tmp_path)
    assert [(a.url, a.title) for a in articles] == [("https://example.org/0", "Talks end"), ("https://example.org/1", None)]
    assert articles[1].text == TEXT and articles[1].date is not None
    assert [u.reason for u in unreadable] == ["https://example.org/2: content type image/png"]


@pytest.mark.parametrize("name", ["a.warc", "a.warc.gz"])
def test_an_archive_cut_anywhere_gives_whole_pages_and_lists_the_rest(tmp_path: Path, name: str) -> None:
    pages = [PAGE.replace("Monday", day) for day in ("Monday", "Tuesday")]
    ends = archive(tmp_path / name, [("response", "text/html", page.encode()) for page in pages])
    whole, (all_, _) = (tmp_path / name).read_bytes(), read(tmp_path)
    assert len(all_) == 2
    for cut in [0, 5, ends[0] // 2, ends[0] - 60, *range(ends[0] + 1, ends[1] - 60, 37)]:
        (tmp_path / name).write_bytes(whole[:cut])
        articles, unreadable = read(tmp_path)
        assert articles == all_[: int(cut >= ends[0])], cut
        assert len(unreadable) == 1 and unreadable[0].file == name, cut
    (tmp_path / name).write_bytes(b"")
    assert [u.reason for u in read(tmp_path)[1]] == ["no page in this web archive"]
    archive(tmp_path / name, [("metadata", "text/plain", b"nothing")])
    assert [u.reason for u in read(tmp_path)[1]] == ["no page in this web archive"]


def test_columns_by_other_names_and_ids_from_content(tmp_path: Path) -> None:
    pd.DataFrame({"body": ["One.", "Two."], "paper": ["A", "B"], "note": [1, 2]}).to_csv(tmp_path / "t.csv", index=False)
    articles, _ = read(tmp_path, columns={"text": "body", "outlet": "paper"})
    assert [(a.text, a.outlet) for a in articles] == [("One.", "A"), ("Two.", "B")]
    assert len({a.id for a in articles}) == 2
    again, _ = read(tmp_path, columns={"text": "body", "outlet": "paper"})
    assert again == articles
    with pytest.raises(InputError, match="no field 'author'"):
        read(tmp_path, columns={"author": "x"})
    with pytest.raises(InputError, match="missing"):
        article_files(["missing"], folder=tmp_path)
