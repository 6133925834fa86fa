"""Tables of any size: columns come out as they went in, kills and workers change nothing, errors name file and row."""

from __future__ import annotations

import pickle
from pathlib import Path

import pyarrow as pa
import pytest

from stance import InputError
from stance.stream import RESULT_COLUMNS, label_batch

FLOATS = [f"p_{x}" for x in ("against", "neutral", "favor")]


def test_a_batch_keeps_its_columns_and_types_and_gains_ours(tiny_nli: Path) -> None:
    schema = pa.schema([("id", pa.int16()), ("text", pa.large_string()), ("who", pa.dictionary(pa.int32(), pa.string()))])
    batch = pa.RecordBatch.from_pydict({"id": [1, 2], "text": ["we back it", None], "who": ["Holm", ""]}, schema=schema)
    found = pickle.loads(pickle.dumps(label_batch))(batch, speaker_column="who", model=str(tiny_nli))
    assert found.select(schema.names).schema == schema and found.schema.names == [*schema.names, *RESULT_COLUMNS]
    assert {found.schema.field(n).type for n in FLOATS} == {pa.float64()} and found["error"].to_pylist() == [None, "is None"]
    assert sum(found[n][0].as_py() for n in FLOATS) == pytest.approx(1)
    empty = label_batch(batch.slice(0, 0), model=str(tiny_nli))
    assert empty.num_rows == 0 and empty.schema == label_batch(batch, model=str(tiny_nli)).schema


def test_a_batch_says_what_is_wrong_with_it(tiny_nli: Path) -> None:
    batch, model = pa.table({"text": ["we back it", " "]}), str(tiny_nli)
    with pytest.raises(InputError, match="Row 1: text is blank"):
        label_batch(batch, model=model, on_error="raise")
    assert label_batch(batch, model=model, on_error="skip").num_rows == 1
    with pytest.raises(InputError, match="on_error must be one of .*'null'.*, not 'drop'"):
        label_batch(batch, model=model, on_error="drop")  # type: ignore[typeddict-item]
    with pytest.raises(TypeError, match="unexpected keyword argument 'colunm'"):
        label_batch(batch, model=model, colunm="text")  # type: ignore[call-arg]
    with pytest.raises(InputError, match="no column 'who'; there are text"):
        label_batch(batch, model=model, speaker_column="who")
    with pytest.raises(InputError, match="has a column 'stance' already"):
        label_batch(batch.append_column("stance", pa.nulls(2)), model=model)
