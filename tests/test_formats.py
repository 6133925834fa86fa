"""Every file of an annotation tool comes back equal; what a tool adds or a person mistypes is read, or named."""

from __future__ import annotations

import json
import string
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from stance.corpus.formats import LABEL_STUDIO_CONFIG, Kind, read_tasks, write_tasks
from stance.errors import InputError
from stance.labels import LABELS
from stance.records import Annotation

ENDINGS: list[tuple[Kind, str]] = [
    ("labelstudio", "json"), ("doccano", "jsonl"), ("prodigy", "jsonl"), ("table", "csv"), ("table", "xlsx"),
]  # fmt: skip
ROWS = [
    {
        "id": "q1", "text": '=HYPERLINK("x") he said,\n"never"', "speaker": None, "context": "-1 \x0b ü €", "p_favor": 0.25,
        "stance": "against", "p_against": 0.7, "sources": [{"id": "q1", "date": None}], "negated": False,
    },
    {"id": "q2", "text": "007", "speaker": "Ann", "context": None, "p_favor": 1.0},
    {"id": "q3", "text": "not annotated", "speaker": "", "context": "_x0041_"},
]  # fmt: skip
GIVEN = [Annotation("q1", "ann@example.org", "favor", "=note, with\nlines"), Annotation("q2", "ann@example.org", "neutral")]


@pytest.mark.parametrize(("kind", "ending"), ENDINGS)
def test_round_trip(tmp_path: Path, kind: Kind, ending: str) -> None:
    path = tmp_path / f"t.{ending}"
    write_tasks(ROWS, path, kind=kind, annotations=GIVEN)
    back = read_tasks(path, kind=kind)
    assert (back.rows, back.annotations, back.problems) == (ROWS, GIVEN, [])


@pytest.mark.parametrize("kind", ["labelstudio", "prodigy", "table", "stance"])
def test_several_annotators_of_a_quote(tmp_path: Path, kind: Kind) -> None:
    path = tmp_path / ("t.csv" if kind == "table" else "t.jsonl")
    both = [Annotation("q1", "ann", "favor"), Annotation("q1", "bob", "against", "hm")]
    write_tasks(ROWS, path, kind=kind, annotations=both)
    assert read_tasks(path, kind=kind).annotations == both


TEXTS = st.text(st.characters(codec="utf-8"), min_size=1, max_size=40).filter(str.strip)
IDS = st.text(string.ascii_lowercase, min_size=1, max_size=6)
QUOTES = st.lists(st.fixed_dictionaries({"id": IDS, "text": TEXTS, "speaker": st.none() | TEXTS}), unique_by=lambda r: r["id"])


@given(rows=QUOTES, label=st.sampled_from(LABELS), note=st.none() | TEXTS)
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_text_survives_in_json_and_csv(tmp_path: Path, rows: list[dict], label: str, note: str | None) -> None:
    for kind, ending in ENDINGS[:4]:
        given = [Annotation(r["id"], "ann", label, note) for r in rows]
        write_tasks(rows, tmp_path / f"t.{ending}", kind=kind, annotations=given)
        back = read_tasks(tmp_path / f"t.{ending}", kind=kind)
        assert (back.rows, back.annotations) == (rows, given)


def test_an_export_of_label_studio(tmp_path: Path) -> None:
    """As the tool writes it: annotators by number, skipped tasks, its own fields."""
    result = [{"id": "Zx", "from_name": "stance", "to_name": "text", "type": "choices", "value": {"choices": ["favor"]}}]
    export = [
        {
            "id": 5, "data": {"id": "q1", "text": "x", "quote": ROWS[0]}, "project": 1,
            "annotations": [
                {"id": 3, "completed_by": 1, "result": result, "was_cancelled": False, "lead_time": 2.5},
                {"id": 4, "completed_by": {"id": 2, "email": "b@example.org"}, "result": [], "was_cancelled": True},
                {"id": 5, "completed_by": 3, "result": [{**result[0], "value": {"choices": ["pro"]}}]},
            ],
        }
    ]  # fmt: skip
    (tmp_path / "e.json").write_text(json.dumps(export))
    tasks = read_tasks(tmp_path / "e.json", kind="labelstudio")
    assert tasks.annotations == [Annotation("q1", "1", "favor")] and tasks.rows == ROWS[:1]
    assert [(p.annotator, p.reason) for p in tasks.problems] == [
        ("b@example.org", "skipped in the tool"),
        ("3", "label 'pro' is outside the scheme"),
    ]
    for label in LABELS:
        assert f'value="{label}"' in LABEL_STUDIO_CONFIG


def test_an_export_of_doccano(tmp_path: Path) -> None:
    """As the tool writes it: ids of its own, comments beside our fields, labels that another user gave."""
    write_tasks(ROWS, tmp_path / "tasks.jsonl", kind="doccano", annotations=GIVEN)
    lines = [json.loads(line) for line in (tmp_path / "tasks.jsonl").read_bytes().decode("ascii").splitlines()]
    assert len({tuple(line) for line in lines}) == 1  # a key that some lines lack stops doccano's import
    added = [{"label": ["favor"]}, {"label": ["Against"], "Comments": ["no", "really"]}, {"label": ["favor", "against"]}]
    export = [line | {"id": 7 + i, "Comments": []} | more for i, (line, more) in enumerate(zip(lines, added, strict=True))]
    (tmp_path / "bob.jsonl").write_text("".join(json.dumps(x) + "\n" for x in [*export, {"id": 10, "text": "x", "label": []}]))
    tasks = read_tasks(tmp_path / "bob.jsonl", kind="doccano")
    assert tasks.annotations == [GIVEN[0], Annotation("q2", "bob", "against", "no\nreally")] and tasks.rows == ROWS
    assert [p.reason for p in tasks.problems] == [
        "label ['favor', 'against'] is outside the scheme",
        "line with doccano's id 10: no `quote`",
    ]


def test_an_export_of_prodigy(tmp_path: Path) -> None:
    """By its documentation of the interface `choice`; the tool is not free and never saw our files."""
    write_tasks(ROWS, tmp_path / "tasks.jsonl", kind="prodigy")
    lines = [json.loads(line) for line in (tmp_path / "tasks.jsonl").read_text("utf-8").splitlines()]
    assert [o["id"] for o in lines[0]["options"]] == [*LABELS] and lines[1]["meta"] == {"speaker": "Ann"}
    hashes = {"_input_hash": -1, "_task_hash": 7, "_view_id": "choice", "_timestamp": 1700000000}
    added = [
        {"accept": ["favor"], "answer": "accept", "_session_id": "set-ann", "_annotator_id": "ann"},
        {"accept": [], "answer": "ignore", "_session_id": "set-ann", "_annotator_id": "ann"},
        {"accept": ["favor", "against"], "answer": "accept"},
    ]
    export = [line | hashes | more for line, more in zip(lines, added, strict=True)]
    (tmp_path / "bob.jsonl").write_text("".join(json.dumps(x) + "\n" for x in export))
    tasks = read_tasks(tmp_path / "bob.jsonl", kind="prodigy")
    assert tasks.annotations == [Annotation("q1", "ann", "favor")] and tasks.rows == ROWS
    assert [(p.annotator, p.reason) for p in tasks.problems] == [
        ("ann", "answer 'ignore' in the tool"),
        ("bob", "label ['favor', 'against'] is outside the scheme"),
    ]


def test_a_spreadsheet_filled_by_hand(tmp_path: Path) -> None:
    (tmp_path / "ann.csv").write_text("id,label\nq1,Favor \nq2,\nq3,maybe\n,favor\n")
    tasks = read_tasks(tmp_path / "ann.csv", kind="table")
    assert tasks.annotations == [Annotation("q1", "ann", "favor")]
    assert [p.reason for p in tasks.problems] == ["label 'maybe' is outside the scheme", "row 5: no id"]


def test_lines_that_are_no_json_are_named(tmp_path: Path) -> None:
    good = json.dumps(GIVEN[0].to_dict())
    (tmp_path / "ann.jsonl").write_text(good + "\n" + good[:20] + "\n")
    tasks = read_tasks(tmp_path / "ann.jsonl", kind="stance")
    assert tasks.annotations == GIVEN[:1] and tasks.problems[0].reason.startswith("row 2: not JSON")


def test_a_listed_problem_says_all_that_the_file_said(tmp_path: Path) -> None:
    lines = [{"quote": ROWS[0], "answer": "reject", "accept": ["favor"], "note": "hm"}, {"accept": ["against"], "note": "so"}]
    (tmp_path / "bob.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    (tmp_path / "ann.csv").write_text("id,label,note\n,favor,lost its id\nq1,pro,why\n")
    problems = read_tasks(tmp_path / "bob.jsonl", kind="prodigy").problems
    problems += read_tasks(tmp_path / "ann.csv", kind="table").problems
    assert [(p.label, p.note) for p in problems] == [
        ("favor", "hm"), ("against", "so"), ("favor", "lost its id"), ("pro", "why"),
    ]  # fmt: skip
    assert {p.file for p in problems} == {str(tmp_path / "bob.jsonl"), str(tmp_path / "ann.csv")}


@pytest.mark.parametrize("separator", [",", ";", "\t"])
@pytest.mark.parametrize(
    ("encoding", "note"), [("utf-8", "schön"), ("utf-8-sig", "так"), ("cp1252", "schön – “so”"), ("cp1251", "так, ні")]
)
def test_a_table_that_excel_saved(tmp_path: Path, separator: str, encoding: str, note: str) -> None:
    lines = [["id", "label", "note"], ["q1", "favor", f'"{note}"'], ["q2", "against", ""]]
    (tmp_path / "ann.csv").write_bytes("".join(separator.join(line) + "\r\n" for line in lines).encode(encoding))
    tasks = read_tasks(tmp_path / "ann.csv", kind="table")
    assert tasks.annotations == [Annotation("q1", "ann", "favor", note), Annotation("q2", "ann", "against")]


def test_excel_knows_the_letters_and_runs_nothing(tmp_path: Path) -> None:
    given = [Annotation("q1", "=ann", "favor", "=1+1"), Annotation("q2", "'=bob", "favor", "'tis so")]
    write_tasks(ROWS[:2], tmp_path / "t.csv", kind="table", annotations=given)
    assert (tmp_path / "t.csv").read_bytes().startswith(b"\xef\xbb\xbf")
    assert ",favor,'=ann,'=1+1," in (tmp_path / "t.csv").read_text("utf-8-sig")
    assert read_tasks(tmp_path / "t.csv", kind="table").annotations == given


def test_half_written_files_give_their_good_rows_and_name_the_rest(tmp_path: Path) -> None:
    given = [Annotation("q1", "ann", "favor", "так"), Annotation("q2", "ann", "neutral", "ні, ще ні")]
    for kind, name in (("stance", "ann.jsonl"), ("table", "ann.csv")):
        write_tasks(ROWS[:2], tmp_path / name, kind=kind, annotations=given)
        whole = (tmp_path / name).read_bytes()
        (tmp_path / name).write_bytes(whole[: whole.index("щ".encode()) + 1])
        tasks = read_tasks(tmp_path / name, kind=kind)
        assert tasks.annotations == given[:1] and len(tasks.problems) == 1
        assert tasks.problems[0].reason.startswith(f"row {2 if kind == 'stance' else 3}: not UTF-8 text")


def test_what_cannot_be_written_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="more than 32767 characters"):
        write_tasks([{"id": "q", "text": "x" * 40_000}], tmp_path / "t.xlsx", kind="table")
    with pytest.raises(InputError, match="one file for each annotator"):
        write_tasks(ROWS, tmp_path / "t.jsonl", kind="doccano", annotations=[*GIVEN, Annotation("q1", "bob", "favor")])
    with pytest.raises(InputError, match="'q9', which is not among"):
        write_tasks(ROWS, tmp_path / "t.jsonl", kind="prodigy", annotations=[Annotation("q9", "bob", "favor")])
    with pytest.raises(InputError, match="'q1': a character that XLSX cannot hold"):
        write_tasks(ROWS, tmp_path / "t.xlsx", kind="table", annotations=[Annotation("q1", "bob", "favor", "\x0b")])
    (tmp_path / "x.xlsx").write_text("no book")
    with pytest.raises(InputError, match="no XLSX file"):
        read_tasks(tmp_path / "x.xlsx", kind="table")
    assert {p.name for p in tmp_path.iterdir()} == {"x.xlsx"}
