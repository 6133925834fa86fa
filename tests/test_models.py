"""The models against plain transformers calls, and every way in which a checkpoint can be wrong."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from transformers import AutoModelForSequenceClassification, AutoTokenizer, pipeline

import stance
from stance.errors import InputError, ModelError
from stance.models import load_model
from stance.models.baseline import BaselineModel
from stance.models.export import export_checkpoint
from stance.models.onnx import OnnxModel
from stance.models.transformer import TransformerModel

TEXTS = ["we back it", "we reject nato", "ukraine must join the alliance .", "never", "we back it"]
CLAIM = "ukraine should join nato ."


def test_logits_are_those_of_plain_transformers(tiny_nli: Path) -> None:
    logits, windows = TransformerModel(str(tiny_nli), device="cpu").logits(
        TEXTS, [CLAIM] * 5, batch_size=2, progress=False
    )
    tokenizer = AutoTokenizer.from_pretrained(tiny_nli)
    model = AutoModelForSequenceClassification.from_pretrained(tiny_nli).eval()
    with torch.inference_mode():
        plain = [model(**tokenizer(t, CLAIM, return_tensors="pt")).logits[0].numpy() for t in TEXTS]
    np.testing.assert_allclose(logits, np.array(plain)[:, [2, 1, 0]], atol=1e-4)
    assert windows.tolist() == [1] * 5


def test_entailment_is_that_of_the_zero_shot_pipeline(tiny_nli: Path) -> None:
    zero_shot = pipeline("zero-shot-classification", model=str(tiny_nli), device="cpu")
    theirs = zero_shot(TEXTS[:3], candidate_labels=[CLAIM], hypothesis_template="{}", multi_label=True)
    logits, _ = TransformerModel(str(tiny_nli), device="cpu").logits(
        TEXTS[:3], [CLAIM] * 3, batch_size=8, progress=False
    )
    both = np.exp(logits[:, [0, 2]])
    np.testing.assert_allclose(both[:, 1] / both.sum(1), [r["scores"][0] for r in theirs], atol=1e-4)


def test_long_text_is_read_to_its_end(tiny_nli: Path) -> None:
    long = "we back it " * 100
    first = stance.classify([long, long + "never never reject"], model=str(tiny_nli))
    assert first[0].windows > 3
    assert first[0].probabilities != first[1].probabilities


def test_int8_export_agrees_with_fp32(tiny_nli: Path, tmp_path: Path) -> None:
    texts = [f"{a} {b} {c}" for a in ("we", "no", "yes") for b in ("back", "reject") for c in ("nato", "it")]
    labels = ["favor", "against", "neutral"] * 4
    parity = export_checkpoint(tiny_nli, tmp_path / "out", texts=texts, claim=CLAIM, labels=labels)
    assert parity.agreement >= 0.99
    assert parity.macro_f1 and parity.macro_f1["onnx"] >= parity.macro_f1["torch"] - 0.005
    assert json.loads((tmp_path / "out" / "export.json").read_text())["texts"] == 12
    exported = OnnxModel(tmp_path / "out").logits(texts, [CLAIM] * len(texts), batch_size=4, progress=False)[0]
    plain = TransformerModel(str(tiny_nli)).logits(texts, [CLAIM] * len(texts), batch_size=4, progress=False)[0]
    assert np.abs(exported - plain).mean() < 0.2


def test_an_export_is_told_in_the_card_once(tiny_nli: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    folder = shutil.copytree(tiny_nli, tmp_path / "own")
    (folder / "README.md").write_text("# Own\n\nWhat it is.\n")
    labels = ["favor", "against", "favor", "neutral", "favor"]
    with caplog.at_level("INFO"):
        export_checkpoint(folder, tmp_path / "one", texts=TEXTS, claim=CLAIM, labels=labels, source="quotes.csv")
    assert not [r for r in caplog.records if "quantiz" in r.getMessage()]
    export_checkpoint(tmp_path / "one", tmp_path / "two", texts=TEXTS[:3], claim=CLAIM)
    first, second = ((tmp_path / name / "README.md").read_text() for name in ("one", "two"))
    begin = "# Own\n\nWhat it is.\n\nONNX export: int8 weights, the label of torch in fp32 on 100.00% of "
    assert first.startswith(f"{begin}5 texts, macro-F1 0.")
    assert first.endswith(f" in ONNX (quotes.csv); claim: {CLAIM}\n")
    assert second == f"{begin}3 texts; claim: {CLAIM}\n"


def test_fp32_weights_stay_those_of_the_checkpoint(tiny_nli: Path, tmp_path: Path) -> None:
    parity = export_checkpoint(tiny_nli, tmp_path / "out", texts=TEXTS, claim=CLAIM, weights="fp32")
    assert (parity.weights, parity.agreement) == ("fp32", 1.0)
    assert json.loads((tmp_path / "out" / "export.json").read_text())["weights"] == "fp32"
    exported = load_model(str(tmp_path / "out"))
    assert isinstance(exported, OnnxModel)
    plain = TransformerModel(str(tiny_nli), device="cpu").logits(TEXTS, [CLAIM] * 5, batch_size=4, progress=False)[0]
    found = exported.logits(TEXTS, [CLAIM] * 5, batch_size=4, progress=False)[0]
    np.testing.assert_allclose(found, plain, atol=1e-4)
    with pytest.raises(InputError, match="Unknown weights 'int4'; there are int8, fp32"):
        export_checkpoint(tiny_nli, tmp_path / "none", texts=TEXTS, claim=CLAIM, weights="int4")  # type: ignore[arg-type]


def test_unmapped_labels_are_refused(tiny_nli: Path, tmp_path: Path) -> None:
    folder = shutil.copytree(tiny_nli, tmp_path / "odd")
    config = json.loads((folder / "config.json").read_text())
    config["id2label"] = {"0": "LABEL_0", "1": "LABEL_1", "2": "LABEL_2"}
    config["label2id"] = {"LABEL_0": 0, "LABEL_1": 1, "LABEL_2": 2}
    (folder / "config.json").write_text(json.dumps(config))
    with pytest.raises(ModelError, match="cannot map its labels"):
        load_model(str(folder))


def test_pickled_weights_are_refused(tiny_nli: Path, tmp_path: Path) -> None:
    folder = shutil.copytree(tiny_nli, tmp_path / "pickled")
    (folder / "model.safetensors").rename(folder / "pytorch_model.bin")
    with pytest.raises(ModelError, match="safetensors"):
        load_model(str(folder))


def test_damaged_onnx_names_the_folder(tmp_path: Path) -> None:
    (tmp_path / "model.onnx").write_bytes(b"not a model")
    (tmp_path / "config.json").write_text("{}")
    with pytest.raises(ModelError, match="missing or damaged"):
        OnnxModel(tmp_path)


@pytest.mark.parametrize("name", ["defalt", "no such", "./nowhere"])
def test_unknown_names(name: str) -> None:
    with pytest.raises(ModelError, match="Unknown model"):
        load_model(name)


def test_hub_model_without_network(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    with pytest.raises(ModelError, match="nobody/nothing"):
        load_model("nobody/nothing")


def test_baseline_survives_its_file(tmp_path: Path) -> None:
    rows = [("we back it", "favor"), ("we reject it", "against"), ("talks went on", "neutral")]
    model = BaselineModel.fit(rows)
    again = load_model(str(model.save(tmp_path / "base")))
    texts = [text for text, _ in rows]
    ours = model.logits(texts, [""] * 3, batch_size=1, progress=False)[0]
    np.testing.assert_allclose(ours, again.logits(texts, [""] * 3, batch_size=1, progress=False)[0], atol=1e-5)
    assert [str(p.label) for p in stance.classify(texts, model=again)] == ["favor", "against", "neutral"]
