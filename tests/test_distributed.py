"""Ray and Spark on this machine: every row once, with the labels of a single process, whatever happens to a worker.

The tests that start a cluster are marked: `make cluster`.
"""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.csv as pa_csv
import pyarrow.parquet as pq
import pytest

import stance
from stance import InputError, ModelError
from stance.distributed import _uses_a_gpu, classify, classify_spark
from stance.errors import MissingExtraError
from stance.stream import RESULT_COLUMNS
from stance.stream.batch import Labelling

TEXTS = [
    "Ukraine must never join NATO, said the minister in session {}.",
    "We will back Ukraine's accession to NATO, she told meeting {}.",
    "The committee met for the {}th time.",
]


def rows(n: int) -> pa.Table:
    """Rows with ids that a reader might take for numbers, one of them without a text."""
    texts = [TEXTS[i % 3].format(i) for i in range(n)]
    return pa.table({"id": [f"{i:05}" for i in range(n)], "quote": ["" if i == 7 else text for i, text in enumerate(texts)]})


def check(found: pa.Table, given: pa.Table) -> None:
    """Every row once, with the labels of a single process."""
    found = found.sort_by("id")
    assert found.column_names == [*given.column_names, *RESULT_COLUMNS]
    assert found["id"].to_pylist() == given["id"].to_pylist() and found["quote"].to_pylist() == given["quote"].to_pylist()
    expected = stance.classify(given["quote"].to_pylist(), on_error="null")
    assert found["stance"].to_pylist() == [None if p.label is None else str(p.label) for p in expected]
    assert [e for e in found["error"].to_pylist() if e] == ["is blank"]
    favor = [p.probabilities["favor"] for p in expected if p.label]
    assert [p for p in found["p_favor"].to_pylist() if p is not None] == pytest.approx(favor, abs=1e-2)


def test_only_torch_asks_for_a_gpu(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text("{}")
    own = str(tmp_path)
    assert _uses_a_gpu(Labelling(model=own)) and _uses_a_gpu(Labelling(model="default-torch"))
    assert _uses_a_gpu(Labelling(runtime="torch-bf16")) and not _uses_a_gpu(Labelling())
    (tmp_path / "export.json").write_text("{}")
    assert not _uses_a_gpu(Labelling(model=own))
    assert _uses_a_gpu(Labelling(model=own, device="cuda")) and not _uses_a_gpu(Labelling(model=own, device="cpu"))


@pytest.mark.parametrize(("run", "package"), [(classify, "ray"), (classify_spark, "pyspark")])
def test_a_missing_package_is_named(run: Any, package: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in (package, "pyspark.sql", "pyspark.sql.types"):
        monkeypatch.setitem(sys.modules, name, None)
    with pytest.raises(MissingExtraError, match=rf"{package} is not installed; run: pip install 'stance\[(ray|spark)\]'"):
        run("quotes.parquet") if run is classify else run(None)


@pytest.fixture(scope="module")
def cluster() -> Iterator[Any]:
    """Two workers' CPUs, and one to read and write."""
    os.environ |= {"RAY_USAGE_STATS_ENABLED": "0", "RAY_BACKEND_LOG_LEVEL": "fatal"}
    import ray

    quiet = {"include_dashboard": False, "log_to_driver": False, "logging_level": "ERROR"}
    ray.init("local", num_cpus=3, _node_ip_address="127.0.0.1", **quiet)
    ray.data.DataContext.get_current().enable_progress_bars = False
    yield ray
    ray.shutdown()


def kill_one_at_work(killed: list[int], stop: threading.Event) -> None:
    """Kill a worker of this process's cluster in the middle of a batch; Ray writes into a title what a process does."""
    import psutil

    while not (killed or stop.is_set()):
        for process in psutil.Process().children(recursive=True):
            try:
                title = " ".join(process.cmdline()).strip()
                if "_Labeller" in title and title.endswith(".submit"):
                    process.kill()
                    killed.append(process.pid)
                    break
            except psutil.Error:
                continue
        time.sleep(0.01)


@pytest.mark.cluster
def test_a_worker_dies_and_every_row_is_there_once(cluster: Any, tmp_path: Path) -> None:
    given, out = rows(600), tmp_path / "labelled"
    pq.write_table(given.slice(0, 250), tmp_path / "a.parquet")
    pq.write_table(given.slice(250), tmp_path / "b.parquet")
    killed: list[int] = []
    stop = threading.Event()
    killer = threading.Thread(target=kill_one_at_work, args=(killed, stop))
    killer.start()
    try:
        found = classify(str(tmp_path / "*.parquet"), output=out, concurrency=2, rows_per_batch=50, text_column="quote")
    finally:
        stop.set()
        killer.join()
    assert len(killed) == 1
    check(pq.read_table(out), given)
    assert found.count() == 600 and (out / "_SUCCESS").exists()


@pytest.mark.cluster
def test_what_is_wrong_is_said_before_and_on_the_cluster(cluster: Any, tmp_path: Path) -> None:
    data = cluster.data.from_arrow(rows(10))
    with pytest.raises(InputError, match="no column 'text'; there are id, quote"):
        classify(data)
    with pytest.raises(ModelError, match="Did you mean 'default'"):
        classify(data, text_column="quote", model="defalt")
    with pytest.raises(InputError, match="concurrency must be at least 1"):
        classify(data, text_column="quote", concurrency=(2, 1))
    with pytest.raises(InputError, match="exists already"):
        classify(data, text_column="quote", output=tmp_path)
    with pytest.raises(InputError, match="^Row 7: quote is blank"):
        classify(data, text_column="quote", on_error="raise", output=tmp_path / "labelled")
    with pytest.raises(InputError, match="no such file"):
        classify(tmp_path / "*.csv")


@pytest.mark.cluster
def test_the_command_starts_a_cluster_of_its_own_and_keeps_quiet(tmp_path: Path) -> None:
    given, out = rows(12), tmp_path / "labelled"
    pa_csv.write_csv(given, tmp_path / "q.csv")
    command = [sys.executable, "-m", "stance", "classify", str(tmp_path / "q.csv"), "-o", str(out), "--engine", "ray"]
    done = subprocess.run([*command, "--text-column", "quote", "--on-error", "null"], capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (0, "")
    *noise, said = done.stderr.splitlines()
    assert said == f"12 rows written to the folder {out}"
    assert all("RAY_BACKEND_LOG_LEVEL" in line for line in noise), noise  # Ray's word that it will be silent
    check(pq.read_table(out), given)


@pytest.fixture(scope="module")
def spark() -> Iterator[Any]:
    """Two workers on this machine."""
    os.environ |= {"SPARK_LOCAL_IP": "127.0.0.1", "PYSPARK_PYTHON": sys.executable}
    from pyspark.sql import SparkSession

    builder = SparkSession.builder.master("local[2]").config("spark.ui.enabled", "false").config("spark.driver.memory", "512m")
    session = builder.config("spark.driver.bindAddress", "127.0.0.1").getOrCreate()
    yield session
    session.stop()


@pytest.mark.cluster
def test_spark_labels_as_one_machine_does(spark: Any) -> None:
    given = rows(200)
    frame = spark.createDataFrame(given).repartition(4)
    check(classify_spark(frame, text_column="quote").toArrow(), given)
    with pytest.raises(InputError, match="no column 'text'; there are id, quote"):
        classify_spark(frame)
