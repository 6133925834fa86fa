"""A file's rows as chunks of Arrow, and labelled chunks as a file: the user's columns come out as they went in.

Cells of CSV stay strings and Parquet keeps its types. A JSON object is carried as its line, because its keys and types may
differ from row to row; on the way to CSV or Parquet its keys become columns.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import chain, islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

from stance.errors import InputError
from stance.io import Row, atomic_path, read_parquet, read_table, write_table
from stance.stream.batch import check_columns, result_schema, side_texts

if TYPE_CHECKING:
    import pyarrow as pa

_LINE = "line of JSON"
_GROUP = 2**24
"""Bytes of a row group in a Parquet file that is written; it is held in memory until it is whole."""


@dataclass(frozen=True, slots=True)
class Chunk:
    """Rows that are labelled together.

    Args:
        number: of the chunk, from 0.
        first: number of its first row in the file, from 1.
        table: the user's columns.
        texts, speakers, contexts: what the model reads; a text may be any value.
    """

    number: int
    first: int
    table: pa.Table
    texts: list[Any]
    speakers: list[str | None] | None
    contexts: list[str | None] | None

    @property
    def given(self) -> tuple[list[Any], list[str | None] | None, list[str | None] | None]:
        """What the model reads."""
        return self.texts, self.speakers, self.contexts


class Source:
    """The rows of a file, chunk by chunk; each reading gives the same chunks.

    Args:
        path: CSV, JSONL or Parquet; `-` is standard input.
        kind: of the input.
        output_kind: what the rows will be written as.
        columns: names of the columns of texts, speakers and contexts.
        size: rows of a chunk.
    """

    def __init__(self, path: str, *, kind: str, output_kind: str, columns: tuple[str, str | None, str | None], size: int) -> None:
        import pyarrow as pa

        self._path, self._kind, self._output_kind, self._columns, self._size = path, kind, output_kind, columns, size
        self.schema = pa.schema([])
        """The user's columns in all chunks read so far."""
        self.chunks = 0
        """How many chunks were read."""

    def __iter__(self) -> Iterator[Chunk]:
        """Read the chunks.

        Raises:
            InputError: a file, row or column that cannot be used, with its name and number.
        """
        import pyarrow as pa

        first = 1
        for number, (table, (texts, *sides)) in enumerate(self._parquet() if self._kind == "parquet" else self._rows()):
            try:
                known = [self.schema] if number else []
                self.schema = pa.unify_schemas([*known, table.schema], promote_options="permissive")
            except pa.ArrowTypeError as error:
                raise self._mixed(error, f"up to row {first + len(texts) - 1}") from error
            where = f"{self._path}, row "
            speakers, contexts = (
                side_texts(values, name, where, first=first) for values, name in zip(sides, self._columns[1:], strict=True)
            )
            self.chunks = number + 1
            yield Chunk(number, first, table, texts, speakers, contexts)
            first += len(texts)
        if first == 1:
            self.schema = self._schema_without_rows()

    def _parquet(self) -> Iterator[tuple[pa.Table, list[Any]]]:
        import pyarrow as pa

        for number, batch in enumerate(read_parquet(self._path, size=self._size)):
            self._check(batch.schema.names, number)
            yield (
                pa.Table.from_batches([batch]),
                [None if name is None else batch.column(name).to_pylist() for name in self._columns],
            )

    def _rows(self) -> Iterator[tuple[pa.Table, list[Any]]]:
        first = 1
        for number, rows in enumerate(read_table(self._path, kind=self._kind, size=self._size)):
            names = list(dict.fromkeys(chain.from_iterable(rows)))
            self._check(names, number)
            values = [None if name is None else [row.get(name) for row in rows] for name in self._columns]
            yield self._carry(rows, names, first), values
            first += len(rows)

    def _check(self, names: list[str], number: int) -> None:
        try:  # later objects of JSON Lines may lack a key: such a row has no text
            check_columns(names, *(self._columns if number == 0 else ()))
        except InputError as error:
            raise InputError(f"{self._path}: {error}") from None

    def _carry(self, rows: list[Row], names: list[str], first: int) -> pa.Table:
        """The rows as a table that can become the output."""
        import pyarrow as pa

        if self._kind == "csv":
            return pa.table({name: pa.array([row[name] for row in rows], pa.string()) for name in names})
        if self._output_kind == "jsonl":
            return pa.table({_LINE: [json.dumps(row) for row in rows]})
        if self._output_kind == "csv":
            return pa.table({name: pa.array([_cell(row.get(name)) for row in rows], pa.string()) for name in names})
        try:
            return pa.table({name: pa.array([row.get(name) for row in rows]) for name in names})
        except (pa.ArrowException, OverflowError, UnicodeEncodeError) as error:
            raise self._mixed(error, f"rows {first} to {first + len(rows) - 1}") from error

    def _mixed(self, error: Exception, rows: str) -> InputError:
        return InputError(f"{self._path}, {rows}: no Parquet column holds these values ({error}); write .jsonl instead.")

    def _schema_without_rows(self) -> pa.Schema:
        import pyarrow as pa
        import pyarrow.parquet as pq

        if self._kind == "parquet":
            return pq.read_schema(self._path)
        if self._kind == "jsonl" or self._path == "-":
            return pa.schema([])
        with Path(self._path).open(encoding="utf-8-sig", newline="") as handle:
            return pa.schema([(name, pa.string()) for name in next(csv.reader(handle), [])])


def _cell(value: Any) -> str | None:
    """A JSON value as a cell of CSV: text as it is, else as JSON."""
    if value is None:
        return None
    cell = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return cell.encode(errors="backslashreplace").decode()  # half of a surrogate pair can stand in a file only as its escape


def to_rows(table: pa.Table) -> list[Row]:
    """The rows of a labelled chunk."""
    rows: list[Row] = table.to_pylist()
    return [{**json.loads(row.pop(_LINE)), **row} for row in rows] if _LINE in table.schema.names else rows


def write_tables(tables: Iterable[pa.Table], output: str, *, kind: str, source: Source) -> int:
    """Write labelled chunks: a file whole or not at all, or standard output for `-`.

    Args:
        tables: the chunks in order; a column that one of them lacks is null there.
        output: the file, or `-`.
        kind: what is written.
        source: where the chunks come from; it has been read to its end, or its first chunk shows all columns.

    Returns:
        The number of rows.

    Raises:
        InputError: a column that the first chunk does not show, where the source is read while this is written.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    tables = iter(tables)
    head = list(islice(tables, 1))
    schema = pa.schema([*source.schema, *result_schema()], source.schema.metadata)
    alike = (_with_schema(table, schema) for table in chain(head, tables))
    if kind != "parquet":
        names = () if _LINE in schema.names else schema.names
        return write_table((to_rows(table) for table in alike), output, kind=kind, columns=names)
    count = 0
    with atomic_path(output) as temporary, pq.ParquetWriter(temporary, schema) as writer:
        for group in _groups(alike):
            writer.write_table(group)
            count += group.num_rows
    return count


def _with_schema(table: pa.Table, schema: pa.Schema) -> pa.Table:
    import pyarrow as pa

    wide = pa.concat_tables([schema.empty_table(), table], promote_options="permissive")
    if wide.schema != schema:
        raise InputError("Later rows have other columns or types than the first ones; classify a file, not standard input.")
    return wide


def _groups(tables: Iterable[pa.Table]) -> Iterator[pa.Table]:
    """Neighbours together, to row groups of a size that readers like."""
    import pyarrow as pa

    group: list[pa.Table] = []
    for table in tables:
        group.append(table)
        if sum(t.nbytes for t in group) >= _GROUP:
            yield pa.concat_tables(group).combine_chunks()
            group = []
    if group:
        yield pa.concat_tables(group).combine_chunks()
