"""Training on a tiny checkpoint: it gives a usable checkpoint, splits by group, and names a bad row."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
import yaml

import stance
from stance.config import Source, Stage, TaggerConfig, TrainConfig, load_train_config
from stance.errors import ConfigError, InputError
from stance.training.optimise import Average, set_dropout

CONFIGS = Path(__file__).parent.parent / "configs"
SAID = {"favor": "we back it yes", "against": "we reject it never", "neutral": "the alliance ."}


ROWS = [{"text": f"{text} {'member ' * (i % 6)}", "label": label} for label, text in SAID.items() for i in range(12)]


def _config(base: Path, folder: Path, rows: list[dict[str, str]], stages: int = 1, **options: Any) -> TrainConfig:
    (folder / "rows.jsonl").write_text("".join(json.dumps(r) + "\n" for r in rows), encoding="utf-8")
    settings = {"epochs": 12, "learning_rate": 3e-3, "dropout": 0.0, **options}
    made = tuple(Stage(name=f"s{i}", sources=(Source(path="rows.jsonl"),), **settings) for i in range(stages))
    return TrainConfig(
        name="tiny", base=str(base), output=str(folder / "out"), stages=made, dev_share=0.25, batch_size=8, patience=30
    )


def test_a_checkpoint_learns_and_is_taken_by_model(tiny_encoder: Path, tmp_path: Path) -> None:
    out = stance.train(_config(tiny_encoder, tmp_path, ROWS), data=tmp_path)
    found = stance.classify(list(SAID.values()), model=str(out))
    assert [str(p.label) for p in found] == list(SAID)
    assert all(p.model.startswith("out@") for p in found)
    calibration = json.loads((out / "calibration.json").read_text())
    assert max(calibration["dev_macro_f1"]) == 1.0
    assert "rows.jsonl" in (out / "README.md").read_text()


def test_training_starts_from_the_checkpoints_own_labels(tiny_nli: Path, tmp_path: Path) -> None:
    still = _config(tiny_nli, tmp_path, ROWS, epochs=1, learning_rate=1e-12)
    out = stance.train(still, data=tmp_path)
    texts = ["we back it", "we reject it", "no member of the alliance", "kremlin : never"]
    before, after = (stance.classify(texts, model=str(m)) for m in (tiny_nli, out))
    assert [p.label for p in after] == [p.label for p in before]
    assert len({p.label for p in before}) > 1


def test_a_resumed_run_equals_a_whole_one(tiny_encoder: Path, tmp_path: Path) -> None:
    config = _config(tiny_encoder, tmp_path, ROWS, stages=2, epochs=2)
    whole = stance.train(config, data=tmp_path, output=tmp_path / "whole")
    (tmp_path / "whole.stage-0").rename(tmp_path / "again.stage-0")
    again = stance.train(config, data=tmp_path, output=tmp_path / "again", resume=True)
    assert (again / "model.safetensors").read_bytes() == (whole / "model.safetensors").read_bytes()


def test_a_run_killed_between_epochs_goes_on_to_the_same_weights(tiny_encoder: Path, tmp_path: Path) -> None:
    config = _config(tiny_encoder, tmp_path, ROWS, epochs=60, average=0.9, dropout=0.1)
    whole = stance.train(config, data=tmp_path, output=tmp_path / "whole")
    path = tmp_path / "c.yaml"
    path.write_text(yaml.safe_dump(config.model_dump(mode="json")), encoding="utf-8")
    command = [sys.executable, "-m", "stance", "train", str(path), "--data", str(tmp_path)]
    state = tmp_path / "out.state-0.0.safetensors"
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        while not state.exists():
            assert process.poll() is None
            time.sleep(0.02)
        process.kill()
    assert state.exists()
    out = stance.train(config, data=tmp_path, output=tmp_path / "out", resume=True)
    assert (out / "model.safetensors").read_bytes() == (whole / "model.safetensors").read_bytes()
    assert not state.exists()


def test_a_stage_of_three_seeds_keeps_the_mean_of_runs_from_one_start(tiny_encoder: Path, tmp_path: Path) -> None:
    from safetensors.torch import load_file

    config = _config(tiny_encoder, tmp_path, ROWS, stages=2, epochs=2)
    three = config.stages[0].model_copy(update={"seeds": 3})
    stance.train(config.model_copy(update={"stages": (three, config.stages[1])}), data=tmp_path, output=tmp_path / "mean")
    stance.train(config, data=tmp_path, output=tmp_path / "one")
    weight = "bert.encoder.layer.0.output.dense.weight"
    mean, one = (load_file(tmp_path / f"{name}.stage-0" / "model.safetensors")[weight] for name in ("mean", "one"))
    start = load_file(tiny_encoder / "model.safetensors")
    start = start.get(weight, start.get(weight.removeprefix("bert.")))
    assert 0 < (mean - one).abs().mean() < (mean - start).abs().mean()  # another place, but not far from the first seed's
    assert not list(tmp_path.glob("*.state-*"))


def test_a_stage_may_count_its_start_among_the_weights_it_averages(tiny_encoder: Path, tmp_path: Path) -> None:
    from safetensors.torch import load_file

    config = _config(tiny_encoder, tmp_path, ROWS, stages=3, epochs=1)
    first, second, last = config.stages
    both = (first, second.model_copy(update={"with_start": True}), last)
    stance.train(config.model_copy(update={"stages": both}), data=tmp_path, output=tmp_path / "mean")
    stance.train(config, data=tmp_path, output=tmp_path / "plain")
    mean, start, end = (
        load_file(tmp_path / f"{folder}" / "model.safetensors")["bert.encoder.layer.0.output.dense.weight"]
        for folder in ("mean.stage-1", "plain.stage-0", "plain.stage-1")
    )
    assert (start - end).abs().max() > 1e-5
    assert (mean - (start + end) / 2).abs().max() < 1e-6


def test_the_last_stage_has_one_seed(tiny_encoder: Path, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="last stage"):
        _config(tiny_encoder, tmp_path, ROWS, seeds=2)
    with pytest.raises(ValueError, match="last stage"):
        _config(tiny_encoder, tmp_path, ROWS, with_start=True)


def test_ctrl_c_leaves_the_best_checkpoint(tiny_encoder: Path, tmp_path: Path) -> None:
    config = _config(tiny_encoder, tmp_path, ROWS, epochs=100_000)
    path = tmp_path / "c.yaml"
    path.write_text(yaml.safe_dump(config.model_dump(mode="json")), encoding="utf-8")
    command = [sys.executable, "-m", "stance", "train", str(path), "--data", str(tmp_path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        while not (tmp_path / "out" / "README.md").exists():
            assert process.poll() is None, process.stderr and process.stderr.read()
            time.sleep(0.1)
        process.send_signal(signal.SIGINT)
        said, _ = process.communicate(timeout=60)
    assert process.returncode == 0 and "checkpoint in" in said
    assert stance.classify("we back it yes", model=str(tmp_path / "out")).label in stance.LABELS


def test_a_claim_longer_than_its_text_is_trained_on(tiny_encoder: Path, tmp_path: Path) -> None:
    rows = [{**r, "target": "we should join " * 40} for r in ROWS]
    out = stance.train(_config(tiny_encoder, tmp_path, rows, epochs=1).model_copy(update={"max_length": 32}), data=tmp_path)
    assert (out / "model.safetensors").exists()


@pytest.mark.parametrize("row", [{"text": "we"}, {"text": "we", "label": "pro"}])
def test_a_bad_row_is_named(tiny_encoder: Path, tmp_path: Path, row: dict[str, str]) -> None:
    rows = [{"text": "we back it", "label": "favor"}, row]
    with pytest.raises(InputError, match=r"rows\.jsonl, row 2"):
        stance.train(_config(tiny_encoder, tmp_path, rows), data=tmp_path)


def test_an_unknown_key_is_an_error(tmp_path: Path) -> None:
    path = tmp_path / "c.yaml"
    path.write_text("name: x\nbase: y\noutput: z\nlearning_rte: 1\nstages: []\n")
    with pytest.raises(ConfigError, match=r"c\.yaml"):
        load_train_config(path)


@pytest.mark.parametrize("path", sorted(CONFIGS.glob("train-*.yaml")), ids=lambda p: p.name)
def test_shipped_configs_are_valid(path: Path) -> None:
    assert load_train_config(path).name


def test_a_whole_run_forgets_the_unfinished_work_of_an_earlier_one(tiny_encoder: Path, tmp_path: Path) -> None:
    (tmp_path / "out.stage-1").mkdir()
    (tmp_path / "out.state-0.0.safetensors").write_bytes(b"of an earlier run")
    stance.train(_config(tiny_encoder, tmp_path, ROWS, stages=3, epochs=1), data=tmp_path)
    assert sorted(path.name for path in tmp_path.glob("out*")) == ["out", "out.stage-0", "out.stage-1"]
    assert (tmp_path / "out.stage-1" / "model.safetensors").exists()


def test_half_precision_weights_are_trained_in_full(tiny_nli: Path, tmp_path: Path) -> None:
    import torch
    from safetensors.torch import load_file
    from transformers import AutoModelForSequenceClassification, AutoTokenizer

    half = tmp_path / "half"
    AutoModelForSequenceClassification.from_pretrained(tiny_nli).half().save_pretrained(half)
    AutoTokenizer.from_pretrained(tiny_nli).save_pretrained(half)
    out = stance.train(_config(half, tmp_path, ROWS, epochs=1, learning_rate=1e-6), data=tmp_path)
    before, after = load_file(half / "model.safetensors"), load_file(out / "model.safetensors")
    assert {v.dtype for v in after.values()} == {torch.float32}
    moved = after["bert.pooler.dense.weight"] - before["bert.pooler.dense.weight"].float()
    assert 0 < moved.abs().max() < 1e-4  # a step that fp16 could not take


@pytest.mark.parametrize("base", ["nowhere/at/all", "package:no_such_package_here"])
def test_a_base_that_cannot_be_loaded_is_a_config_error(tmp_path: Path, base: str) -> None:
    with pytest.raises(ConfigError, match=base):
        stance.train(_config(Path(base), tmp_path, ROWS), data=tmp_path)


def test_a_tagger_says_that_it_cannot_be_resumed(tmp_path: Path) -> None:
    config = TaggerConfig(task="tagger", name="t", base="b", output="o", train="t.jsonl", dev="d.jsonl")
    with pytest.raises(ConfigError, match="cannot be resumed"):
        stance.train(config, data=tmp_path, resume=True)


def test_the_average_is_that_of_every_fourth_step() -> None:
    import torch

    module = torch.nn.Linear(1, 1)
    weight, bias = (p.data for p in module.parameters())

    def step(value: float) -> None:
        weight.fill_(value)
        bias.fill_(-value)
        average.update()

    weight.fill_(8.0)
    bias.fill_(-8.0)
    average = Average(module, 0.9)
    for value in (1, 1, 1, 4, 1, 1, 1, 2):
        step(value)
    first = min(0.9**4, 5 / 44)  # the ramp of the first steps
    second = min(0.9**4, 9 / 48)
    expected = (8 * first + 4 * (1 - first)) * second + 2 * (1 - second)
    with average.applied():
        assert weight.item() == pytest.approx(expected)
        assert bias.item() == pytest.approx(-expected)
    assert (weight.item(), bias.item()) == (2, -2)
    with pytest.raises(KeyError), average.applied():
        raise KeyError
    assert weight.item() == 2
    average.keep()
    assert weight.item() == pytest.approx(expected)


def test_dropout_of_attention_weights_is_set_apart(tiny_encoder: Path) -> None:
    import torch
    from transformers import AutoModelForSequenceClassification

    model = AutoModelForSequenceClassification.from_pretrained(tiny_encoder)
    set_dropout(model, 0.3, attention=0.05)
    shares = {name: module.p for name, module in model.named_modules() if isinstance(module, torch.nn.Dropout)}
    assert shares.pop("bert.encoder.layer.0.attention.self.dropout") == 0.05
    assert {share for name, share in shares.items() if not name.endswith("attention.self.dropout")} == {0.3}


def _made_up_source(source: Source, path: Path) -> None:
    """Six rows for each split that the source names, in the form that its folder has."""
    splits = source.splits or ("train",)
    claims = ("we should join", "no member must join")
    if path.parent.name == "nli":
        labels = ("entailment", "neutral", "contradiction")
        rows = [{"premise": t, "hypothesis": c, "label": x} for t, x in zip(SAID.values(), labels, strict=True) for c in claims]
    else:
        rows = [{"text": t, "label": x, "target": c} for x, t in SAID.items() for c in claims]
    if path.parent.name == "nato":
        rows = [{**row, "text": f"{row['text']} {claim}", "target": ""} for row, claim in zip(rows, claims * 3, strict=True)]
    with path.open("a", encoding="utf-8") as file:
        file.writelines(json.dumps({**row, "split": split}) + "\n" for split in splits for row in rows)


def test_the_large_config_runs_to_its_end_on_a_tiny_base(tiny_encoder: Path, tmp_path: Path) -> None:
    config = tmp_path / "configs" / "train-large.yaml"
    for folder in ("configs", "data/nato", "shared/nli", "shared/stance", "shared/nato"):
        (tmp_path / folder).mkdir(parents=True)
    text = (CONFIGS / config.name).read_text(encoding="utf-8")
    config.write_text(text.replace("microsoft/deberta-v3-base", str(tiny_encoder)), encoding="utf-8")
    settings = load_train_config(config)
    assert isinstance(settings, TrainConfig)
    used = [s for part in (*(stage.sources for stage in settings.stages), settings.dev) for s in part]
    for source in used:
        home = config.parent if source.path.startswith("./") else tmp_path / "shared"
        _made_up_source(source, home / source.path.replace("*", "made_up"))
    out = stance.train(config, data=tmp_path / "shared", output=tmp_path / "out")
    figures = json.loads((out / "calibration.json").read_text(encoding="utf-8"))
    assert figures["dev_rows"] == 6 and len(figures["dev_macro_f1"]) >= 1
    assert all((tmp_path / f"out.stage-{i}" / "model.safetensors").exists() for i in range(len(settings.stages) - 1))
    assert all(source.path in (out / "README.md").read_text(encoding="utf-8") for source in used[: -len(settings.dev)])
    assert stance.classify("we back it", model=str(out)).label in stance.LABELS


def test_the_large_config_has_the_stages_and_data_of_the_default_one() -> None:
    large, default = (load_train_config(CONFIGS / f"train-{name}.yaml") for name in ("large", "default"))
    assert isinstance(large, TrainConfig) and isinstance(default, TrainConfig)
    assert (large.dev, large.max_length) == (default.dev, default.max_length)
    assert [(s.name, s.sources, s.epochs) for s in large.stages] == [(s.name, s.sources, s.epochs) for s in default.stages]
