"""Data sets by name and by folder, by split."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

import stance
from stance.corpus import curate
from stance.labels import LABELS


def test_a_curated_folder(tmp_path: Path) -> None:
    rows = [
        {"id": f"r{i}", "text": f"Statement number {i} of {i * 7}", "form": "direct", "label": LABELS[i % 3], "targets": {}}
        for i in range(60)
    ]
    (tmp_path / "train_a.jsonl").write_text("".join(json.dumps(r) + "\n" for r in rows))
    with pytest.raises(stance.InputError, match=r"train_a.jsonl, row 1: no split; run `stance curate"):
        stance.load_dataset(tmp_path)
    (tmp_path / "test_b.jsonl").write_text(json.dumps({**rows[0], "id": "t", "text": "Another matter", "pair": "p1"}) + "\n")
    counts = curate(tmp_path)["counts"]["split"]
    found = stance.load_dataset(tmp_path)
    assert {split: len(table) for split, table in found.items()} == counts and list(found) == ["train", "dev", "test"]
    assert found["test"][0]["pair"] == "p1" and found["train"].features == found["test"].features


def test_no_such_data_set(tmp_path: Path) -> None:
    with pytest.raises(stance.InputError, match="no data set of this name"):
        stance.load_dataset("missing")
    with pytest.raises(stance.InputError, match="no rows"):
        stance.load_dataset(tmp_path)
