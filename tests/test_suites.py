"""Readers of public benchmarks, on made-up rows in their file formats."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from stance.errors import InputError
from stance.evaluation import Dataset, read_dataset, read_suite
from stance.evaluation.dataset import human_ceiling

SEMEVAL = (
    "ID\tTarget\tTweet\tStance\r\n"
    "7\tAtheism\tNothing up there, caf\xe9 or not \"open #SemST\tFAVOR\r\n"
    "8\tHillary Clinton\tShe spoke at noon #SemST\tNONE\r\n"
)


def write(folder: Path, files: dict[str, str | bytes]) -> Path:
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return folder


def rows(dataset: Dataset) -> list[tuple[str, str, str]]:
    return [(r["text"], r["target"], r["label"]) for r in dataset.rows]


def test_semeval_in_latin_1_with_a_stray_quotation_mark(tmp_path: Path) -> None:
    folder = write(tmp_path, {"data/SemEval2016-Task6-subtaskA-testdata-gold.txt": SEMEVAL.encode("cp1252")})
    found = read_suite("semeval2016a", folder)
    assert rows(found) == [
        ("Nothing up there, café or not \"open #SemST", "Atheism", "favor"),
        ("She spoke at noon #SemST", "Hillary Clinton", "neutral"),
    ]
    assert (found.metric, found.ids, found.train) == ("f_avg", ("7", "8"), ())


def test_semeval_copied_without_tabs(tmp_path: Path) -> None:
    text = "Climate Change is a Real Concern It is hot and I am AGAINST it FAVOR\n\n"
    folder = write(tmp_path, {"SemEval2016-Task6-subtaskA-testdata-gold.txt": text})
    assert rows(read_suite("semeval2016a", folder)) == [
        ("It is hot and I am AGAINST it", "Climate Change is a Real Concern", "favor")
    ]


def test_a_semeval_line_of_another_form_is_named(tmp_path: Path) -> None:
    folder = write(tmp_path, {"SemEval2016-Task6-subtaskB-testdata-gold.txt": "1\tDonald Trump\tno stance here\n"})
    with pytest.raises(InputError, match="row 1: neither"):
        read_suite("semeval2016b", folder)


VAST = "author,post,ori_topic,new_topic,label,type_idx,new_id,arc_id,topic_str,seen?\n"


def test_vast_takes_the_topic_that_holds_for_synthetic_neutrals(tmp_path: Path) -> None:
    test = VAST + 'Ann,"Libraries, all of them, matter.\nAlways.",x,libraries,1,1,1,55,library,1\n'
    test += "Ann,Rain.,x,libraries,2,4,2,55,tax,0\n"
    train = VAST + "Bo,No more tax.,x,tax,0,1,3,56,tax,1\n"
    found = read_suite("vast", write(tmp_path, {"vast_test.csv": test, "vast_train.csv": train}))
    assert rows(found) == [("Libraries, all of them, matter.\nAlways.", "library", "favor"), ("Rain.", "tax", "neutral")]
    assert [r["seen"] for r in found.rows] == ["few-shot", "zero-shot"]
    assert (len(found.train), found.groups) == (1, ["55", "55"])


def test_pstance_is_read_from_its_three_files_and_has_no_neutral(tmp_path: Path) -> None:
    files = {f"raw_test_{who}.csv": f"Tweet,Target,Stance\nGo {who}!,{who},FAVOR\n" for who in ("trump", "biden", "bernie")}
    files["raw_test_all_onecol.csv"] = "Tweet,Target 1,Stance 1\nnot ours,x,FAVOR\n"
    found = read_suite("pstance", write(tmp_path, files))
    assert sorted(r["target"] for r in found.rows) == ["bernie", "biden", "trump"]
    assert found.labels == ("against", "favor")


def test_covid_takes_the_target_from_the_file_name_and_refuses_bare_ids(tmp_path: Path) -> None:
    folder = write(tmp_path, {"face_masks_test.csv": "Tweet,Stance\nWear one.,FAVOR\n"})
    assert rows(read_suite("covid19", folder)) == [("Wear one.", "face masks", "favor")]
    published = "Tweet Id,Target,Stance,Opinion Towards,Sentiment"  # the texts are added as a column of their own
    line = '2,stay_at_home_orders,NONE,"3.  No opinion. (For example, news.)",other'
    write(tmp_path, {"dataset/stay_at_home_orders_test.csv": f"{published},Tweet\n{line},It starts on Monday.\n"})
    write(tmp_path, {"dataset/stay_at_home_orders_train_noisy.csv": f"{published},Tweet\n{line},Not of the benchmark.\n"})
    found = read_suite("covid19", folder)
    assert ("It starts on Monday.", "stay at home orders", "neutral") in rows(found)
    assert len(found.rows) == 2 and not found.train
    write(tmp_path, {"face_masks_test.csv": "Tweet Id,Stance\n1,FAVOR\n"})
    with pytest.raises(InputError, match="only ids, no text"):
        read_suite("covid19", folder)


def test_ruw_gives_a_row_for_each_target(tmp_path: Path) -> None:
    head = "Tweet,Target 1,Stance 1,Target 2,Stance 2,Test/Train/Dev\n"
    text = f'{head}"Stand with Kyiv \u2013 now, please.",Russia,AGAINST,Ukraine,FAVOR,Test\n'
    found = read_suite("ruw", write(tmp_path, {"raw_test_Russia_Ukraine.csv": text.encode("cp1252")}))
    assert [(r["target"], r["label"]) for r in found.rows] == [("Russia", "against"), ("Ukraine", "favor")]
    assert found.groups == ["Stand with Kyiv \u2013 now, please."] * 2


def test_gwsd_has_a_human_ceiling(tmp_path: Path) -> None:
    workers = [f"worker_{i}" for i in range(3)]  # eight in the published file
    head = "\t".join(["sentence", *workers, "disagree", "agree", "neutral", "guid", "in_held_out_test"])
    lines = [
        "Seas rise.\tagrees\tagrees\tagrees\t0.1\t0.8\t0.1\ta\tTrue",
        "It is a hoax.\tdisagrees\tdisagrees\tneutral\t\t\t\tb\tTrue",
        "A report came out.\tneutral\tneutral\tneutral\t0\t0\t1\tc\tFalse",
    ]
    found = read_suite("gwsd", write(tmp_path, {"GWSD.tsv": "\n".join([head, *lines])}))
    assert [r["label"] for r in found.rows] == ["favor", "against"]
    assert len(found.train) == 1
    # sentence 1: three agree; sentence 2: the neutral one against two disagrees, each other one faces a tie and is left out
    ceiling = human_ceiling(found)
    assert ceiling is not None and ceiling["value"] == pytest.approx(1 / 3) and ceiling["n"] == 4


def test_the_normalised_rows_serve_too(tmp_path: Path) -> None:
    lines = [
        {"text": "a", "target": "library", "label": "favor", "split": "dev", "source": "vast", "extra": {"seen": 0}},
        {"text": "b", "target": "library", "label": "against", "split": "train", "source": "vast", "extra": {"seen": 1}},
    ]
    folder = write(tmp_path, {"vast.jsonl": "".join(json.dumps(x) + "\n" for x in lines)})
    found = read_suite("vast", folder, split="dev")
    assert [(r["text"], r["seen"]) for r in found.rows] == [("a", "zero-shot")]
    assert [r["text"] for r in found.train] == ["b"]


def test_what_is_missing_says_where_to_get_it(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"no such folder\. Get the data at https://github\.com/emilyallaway"):
        read_suite("vast", tmp_path / "nowhere")
    folder = write(tmp_path, {"vast_dev.csv": VAST + "Ann,Yes.,x,y,1,1,1,55,library,1\n"})
    with pytest.raises(InputError, match="try --split dev"):
        read_suite("vast", folder)
    with pytest.raises(InputError, match="Unknown suite 'vats'"):
        read_suite("vats", folder)
    write(tmp_path, {"vast_dev.csv": VAST + "Ann,Yes.,x,y,7,1,1,55,library,1\n"})
    with pytest.raises(InputError, match="row 2: unknown stance '7'"):
        read_suite("vast", folder, split="dev")


def test_a_folder_of_rows_is_one_data_set(tmp_path: Path) -> None:
    row = {"text": "We back it.", "label": "favor", "split": "test"}
    folder = write(tmp_path, {"a.jsonl": json.dumps(row), "b.jsonl": json.dumps({**row, "split": "train"})})
    found = read_dataset(folder, splits=["test"], train_splits=["train"])
    assert (len(found.rows), len(found.train)) == (1, 1)
    with pytest.raises(InputError, match="no rows of split held; there are test, train"):
        read_dataset(folder, splits=["held"])
    write(tmp_path, {"a.jsonl": json.dumps({**row, "label": "pro"})})
    with pytest.raises(InputError, match="row 1: label 'pro'"):
        read_dataset(folder)
