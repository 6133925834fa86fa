"""Tables of any size: Arrow batches in, the same rows with their stances out, in order.

Files, Ray and Spark share one function, :func:`label_batch`.
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from stance.classifier import OnError, classify
from stance.errors import InputError, UnsupportedLanguageWarning
from stance.models import DEFAULT
from stance.targets import UKRAINE_NATO, Target

if TYPE_CHECKING:
    import pyarrow as pa

RESULT_COLUMNS = ("stance", "p_against", "p_neutral", "p_favor", "unsupported_language", "error")
"""What a labelled table gains."""


def label_batch(
    batch: pa.Table | pa.RecordBatch,
    *,
    text_column: str = "text",
    speaker_column: str | None = None,
    context_column: str | None = None,
    target: Target = UKRAINE_NATO,
    model: str = DEFAULT,
    batch_size: int = 32,
    device: str | None = None,
    on_error: OnError = "null",
    abstain_below: float | None = None,
) -> pa.Table:
    """Label a batch of rows; the function has no state, and the model is loaded once in a process.

    Args:
        batch: rows with the texts; all columns are kept as they are.
        text_column: name of the column of the texts.
        speaker_column, context_column: names of the columns of speakers and contexts, if there are any.
        target: what the stance is about.
        model: an embedded name, a checkpoint folder or a hub name.
        batch_size: about this many rows of 64 tokens in one step, at least 1.
        device: for torch models, such as "cuda".
        on_error: what to do with a row that is no text: raise, skip it, or keep it with `error` set.
        abstain_below: a label less probable than this, 0 to 1, becomes null.

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
    import pyarrow as pa
    import pyarrow.compute as pc

    check_columns(batch.schema.names, text_column, speaker_column, context_column)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UnsupportedLanguageWarning)  # it stands in each row
        found = classify(
            batch.column(text_column).to_pylist(),
            speaker=_texts(batch, speaker_column),
            context=_texts(batch, context_column),
            target=target,
            model=model,
            batch_size=batch_size,
            device=device,
            on_error="null",
            abstain_below=abstain_below,
        )
    bad = next((i for i, p in enumerate(found) if p.error), None)
    if bad is not None and on_error == "raise":
        raise InputError(f"Row {bad}: {text_column} {found[bad].error}. Mend it, or pass on_error='skip' or 'null'.")
    table = batch if isinstance(batch, pa.Table) else pa.Table.from_batches([batch])
    rows = [p.row() for p in found]
    for name in RESULT_COLUMNS:
        kind = pa.float64() if name.startswith("p_") else pa.string()
        table = table.append_column(name, pa.array([row[name] for row in rows], kind))
    return table.filter(pc.is_null(table["error"])) if on_error == "skip" else table


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


def _texts(batch: pa.Table | pa.RecordBatch, column: str | None) -> list[Any] | None:
    """Speakers or contexts: an empty cell is none."""
    return None if column is None else [value or None for value in batch.column(column).to_pylist()]
