"""A torch checkpoint becomes a folder to ship: fp16 safetensors and an ONNX file with int8 weights, behind a parity gate.

The gate: int8 and fp32 must give the same label on at least 99 % of the texts given and, where their labels are known, may
differ by half a point of macro-F1; else nothing is written. Every row is computed by itself, so a label never depends on
what else is in its batch.
"""

from __future__ import annotations

import json
import shutil
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from stance.errors import InputError, MissingExtraError, ModelError
from stance.labels import LABELS, Stance
from stance.models.batching import load_tokenizer
from stance.models.first_token import skip_unread_tokens
from stance.models.onnx import BLOCK, OnnxModel
from stance.models.transformer import TransformerModel

Array = NDArray[np.float32]
AGREEMENT = 0.99
"""Least share of equal labels between int8 and fp32."""
LOSS = 0.005
"""Most macro-F1 that int8 may lose."""


@dataclass(frozen=True, slots=True)
class Parity:
    """How int8 compares with fp32 on the texts of an export; kept in `export.json`."""

    int8_agreement: float
    """Share of equal labels, 0 to 1."""
    texts: int
    """How many were compared."""
    macro_f1: dict[str, float] | None = None
    """Of "fp32" and "int8", where the labels were given."""



def export_checkpoint(
    checkpoint: str | Path, output: str | Path, *, texts: Sequence[str], claim: str, labels: Sequence[str] | None = None
) -> Parity:
    """Export a checkpoint folder for the ONNX runtime.

    Args:
        checkpoint: a folder with `model.safetensors`, `tokenizer.json` and `config.json`.
        output: the new folder.
        texts: texts on which the int8 and fp32 labels are compared; some hundred of the field.
        claim: the claim beside them.
        labels: against, neutral or favor, one for each text, if they are known.

    Returns:
        How int8 and fp32 compare.

    Raises:
        MissingExtraError: `onnx` is not installed.
        InputError: labels that are unknown or too few.
        ModelError: they agree on less than `AGREEMENT` of the labels, or int8 loses more than `LOSS`.

    Example:
        >>> export_checkpoint("runs/mine", "exported", texts=quotes, claim="…")  # doctest: +SKIP
        Parity(int8_agreement=0.996, texts=500, macro_f1=None)
    """
    import torch
    from transformers import AutoModelForSequenceClassification

    checkpoint, output = Path(checkpoint), Path(output)
    model = AutoModelForSequenceClassification.from_pretrained(
        checkpoint, use_safetensors=True, attn_implementation="eager", dtype=torch.float32
    ).eval()
    skip_unread_tokens(model)
    encoder = load_tokenizer(checkpoint, max_length=64)
    encoded = encoder.tokenizer.encode_batch([(text, claim) for text in texts[:2]] or [("a", claim)] * 2)
    width = min(len(e.ids) for e in encoded)
    inputs = {
        "input_ids": torch.tensor([e.ids[:width] for e in encoded]),
        "attention_mask": torch.tensor([e.attention_mask[:width] for e in encoded]),
    }
    if getattr(model.config, "type_vocab_size", 0) > 1:
        inputs["token_type_ids"] = torch.tensor([e.type_ids[:width] for e in encoded])
    with tempfile.TemporaryDirectory() as folder:
        staged = Path(folder, "staged", output.name)
        staged.mkdir(parents=True)
        for name in ("config.json", "tokenizer.json", "tokenizer_config.json", "calibration.json", "README.md"):
            if (checkpoint / name).exists():
                shutil.copy(checkpoint / name, staged / name)
        int8_onnx(model, inputs, {"logits": {0: "rows"}}, staged / "model.onnx")
        ours = OnnxModel(staged).logits(texts, [claim] * len(texts), batch_size=32, progress=False)[0]
        fp32 = TransformerModel(str(checkpoint), device="cpu")
        theirs = fp32.logits(texts, [claim] * len(texts), batch_size=32, progress=False)[0]
        parity = Parity(float((ours.argmax(1) == theirs.argmax(1)).mean()), len(texts), _macro_f1(theirs, ours, labels))
        if parity.int8_agreement < AGREEMENT:
            raise ModelError(
                f"{checkpoint}: int8 and fp32 agree on {parity.int8_agreement:.1%} of labels, under {AGREEMENT:.0%}."
            )
        if parity.macro_f1 and parity.macro_f1["int8"] < parity.macro_f1["fp32"] - LOSS:
            raise ModelError(f"{checkpoint}: int8 loses more than {LOSS} of macro-F1: {parity.macro_f1}.")
        model.half().save_pretrained(staged)
        figures = staged / "export.json"
        figures.write_text(json.dumps(asdict(parity)) + "\n", encoding="utf-8")
        shutil.rmtree(output, ignore_errors=True)
        output.parent.mkdir(parents=True, exist_ok=True)
        shutil.copytree(staged, output)
    return parity


def _macro_f1(fp32: Array, int8: Array, labels: Sequence[str] | None) -> dict[str, float] | None:
    """Macro-F1 of both kinds of logits, each (n, 3)."""
    if labels is None:
        return None
    from sklearn.metrics import f1_score

    names = range(len(LABELS))
    try:
        gold = [LABELS.index(Stance(label)) for label, _ in zip(labels, fp32, strict=True)]
    except ValueError as error:
        raise InputError(f"labels: {error}; give one of {', '.join(LABELS)} for each of the {len(fp32)} texts.") from None
    return {
        name: round(float(f1_score(gold, logits.argmax(1), labels=[*names], average="macro", zero_division=0)), 4)
        for name, logits in (("fp32", fp32), ("int8", int8))
    }


def int8_onnx(model: Any, inputs: Mapping[str, Any], outputs: Mapping[str, Mapping[int, str]], path: Path) -> None:
    """Write a torch module as an ONNX file with int8 weights.

    Word embeddings have a scale for each word, matrices one for each block of `BLOCK` weights; activations are rounded block
    by block within a row (ONNX Runtime's MatMulNBits). Dynamic int8, which scales the activations of a whole batch, was
    twice as fast but changed 3 % of the labels, and changed them with the batch.

    Args:
        model: in eval mode; its forward takes `inputs` in their order.
        inputs: name to an integer tensor (2, tokens); an `attention_mask` among them may be all ones.
        outputs: name to the names of its dynamic axes.
        path: the file.

    Raises:
        MissingExtraError: onnx or onnx-ir is not installed.
    """
    try:
        import onnx
        import onnx_ir  # noqa: F401 - the quantiser needs it and does not say so
    except ImportError as error:
        raise MissingExtraError("onnx and onnx-ir", "export") from error
    import torch
    from onnxruntime.quantization.matmul_nbits_quantizer import MatMulNBitsQuantizer

    inputs = dict(inputs)
    if "attention_mask" in inputs:
        inputs["attention_mask"] = inputs["attention_mask"].clone()
        inputs["attention_mask"][-1, -1] = 0  # a trace without padding would leave the mask out of the graph
    axes: dict[str, Any] = {name: {0: "rows", 1: "tokens"} for name in inputs}
    with tempfile.TemporaryDirectory() as folder:
        plain = Path(folder, "plain.onnx")
        torch.onnx.export(
            model,
            tuple(inputs.values()),
            str(plain),
            input_names=[*inputs],
            output_names=[*outputs],
            dynamic_axes=axes | dict(outputs),
            opset_version=17,
            dynamo=False,
        )
        quantiser = MatMulNBitsQuantizer(
            onnx.load(str(plain)), bits=8, block_size=BLOCK, is_symmetric=True, accuracy_level=4
        )
    quantiser.process()
    onnx.save(_int8_embeddings(quantiser.model.model), str(path))


def _int8_embeddings(model: Any) -> Any:
    """The graph with its large lookup tables in int8, one scale a row."""
    from onnx import TensorProto, helper, numpy_helper

    graph = model.graph
    for tensor in [t for t in graph.initializer if len(t.dims) == 2 and t.data_type == TensorProto.FLOAT and t.dims[0] > 10_000]:
        weights, name = numpy_helper.to_array(tensor), tensor.name
        graph.initializer.remove(tensor)
        scale = np.maximum(np.abs(weights).max(axis=1), 1e-8) / 127
        rounded = np.round(weights / scale[:, None]).astype(np.int8)
        graph.initializer.append(numpy_helper.from_array(rounded, f"{name}.int8"))
        graph.initializer.append(numpy_helper.from_array(scale.astype(np.float32), f"{name}.scale"))
        graph.node.insert(0, helper.make_node("DequantizeLinear", [f"{name}.int8", f"{name}.scale"], [name], axis=0))
    return model
