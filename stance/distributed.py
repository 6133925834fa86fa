"""Tables too large for one machine: :func:`stance.stream.label_batch` on Ray Data and on Spark.

A worker loads the model once and labels a batch at a time on one core. A batch whose worker dies is labelled again by another,
and only whole batches count, so each row comes out once.
"""

from __future__ import annotations

import glob
import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Unpack

from stance.errors import InputError, MissingExtraError, StanceError
from stance.io import BATCH, table_kind
from stance.models import usual_runtime
from stance.models.machine import cores
from stance.stream.batch import RESULT_COLUMNS, Labelling, LabelOptions
from stance.stream.tables import Source

if TYPE_CHECKING:
    import pyarrow as pa
    from pyspark.sql import DataFrame
    from ray.data import Dataset


def classify(
    data: Dataset | str | Path,
    *,
    output: str | Path | None = None,
    concurrency: int | tuple[int, int] | None = None,
    num_gpus: float | None = None,
    rows_per_batch: int = BATCH,
    address: str | None = None,
    progress: bool = False,
    **options: Unpack[LabelOptions],
) -> Dataset:
    """Label the rows of a data set on a Ray cluster.

    Rows stay together in batches, but batches come in the order in which they are done: carry a column that names the row, or
    set `ray.data.DataContext.get_current().execution_options.preserve_order = True` first.

    Args:
        data: a data set of Ray, or a path or glob of Parquet, CSV or JSONL files. Parquet may lie in a store such as s3;
            CSV and JSONL are read as on one machine, from a folder that all machines share.
        output: a new folder for Parquet files; when it holds a file `_SUCCESS`, it is whole.
        concurrency: workers, or the fewest and most of them; up to all CPUs but one, which reads and writes, when None.
        num_gpus: GPUs of a worker; when None, one if there are GPUs and the model runs in torch, as no other runtime uses them.
        rows_per_batch: rows that are labelled, or lost with a worker, together; at least 1.
        address: of the cluster, such as "auto" or "ray://host:10001"; when None, `RAY_ADDRESS`, or a cluster of this machine
            alone. A cluster to which this process is connected already is used as it is.
        progress: show Ray's bars for a path; a data set has its own setting.
        options: the keywords of :class:`stance.stream.Labelling`. The model must be found by this process and by the workers.

    Returns:
        The labelled rows, with the columns of :func:`stance.stream.label_batch`: the files that were written or, without an
        output, a plan that is worked out when it is read.

    Raises:
        InputError: a file, column or option that cannot be used; an output that exists already; with `on_error="raise"`, a
            row that is no text, counted within its batch.
        ModelError: the model cannot be loaded.
        MissingExtraError: Ray is not installed.

    Example:
        >>> rows = classify("quotes/*.parquet", text_column="quote", output="labelled")  # doctest: +SKIP
    """
    how, ray = Labelling(**options), _connect(address)
    import pyarrow as pa

    if rows_per_batch < 1:
        raise InputError(f"rows_per_batch must be at least 1, not {rows_per_batch}.")
    with _own_errors():
        rows = _read(data, how, progress=progress) if isinstance(data, (str, Path)) else data
        schema = rows.schema()
        if schema is None:
            raise InputError(f"{data}: no rows.")
        _check(pa.schema(list(zip(schema.names, schema.types, strict=True))).empty_table(), how)
        here = ray.cluster_resources()
        fewest, most = _pool(concurrency, most=max(1, int(here.get("CPU", 1)) - 1))
        if num_gpus is None:
            num_gpus = 1 if here.get("GPU") and _uses_a_gpu(how) else 0
        labelled = rows.repartition(target_num_rows_per_block=rows_per_batch).map_batches(
            _Labeller,
            fn_constructor_args=(how,),
            batch_size=None,
            batch_format="pyarrow",
            compute=ray.data.ActorPoolStrategy(min_size=fewest, max_size=most),
            num_cpus=1,
            num_gpus=num_gpus,
        )  # Ray Data starts a lost worker again and repeats its batch: max_restarts and max_task_retries are -1
        labelled.context.raise_original_map_exception = True  # an error of ours stays one
        if output is None:
            return labelled
        _write(labelled, str(output))
        return ray.data.read_parquet(str(output))


class _Labeller:
    """A worker: one thread and one model, which the first batch loads."""

    def __init__(self, how: Labelling) -> None:
        _one_thread()
        self._how = how

    def __call__(self, batch: pa.Table) -> pa.Table:
        return self._how.batch(batch)


def classify_spark(frame: DataFrame, **options: Unpack[LabelOptions]) -> DataFrame:
    """Label the rows of a Spark data frame.

    Args:
        frame: the rows; Spark's `spark.sql.execution.arrow.maxRecordsPerBatch` says how many are labelled at a time. Its
            workers run in the Python that `PYSPARK_PYTHON` names, which needs this package.
        options: the keywords of :class:`stance.stream.Labelling`. The model must be found by the driver and by the workers.

    Returns:
        A data frame with the columns of `frame` and those of :func:`stance.stream.label_batch`, which is worked out when it is
        read.

    Raises:
        InputError: a column or option that cannot be used.
        ModelError: the model cannot be loaded.
        MissingExtraError: PySpark is not installed.

    Example:
        >>> classify_spark(spark.read.parquet("quotes")).write.parquet("labelled")  # doctest: +SKIP
    """
    how = Labelling(**options)
    try:
        from pyspark.sql.types import DoubleType, StringType, StructField, StructType
    except ImportError:
        raise MissingExtraError("pyspark", "spark") from None
    _check(frame.limit(0).toArrow(), how)
    types = {name: DoubleType() if name.startswith("p_") else StringType() for name in RESULT_COLUMNS}
    schema = StructType([*frame.schema, *(StructField(name, kind) for name, kind in types.items())])
    return frame.mapInArrow(partial(_label_batches, how=how), schema)


def _label_batches(batches: Iterator[pa.RecordBatch], how: Labelling) -> Iterator[pa.RecordBatch]:
    _one_thread()
    for batch in batches:
        yield from how.batch(batch).to_batches()


def _one_thread() -> None:
    """There are as many workers as cores."""
    os.environ["OMP_NUM_THREADS"] = os.environ["RAYON_NUM_THREADS"] = "1"


def _check(empty: pa.Table, how: Labelling) -> None:
    """Refuse columns, options or a model before a cluster is put to work; the driver may lack the workers' GPUs."""
    replace(how, device=None).batch(empty)


def _uses_a_gpu(how: Labelling) -> bool:
    """Whether the model runs in torch, or may: what "auto" takes is measured by the worker."""
    runtime = how.runtime or usual_runtime(how.model, how.device)
    return runtime in ("torch", "torch-bf16", "auto") and how.device != "cpu"


def _pool(concurrency: int | tuple[int, int] | None, *, most: int) -> tuple[int, int]:
    fewest, most = (1, most) if concurrency is None else (concurrency,) * 2 if isinstance(concurrency, int) else concurrency
    if not 1 <= fewest <= most:
        raise InputError(f"concurrency must be at least 1, or the fewest and most workers, not {concurrency}.")
    return fewest, most


def _connect(address: str | None) -> Any:
    """Ray, connected to a cluster; usage is reported to nobody, and what goes wrong is raised, not logged."""
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    os.environ.setdefault("RAY_BACKEND_LOG_LEVEL", "fatal")
    try:
        import ray
        import ray.data
    except ImportError:
        raise MissingExtraError("ray", "ray") from None
    if not ray.is_initialized():
        address, quiet = address or os.environ.get("RAY_ADDRESS"), {"log_to_driver": False, "logging_level": logging.ERROR}
        if address:
            ray.init(address, **quiet)
        else:
            ray.init("local", num_cpus=cores() + 1, include_dashboard=False, **quiet)
        logging.getLogger("ray.data").setLevel(logging.CRITICAL)
    return ray


def _read(path: str | Path, how: Labelling, *, progress: bool) -> Dataset:
    """The rows of the files."""
    import ray.data

    context = ray.data.DataContext.get_current().copy()
    context.enable_progress_bars, context.raise_original_map_exception = progress, True
    kind = table_kind(path, action="read")
    with ray.data.DataContext.current(context):
        if kind == "parquet" and "://" in str(path):
            return ray.data.read_parquet(str(path))
        files = sorted(glob.glob(str(path))) or [str(path)]
        if not all(Path(file).is_file() for file in files):
            raise InputError(f"{path}: no such file.")
        if kind == "parquet":
            return ray.data.read_parquet(files)
        return ray.data.from_items([{"path": file} for file in files]).map_batches(
            partial(_tables, kind=kind, columns=how.columns), batch_size=1
        )


def _tables(batch: dict[str, Any], kind: str, columns: tuple[str, str | None, str | None]) -> Iterator[pa.Table]:
    """The rows of a file of CSV or JSONL, read as on one machine."""
    for path in batch["path"]:
        for chunk in Source(path, kind=kind, output_kind="parquet", columns=columns, size=BATCH):
            yield chunk.table


def _write(rows: Dataset, output: str) -> None:
    """Write Parquet files, and `_SUCCESS` once they are whole."""
    from pyarrow import fs

    store, folder = fs.FileSystem.from_uri(output) if "://" in output else (fs.LocalFileSystem(), os.path.abspath(output))
    if store.get_file_info(folder).type != fs.FileType.NotFound:
        raise InputError(f"{output} exists already; give a new folder. One without _SUCCESS in it is of an unfinished run.")
    rows.write_parquet(output, mode="error")
    store.open_output_stream(f"{folder}/_SUCCESS").close()


@contextmanager
def _own_errors() -> Iterator[None]:
    """Our errors come out of a worker as they were raised, without the layers that Ray puts around them."""
    try:
        yield
    except Exception as error:
        cause = getattr(error, "cause", None)
        if isinstance(cause, StanceError):
            raise cause from None
        raise
