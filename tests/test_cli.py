"""The command as a user types it."""

from __future__ import annotations

import json
from pathlib import Path

import pandas as pd
import pytest
from typer.testing import CliRunner

import stance
from stance.cli import app
from stance.models import load_model
from stance.models.onnx import OnnxModel
from stance.stream import RESULT_COLUMNS

ARTICLE = Path(__file__).parent.parent / "data" / "articles" / "sample.txt"
QUOTES = "id,quote,who\n1,Ukraine must never join NATO.,Brenner\n2,,Brenner\n3,We support Ukraine's NATO membership.,Solheim\n"


def run(*args: str, stdin: str | None = None) -> str:
    result = CliRunner().invoke(app, list(args), input=stdin, catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result.stdout


@pytest.fixture
def quotes(tmp_path: Path) -> Path:
    path = tmp_path / "quotes.csv"
    path.write_text(QUOTES)
    return path


def test_a_file_keeps_its_columns_and_gains_ours(quotes: Path, tmp_path: Path) -> None:
    out = tmp_path / "out.parquet"
    run("classify", str(quotes), "--text-column", "quote", "--speaker-column", "who", "-o", str(out), "--on-error", "null")
    table = pd.read_parquet(out)
    assert list(table) == ["id", "quote", "who", *RESULT_COLUMNS]
    assert table["stance"].tolist()[::2] == ["against", "favor"]
    assert table["error"].tolist()[1] == "is blank"


def test_a_bad_row_is_named_and_no_file_appears(quotes: Path, tmp_path: Path) -> None:
    out = tmp_path / "out.csv"
    with pytest.raises(stance.InputError, match=r"quotes\.csv, row 2: quote is blank"):
        run("classify", str(quotes), "--text-column", "quote", "-o", str(out))
    assert not out.exists()
    run("classify", str(quotes), "--text-column", "quote", "-o", str(out), "--on-error", "skip")
    assert len(pd.read_csv(out)) == 2


def test_jsonl_on_standard_input_gives_jsonl() -> None:
    line = '{"id": 7, "text": "We support Ukraine joining NATO."}\n'
    row = json.loads(run("classify", "-", "--format", "jsonl", stdin=line))
    assert row["id"] == 7 and row["stance"] == "favor"


def test_rows_in_another_language_are_counted_and_marked(tmp_path: Path) -> None:
    path = tmp_path / "q.csv"
    path.write_text("text\nDie Ukraine gehört in die NATO und zwar bald.\nUkraine should join the alliance.\n", encoding="utf-8")
    result = CliRunner().invoke(app, ["classify", str(path), "-o", str(tmp_path / "o.csv")], catch_exceptions=False)
    assert "1 rows are in a language that the model does not read" in result.stderr
    assert pd.read_csv(tmp_path / "o.csv")["unsupported_language"].fillna("").tolist() == ["de", ""]


def test_a_missing_column_lists_those_there_are(quotes: Path) -> None:
    with pytest.raises(stance.InputError, match="no column 'text'; there are id, quote, who"):
        run("classify", str(quotes))


def test_stdin_to_stdout() -> None:
    lines = run("classify", "-", "--text-column", "q", stdin="q\nWe support Ukraine joining NATO.\n").splitlines()
    assert lines[0] == "q,stance,p_against,p_neutral,p_favor,unsupported_language,error"
    assert ",favor," in lines[1]


def test_one_text() -> None:
    assert json.loads(run("classify", "--text", "Ukraine must never join NATO.", "--json"))["label"] == "against"


def test_analyze_gives_json_and_a_page(tmp_path: Path) -> None:
    page = tmp_path / "page.html"
    found = json.loads(run("analyze", str(ARTICLE), "--json", "--html", str(page)))
    keys = {"text", "speaker", "form", "start", "end", "stance", "p_against", "p_neutral", "p_favor"}
    assert len(found["quotes"]) == 12
    assert all(keys <= set(q) for q in found["quotes"])
    text = page.read_text("utf-8")
    assert "Ingrid Solheim" in text
    assert "<script" not in text


def test_markup_in_an_article_is_escaped() -> None:
    page = stance.analyze("“<script>alert(1)</script> is what we say,” said Anna Holm.").to_html()
    assert "<script>" not in page
    assert "&lt;script&gt;" in page


def test_export_makes_a_folder_that_labels_as_its_checkpoint_does(tiny_nli: Path, tmp_path: Path) -> None:
    texts = [f"{a} {b} {c}" for a in ("we", "no", "yes") for b in ("back", "reject") for c in ("nato", "it")]
    pd.DataFrame({"quote": texts}).to_csv(tmp_path / "texts.csv", index=False)
    out = tmp_path / "int8"
    said = run("export", str(tiny_nli), "-o", str(out), "--texts", str(tmp_path / "texts.csv"), "--text-column", "quote")
    assert f"{out}: int8 weights, the label of torch in fp32 on 100.00% of 12 texts" in said
    assert "(texts.csv)" in (out / "README.md").read_text()
    assert (out / "model.onnx").exists() and json.loads((out / "export.json").read_text())["texts"] == len(texts)
    assert isinstance(load_model(str(out)), OnnxModel)
    labels = [[p.label for p in stance.classify(texts, model=str(m))] for m in (tiny_nli, out)]
    assert labels[0] == labels[1]


@pytest.mark.parametrize("command", ["classify", "analyze", "models", "train", "evaluate", "compare", "shares"])
def test_every_command_has_help(command: str) -> None:
    assert "Usage" in run(command, "--help")
    assert "stance " + command in run(command, "--help")
