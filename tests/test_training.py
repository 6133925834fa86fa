"""Training on a tiny checkpoint: it gives a usable checkpoint, splits by group, and names a bad row."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

import stance
from stance.config import Source, Stage, TrainConfig, load_train_config
from stance.errors import ConfigError, InputError
from stance.training import Example, split_by_group

SAID = {"favor": "we back it yes", "against": "we reject it never", "neutral": "the alliance ."}


def _config(base: Path, folder: Path, rows: list[dict[str, str]], epochs: int = 30) -> TrainConfig:
    (folder / "rows.jsonl").write_text("".join(json.dumps(r) + "\n" for r in rows), encoding="utf-8")
    stage = Stage(name="own", sources=(Source(path="rows.jsonl"),), epochs=epochs, learning_rate=3e-3)
    return TrainConfig(
        name="tiny", base=str(base), output=str(folder / "out"), stages=(stage,), dev_share=0.25, batch_size=8, patience=30
    )


def test_a_checkpoint_is_written_and_taken_by_model(tiny_nli: Path, tmp_path: Path) -> None:
    rows = [{"text": f"{text} {'member ' * i}", "label": label} for label, text in SAID.items() for i in range(12)]
    out = stance.train(_config(tiny_nli, tmp_path, rows), data=tmp_path)
    found = stance.classify(list(SAID.values()), model=str(out))
    assert all(p.label in stance.LABELS and p.model.startswith("out@") for p in found)
    calibration = json.loads((out / "calibration.json").read_text())
    assert calibration["temperature"] > 0
    assert "rows.jsonl" in (out / "README.md").read_text()


@pytest.mark.parametrize("row", [{"text": "we"}, {"text": "we", "label": "pro"}])
def test_a_bad_row_is_named(tiny_nli: Path, tmp_path: Path, row: dict[str, str]) -> None:
    rows = [{"text": "we back it", "label": "favor"}, row]
    with pytest.raises(InputError, match=r"rows\.jsonl, row 2"):
        stance.train(_config(tiny_nli, tmp_path, rows), data=tmp_path)


def test_groups_never_cross_the_split() -> None:
    examples = [Example(f"t{i}", "c", i % 3, f"g{i // 4}") for i in range(120)]
    train, dev = split_by_group(examples, 0.2, seed=3)
    assert not {e.group for e in train} & {e.group for e in dev}
    assert len(train) + len(dev) == 120


def test_an_unknown_key_is_an_error(tmp_path: Path) -> None:
    path = tmp_path / "c.yaml"
    path.write_text("name: x\nbase: y\noutput: z\nlearning_rte: 1\nstages: []\n")
    with pytest.raises(ConfigError, match=r"c\.yaml"):
        load_train_config(path)


@pytest.mark.parametrize("path", sorted(Path(__file__).parent.parent.glob("configs/train-*.yaml")), ids=lambda p: p.name)
def test_shipped_configs_are_valid(path: Path) -> None:
    assert load_train_config(path).stages
