"""A file of any size, labelled part by part and never held whole; the same call goes on after a kill, to the same bytes."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self, Unpack

from stance.errors import InputError
from stance.io import BATCH, must_exist, table_kind
from stance.models import load_model
from stance.stream.batch import Labelling, LabelOptions, with_results
from stance.stream.parts import Parts
from stance.stream.tables import Chunk, Source, write_tables
from stance.stream.workers import Workers

if TYPE_CHECKING:
    import pyarrow as pa


@dataclass(slots=True)
class Summary:
    """What a run of :func:`classify_file` did.

    Args:
        rows: rows in the output.
        failed: rows of the input without a label, because their text is none.
        foreign: rows in a language that the model does not read.
        resumed: rows of the input that an earlier, unfinished run had labelled.
    """

    rows: int = 0
    failed: int = 0
    foreign: int = 0
    resumed: int = 0


def classify_file(
    path: str | Path,
    output: str | Path = "-",
    *,
    input_format: str | None = None,
    workers: int = 1,
    resume: bool = True,
    rows_per_part: int = BATCH,
    progress: bool = False,
    **options: Unpack[LabelOptions],
) -> Summary:
    """Label the rows of a file of any size; the output has its columns and the results, in the same order.

    Between two files, labelled parts are kept in the folder `<output>.parts` until the output is whole: after a kill the same
    call goes on, and its output is the same as that of a run without a kill.

    Args:
        path: CSV, JSONL or Parquet; `-` is standard input.
        output: CSV, JSONL or Parquet; `-` is standard output, in the input's format or else in CSV.
        input_format: "csv", "jsonl" or "parquet"; by the ending when None.
        workers: processes, at least 1, which share the cores; with more than 1 a script needs `if __name__ == "__main__":`.
        resume: False removes the parts of an unfinished run and begins anew.
        rows_per_part: rows that are labelled, kept and, after a kill, lost together, at least 1.
        progress: show a bar on stderr.
        options: the keywords of :class:`stance.stream.Labelling`: text_column, speaker_column, context_column, target, model,
            batch_size, device, runtime, on_error and abstain_below. Here `on_error` is "raise" if not given, as a file can
            name the row and keeps the parts before it; a batch or a cluster can do neither, and would lose all its work.

    Raises:
        InputError: a file, row or column that cannot be used; parts that were made from another input, model or options;
            another run that writes the same output.
        ModelError: the model cannot be loaded.
        StanceError: a worker process died.

    Example:
        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     file = Path(folder, "quotes.csv")
        ...     _ = file.write_text("text\\nUkraine must never join NATO.\\n")
        ...     classify_file(file, Path(folder, "out.parquet"))
        Summary(rows=1, failed=0, foreign=0, resumed=0)
    """
    for name, number in (("workers", workers), ("rows_per_part", rows_per_part)):
        if number < 1:
            raise InputError(f"{name} must be at least 1, not {number}.")
    options.setdefault("on_error", "raise")
    how, path, output = Labelling(**options), str(path), str(output)
    kind = table_kind(path, input_format, action="read")
    must_exist(path)
    written = table_kind(output, ("jsonl" if kind == "jsonl" else "csv") if output == "-" else None, action="write")
    source = Source(path, kind=kind, output_kind=written, columns=how.columns, size=rows_per_part)
    with _Tally(path, how, progress) as tally, Workers(workers) as pool:
        if "-" in (path, output):
            labelled = pool.map(how.texts, ((chunk, chunk.given) for chunk in source))
            tables = (with_results(c.table, tally.add(c, found)) for c, found in labelled)
            tally.summary.rows = write_tables(map(tally.kept, tables), output, kind=written, source=source)
            return tally.summary
        made_from = {
            "input": str(Path(path).resolve()),
            "input_sha256": _sha256(path),
            "formats": [kind, written],
            "columns": list(how.columns),
            "target": how.target.claim,
            "model": pool.call(_identity, how),
            "batch_size": how.batch_size,
            "device": how.device,
            "runtime": how.runtime,
            "abstain_below": how.abstain_below,
            "rows_per_part": rows_per_part,
            "stance": version("stance"),
        }
        with Parts(Path(output), made_from, resume=resume) as parts:
            for chunk, found in pool.map(how.texts, _unfinished(source, parts, tally)):
                parts.save(chunk.number, with_results(chunk.table, tally.add(chunk, found)))
            with parts.joining() as joined:
                stored = map(tally.kept, parts.tables(source.chunks))
                tally.summary.rows = write_tables(stored, str(joined), kind=written, source=source)
    return tally.summary


def _unfinished(source: Source, parts: Parts, tally: _Tally) -> Iterator[tuple[Chunk, tuple[Any, ...]]]:
    """The chunks that have no part yet, with what the model needs of them."""
    for chunk in source:
        found = parts.load(chunk.number, "error", "unsupported_language")
        if found is not None and found.num_rows == chunk.table.num_rows:
            tally.add(chunk, found, resumed=True)
        else:
            yield chunk, chunk.given


class _Tally:
    """Counts rows, shows them in a bar, and does with those that are no text what was asked for.

    Args:
        path: of the file, for errors.
        how: what was asked for.
        progress: show the bar.
    """

    def __init__(self, path: str, how: Labelling, progress: bool) -> None:
        from tqdm import tqdm

        self.summary, self._path, self._how = Summary(), path, how
        self._bar = tqdm(unit=" quotes", disable=not progress)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._bar.close()

    def add(self, chunk: Chunk, found: pa.Table, *, resumed: bool = False) -> pa.Table:
        """Count a chunk's results, and give them back.

        Raises:
            InputError: the first row that is no text, if that shall raise.
        """
        errors = found["error"].to_pylist()
        bad = [row for row, error in enumerate(errors, start=chunk.first) if error]
        if bad and self._how.on_error == "raise":
            what = f"{self._how.text_column} {errors[bad[0] - chunk.first]}"
            raise InputError(f"{self._path}, row {bad[0]}: {what}. Mend it, or use --on-error skip or null.")
        self.summary.failed += len(bad)
        self.summary.foreign += len(errors) - found["unsupported_language"].null_count
        self.summary.resumed += len(errors) if resumed else 0
        self._bar.update(len(errors))
        return found

    def kept(self, table: pa.Table) -> pa.Table:
        """The rows that are written."""
        import pyarrow.compute as pc

        return table.filter(pc.is_null(table["error"])) if self._how.on_error == "skip" else table


def _sha256(path: str) -> str:
    with Path(path).open("rb") as handle:
        return hashlib.file_digest(handle, "sha256").hexdigest()


def _identity(how: Labelling) -> str:
    """Which weights label, and how they are calibrated."""
    loaded = load_model(how.model, how.device, runtime=how.runtime)
    return f"{loaded.name}, temperature {loaded.temperature:g}"
