"""A torch checkpoint becomes a folder to ship: fp16 safetensors and an ONNX file of int8 or fp32 weights, behind a parity gate.

The gate: the ONNX file and torch in fp32 must give the same label on at least 99 % of the texts given and, where their labels
are known, it may lose half a point of macro-F1; else nothing is written. What was measured goes into the card. Every row is
computed by itself, so what else is in a batch moves a logit by rounding alone.
"""

from __future__ import annotations

import json
import logging
import shutil
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal, get_args

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
"""Least share of equal labels between the ONNX file and torch in fp32."""
LOSS = 0.005
"""Most macro-F1 that the ONNX file may lose."""
Weights = Literal["int8", "fp32"]
_LINE = "ONNX export: "
"""How the card's line on the export begins."""


@dataclass(frozen=True, slots=True)
class Parity:
    """How the ONNX file compares with torch in fp32 on the texts of an export; kept in `export.json`."""

    weights: Weights
    """Of the ONNX file."""
    agreement: float
    """Share of equal labels, 0 to 1."""
    texts: int
    """How many were compared."""
    macro_f1: dict[str, float] | None = None
    """Of "torch" and "onnx", where the labels were given."""

    def __str__(self) -> str:
        """As one sentence of a card."""
        said = f"{self.weights} weights, the label of torch in fp32 on {self.agreement:.2%} of {self.texts} texts"
        if self.macro_f1:
            said += f", macro-F1 {self.macro_f1['torch']:.3f} in torch and {self.macro_f1['onnx']:.3f} in ONNX"
        return said


def export_checkpoint(
    checkpoint: str | Path,
    output: str | Path,
    *,
    texts: Sequence[str],
    claim: str,
    labels: Sequence[str] | None = None,
    weights: Weights = "int8",
    source: str = "",
) -> Parity:
    """Export a checkpoint folder for the ONNX runtime.

    Args:
        checkpoint: a folder with `model.safetensors`, `tokenizer.json` and `config.json`.
        output: the new folder.
        texts: texts on which the labels of the ONNX file and torch are compared; some hundred of the field.
        claim: the claim beside them.
        labels: against, neutral or favor, one for each text, if they are known.
        weights: of the ONNX file; "int8" is a quarter of the size and faster.
        source: what the texts are, such as the name of their file, for the card.

    Returns:
        How the ONNX file and torch compare.

    Raises:
        MissingExtraError: `onnx` is not installed.
        InputError: weights or labels that are unknown, or too few labels.
        ModelError: they agree on less than `AGREEMENT` of the labels, or the ONNX file loses more than `LOSS`.

    Example:
        >>> export_checkpoint("runs/mine", "exported", texts=quotes, claim="…")  # doctest: +SKIP
        Parity(weights='int8', agreement=0.996, texts=500, macro_f1=None)
    """
    if weights not in get_args(Weights):
        raise InputError(f"Unknown weights {weights!r}; there are {', '.join(get_args(Weights))}.")
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
        write = int8_onnx if weights == "int8" else fp32_onnx
        write(model, inputs, {"logits": {0: "rows"}}, staged / "model.onnx")
        ours = OnnxModel(staged).logits(texts, [claim] * len(texts), batch_size=32, progress=False)[0]
        fp32 = TransformerModel(str(checkpoint), device="cpu")
        theirs = fp32.logits(texts, [claim] * len(texts), batch_size=32, progress=False)[0]
        agreement = float((ours.argmax(1) == theirs.argmax(1)).mean())
        parity = Parity(weights, agreement, len(texts), _macro_f1(theirs, ours, labels))
        if agreement < AGREEMENT:
            raise ModelError(f"{checkpoint}: {weights} and torch agree on {agreement:.1%} of labels, under {AGREEMENT:.0%}.")
        if parity.macro_f1 and parity.macro_f1["onnx"] < parity.macro_f1["torch"] - LOSS:
            raise ModelError(f"{checkpoint}: {weights} loses more than {LOSS} of macro-F1: {parity.macro_f1}.")
        model.half().save_pretrained(staged)
        figures = staged / "export.json"
        figures.write_text(json.dumps(asdict(parity)) + "\n", encoding="utf-8")
        _tell(staged / "README.md", f"{_LINE}{parity}{f' ({source})' if source else ''}; claim: {claim}")
        shutil.rmtree(output, ignore_errors=True)
        output.parent.mkdir(parents=True, exist_ok=True)
        shutil.copytree(staged, output)
    return parity


def _tell(card: Path, line: str) -> None:
    """Append a line on this export to the card, in place of one on an earlier export."""
    lines = card.read_text("utf-8").splitlines() if card.exists() else [f"# {card.parent.name}"]
    kept = "\n".join(told for told in lines if not told.startswith(_LINE)).rstrip()
    card.write_text(f"{kept}\n\n{line}\n", encoding="utf-8")


def _macro_f1(torch: Array, onnx: Array, labels: Sequence[str] | None) -> dict[str, float] | None:
    """Macro-F1 of both kinds of logits, each (n, 3)."""
    if labels is None:
        return None
    from sklearn.metrics import f1_score

    names = range(len(LABELS))
    try:
        gold = [LABELS.index(Stance(label)) for label, _ in zip(labels, torch, strict=True)]
    except ValueError as error:
        raise InputError(f"labels: {error}; give one of {', '.join(LABELS)} for each of the {len(torch)} texts.") from None
    return {
        name: round(float(f1_score(gold, logits.argmax(1), labels=[*names], average="macro", zero_division=0)), 4)
        for name, logits in (("torch", torch), ("onnx", onnx))
    }


def fp32_onnx(model: Any, inputs: Mapping[str, Any], outputs: Mapping[str, Mapping[int, str]], path: Path) -> None:
    """Write a torch module as an ONNX file.

    Args:
        model: in eval mode; its forward takes `inputs` in their order.
        inputs: name to an integer tensor (2, tokens); an `attention_mask` among them may be all ones.
        outputs: name to the names of its dynamic axes.
        path: the file.

    Raises:
        MissingExtraError: onnx or onnx-ir is not installed.
    """
    try:
        import onnx  # noqa: F401
        import onnx_ir  # noqa: F401 - the quantiser needs it and does not say so
    except ImportError as error:
        raise MissingExtraError("onnx and onnx-ir", "export") from error
    import torch

    inputs = dict(inputs)
    if "attention_mask" in inputs:
        inputs["attention_mask"] = inputs["attention_mask"].clone()
        inputs["attention_mask"][-1, -1] = 0  # a trace without padding would leave the mask out of the graph
    axes: dict[str, Any] = {name: {0: "rows", 1: "tokens"} for name in inputs}
    torch.onnx.export(
        model,
        tuple(inputs.values()),
        str(path),
        input_names=[*inputs],
        output_names=[*outputs],
        dynamic_axes=axes | dict(outputs),
        opset_version=17,
        dynamo=False,
    )


def int8_onnx(model: Any, inputs: Mapping[str, Any], outputs: Mapping[str, Mapping[int, str]], path: Path) -> None:
    """The same with int8 weights.

    Word embeddings have a scale for each word, matrices one for each block of `BLOCK` weights; activations are rounded block
    by block within a row (ONNX Runtime's MatMulNBits). Dynamic int8, which scales the activations of a whole batch, was
    twice as fast but changed 3 % of the labels, and changed them with the batch.

    Args:
        model, inputs, outputs, path: as for :func:`fp32_onnx`.

    Raises:
        MissingExtraError: onnx or onnx-ir is not installed.
    """
    with tempfile.TemporaryDirectory() as folder:
        plain = Path(folder, "plain.onnx")
        fp32_onnx(model, inputs, outputs, plain)
        import onnx
        from onnxruntime.quantization import matmul_nbits_quantizer

        matmul_nbits_quantizer.logger.setLevel(logging.WARNING)  # it tells of each matrix
        quantiser = matmul_nbits_quantizer.MatMulNBitsQuantizer(
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
