"""What training reads and shows: sources as they are written in a YAML file, and the views of an epoch. No model is run."""

from __future__ import annotations

import json
import random
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from stance.config import Source
from stance.errors import InputError
from stance.labels import LABELS
from stance.targets import UKRAINE_NATO
from stance.training.examples import FURTHER_TARGETS, Example, Row, dev_example, epoch_examples, read_source, split_by_group

AGAINST, NEUTRAL, FAVOR = range(3)
SAID = "The accession of Ukraine to the alliance remains for us the right and only answer."
BEFORE = "The question came up twice that evening."
CLAIM = UKRAINE_NATO.claim
ROW = {"text": SAID, "label": "favor"}


def _write(path: Path, *rows: dict[str, Any]) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(json.dumps(r) + "\n" for r in rows), encoding="utf-8")
    return path


def _read(folder: Path, home: Path | None = None, **source: Any) -> list[Row]:
    return read_source(Source(**source), folder=folder, home=home or folder, rng=random.Random(1))


def _epochs(*rows: Row, n: int = 400) -> list[Example]:
    rng = random.Random(7)
    return [example for _ in range(n) for example in epoch_examples(rows, rng)]


def test_a_row_is_seen_with_its_speaker_with_its_context_with_both_and_alone() -> None:
    seen = Counter(e.text for e in _epochs(Row(SAID, FAVOR, "a set", speaker="Anna Holm", context=BEFORE)) if e.label == FAVOR)
    assert set(seen) == {SAID, f"Anna Holm: {SAID}", f"{BEFORE} {SAID}", f"Anna Holm: {BEFORE} {SAID}"}
    assert min(seen.values()) > 30


def test_some_speakers_are_swapped_but_never_in_a_set_written_together() -> None:
    rows = [Row(f"{SAID} {i}", FAVOR, f"q{i}", speaker=f"Speaker {i}") for i in range(6)]
    of_sets = [Row(r.text, FAVOR, "one set", speaker=r.speaker) for r in rows]

    def share_swapped(rows: list[Row]) -> float:
        shown = [e.text for e in _epochs(*rows, n=100) if e.text.startswith("Speaker") and e.label == FAVOR]
        return sum(t.split(":")[0].split()[-1] != t.split()[-1] for t in shown) / len(shown)

    assert 0.30 < share_swapped(rows) < 0.45
    assert share_swapped(of_sets) == 0


def test_a_side_turns_neutral_elsewhere_and_in_a_frame_but_neutral_rows_stay_as_they_are() -> None:
    said = "“Ukraine belongs in NATO, whatever anybody in Moscow may say of it.”"
    made = {e.text for e in _epochs(Row(said, FAVOR, "g")) if e.label == NEUTRAL}
    assert {said.replace("Ukraine", "Moldova"), f"Some say: {said}"} <= made
    assert said not in made and not any("Georgia" in text for text in made)
    assert len(_epochs(Row("Ukraine applied in 2022.", NEUTRAL, "g"), n=50)) == 50
    assert len(_epochs(Row("Ukraine should join.", FAVOR, "g", claim="Ukraine should join the EU."), n=50)) == 50


def test_a_short_text_is_never_shown_without_its_context() -> None:
    row = Row("Yes, of course.", FAVOR, "g", speaker="Anna Holm", context=BEFORE)
    assert all(BEFORE in e.text for e in _epochs(row))
    assert dev_example(row) == Example(f"Anna Holm: {BEFORE} Yes, of course.", CLAIM, FAVOR)


def test_dev_shows_the_speaker_and_the_first_wording_and_no_context_where_none_is_needed() -> None:
    row = Row(SAID, FAVOR, "g", speaker="Anna Holm", context=BEFORE)
    assert dev_example(row) == Example(f"Anna Holm: {SAID}", CLAIM, FAVOR)


def test_every_wording_of_the_claim_is_seen() -> None:
    assert {e.claim for e in _epochs(Row(SAID, FAVOR, "g"))} == {CLAIM, *UKRAINE_NATO.paraphrases}


def test_a_row_of_its_own_target_keeps_its_claim_and_shows_its_speaker() -> None:
    seen = _epochs(Row(SAID, AGAINST, "g", claim="Georgia should join NATO.", speaker="Anna Holm"))
    assert {(e.claim, e.label) for e in seen} == {("Georgia should join NATO.", AGAINST)}
    assert {e.text for e in seen} == {SAID, f"Anna Holm: {SAID}"}


def test_further_targets_are_shown_with_their_labels_and_the_others_as_neutral() -> None:
    stances = ((FURTHER_TARGETS["arms"], AGAINST), (FURTHER_TARGETS["troops"], FAVOR))
    seen = Counter((e.claim, e.label) for e in _epochs(Row(SAID, FAVOR, "g", stances=stances), n=1000))
    membership = {CLAIM, *UKRAINE_NATO.paraphrases}
    further = {key: n for key, n in seen.items() if key[0] not in membership}
    assert 500 < sum(further.pop(key) for key in stances) < 700
    assert {label for _, label in further} == {NEUTRAL}
    assert {claim for claim, _ in further} == set(FURTHER_TARGETS.values()) - {claim for claim, _ in stances}


def test_neutral_to_needs_no_label_and_repeat_takes_each_row_again(tmp_path: Path) -> None:
    _write(tmp_path / "a.jsonl", {"text": "The harvest was poor.", "label": "positive"}, {"text": "Rain fell."})
    rows = _read(tmp_path, path="a.jsonl", neutral_to=CLAIM, repeat=3)
    assert Counter((r.text, r.label, r.claim) for r in rows) == {
        ("The harvest was poor.", NEUTRAL, CLAIM): 3,
        ("Rain fell.", NEUTRAL, CLAIM): 3,
    }


def test_repeat_without_neutral_to(tmp_path: Path) -> None:
    _write(tmp_path / "a.jsonl", ROW)
    assert _read(tmp_path, path="a.jsonl", repeat=2) == [Row(SAID, FAVOR, SAID)] * 2


def test_off_target_pairs_are_neutral_toward_another_target_of_the_file(tmp_path: Path) -> None:
    targets = ("Georgia should join NATO.", "Moldova should join NATO.")
    _write(tmp_path / "a.jsonl", *({"text": f"t{i}", "label": "favor", "target": targets[i % 2]} for i in range(20)))
    extra = _read(tmp_path, path="a.jsonl", off_target=1.0)[20:]
    assert extra and {r.label for r in extra} == {NEUTRAL}
    assert all(r.claim == targets[1 - int(r.text[1:]) % 2] for r in extra)


def test_globs_and_paths_from_the_configs_folder(tmp_path: Path) -> None:
    for name in ("b", "a"):
        _write(tmp_path / "data" / "nato" / f"{name}.jsonl", {"text": name, "label": "favor"})
    _write(tmp_path / "data" / "nato" / "notes.json", {"text": "no", "label": "no"})
    elsewhere, home = tmp_path / "elsewhere", tmp_path / "configs"
    elsewhere.mkdir()
    home.mkdir()
    for folder, path in ((tmp_path / "data", "nato/*.jsonl"), (elsewhere, "./../data/nato/*.jsonl")):
        assert [r.text for r in _read(folder, home, path=path)] == ["a", "b"]
    assert [r.text for r in _read(elsewhere, home, path=str(tmp_path / "data" / "nato" / "*.jsonl"))] == ["a", "b"]
    with pytest.raises(InputError, match="no file fits"):
        _read(elsewhere, home, path="nato/*.jsonl")


def test_csv_json_lines_and_nli_rows_are_read_alike(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text(f"text,label,speaker\n{SAID},favor,\n", encoding="utf-8")
    _write(tmp_path / "a.jsonl", {**ROW, "targets": {"arms": None, "troops": "against"}})
    nli = {"premise": "p", "hypothesis": "h"}
    _write(tmp_path / "nli.jsonl", {**nli, "label": "contradiction"}, {**nli, "label": "not_entailment"})
    assert _read(tmp_path, path="a.csv") == [Row(SAID, FAVOR, SAID)]
    assert _read(tmp_path, path="a.jsonl") == [Row(SAID, FAVOR, SAID, stances=((FURTHER_TARGETS["troops"], AGAINST),))]
    assert _read(tmp_path, path="nli.jsonl") == [Row("p", AGAINST, "p", "h")]


@pytest.mark.parametrize(
    ("row", "said"),
    [
        ({"text": None, "label": "favor"}, "text is None"),
        ({"text": " ", "label": "favor"}, "text is ' '"),
        ({"label": "favor"}, "no column 'text'"),
        ({"premise": "p", "label": "neutral"}, "no column 'hypothesis'"),
        ({"text": "t", "label": "favor", "targets": {"moon": "favor"}}, "unknown target 'moon'"),
        ({"text": "t", "label": "favor", "targets": "arms"}, "targets must map"),
    ],
)
def test_a_row_that_cannot_be_read_is_named(tmp_path: Path, row: dict[str, Any], said: str) -> None:
    _write(tmp_path / "a.jsonl", ROW, row)
    with pytest.raises(InputError, match=rf"a\.jsonl, row 2: {said}"):
        _read(tmp_path, path="a.jsonl")


def test_a_line_that_is_no_object_a_missing_file_and_an_absent_split_are_errors(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_text("3\n", encoding="utf-8")
    with pytest.raises(InputError, match=r"a\.jsonl, row 1: a JSON object"):
        _read(tmp_path, path="a.jsonl")
    with pytest.raises(InputError, match="--data"):
        _read(tmp_path, path="b.jsonl")
    _write(tmp_path / "c.jsonl", {**ROW, "split": "train"})
    with pytest.raises(InputError, match="no row of split trian; there are train"):
        _read(tmp_path, path="c.jsonl", splits=("trian",))


def test_groups_never_cross_the_split() -> None:
    rows = [Row(f"t{i}", i % 3, f"g{i // 4}") for i in range(120)]
    train, dev = split_by_group(rows, 0.2, seed=3)
    assert not {e.group for e in train} & {e.group for e in dev}
    assert len(train) + len(dev) == 120


def test_too_few_rows_to_split_are_an_error_of_ours() -> None:
    with pytest.raises(InputError, match="3 rows in 3 groups are too few"):
        split_by_group([Row(f"t{i}", i, f"t{i}") for i in range(len(LABELS))], 0.2, seed=1)
