"""Files to articles, one after the other: a corpus of any size needs the memory of one batch.

What cannot be read becomes an :class:`Unreadable` with its reason, and the rest goes on.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from stance.errors import InputError, MissingExtraError, StanceError
from stance.io import article_of_html, decode, read_article, read_table
from stance.records import Article

FIELDS = ("text", "title", "date", "outlet", "url", "id", "language")
"""What is read of a table's row; other columns are not kept."""
_DOCUMENTS = (".txt", ".text", ".md", ".markdown", ".html", ".htm")
_TABLES = (".jsonl", ".csv", ".parquet")
_ARCHIVES = (".warc", ".warc.gz")
_PAGES = {"response": "html", "resource": "html", "conversion": "text/plain"}
"""Records of a web archive that hold a page, and what its content type must say."""


@dataclass(frozen=True, slots=True)
class Unreadable:
    """A file, or a part of it, that gave no article, or an article only under another id than its own.

    Args:
        file: its name.
        reason: why, with the row where there is one.
        kept_as: the id that the article got because another one has its own; None where there is no article.
    """

    file: str
    reason: str
    kept_as: str | None = None


def article_files(patterns: Sequence[str], *, folder: str | Path = ".") -> list[Path]:
    """The files of globs, and all files below folders, sorted, each once; hidden files are not taken.

    Args:
        patterns: files, globs or folders, from `folder` on.
        folder: where they start.

    Raises:
        InputError: a pattern that matches nothing.

    Example:
        >>> article_files(["nowhere/*.txt"])
        Traceback (most recent call last):
        ...
        stance.errors.InputError: nowhere/*.txt: no such file or folder (looked in .).
    """
    found: set[Path] = set()
    for pattern in patterns:
        base = Path(pattern) if Path(pattern).is_absolute() else Path(folder) / pattern
        matches = [base] if base.exists() else sorted(Path(base.anchor or ".").glob(str(base.relative_to(base.anchor))))
        files = [f for m in matches for f in (m.rglob("*") if m.is_dir() else [m]) if f.is_file()]
        files = [f for f in files if not f.name.startswith(".")]
        if not files:
            raise InputError(f"{pattern}: no such file or folder (looked in {folder}).")
        found.update(files)
    return sorted(found)


def name_of(file: Path, root: str | Path) -> str:
    """A file's name from a folder on: the same wherever the two of them lie.

    Example:
        >>> name_of(Path("data/articles/a.txt"), "data")
        'articles/a.txt'
    """
    return Path(os.path.relpath(file, root)).as_posix()


def read_articles(
    files: Iterable[Path], *, root: str | Path = ".", columns: Mapping[str, str] | None = None
) -> Iterator[Article | Unreadable]:
    """The articles of files in their order, each with an id that no other has.

    A document is one article, its id its path from `root` on; a row of a table and a page of a web archive keep their own
    id, or get one from their content. Of two articles with one id and one text the first is kept; with another text, the
    second is kept too, its id FILE:ID, and the clash is listed.

    Args:
        files: text, Markdown, HTML, JSONL, CSV, Parquet, WARC.
        root: the folder that names start from.
        columns: for tables, our field to their column, such as {"text": "body"}.

    Yields:
        An `Article`, or an `Unreadable` for each file, row or page that gives none; both where an id had to change.

    Raises:
        InputError: an unknown field in `columns`.
        MissingExtraError: HTML without trafilatura, WARC without warcio.

    Example:
        >>> next(read_articles([Path("nowhere.png")])).reason
        "cannot read '.png'"
    """
    if unknown := sorted(set(columns or ()) - set(FIELDS)):
        raise InputError(f"columns: an article has no field {unknown[0]!r}; it has {', '.join(FIELDS)}.")
    homes: dict[str, str] = {}
    texts: dict[tuple[str, bytes], str] = {}
    for file in files:
        name = name_of(file, root)
        for found in _of_file(file, name, columns or {}):
            if isinstance(found, Unreadable):
                yield found
                continue
            key = own = found.id or _content_id(name, found)
            text = hashlib.sha256(found.text.encode("utf-8", "surrogatepass")).digest()
            if (key, text) in texts:
                yield Unreadable(name, f"id {key!r} stands already in {texts[key, text]}, with the same text")
                continue
            while own in homes:
                own = f"{name}:{own}"
            if own != key:
                yield Unreadable(name, f"id {key!r} stands already in {homes[key]}, with another text; kept as {own!r}", own)
            homes[own] = texts[key, text] = name
            yield replace(found, id=own)


def _content_id(name: str, article: Article) -> str:
    parts = (article.url, article.outlet, article.date, article.title, article.text)
    return f"{name}:{hashlib.sha256(repr(parts).encode('utf-8', 'surrogatepass')).hexdigest()[:12]}"


def _of_file(file: Path, name: str, columns: Mapping[str, str]) -> Iterator[Article | Unreadable]:
    try:
        kind = file.suffix.lower()
        if kind in _DOCUMENTS:
            yield replace(read_article(file), id=name)
        elif kind in _TABLES:
            yield from _of_table(file, name, columns)
        elif file.name.lower().endswith(_ARCHIVES):
            yield from _of_archive(file, name)
        else:
            yield Unreadable(name, f"cannot read {kind or 'a file without an ending'!r}")
    except MissingExtraError:
        raise
    except (StanceError, OSError) as error:
        yield Unreadable(name, str(error).removeprefix(f"{file}: "))


def _of_table(file: Path, name: str, columns: Mapping[str, str]) -> Iterator[Article | Unreadable]:
    skipped: list[str] = []
    for rows in read_table(file, skip=skipped.append):
        for row in rows:
            try:
                yield _of_row({field: row.get(columns.get(field, field)) for field in FIELDS})
            except MissingExtraError:
                raise
            except InputError as error:
                yield Unreadable(name, f"row with id {row.get(columns.get('id', 'id'))!r}: {error}")
        yield from _drained(skipped, file, name)
    yield from _drained(skipped, file, name)


def _drained(reasons: list[str], file: Path, name: str) -> Iterator[Unreadable]:
    while reasons:
        yield Unreadable(name, reasons.pop(0).removeprefix(f"{file}, "))


def _of_row(values: dict[str, Any]) -> Article:
    text = values.pop("text")
    if not isinstance(text, str) or not text.strip():
        raise InputError("no text")
    known = {k: str(v) for k, v in values.items() if v is not None and str(v).strip()}
    if text.lstrip().startswith("<"):
        article = article_of_html(text)
        return replace(article, **known)
    return Article(text, **known)


def _of_archive(file: Path, name: str) -> Iterator[Article | Unreadable]:
    pages = 0
    for record in _records(file):
        if record.rec_type in _PAGES:
            pages += 1
            yield _of_page(record, name)
    if not pages:
        yield Unreadable(name, "no page in this web archive")


def _records(file: Path) -> Iterator[Any]:
    """The records of a web archive; raises InputError where one is damaged."""
    try:
        from warcio.archiveiterator import ArchiveIterator
    except ImportError as error:
        raise MissingExtraError("warcio", "warc") from error
    with file.open("rb") as handle:
        records = ArchiveIterator(handle)
        while True:
            try:
                record = next(records, None)
            except Exception as error:  # a cut header makes warcio raise errors of any kind
                raise InputError(f"a damaged web archive ({error})") from error
            if record is None:
                break
            if record.length is None:
                raise InputError("a damaged web archive (cut inside the header of a record)")
            yield record
        if records.offset < file.stat().st_size:  # warcio takes a record that is cut before its page for the end
            raise InputError(f"a damaged web archive (cut inside the record at byte {records.offset})")


def _of_page(record: Any, name: str) -> Article | Unreadable:
    headers, http = record.rec_headers, record.http_headers
    url = headers.get_header("WARC-Target-URI")
    kind = (http or headers).get_header("Content-Type") or "none"
    status = (http.get_statuscode() if http else "no") if record.rec_type == "response" else None
    body = record.content_stream().read()
    while record.raw_stream.read(2**16):  # what the page's own encoding leaves
        pass
    if record.raw_stream.limit:
        return Unreadable(name, f"{url}: cut; {record.raw_stream.limit} bytes are missing of its Content-Length")
    if reason := headers.get_header("WARC-Truncated"):
        return Unreadable(name, f"{url}: cut by the crawler ({reason})")
    if status not in (None, "200") or _PAGES[record.rec_type] not in kind:
        return Unreadable(name, f"{url}: {'' if status is None else f'status {status}, '}content type {kind}")
    try:
        text = decode(body, where=url)
        if record.rec_type == "conversion" and not text.strip():
            raise InputError("no text")
        article = Article(text) if record.rec_type == "conversion" else article_of_html(text)
    except InputError as error:
        return Unreadable(name, f"{url}: {error}".removeprefix(f"{url}: {url}: "))
    date = article.date or (headers.get_header("WARC-Date") or "")[:10] or None
    return replace(article, url=article.url or url, date=date)
