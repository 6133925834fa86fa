"""Batches, threads and runtimes: the same labels however they are computed, and a choice that is measured once."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from typer.testing import CliRunner

from stance.cli import app
from stance.errors import InputError, MissingExtraError, ModelError
from stance.io import BATCH
from stance.models import batching, embedded_folder, load_model, why
from stance.models.batching import WASTE, PairEncoder, batches, load_tokenizer
from stance.models.export import export_checkpoint
from stance.models.machine import cores, has_bf16
from stance.models.onnx import OnnxModel
from stance.models.protocol import StanceModel
from stance.models.runtimes import RUNTIMES, choose
from stance.models.transformer import TransformerModel

CLAIM = "Ukraine should become a member of NATO."
TEXTS = [f"{'We said it before, and we say it again. ' * (i % 4)}Text number {i}." for i in range(40)] + ["never " * 400]


@given(st.lists(st.integers(1, 256), max_size=200).map(np.array), st.integers(1, 4096))
def test_batches_hold_every_row_once_within_the_budget_and_nearly_without_padding(
    lengths: NDArray[np.int64], budget: int
) -> None:
    found = list(batches(lengths.astype(np.int64), budget=budget))
    assert sorted(int(i) for rows in found for i in rows) == list(range(len(lengths)))
    for rows in found:
        width = lengths[rows].max()
        assert len(rows) == 1 or len(rows) * width <= budget
        assert lengths[rows].sum() >= (1 - WASTE) * len(rows) * width


@pytest.fixture(scope="module")
def encoder() -> PairEncoder:
    return load_tokenizer(embedded_folder("default") or Path(), max_length=256)


def sums(ids: NDArray[np.int64], mask: NDArray[np.int64], types: NDArray[np.int64]) -> NDArray[np.float32]:
    """Stands for a model: what it answers depends on a row's own tokens alone."""
    return np.stack([(ids * mask).sum(1), mask.sum(1), types.sum(1)], axis=1).astype(np.float32)


@pytest.mark.parametrize(("chunk", "threads", "batch_size"), [(3, 1, 1), (7, 4, 32), (4096, 3, 2)])
def test_chunks_and_threads_change_nothing(
    encoder: PairEncoder, monkeypatch: pytest.MonkeyPatch, chunk: int, threads: int, batch_size: int
) -> None:
    texts, claims = TEXTS + TEXTS[:5], [CLAIM] * 46
    plain = encoder.run(texts, claims, sums, batch_size=32, progress=False)
    monkeypatch.setattr(batching, "CHUNK", chunk)
    other = encoder.run(texts, claims, sums, batch_size=batch_size, progress=False, threads=threads)
    np.testing.assert_array_equal(plain[0], other[0])
    np.testing.assert_array_equal(plain[1], other[1])
    assert plain[1].tolist() == [1] * 40 + [plain[1][40]] + [1] * 5 and plain[1][40] > 1


def test_a_batch_of_a_file_is_tokenised_in_pieces() -> None:
    assert BATCH >= 4 * batching.CHUNK


def test_equal_pairs_are_computed_once(encoder: PairEncoder) -> None:
    rows: list[int] = []

    def counted(ids: NDArray[np.int64], mask: NDArray[np.int64], types: NDArray[np.int64]) -> NDArray[np.float32]:
        rows.append(len(ids))
        return sums(ids, mask, types)

    encoder.run(["yes", "no"] * 50, [CLAIM] * 100, counted, batch_size=32, progress=False, threads=2)
    assert sum(rows) == 2


def test_an_error_in_a_batch_reaches_the_caller(encoder: PairEncoder) -> None:
    def broken(*arrays: NDArray[np.int64]) -> NDArray[np.float32]:
        raise MemoryError("full")

    with pytest.raises(MemoryError, match="full"):
        encoder.run(TEXTS, [CLAIM] * len(TEXTS), broken, batch_size=1, progress=True, threads=2)


def test_threads_follow_the_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", "3,2")
    assert cores() == 3
    monkeypatch.delenv("OMP_NUM_THREADS")
    assert 1 <= cores() <= (os.cpu_count() or 1)
    for wrong in ("0", "many", "-1"):
        monkeypatch.setenv("OMP_NUM_THREADS", wrong)
        with pytest.raises(InputError, match="OMP_NUM_THREADS"):
            cores()


def test_labels_do_not_depend_on_threads(monkeypatch: pytest.MonkeyPatch) -> None:
    found = []
    for threads in ("1", "3"):  # batches of 2,048 tokens, then of 682
        monkeypatch.setenv("OMP_NUM_THREADS", threads)
        load_model.cache_clear()
        found.append(load_model("default").logits(TEXTS, [CLAIM] * 41, batch_size=32, progress=False)[0])
    np.testing.assert_allclose(found[0], found[1], atol=1e-5)


def test_a_cold_label_measures_nothing_and_imports_nothing_heavy(tmp_path: Path) -> None:
    code = (
        "import sys, stance; stance.classify('Ukraine should join NATO.');"
        "print([m for m in ('torch', 'transformers', 'pandas', 'sklearn', 'scipy', 'datasets', 'pydantic', 'py3langid', 'tqdm',"
        " 'stance.models.runtimes') if m in sys.modules])"
    )
    env = {**os.environ, "XDG_CACHE_HOME": str(tmp_path)}
    done = subprocess.run([sys.executable, "-c", code], env=env, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
    assert list(tmp_path.iterdir()) == []  # nothing measured, and no identifier of ONNX Runtime's telemetry


def test_torch_labels_alike_on_one_core_and_many_and_leaves_the_callers_threads(tiny_nli: Path) -> None:
    import torch

    model, texts = TransformerModel(str(tiny_nli), device="cpu"), [f"Sentence {i} " + "on " * (i % 9) for i in range(60)]

    def labelled(threads: int) -> NDArray[np.float32]:
        torch.set_num_threads(threads)
        found = model.logits(texts, ["A claim."] * 60, batch_size=1, progress=False)[0]
        assert torch.get_num_threads() == threads
        with ThreadPoolExecutor(1) as pool:  # a thread that begins later
            assert pool.submit(torch.get_num_threads).result() == threads
        return found

    before = torch.get_num_threads()
    try:
        np.testing.assert_allclose(labelled(3), labelled(1), atol=1e-5)
    finally:
        torch.set_num_threads(before)


def test_torch_takes_no_more_cores_than_the_process_has(tiny_nli: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import torch

    model, used = TransformerModel(str(tiny_nli), device="cpu"), set()
    forward = model._forward

    def seen(*arrays: NDArray[np.int64]) -> NDArray[np.float32]:
        used.add((threading.get_ident(), torch.get_num_threads()))
        return forward(*arrays)

    monkeypatch.setattr(model, "_forward", seen)
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    before = torch.get_num_threads()
    torch.set_num_threads(3)
    try:
        model.logits([f"Sentence {i}" for i in range(60)], ["A claim."] * 60, batch_size=1, progress=False)
    finally:
        torch.set_num_threads(before)
    assert [threads for _, threads in used] == [1]


def test_bf16_is_near_fp32_or_refused(tiny_nli: Path) -> None:
    texts, claims = ["we back it", "we reject nato", "never"], ["ukraine should join nato ."] * 3
    if not has_bf16("cpu"):
        with pytest.raises(ModelError, match="does not multiply bf16"):
            TransformerModel(str(tiny_nli), device="cpu", bf16=True)
        return
    plain = TransformerModel(str(tiny_nli), device="cpu").logits(texts, claims, batch_size=2, progress=False)[0]
    short = TransformerModel(str(tiny_nli), device="cpu", bf16=True).logits(texts, claims, batch_size=2, progress=False)[0]
    assert not np.array_equal(plain, short)
    np.testing.assert_allclose(plain, short, atol=0.5)  # its random weights are large: of a real one the logits move by .04


def test_openvino_reads_the_embedded_model_as_onnx_runtime_does(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", "2")
    load_model.cache_clear()
    models = [load_model("default", runtime=name) for name in ("onnx", "openvino")]
    plain, other = (model.logits(TEXTS, [CLAIM] * 41, batch_size=4, progress=False)[0] for model in models)
    np.testing.assert_allclose(plain, other, atol=0.2)


def test_a_missing_extra_names_its_pip_line(monkeypatch: pytest.MonkeyPatch) -> None:
    load_model.cache_clear()
    monkeypatch.setitem(sys.modules, "openvino", None)
    with pytest.raises(MissingExtraError, match=r"pip install 'stance\[openvino\]'"):
        load_model("default", runtime="openvino")


def test_a_choice_is_measured_once_for_the_same_weights(
    tiny_nli: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    loaded: list[str] = []

    def load(runtime: str) -> StanceModel:
        loaded.append(runtime)
        if runtime != "torch":
            raise ModelError(f"no {runtime} here")
        return TransformerModel(str(tiny_nli), device="cpu")

    first = choose(tiny_nli, load=load)
    assert first.runtime == "torch" and first.speeds["torch"] > 0
    assert first.missing == {name: f"no {name} here" for name in RUNTIMES if name != "torch"}
    assert choose(tiny_nli, load=load) == first and loaded == [*RUNTIMES]
    Path(first.path).write_text("[damaged")
    assert choose(tiny_nli, load=load).runtime == "torch" and loaded == [*RUNTIMES] * 2
    Path(first.path).write_text(json.dumps({first.machine: {"runtime": "gone", "speeds": {}, "missing": {}}}))
    assert choose(tiny_nli, load=load).runtime == "torch" and loaded == [*RUNTIMES] * 3
    monkeypatch.setenv("OMP_NUM_THREADS", "7")
    assert choose(tiny_nli, load=load).machine != first.machine


def test_a_choice_is_measured_again_when_openvino_comes(
    tiny_nli: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr(sys, "path", [str(tmp_path), *sys.path])
    told = tmp_path / "openvino-1.2.3.dist-info"
    for version in ("1.2.3", "1.2.4"):
        told.mkdir(exist_ok=True)
        (told / "METADATA").write_text(f"Metadata-Version: 2.1\nName: openvino\nVersion: {version}\n")
        found = choose(tiny_nli, load=lambda runtime: TransformerModel(str(tiny_nli), device="cpu"))
        assert f"openvino {version}" in found.machine


def test_auto_leaves_a_file_that_nobody_checked(tiny_nli: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    folder = tmp_path / "mine"
    export_checkpoint(tiny_nli, folder, texts=["we back it", "never"], claim=CLAIM)
    assert "onnx" in why(str(folder)).speeds
    (folder / "export.json").unlink()
    found = why(str(folder))
    assert found.runtime.startswith("torch")
    assert "not checked against fp32" in found.missing["onnx"] and "not checked against fp32" in found.missing["openvino"]
    said = CliRunner().invoke(app, ["models", "--why", "--model", str(folder)], catch_exceptions=False).stdout
    assert "not checked against fp32" in said
    assert isinstance(load_model(str(folder), runtime="onnx"), OnnxModel)


def test_auto_and_why_agree(tiny_nli: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    found = why(str(tiny_nli))
    assert found.runtime in ("torch", "torch-bf16") and "stance export" in found.missing["onnx"]
    assert isinstance(load_model(str(tiny_nli), runtime="auto"), TransformerModel)
    said = CliRunner().invoke(app, ["models", "--why", "--model", str(tiny_nli)], catch_exceptions=False).stdout
    assert f"* {found.runtime}" in said and f"{found.speeds['torch']:.1f} quotes/s" in said and found.path in said
    told = CliRunner().invoke(app, ["models", "--why", "--model", str(tiny_nli), "--json"], catch_exceptions=False).stdout
    assert json.loads(told)["speeds"] == found.speeds


def test_a_runtime_that_cannot_be_is_named(tiny_nli: Path) -> None:
    with pytest.raises(ModelError, match="Did you mean 'onnx'"):
        load_model("default", runtime="onx")
    with pytest.raises(ModelError, match="stance export"):
        load_model(str(tiny_nli), runtime="onnx")
    with pytest.raises(ModelError, match="embedded models and checkpoint folders"):
        load_model("nobody/nothing", runtime="auto")


def test_a_checkpoint_is_loaded_without_a_bar_and_bars_are_as_before(
    tiny_nli: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    from huggingface_hub.utils import are_progress_bars_disabled
    from transformers.utils import logging

    logging.enable_progress_bar()
    TransformerModel(str(tiny_nli))
    assert capsys.readouterr().err == ""
    assert logging.is_progress_bar_enabled() and not are_progress_bars_disabled()
