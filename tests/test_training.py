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
from stance.config import Source, Stage, TrainConfig, load_train_config
from stance.errors import ConfigError, InputError
from stance.training.examples import Row, split_by_group

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
    state = tmp_path / "out.state-0.safetensors"
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        while not state.exists():
            assert process.poll() is None
            time.sleep(0.02)
        process.kill()
    assert state.exists()
    out = stance.train(config, data=tmp_path, output=tmp_path / "out", resume=True)
    assert (out / "model.safetensors").read_bytes() == (whole / "model.safetensors").read_bytes()
    assert not state.exists()


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


def test_groups_never_cross_the_split() -> None:
    rows = [Row(f"t{i}", i % 3, f"g{i // 4}") for i in range(120)]
    train, dev = split_by_group(rows, 0.2, seed=3)
    assert not {e.group for e in train} & {e.group for e in dev}
    assert len(train) + len(dev) == 120


def test_an_unknown_key_is_an_error(tmp_path: Path) -> None:
    path = tmp_path / "c.yaml"
    path.write_text("name: x\nbase: y\noutput: z\nlearning_rte: 1\nstages: []\n")
    with pytest.raises(ConfigError, match=r"c\.yaml"):
        load_train_config(path)


@pytest.mark.parametrize("path", sorted(Path(__file__).parent.parent.glob("configs/train-*.yaml")), ids=lambda p: p.name)
def test_shipped_configs_are_valid(path: Path) -> None:
    assert load_train_config(path).name
