"""Annotations that do not fit are listed with their reason; several labels become one by a stated rule."""

from __future__ import annotations

import numpy as np
import pytest

from stance.corpus.annotations import adjudicate, dawid_skene, join_annotations
from stance.errors import InputError
from stance.labels import LABELS
from stance.records import Annotation

A, N, F = LABELS


def test_nothing_is_lost_in_the_join() -> None:
    given = [
        ("a.jsonl", Annotation("q1", "ann", F)),
        ("a.jsonl", Annotation("gone", "ann", F)),
        ("a.jsonl", Annotation("q2", "ann", F)),
        ("b.jsonl", Annotation("q2", "ann", A)),
        ("b.jsonl", Annotation("q1", "ann", F)),
        ("b.jsonl", Annotation("reprint-of-q3", "bob", N, "a note")),
    ]
    good, bad = join_annotations(given, {"q1": "q1", "q2": "q2", "q3": "q3", "reprint-of-q3": "q3"})
    assert good == [Annotation("q1", "ann", F), Annotation("q3", "bob", N, "a note")]
    assert [(p.file, p.quote, p.reason) for p in bad] == [
        ("a.jsonl", "gone", "unknown quote"),
        ("b.jsonl", "q1", "given again"),
        ("a.jsonl", "q2", "conflict: the annotator gave against and favor"),
        ("b.jsonl", "q2", "conflict: the annotator gave against and favor"),
    ]
    assert len(good) + len(bad) == len(given)


def votes(**given: str) -> list[Annotation]:
    """ann="fa": ann gives favor to q0 and against to q1."""
    labels = {"a": A, "n": N, "f": F}
    return [Annotation(f"q{i}", who, labels[c]) for who, s in given.items() for i, c in enumerate(s) if c in labels]


def test_majority_and_expert() -> None:
    given = votes(ann="ffa", bob="fnn", eve="..f")
    by_majority = adjudicate(given)
    assert [(d.label, d.why) for d in by_majority.values()] == [(F, "unanimous"), (None, "no majority"), (None, "no majority")]
    by_expert = adjudicate(given, method="expert", expert="eve")
    assert [(d.label, d.why) for d in by_expert.values()] == [(F, "unanimous"), (None, "waits for the expert"), (F, "expert")]
    assert adjudicate(votes(ann="f", bob="f", eve="n"))["q0"].confidence == pytest.approx(2 / 3, abs=1e-6)
    with pytest.raises(InputError, match="'zoe' annotated nothing"):
        adjudicate(given, method="expert", expert="zoe")


def test_dawid_skene_weighs_people_by_their_errors() -> None:
    """Two of five annotators confuse neutral and favor: the majority errs with them. crowd-kit 1.4.2 gives the same labels."""
    rng = np.random.default_rng(3)
    truth = rng.integers(0, 3, 120)
    given = []
    for q, t in enumerate(truth):
        for name, skill in (("good", 0.92), ("fair", 0.7), ("fair2", 0.7)):
            given.append(Annotation(f"q{q:03d}", name, LABELS[t if rng.random() < skill else rng.integers(0, 3)]))
        for name in ("twist", "twist2"):
            twisted = (0, 2, 1)[t] if rng.random() < 0.8 else rng.integers(0, 3)
            given.append(Annotation(f"q{q:03d}", name, LABELS[twisted]))
    right = {
        method: np.mean([d.label == LABELS[t] for d, t in zip(adjudicate(given, method=method).values(), truth, strict=True)])
        for method in ("majority", "dawid_skene")
    }
    assert right == {"majority": pytest.approx(0.775), "dawid_skene": pytest.approx(0.983, abs=1e-3)}
    assert all(sum(p) == pytest.approx(1) for p in dawid_skene(given).values())
    assert dawid_skene([]) == {}
