"""Metrics on hand-worked tables, intervals that know clusters, files that do not fit together."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from sklearn.metrics import f1_score

from stance.calibration import brier, ece, fit_temperature, softmax
from stance.errors import InputError
from stance.evaluation import evaluate_files, score
from stance.labels import LABELS

NAMES = [str(x) for x in LABELS]


def test_a_hand_worked_table() -> None:
    gold = ["favor", "favor", "against", "neutral"]
    result = score(gold, ["favor", "neutral", "against", "neutral"])
    # favor: P 1, R 1/2, F 2/3; against: F 1; neutral: P 1/2, R 1, F 2/3
    assert result["macro_f1"] == pytest.approx(7 / 9)
    assert result["f_avg"] == pytest.approx(5 / 6)
    assert result["confusion"] == [[1, 0, 0], [0, 1, 0], [0, 1, 1]]
    assert result["per_label"]["favor"]["recall"] == 0.5


@pytest.mark.parametrize("seed", range(5))
def test_macro_f1_is_that_of_scikit_learn(seed: int) -> None:
    rng = np.random.default_rng(seed)
    gold, predicted = (rng.choice(NAMES, 50).tolist() for _ in range(2))
    assert score(gold, predicted)["macro_f1"] == f1_score(gold, predicted, labels=NAMES, average="macro")


def test_clusters_widen_the_interval() -> None:
    rng = np.random.default_rng(0)
    gold, predicted, groups = [], [], []
    for article in range(40):
        right, label = rng.random() < 0.6, NAMES[article % 3]
        gold += [label] * 20
        predicted += [label if right else NAMES[(article + 1) % 3]] * 20
        groups += [str(article)] * 20
    plain, clustered = score(gold, predicted), score(gold, predicted, groups=groups)
    width = [r["macro_f1_ci"][1] - r["macro_f1_ci"][0] for r in (plain, clustered)]
    assert width[1] > 2 * width[0]


def test_what_is_undefined_is_said() -> None:
    result = score(["favor", "favor"], ["favor", "favor"])
    assert result["mcc"] is None
    assert result["ece"] is None
    assert result["per_label"]["against"]["f1"] is None
    assert any("against does not occur" in note for note in result["notes"])


def test_temperature_mends_overconfidence() -> None:
    rng = np.random.default_rng(1)
    gold = rng.integers(0, 3, 2000)
    honest = rng.normal(size=(2000, 3)) + 1.5 * np.eye(3)[gold]
    t = fit_temperature(honest * 4, gold)
    assert ece(softmax(honest * 4 / t), gold) < 0.5 * ece(softmax(honest * 4), gold)
    assert brier(np.eye(3)[gold], gold) == 0


def _write(path: Path, rows: list[dict[str, object]]) -> Path:
    path.write_text("".join(json.dumps(r) + "\n" for r in rows))
    return path


GOLD = [{"id": i, "label": label, "group": f"g{i % 2}"} for i, label in enumerate(NAMES)]
PREDICTED = [
    {"id": i, "stance": label, "p_against": 0.2, "p_neutral": 0.3, "p_favor": 0.5} for i, label in enumerate(NAMES)
]


def test_files_are_joined_by_id(tmp_path: Path) -> None:
    result = evaluate_files(_write(tmp_path / "p.jsonl", PREDICTED[::-1]), _write(tmp_path / "g.jsonl", GOLD))
    assert (result["n"], result["macro_f1"]) == (3, 1.0)
    assert result["ece"] is not None


@pytest.mark.parametrize(
    ("change", "why"),
    [
        (lambda rows: rows[:2], "no row with id '2'"),
        (lambda rows: [*rows, rows[0]], "row 4: id 0 stands twice"),
        (lambda rows: [{**rows[0], "stance": "pro"}, *rows[1:]], "row 1: stance 'pro'"),
        (lambda rows: [{**rows[0], "p_favor": 0.9}, *rows[1:]], "do not sum to one"),
        (lambda rows: [{**rows[0], "p_favor": float("nan")}, *rows[1:]], "NaN"),
    ],
)
def test_files_that_do_not_fit(tmp_path: Path, change, why: str) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(InputError, match=why):
        evaluate_files(_write(tmp_path / "p.jsonl", change(PREDICTED)), _write(tmp_path / "g.jsonl", GOLD))
