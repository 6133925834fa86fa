"""What a user meets in `stance.classify`: kinds of input, per-item options, bad rows, the embedded default."""

from __future__ import annotations

import json
import pickle
import subprocess
import sys
import warnings

import pandas as pd
import pytest
from datasets import Dataset
from hypothesis import given, settings
from hypothesis import strategies as st

import stance
from stance import InputError, Prediction, Quote, Stance, Target

FAVOR = "Ukraine must become a member of NATO, and we support its accession."
AGAINST = "Ukraine must never join NATO; its membership would be a grave mistake."
NEUTRAL = "The ministers will meet in Vilnius on Tuesday to discuss grain exports."


def test_another_language_is_no_silent_label() -> None:
    texts = ["Ukraine will join the alliance.", "Україна має стати членом НАТО."]
    with pytest.warns(stance.UnsupportedLanguageWarning, match="1 of 2 texts"):
        found = stance.classify(texts)
    assert [p.language for p in found] == [None, "uk"]
    with pytest.raises(stance.InputError, match="row 1, uk"):
        stance.classify(texts, on_unsupported="raise")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert stance.classify(texts, on_unsupported="ignore")[1].language is None


def test_a_claim_that_leaves_no_room_is_an_error() -> None:
    with pytest.raises(stance.InputError, match="a claim is one sentence"):
        stance.classify("Nato.", target=stance.Target("x", claim="so long a claim " * 300))


def test_the_default_knows_plain_statements() -> None:
    labels = [p.label for p in stance.classify([FAVOR, AGAINST, NEUTRAL])]
    assert labels == [Stance.FAVOR, Stance.AGAINST, Stance.NEUTRAL]


def test_probabilities_sum_to_one_and_do_not_depend_on_the_batch() -> None:
    alone = stance.classify(FAVOR)
    among = stance.classify([NEUTRAL, FAVOR, AGAINST * 3, FAVOR])
    assert sum(alone.probabilities.values()) == pytest.approx(1, abs=1e-5)
    assert among[1].probabilities == among[3].probabilities
    # int8 activations are scaled over the batch, so equality is near, not exact
    assert among[1].probabilities["favor"] == pytest.approx(alone.probabilities["favor"], abs=0.1)


@pytest.mark.parametrize(
    "texts",
    [
        [FAVOR, AGAINST],
        (t for t in (FAVOR, AGAINST)),
        pd.Series([FAVOR, AGAINST], index=[7, 3]),
        Dataset.from_dict({"q": [FAVOR, AGAINST]})["q"],
        [Quote(FAVOR), Quote(AGAINST)],
    ],
    ids=["list", "generator", "series", "dataset", "quotes"],
)
def test_kinds_of_input(texts: object) -> None:
    found = stance.classify(texts)
    assert [p.text for p in found] == [FAVOR, AGAINST]
    assert found.to_frame()["stance"].tolist() == ["favor", "against"]


def test_each_row_may_have_its_own_target_and_speaker() -> None:
    georgia = Target("Georgia", claim="Georgia should join NATO.")
    found = stance.classify([FAVOR, FAVOR], target=[stance.UKRAINE_NATO, georgia], speaker=["A minister", None])
    assert [p.target for p in found] == ["Ukraine's NATO membership", "Georgia"]
    assert [p.speaker for p in found] == ["A minister", None]
    assert found[0].probabilities["favor"] > found[1].probabilities["favor"]


@pytest.mark.parametrize(
    ("bad", "why"),
    [
        ("", "blank"),
        (" \n\x00", "blank"),
        (None, "None"),
        (float("nan"), "NaN"),
        (3, "int"),
        (b"x", "bytes"),
        ("\ud800 x", "surrogate"),
    ],
)
def test_a_bad_row_is_named_and_loses_no_other(bad: object, why: str) -> None:
    with pytest.raises(InputError, match=f"Row 1 .*{why}"):
        stance.classify([FAVOR, bad, AGAINST])
    kept = stance.classify([FAVOR, bad, AGAINST], on_error="null")
    assert [p.label for p in kept] == [Stance.FAVOR, None, Stance.AGAINST]
    assert why in str(kept[1].error)
    assert len(stance.classify([FAVOR, bad, AGAINST], on_error="skip")) == 2
    with pytest.raises(InputError, match=why):
        stance.classify(bad)


def test_a_megabyte_and_nothing_at_all() -> None:
    assert len(stance.classify([])) == 0
    assert stance.classify("We talked. " * 10_000).windows > 100


def test_options_out_of_range() -> None:
    with pytest.raises(InputError, match="2 values for 1"):
        stance.classify([FAVOR], speaker=["a", "b"])
    with pytest.raises(InputError, match="between 0 and 1"):
        stance.classify(FAVOR, abstain_below=2)
    with pytest.raises(InputError, match="batch_size"):
        stance.classify(FAVOR, batch_size=0)


def test_abstention() -> None:
    assert stance.classify(FAVOR, abstain_below=1.0).label is None


def test_predictions_survive_json_and_pickle() -> None:
    found = stance.classify([FAVOR, AGAINST])
    assert pickle.loads(pickle.dumps(found)) == found
    assert [Prediction.from_dict(json.loads(json.dumps(p.to_dict()))) for p in found] == list(found)
    assert "<script>" not in stance.classify(["<script>alert(1)</script> no"])._repr_html_()


@settings(max_examples=30, deadline=None)
@given(st.text(min_size=1, max_size=200))
def test_any_string_is_classified_or_refused(text: str) -> None:
    try:
        assert stance.classify(text).label in Stance
    except InputError:
        assert not any(c.isprintable() and not c.isspace() for c in text) or any("\ud800" <= c <= "\udfff" for c in text)


def test_import_and_default_label_need_no_torch() -> None:
    code = (
        "import sys, stance; assert not {'torch', 'pandas', 'transformers'} & set(sys.modules);"
        f"stance.classify({FAVOR!r}); assert not {{'torch', 'transformers'}} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_public_names_are_sorted_and_exist() -> None:
    names = [n for n in stance.__all__ if not n.isupper()]
    assert names == sorted(names)
    assert all(getattr(stance, n) is not None for n in stance.__all__)
