"""An exported folder on ONNX Runtime (the default) or OpenVINO, with the plain `tokenizers` library; no torch.

A batch is computed by one thread, and as many batches at a time as there are cores: threads that share a batch wait for
each other, the more so on a busy machine, and a label never depends on how many there are.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Sequence
from pathlib import Path
from queue import SimpleQueue
from typing import Any

import numpy as np
from numpy.typing import NDArray

from stance.errors import MissingExtraError, ModelError
from stance.models.batching import load_tokenizer
from stance.models.checkpoint import fingerprint, label_columns, read_languages, read_temperature
from stance.models.machine import cores

BLOCK = 128
"""Weights of a matrix that share an int8 scale, and activations of a row that do; blocks of 32 were a third slower."""
TOKENS = 512
"""Tokens of a batch: with more, a core's cache no longer holds what passes from one product to the next."""
Run = Callable[[dict[str, NDArray[np.int64]]], NDArray[np.float32]]
"""A feed by input name to logits (rows, 3), called from several threads."""


def session(path: Path, *, threads: int) -> Any:
    """An ONNX Runtime session on the CPU that sends nothing to anybody.

    From version 1.29 on, ONNX Runtime reports use to its maker and leaves an identifier in the user's cache unless
    `ORT_DISABLE_TELEMETRY` is set before its first import; it is set here, unless the user has given it another value.

    Args:
        path: the .onnx file.
        threads: that share one batch; at least 1.
    """
    os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    options.intra_op_num_threads = threads
    return onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])


def _onnxruntime(path: Path, threads: int) -> tuple[set[str], Run]:
    """The inputs of a file, and what computes a batch: each of the threads a batch of its own."""
    opened = session(path, threads=1)
    return {i.name for i in opened.get_inputs()}, lambda feed: opened.run(None, feed)[0]


def _openvino(path: Path, threads: int) -> tuple[set[str], Run]:
    """The same on OpenVINO, which computes the int8 file in fp32 and int8 as ONNX Runtime does."""
    try:
        import openvino
    except ImportError as error:
        raise MissingExtraError("openvino", "openvino") from error

    # as many streams as threads: each batch has one; fp32 between the int8 products, where bf16 is OpenVINO's own choice
    settings = {
        "INFERENCE_NUM_THREADS": threads,
        "NUM_STREAMS": threads,
        "INFERENCE_PRECISION_HINT": "f32",
        "DYNAMIC_QUANTIZATION_GROUP_SIZE": BLOCK,
    }
    compiled = openvino.Core().compile_model(str(path), "CPU", settings)
    free: SimpleQueue[Any] = SimpleQueue()  # a request serves one thread at a time
    for _ in range(threads):
        free.put(compiled.create_infer_request())

    def run(feed: dict[str, NDArray[np.int64]]) -> NDArray[np.float32]:
        request = free.get()
        try:
            return np.array(request.infer(feed)[0])  # a copy: the request keeps its output
        finally:
            free.put(request)

    return {i.any_name for i in compiled.inputs}, run


_ENGINES: dict[str, Callable[[Path, int], tuple[set[str], Run]]] = {"onnx": _onnxruntime, "openvino": _openvino}


class OnnxModel:
    """A checkpoint folder with `model.onnx`, `tokenizer.json`, `config.json` and `calibration.json`.

    Args:
        folder: the checkpoint.
        engine: what computes it, "onnx" (ONNX Runtime) or "openvino".

    Raises:
        MissingExtraError: OpenVINO is not installed.
        ModelError: a file is missing or damaged, or the labels cannot be mapped.
        InputError: OMP_NUM_THREADS is no number of threads; see :func:`stance.models.machine.cores`.
    """

    def __init__(self, folder: Path, *, engine: str = "onnx") -> None:
        path = folder / "model.onnx"
        self._threads = cores()
        if folder.is_dir() and not path.is_file():
            raise ModelError(f"{folder}: no model.onnx, which the runtime {engine} needs; make it with `stance export`.")
        try:
            config = json.loads((folder / "config.json").read_text("utf-8"))
            self._inputs, self._run = _ENGINES[engine](path, self._threads)
        except MissingExtraError:
            raise
        except Exception as error:  # neither library has a public exception of its own
            raise ModelError(f"{folder}: missing or damaged checkpoint ({error}); install the package again.") from error
        self._columns = label_columns(config.get("id2label", {}), where=str(folder))
        self._encoder = load_tokenizer(folder, max_length=min(256, config.get("max_position_embeddings", 512)))
        self.temperature = read_temperature(folder)
        self.languages = read_languages(config)
        self.name = f"{folder.name}@{fingerprint(path)}"

    def _forward(
        self, ids: NDArray[np.int64], mask: NDArray[np.int64], types: NDArray[np.int64]
    ) -> NDArray[np.float32]:
        given = {"input_ids": ids, "attention_mask": mask, "token_type_ids": types}
        feed = {name: values for name, values in given.items() if name in self._inputs}
        return self._run(feed)[:, self._columns]

    def logits(
        self, texts: Sequence[str], claims: Sequence[str], *, batch_size: int, progress: bool
    ) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
        """See :class:`stance.models.protocol.StanceModel`."""
        return self._encoder.run(
            texts, claims, self._forward, batch_size=batch_size, progress=progress, threads=self._threads, most=TOKENS
        )
