"""One batch of rows in, the same rows with their stances out: what files, Ray and Spark share. No state of its own."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypedDict, Unpack, get_args

from stance.classifier import OnError, classify
from stance.errors import InputError, UnsupportedLanguageWarning
from stance.models import DEFAULT
from stance.targets import UKRAINE_NATO, Target

if TYPE_CHECKING:
    import pyarrow as pa

RESULT_COLUMNS = ("stance", "p_against", "p_neutral", "p_favor", "unsupported_language", "error")
"""What a labelled table gains."""


class LabelOptions(TypedDict, total=False):
    """Keywords that all take who label rows of tables; what each means, and its default, stands in :class:`Labelling`."""

    text_column: str
    speaker_column: str | None
    context_column: str | None
    target: Target
    model: str
    batch_size: int
    device: str | None
    runtime: str | None
    on_error: OnError
    abstain_below: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Labelling:
    """How the rows of a table are labelled; it can be sent to another process, which loads the model once.

    Args:
        text_column: name of the column of the texts.
        speaker_column, context_column: names of the columns of speakers and contexts, if there are any.
        target: what the stance is about.
        model: an embedded name, a checkpoint folder or a hub name.
        batch_size: about this many rows of 64 tokens in one step, at least 1.
        device: for torch models, such as "cuda".
        runtime: as in :func:`stance.classify`.
        on_error: what to do with a row that is no text: raise, skip it, or keep it with `error` set ("null").
        abstain_below: a label less probable than this, 0 to 1, becomes null.

    Raises:
        InputError: an `on_error` that is none of the three.
    """

    text_column: str = "text"
    speaker_column: str | None = None
    context_column: str | None = None
    target: Target = UKRAINE_NATO
    model: str = DEFAULT
    batch_size: int = 32
    device: str | None = None
    runtime: str | None = None
    on_error: OnError = "null"
    abstain_below: float | None = None

    def __post_init__(self) -> None:
        if self.on_error not in get_args(OnError):
            raise InputError(f"on_error must be one of {get_args(OnError)}, not {self.on_error!r}.")

    @property
    def columns(self) -> tuple[str, str | None, str | None]:
        """Names of the columns of texts, speakers and contexts."""
        return self.text_column, self.speaker_column, self.context_column

    def texts(self, texts: list[Any], speakers: list[str | None] | None, contexts: list[str | None] | None) -> pa.Table:
        """The result columns of texts. A value that is no text has its `error` set, whatever `on_error` is."""
        import pyarrow as pa

        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UnsupportedLanguageWarning)  # it stands in each row
            found = classify(
                texts,
                speaker=speakers,
                context=contexts,
                target=self.target,
                model=self.model,
                batch_size=self.batch_size,
                device=self.device,
                runtime=self.runtime,
                on_error="null",
                abstain_below=self.abstain_below,
            )
        return pa.Table.from_pylist([p.row() for p in found], result_schema())

    def batch(self, batch: pa.Table | pa.RecordBatch) -> pa.Table:
        """See :func:`label_batch`."""
        import pyarrow as pa
        import pyarrow.compute as pc

        check_columns(batch.schema.names, *self.columns)
        texts, speakers, contexts = (None if name is None else batch.column(name).to_pylist() for name in self.columns)
        found = self.texts(
            texts or [],
            side_texts(speakers, self.speaker_column, "Row "),
            side_texts(contexts, self.context_column, "Row "),
        )
        bad = next((i for i, error in enumerate(found["error"].to_pylist()) if error), None)
        if bad is not None and self.on_error == "raise":
            where = f"Row {bad}: {self.text_column} {found['error'][bad]}"
            raise InputError(f"{where}. Mend it, or pass on_error='skip' or 'null'.")
        table = with_results(batch if isinstance(batch, pa.Table) else pa.Table.from_batches([batch]), found)
        return table.filter(pc.is_null(table["error"])) if self.on_error == "skip" else table


def label_batch(batch: pa.Table | pa.RecordBatch, **options: Unpack[LabelOptions]) -> pa.Table:
    """Label a batch of rows; the function has no state, and the model is loaded once in a process.

    Args:
        batch: rows with the texts; all columns are kept as they are.
        options: the keywords of :class:`Labelling`.

    Returns:
        The columns of `batch`, then stance, p_against, p_neutral, p_favor, unsupported_language and error: strings, and
        64-bit floats for the probabilities. Languages that the model does not read are marked there, without a warning.

    Raises:
        InputError: a column is missing or is there already, a speaker or context is no text, or a row is no text
            (with `on_error="raise"`; rows count from 0).
        ModelError: the model cannot be loaded.

    Example:
        >>> import pyarrow as pa
        >>> rows = pa.table({"id": [7, 8], "text": ["We support Ukraine joining NATO.", None]})
        >>> label_batch(rows).select(["id", "stance", "error"]).to_pylist()
        [{'id': 7, 'stance': 'favor', 'error': None}, {'id': 8, 'stance': None, 'error': 'is None'}]
    """
    return Labelling(**options).batch(batch)


def result_schema() -> pa.Schema:
    """The types of :data:`RESULT_COLUMNS`."""
    import pyarrow as pa

    return pa.schema([(name, pa.float64() if name.startswith("p_") else pa.string()) for name in RESULT_COLUMNS])


def with_results(table: pa.Table, found: pa.Table) -> pa.Table:
    """A table and its result columns, side by side."""
    for name in RESULT_COLUMNS:
        table = table.append_column(name, found[name])
    return table


def side_texts(values: list[Any] | None, column: str | None, where: str, *, first: int = 0) -> list[str | None] | None:
    """Speakers or contexts; an empty cell is none.

    Args:
        values: of the column, if there is one.
        column: its name.
        where: what stands before the number of a row in an error.
        first: number of the first row.

    Raises:
        InputError: a value that is no text.
    """
    for row, value in enumerate(values or (), start=first):
        if not (value is None or value != value or isinstance(value, str)):
            raise InputError(f"{where}{row}: {column} is {type(value).__name__}, not a string.")
    return None if values is None else [value if isinstance(value, str) and value else None for value in values]


def check_columns(names: Sequence[str], *wanted: str | None) -> None:
    """Refuse a table that lacks a column which is wanted, or has one that is an output.

    Raises:
        InputError: naming the column.
    """
    for name in wanted:
        if name is not None and name not in names:
            raise InputError(f"no column {name!r}; there are {', '.join(names)}.")
    clash = [name for name in RESULT_COLUMNS if name in names]
    if clash:
        raise InputError(f"has a column {clash[0]!r} already, which is an output; rename it first.")
