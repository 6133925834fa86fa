"""Files of any size: columns come out as they went in, kills and workers change nothing, errors name file and row."""

from __future__ import annotations

import csv
import datetime as dt
import json
import multiprocessing
import pickle
import random
import subprocess
import sys
import threading
import time
from decimal import Decimal
from pathlib import Path
from typing import Any

import psutil
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from filelock import FileLock
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from stance import InputError, MissingExtraError, StanceError, Target, classify_file
from stance.io import read_parquet, read_table
from stance.models.baseline import BaselineModel
from stance.stream import RESULT_COLUMNS, Summary

WORDS = ("back", "reject", "never", "join", "talks", "nato")
odd = settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
Rows = list[dict[str, Any]]


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A model that costs nothing."""
    rows = [("we back membership", "favor"), ("we reject it, never", "against"), ("talks go on", "neutral")]
    return str(BaselineModel.fit(rows).save(tmp_path_factory.mktemp("models") / "baseline"))


@pytest.fixture
def quotes(tmp_path: Path) -> Path:
    """45 rows, five parts of ten; row 42 is blank."""
    path = tmp_path / "quotes.csv"
    texts = [f"we {WORDS[i % 6]} {WORDS[i // 6 % 6]} it" if i != 41 else "" for i in range(45)]
    path.write_text("id,text\n" + "".join(f"{i:03},{text}\n" for i, text in enumerate(texts)))
    return path


def read(path: Path) -> Rows:
    return [row for batch in read_table(path) for row in batch]


def without_results(rows: Rows) -> Rows:
    return [{name: value for name, value in row.items() if name not in RESULT_COLUMNS} for row in rows]


def test_a_kill_at_any_moment_changes_nothing(quotes: Path, model: str, tmp_path: Path) -> None:
    whole, folder = tmp_path / "whole.csv", tmp_path / "kills"
    folder.mkdir()
    assert classify_file(quotes, whole, model=model, rows_per_part=10, on_error="null") == Summary(rows=45, failed=1)
    command = [sys.executable, str(Path(__file__).with_name("kill_classify.py")), str(quotes), str(folder), model]
    done = json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout)
    assert {kill["resumed"] for kill in done} >= {0, 10, 20, 30, 40, 45}
    assert all(kill["files"] == ["out.csv"] for kill in done)
    assert len({p.read_bytes() for p in [whole, *folder.glob("*/out.csv")]}) == 1
    assert [row["id"] for row in read(whole)] == [f"{i:03}" for i in range(45)]


@pytest.mark.parametrize("kind", ["csv", "parquet"])
def test_a_kill_with_workers_leaves_no_process_and_changes_nothing(
    quotes: Path, model: str, tmp_path: Path, kind: str
) -> None:
    whole, out = tmp_path / f"whole.{kind}", tmp_path / f"out.{kind}"
    classify_file(quotes, whole, model=model, rows_per_part=5, on_error="null")
    command = [sys.executable, "-m", "stance", "classify", str(quotes), "-o", str(out), "--model", model]
    command += ["--on-error", "null", "--workers", "2", "--rows-per-part", "5"]
    run = psutil.Popen(command, stderr=subprocess.DEVNULL)
    while len(workers := [p for p in run.children(recursive=True) if "spawn_main" in " ".join(p.cmdline())]) < 2:
        assert run.poll() is None
        time.sleep(0.01)
    run.kill()
    run.wait()
    _, left = psutil.wait_procs(workers, timeout=30)
    assert not left and not out.exists()
    classify_file(quotes, out, model=model, rows_per_part=5, on_error="null", workers=2)
    assert out.read_bytes() == whole.read_bytes()
    assert sorted(p.name for p in tmp_path.glob("out*")) == [out.name]


def test_a_bad_row_stops_the_run_and_keeps_the_parts_before_it(quotes: Path, model: str, tmp_path: Path) -> None:
    out = tmp_path / "out.jsonl"
    with pytest.raises(InputError, match=r"quotes\.csv, row 42: text is blank\. Mend it, or use --on-error skip or null\."):
        classify_file(quotes, out, model=model, rows_per_part=10)
    assert not out.exists()
    assert classify_file(quotes, out, model=model, rows_per_part=10, on_error="skip") == Summary(44, 1, 0, 40)
    assert [row["id"] for row in read(out)] == [f"{i:03}" for i in range(45) if i != 41]


def test_workers_change_nothing_and_the_death_of_one_is_an_error(quotes: Path, model: str, tmp_path: Path) -> None:
    one, two = tmp_path / "one.parquet", tmp_path / "two.parquet"
    classify_file(quotes, one, model=model, rows_per_part=10, on_error="null")
    with pytest.raises(InputError, match="row 42"):
        classify_file(quotes, two, model=model, rows_per_part=10)

    def kill_the_first() -> None:
        while not (found := multiprocessing.active_children()):
            time.sleep(0.01)
        found[0].kill()

    killer = threading.Thread(target=kill_the_first)
    killer.start()
    with pytest.raises(StanceError, match=r"A worker process died.* goes on where it stopped"):
        classify_file(quotes, two, model=model, rows_per_part=10, on_error="null", workers=2)
    killer.join()
    found = classify_file(quotes, two, model=model, rows_per_part=10, on_error="null", workers=2)
    assert found == Summary(rows=45, failed=1, resumed=40)
    assert one.read_bytes() == two.read_bytes()
    assert not multiprocessing.active_children()


def test_parts_of_another_run_are_refused_until_they_are_removed(quotes: Path, model: str, tmp_path: Path) -> None:
    out = tmp_path / "out.csv"
    options: dict[str, Any] = {"model": model, "rows_per_part": 10}
    with pytest.raises(InputError, match="row 42"):
        classify_file(quotes, out, **options)
    for change, said in (
        ({"rows_per_part": 5}, "rows_per_part was 10 and is 5"),
        ({"text_column": "id"}, r"columns was \['text', None, None\] and is \['id', None, None\]"),
        ({"abstain_below": 0.5}, "abstain_below was None and is 0.5"),
        ({"target": Target("x", claim="Georgia should join NATO.")}, "target was 'Ukraine should .* is 'Georgia should"),
    ):
        with pytest.raises(InputError, match=rf"out\.csv\.parts holds .* another unfinished run: {said}.*--restart"):
            classify_file(quotes, out, **options | change)
    quotes.write_text(quotes.read_text().replace("041,", "041,we back it"))
    with pytest.raises(InputError, match="input_sha256 was"):
        classify_file(quotes, out, **options)
    assert classify_file(quotes, out, **options, resume=False) == Summary(rows=45)
    assert not out.with_name("out.csv.parts").exists()


def test_damaged_and_half_written_parts_are_made_again(quotes: Path, model: str, tmp_path: Path) -> None:
    whole, out = tmp_path / "whole.csv", tmp_path / "out.csv"
    classify_file(quotes, whole, model=model, rows_per_part=10, on_error="null")
    with pytest.raises(InputError, match="row 42"):
        classify_file(quotes, out, model=model, rows_per_part=10)
    parts = tmp_path / "out.csv.parts"
    assert sorted(p.name for p in parts.glob("part-*")) == [f"part-00000{i}.parquet" for i in range(4)]
    content = (parts / "part-000001.parquet").read_bytes()
    (parts / "part-000001.parquet").write_bytes(content[: len(content) // 2])
    (parts / "part-000002.parquet").unlink()
    (parts / ".part-000004.parquet.x").write_bytes(content[:50])
    assert classify_file(quotes, out, model=model, rows_per_part=10, on_error="null").resumed == 20
    assert out.read_bytes() == whole.read_bytes() and not parts.exists()


def test_one_run_at_a_time_writes_an_output(quotes: Path, model: str, tmp_path: Path) -> None:
    (tmp_path / "out.csv.parts").mkdir()
    with FileLock(tmp_path / "out.csv.parts" / ".lock"), pytest.raises(InputError, match="another run is writing it"):
        classify_file(quotes, tmp_path / "out.csv", model=model, on_error="null")


CELL = st.text(st.characters(exclude_categories=["Cs"]) | st.sampled_from('\r\n",; \0'), max_size=8)


@odd
@given(cells=st.lists(st.tuples(CELL, CELL, CELL), min_size=1, max_size=12))
def test_cells_of_csv_come_out_as_they_went_in(cells: list[tuple[str, str, str]], model: str, tmp_path: Path) -> None:
    source, out = tmp_path / "in.csv", tmp_path / "out.csv"
    with source.open("w", encoding="utf-8", newline="") as handle:
        csv.writer(handle, quoting=csv.QUOTE_ALL).writerows([("a", "text", "b\n"), *cells])
    classify_file(source, out, model=model, on_error="null", rows_per_part=5)
    expected = [dict(zip(("a", "text", "b\n"), row, strict=True)) for row in cells]
    assert without_results(read(out)) == expected
    classify_file(source, tmp_path / "out.parquet", model=model, on_error="null", rows_per_part=5)
    assert without_results(read(tmp_path / "out.parquet")) == expected


TEXT = st.text(max_size=8) | st.text(st.characters(codec=None), max_size=3)
VALUE = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=5,
)


@odd
@given(rows=st.lists(st.dictionaries(TEXT, VALUE, max_size=3), min_size=1, max_size=12), first=TEXT)
def test_json_comes_out_as_it_went_in(rows: Rows, first: str, model: str, tmp_path: Path) -> None:
    rows = [{**row, "text": first} if i == 0 else row for i, row in enumerate(rows)]
    source, out = tmp_path / "in.jsonl", tmp_path / "out.jsonl"
    source.write_text("".join(json.dumps(row) + "\n" for row in rows))
    classify_file(source, out, model=model, on_error="null", rows_per_part=5)
    assert without_results(read(out)) == read(source)


def test_parquet_keeps_its_types(model: str, tmp_path: Path) -> None:
    columns = {
        "n": pa.array([7, None, -3], pa.int8()),
        "text": pa.array(["we back it", "", None], pa.large_string()),
        "when": pa.array([dt.datetime(2024, 1, 2), None, None], pa.timestamp("us", tz="Europe/Kyiv")),
        "cost": pa.array([Decimal("1.10"), None, None], pa.decimal128(5, 2)),
        "who": pa.array(["Holm", "Holm", None]).dictionary_encode(),
        "tags": pa.array([["a"], [], None], pa.list_(pa.string())),
        "raw": pa.array([b"\x00", None, b""], pa.binary()),
    }
    table = pa.table(columns).replace_schema_metadata({"made": "by hand"})
    pq.write_table(table, tmp_path / "in.parquet")
    classify_file(tmp_path / "in.parquet", tmp_path / "out.parquet", model=model, on_error="null", rows_per_part=2)
    found = pq.read_table(tmp_path / "out.parquet")
    assert found.schema.names == [*table.schema.names, *RESULT_COLUMNS]
    given = pq.read_table(tmp_path / "in.parquet")
    assert found.select(table.schema.names).equals(given) and found.schema.metadata == given.schema.metadata


def test_a_row_group_is_never_held_whole(tmp_path: Path) -> None:
    rng = random.Random(0)
    table = pa.table({"text": [rng.randbytes(500).hex() for _ in range(40_000)]})  # 40 MB, not to be compressed below 20
    pq.write_table(table, tmp_path / "in.parquet", row_group_size=len(table))
    del table
    before = pa.total_allocated_bytes()
    held = [pa.total_allocated_bytes() - before for _ in read_parquet(tmp_path / "in.parquet", size=1000)]
    assert len(held) == 40 and max(held) < 10 * 2**20


def test_keys_of_json_become_columns_or_an_error(model: str, tmp_path: Path) -> None:
    source = tmp_path / "in.jsonl"
    rows: Rows = [{"text": "we back it"}, {"text": 3, "n": 1}, {"n": 1.5, "to": {"x": [1]}}]
    source.write_text("".join(json.dumps(row) + "\n" for row in rows))
    with pytest.raises(InputError, match=r"in\.jsonl, rows 1 to 3: no Parquet column holds .*; write \.jsonl instead"):
        classify_file(source, tmp_path / "out.parquet", model=model, on_error="null")
    found = classify_file(source, tmp_path / "out.csv", model=model, on_error="null", rows_per_part=1)
    assert found == Summary(rows=3, failed=2)
    values = [[row[c] for c in ("text", "n", "to", "error")] for row in read(tmp_path / "out.csv")]
    assert values == [["we back it", "", "", ""], ["3", "1", "", "is int, not a string"], ["", "1.5", '{"x": [1]}', "is None"]]
    source.write_text("".join(json.dumps(row | {"text": "no"}) + "\n" for row in rows))
    classify_file(source, tmp_path / "out.parquet", model=model, rows_per_part=1)
    assert pq.read_table(tmp_path / "out.parquet")["n"].to_pylist() == [None, 1.0, 1.5]


def test_a_speaker_that_is_no_text_is_named(model: str, tmp_path: Path) -> None:
    source = tmp_path / "in.jsonl"
    source.write_text('{"text": "a", "who": null}\n{"text": "b", "who": 3}\n')
    with pytest.raises(InputError, match=r"in\.jsonl, row 2: who is int, not a string"):
        classify_file(source, tmp_path / "out.jsonl", model=model, speaker_column="who", rows_per_part=1)


@pytest.mark.parametrize("ending", ["csv", "parquet"])
def test_a_file_without_rows_keeps_its_columns(ending: str, model: str, tmp_path: Path) -> None:
    source, out = tmp_path / f"in.{ending}", tmp_path / f"out.{ending}"
    if ending == "csv":
        source.write_text("id,text\n")
    else:
        pq.write_table(pa.table({"id": pa.array([], pa.int8()), "text": pa.array([], pa.string())}), source)
    assert classify_file(source, out, model=model) == Summary()
    names = next(csv.reader(out.open())) if ending == "csv" else pq.read_schema(out).names
    assert names == ["id", "text", *RESULT_COLUMNS]


def test_a_missing_file_and_a_missing_folder_are_named(quotes: Path, model: str, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"no\.csv: no such file"):
        classify_file(tmp_path / "no.csv", tmp_path / "out.csv", model=model)
    with pytest.raises(InputError, match="the folder .*nowhere does not exist; make it first"):
        classify_file(quotes, tmp_path / "nowhere" / "out.csv", model=model)


def test_an_error_of_a_missing_extra_reaches_the_parent_process() -> None:
    error = MissingExtraError("openvino", "openvino")
    assert str(pickle.loads(pickle.dumps(error))) == str(error)


def test_columns_of_one_name_are_refused(model: str, tmp_path: Path) -> None:
    (tmp_path / "in.csv").write_text("text,n,n\na,1,2\n")
    with pytest.raises(InputError, match=r"in\.csv: two columns are called 'n'"):
        classify_file(tmp_path / "in.csv", tmp_path / "out.csv", model=model)
