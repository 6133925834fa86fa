"""Tables and articles to and from files: by their ending, row by row, and written whole or not at all."""

from __future__ import annotations

import csv
import json
import os
import re
import sys
import tempfile
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from io import TextIOWrapper
from pathlib import Path
from types import SimpleNamespace
from typing import IO, TYPE_CHECKING, Any

from stance.errors import InputError, MissingExtraError
from stance.records import Article

if TYPE_CHECKING:
    import pyarrow as pa

Row = dict[str, Any]
BATCH = 4096
"""Rows that are held in memory at once."""
_FRONT_MATTER = re.compile(r"---[ \t]*\r?\n(.*?)^(?:---|\.\.\.)[ \t]*(?:\r?\n|\Z)", re.DOTALL | re.MULTILINE)
_IN_FRONT_MATTER = ("title", "date", "url", "outlet", "language")
_LANGUAGE = re.compile(r"<html[^>]*\blang=[\"']?([A-Za-z]{2})\b", re.IGNORECASE)


def table_kind(path: str | Path, kind: str | None = None, *, action: str) -> str:
    """Which of "csv", "jsonl" and "parquet", by a file's ending unless it is given; "csv" for `-`.

    Raises:
        InputError: another ending.

    Example:
        >>> table_kind("quotes.CSV", action="read")
        'csv'
    """
    name = str(path)
    kind = kind or ("csv" if name == "-" else Path(name).suffix.lstrip(".").lower())
    if kind not in ("csv", "jsonl", "parquet"):
        raise InputError(f"{name}: cannot {action} {kind or 'no ending'!r}; use .csv, .jsonl or .parquet.")
    return kind


def read_table(
    path: str | Path,
    *,
    kind: str | None = None,
    skip: Callable[[str], None] | None = None,
    size: int = BATCH,
    encoding: str = "utf-8-sig",
    delimiter: str = ",",
) -> Iterator[list[Row]]:
    """Batches of rows of a CSV, JSONL or Parquet file; `-` is standard input.

    Where a file is damaged, the rows before come first: a half-written one gives all that it has.

    Args:
        path: the file.
        kind: "csv", "jsonl" or "parquet"; by the file's ending when None ("csv" for standard input).
        skip: called with the reason for each row that is left out because it is not what the ending says, once for all
            that follows a place where CSV cannot be told any more; raises when None.
        size: rows of a batch, at least 1.
        encoding: of CSV and JSONL.
        delimiter: between the cells of CSV.

    Raises:
        InputError: a missing file, an unknown ending, or a row that is not what the ending says.
    """

    def bad(reason: str) -> None:
        if skip is None:
            raise InputError(reason)
        skip(reason)

    name = str(path)
    kind = table_kind(name, kind, action="read")
    if kind == "parquet":
        for batch in read_parquet(name, size=size):
            yield batch.to_pylist()
        return
    must_exist(name)
    binary = sys.stdin.buffer if name == "-" else Path(name).open("rb")
    # bytes that are no UTF-8 come through as surrogates, so that the lines before them are read: see _whole
    handle = TextIOWrapper(binary, encoding=encoding, errors="surrogateescape", newline="")
    rows: list[Row] = []
    failure: InputError | None = None
    try:
        for row in _csv(handle, name, bad, delimiter) if kind == "csv" else _jsonl(handle, name, bad):
            rows.append(row)
            if len(rows) == size:
                yield rows
                rows = []
    except InputError as error:
        failure = error
    finally:
        handle.detach()
        if name != "-":
            binary.close()
    if rows:
        yield rows
    if failure is not None:
        raise failure


def _whole(line: str) -> str:
    line.encode()  # raises at a surrogate
    return line


def _csv(handle: Iterable[str], name: str, bad: Callable[[str], None], delimiter: str) -> Iterator[Row]:
    csv.field_size_limit(2**27)
    number = 1
    try:
        reader = csv.DictReader(map(_whole, handle), strict=True, delimiter=delimiter)
        twice = [column for column, count in Counter(reader.fieldnames or ()).items() if count > 1]
        if twice:
            raise InputError(f"{name}: two columns are called {twice[0]!r}; rename one.")
        for number, row in enumerate(reader, start=2):
            if None in row or None in row.values():
                bad(f"{name}, row {number}: another number of cells than the header.")
                continue
            yield dict(row)
    except csv.Error as error:
        bad(f"{name}, row {number + 1}: not valid CSV from here on: {error}.")
    except UnicodeEncodeError:
        bad(f"{name}, row {number + 1}: not UTF-8 text from here on; is it really a .csv file in UTF-8?")


def _jsonl(handle: Iterable[str], name: str, bad: Callable[[str], None]) -> Iterator[Row]:
    for number, line in enumerate(handle, start=1):
        if not line.strip():
            continue
        try:
            row = json.loads(_whole(line))
        except json.JSONDecodeError as error:
            bad(f"{name}, row {number}: not JSON: {error}.")
            continue
        except UnicodeEncodeError:
            bad(f"{name}, row {number}: not UTF-8 text; is it really a .jsonl file?")
            continue
        if not isinstance(row, dict):
            bad(f"{name}, row {number}: a JSON object is needed, not {type(row).__name__}.")
            continue
        yield row


def read_parquet(path: str | Path, *, size: int = BATCH) -> Iterator[pa.RecordBatch]:
    """Batches of at most `size` rows of a Parquet file, with its types.

    Raises:
        InputError: no such file, or not a Parquet file.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    must_exist(path)
    try:
        # a row group may hold the whole file: pre_buffer, which is pyarrow's default, would read all of it at once
        with pq.ParquetFile(path, pre_buffer=False, buffer_size=2**20) as file:
            yield from file.iter_batches(size)
    except (pa.ArrowInvalid, OSError) as error:
        raise InputError(f"{path}: not a Parquet file ({error}).") from error


def must_exist(path: str | Path) -> None:
    """Refuse a file that is not there; standard input is.

    Raises:
        InputError: naming it.
    """
    if str(path) != "-" and not Path(path).is_file():
        raise InputError(f"{path}: no such file.")


@contextmanager
def atomic_path(path: str | Path) -> Iterator[Path]:
    """A temporary file beside `path` that takes its place when the block ends well, and goes when it does not.

    Raises:
        InputError: the folder does not exist.
    """
    path = Path(path)
    if not path.parent.is_dir():
        raise InputError(f"{path}: the folder {path.parent} does not exist; make it first.")
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    os.close(handle)
    temporary = Path(name)
    try:
        yield temporary
        temporary.chmod(0o644)
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)


def write_table(
    batches: Iterable[list[Row]], path: str | Path, *, kind: str = "csv", columns: Sequence[str] = (), encoding: str = "utf-8"
) -> int:
    """Write batches of rows to a CSV, JSONL or Parquet file by its ending, or to standard output for `-`.

    Args:
        batches: rows with the same keys.
        path: the file, or `-`.
        kind: "csv" or "jsonl", for standard output.
        columns: the header of a CSV file; the first row's keys when not given.
        encoding: of a CSV or JSONL file; "utf-8-sig" for a spreadsheet program.

    Returns:
        The number of rows.

    Raises:
        InputError: an unknown ending or a missing folder.
    """
    if str(path) == "-":
        return _write_text(batches, sys.stdout, kind, columns)
    kind = table_kind(path, action="write")
    with atomic_path(path) as temporary:
        if kind == "parquet":
            return _write_parquet(batches, temporary)
        with temporary.open("w", encoding=encoding, newline="") as handle:
            return _write_text(batches, handle, kind, columns)


def _write_text(batches: Iterable[list[Row]], handle: IO[str], kind: str, columns: Sequence[str]) -> int:
    count, writer = 0, _csv_writer(handle, columns) if kind == "csv" and columns else None
    for rows in batches:
        for row in rows:
            if kind == "jsonl":
                handle.write(_json_line(row))
                continue
            writer = writer or _csv_writer(handle, list(row))
            writer.writerow(row)
        count += len(rows)
    return count


def _csv_writer(handle: IO[str], columns: Sequence[str]) -> csv.DictWriter[str]:
    """Lines end in LF; the writer thinks of CRLF, because before Python 3.13 it quotes a cell only for those of the two."""
    lines = SimpleNamespace(write=lambda line: handle.write(line.removesuffix("\r\n") + "\n"))
    writer = csv.DictWriter(lines, columns, lineterminator="\r\n")
    writer.writeheader()
    return writer


def _json_line(row: Row) -> str:
    line = json.dumps(row, ensure_ascii=False, default=str)
    try:
        line.encode()
    except UnicodeEncodeError:  # half of a surrogate pair can stand in a file only as its escape
        line = json.dumps(row, default=str)
    return line + "\n"


def _write_parquet(batches: Iterable[list[Row]], path: Path) -> int:
    import pyarrow as pa
    import pyarrow.parquet as pq

    count, writer = 0, None
    try:
        for rows in batches:
            table = pa.Table.from_pylist(rows)
            if writer is None:
                writer = pq.ParquetWriter(path, table.schema)
            writer.write_table(table.cast(writer.schema))
            count += len(rows)
        if writer is None:
            pq.write_table(pa.table({}), path)
    finally:
        if writer is not None:
            writer.close()
    return count


def read_article(path: str | Path) -> Article:
    """An article from a text, Markdown or HTML file; offsets of its quotes count in its `text`.

    A wrong encoding is found (charset-normalizer) or repaired (ftfy); Markdown and HTML lose their marks.

    Raises:
        InputError: a missing or binary file, or one without text.
        MissingExtraError: HTML without trafilatura.
    """
    import ftfy

    path = Path(path)
    if not path.is_file():
        raise InputError(f"{path}: no such file.")
    text = decode(path.read_bytes(), where=str(path))
    if not text.strip():
        raise InputError(f"{path}: the file has no text.")
    kind = path.suffix.lower()
    if kind in (".html", ".htm"):
        return article_of_html(text)
    if ftfy.is_bad(text):
        text = ftfy.fix_encoding(text)
    if kind in (".md", ".markdown"):
        return replace(article_of_markdown(text, where=str(path)), id=path.name)
    return Article(text, id=path.name)


def decode(data: bytes, *, where: str) -> str:
    """The text of bytes: UTF-8, or the encoding that charset-normalizer finds.

    Args:
        data: a file's content.
        where: its name, for errors.

    Raises:
        InputError: bytes that are no text.

    Example:
        >>> decode("Über".encode(), where="a.txt")
        'Über'
    """
    if b"\0" in data[:4096]:
        raise InputError(f"{where}: a binary file, not text.")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        from charset_normalizer import from_bytes

        best = from_bytes(data).best()
        if best is None:
            raise InputError(f"{where}: its encoding cannot be told; save it as UTF-8.") from None
        return str(best)


def article_of_markdown(markup: str, *, where: str = "Markdown") -> Article:
    """The article of a Markdown document: its text without marks, one paragraph or heading a line.

    Its front matter, YAML between lines of `---`, gives title, date, url, outlet and language; the first heading of the
    first order is the title where that says none.

    Args:
        markup: the document.
        where: its name, for errors.

    Raises:
        InputError: front matter that is no YAML, or a document without text.

    Example:
        >>> article = article_of_markdown("---\\ndate: 2024-05-06\\n---\\n# News\\n\\n**Anna Holm** said [so](https://example.org).")
        >>> article.title, article.date, article.text
        ('News', '2024-05-06', 'News\\n\\nAnna Holm said so.')
    """
    import yaml
    from markdown_it import MarkdownIt

    known: dict[str, str] = {}
    if matter := _FRONT_MATTER.match(markup):
        try:
            values = yaml.load(matter[1], yaml.BaseLoader)  # every value as it is written: a date, and the language "no"
        except yaml.YAMLError as error:
            raise InputError(f"{where}: its front matter is not valid YAML: {error}") from error
        if isinstance(values, dict):  # else it is text between two rules
            markup = markup[matter.end() :]
            said = {str(name).lower(): value for name, value in values.items()}
            known = {name: said[name] for name in _IN_FRONT_MATTER if isinstance(said.get(name), str) and said[name].strip()}
    lines: list[str] = []
    heading, before = None, ""
    for token in MarkdownIt().parse(markup):
        if token.type == "inline":
            words = [" " if c.type in ("softbreak", "hardbreak") else c.content for c in token.children or []]
            lines.append("".join(words))
            if before == "h1" and heading is None:
                heading = lines[-1]
        before = token.tag
    if not any(line.strip() for line in lines):
        raise InputError(f"{where}: the file has no text.")
    if "language" in known:
        known["language"] = known["language"].lower().replace("_", "-").split("-")[0]
    return Article("\n\n".join(lines), **{"title": heading, **known})


def article_of_html(markup: str) -> Article:
    """The article of a web page, without menus and adverts.

    Raises:
        InputError: no article text is found.
        MissingExtraError: trafilatura is not installed.
    """
    try:
        import trafilatura
    except ImportError as error:
        raise MissingExtraError("trafilatura", "html") from error
    found = trafilatura.bare_extraction(markup, with_metadata=True, include_comments=False)
    values = found.as_dict() if found is not None else {}
    if not values.get("text"):
        raise InputError("No article text was found in this HTML; save the page as text instead.")
    stated = _LANGUAGE.search(markup)
    return Article(
        values["text"],
        values.get("title"),
        values.get("date"),
        values.get("sitename"),
        values.get("url"),
        language=stated.group(1).lower() if stated else None,
    )
