"""The report as a reader opens it: in a real browser, at phone width and in the dark; without script or network."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from html.parser import HTMLParser
from pathlib import Path

import pytest
from test_harness import GOLD, careless
from typer.testing import CliRunner

import stance
from stance.cli import app
from stance.errors import InputError
from stance.evaluation import Dataset, Report

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "chrome")
HOSTILE = "<script>alert('x')</script> & Ukraine in NATO"


def unsure(texts: list[str], claims: list[str]) -> list[list[float]]:
    """A careless reader that is surer of short texts."""
    spread = {"against": (0, 1, 2), "neutral": (1, 0, 2), "favor": (2, 0, 1)}
    out = []
    for text, label in zip(texts, careless(texts, claims), strict=True):
        row = [0.0, 0.0, 0.0]
        for place, share in zip(spread[label], (0.9 - len(text) / 300, 0.1, len(text) / 300), strict=True):
            row[place] = share
        out.append(row)
    return out


@pytest.fixture(scope="module")
def report() -> Report:
    rows = [
        {"text": f"{text} {'Really. ' * (i % 5)}", "label": label, "group": f"a{i // 3}"}
        for i, (text, label) in enumerate(GOLD * 12)
    ]
    rows += [{"text": f"{HOSTILE} {i}", "label": "neutral", "group": f"b{i}", "speaker": "<b>Ann</b>"} for i in range(6)]
    data = Dataset("quotes & <more>", tuple(rows), human={"value": 0.9, "source": "two annotators"})
    return stance.evaluate(unsure, data, slices=["length", "label"], probes=True)


def browse(page: Path, width: int, *more: str) -> tuple[str, str]:
    """(DOM, log) of a page in headless Chromium."""
    found = next((path for name in BROWSERS if (path := shutil.which(name))), None)
    assert found, "no Chromium: the report is tested in a real browser; apt-get install chromium"
    command = [found, "--headless=new", "--no-sandbox", "--disable-gpu", f"--user-data-dir={page.parent / 'browser'}"]
    command += [f"--window-size={width},900", "--enable-logging=stderr", *more, page.as_uri()]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=True)
    return done.stdout, done.stderr


def measured(page: Path, width: int, *more: str) -> dict[str, float | str]:
    """What a script that the test adds to the page finds out about its layout."""
    probe = page.with_name("probed.html")
    script = """<script>document.title = JSON.stringify({
      inner: innerWidth, scroll: document.documentElement.scrollWidth,
      paper: getComputedStyle(document.body).backgroundColor, ink: getComputedStyle(document.body).color,
      plot: [...new Set([...document.querySelectorAll('svg text')].map(t => getComputedStyle(t).fill))].join(' | ')
    })</script></body>"""
    probe.write_text(page.read_text("utf-8").replace("</body>", script), "utf-8")
    dom, _ = browse(probe, width, "--dump-dom", *more)
    title = re.search(r"<title>(.*?)</title>", dom)
    assert title
    return dict(json.loads(title[1].replace("&quot;", '"')))


@pytest.mark.browser
def test_the_page_opens_without_an_error_and_holds_tables_and_plots(report: Report, tmp_path: Path) -> None:
    dom, log = browse(report.save(tmp_path / "report.html"), 1200, "--dump-dom")
    assert "CONSOLE" not in log, log
    assert dom.count("<svg") == 3
    assert dom.count("<table>") >= 7
    assert "people" in dom and "two annotators" in dom


@pytest.mark.browser
def test_it_fits_a_phone(report: Report, tmp_path: Path) -> None:
    # headless Chromium has a least window width of about 500; a frame gives the page a phone's
    page = report.save(tmp_path / "report.html")
    frame = tmp_path / "frame.html"
    frame.write_text(
        f'<iframe id="f" src="{page.name}" width="390" height="800"></iframe><script>f.onload = () => {{'
        "const w = f.contentWindow; document.title = w.innerWidth + ' ' + w.document.documentElement.scrollWidth}</script>"
    )
    dom, _ = browse(frame, 800, "--allow-file-access-from-files", "--virtual-time-budget=2000", "--dump-dom")
    title = re.search(r"<title>(\d+) (\d+)</title>", dom)
    assert title, dom[:300]
    inner, scroll = map(int, title.groups())
    assert scroll <= inner <= 390


@pytest.mark.browser
def test_dark_mode_turns_paper_and_plots(report: Report, tmp_path: Path) -> None:
    page = report.save(tmp_path / "report.html")
    light = measured(page, 1200)
    dark = measured(page, 1200, "--blink-settings=preferredColorScheme=0")
    assert light["paper"] == "rgb(255, 255, 255)" and dark["paper"] == "rgb(23, 23, 26)"
    assert light["plot"] == light["ink"] and dark["plot"] == dark["ink"] != light["ink"]
    assert light["scroll"] <= light["inner"]  # type: ignore[operator]


def test_nothing_is_loaded_and_every_text_is_escaped(report: Report) -> None:
    page = report.to_html()

    class Reader(HTMLParser):
        links: list[str] = []

        def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
            assert tag not in ("script", "iframe", "object", "img")
            self.links += [v or "" for k, v in attrs if k in ("href", "src", "xlink:href")]

    reader = Reader()
    reader.feed(page)
    assert all(link.startswith(("#", "data:,")) for link in reader.links)
    assert "url(http" not in page and "@import" not in page
    assert "&lt;script&gt;alert(&#39;x&#39;)&lt;/script&gt;" in page and "&lt;b&gt;Ann&lt;/b&gt;" in page


def test_what_was_measured_can_be_found_again(report: Report, tmp_path: Path) -> None:
    values = json.loads(report.save(tmp_path / "report.json").read_text("utf-8"))
    assert values == report.to_dict()
    assert {"made", "versions", "seed"} <= set(values["provenance"])
    part = values["datasets"][0]
    assert len(part["sha256"]) == 12 and len(part["rows"]["ids"]) == part["n"] == 42
    first = part["systems"][0]
    assert first["errors"][0]["why"] == "a side was invented"
    assert first["shares"]["adjusted"]["favor"]["ci"][0] <= first["shares"]["adjusted"]["favor"]["share"]
    with pytest.raises(InputError, match=r"\.html, \.md or \.json"):
        report.save(tmp_path / "report.pdf")


def run(*args: str) -> tuple[str, str]:
    result = CliRunner().invoke(app, list(args), catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result.stdout, result.stderr


def test_the_commands(tmp_path: Path) -> None:
    rows = [{"id": i, "text": text, "label": label, "split": "test"} for i, (text, label) in enumerate(GOLD * 4)]
    (tmp_path / "quotes.jsonl").write_text("".join(json.dumps(r) + "\n" for r in rows))
    (tmp_path / "c.yaml").write_text("name: T\nsystems: [{baseline: majority}]\ndatasets: [{path: quotes.jsonl}]\n")
    out, log = run("evaluate", str(tmp_path / "c.yaml"), "-o", str(tmp_path / "r.json"), "-o", str(tmp_path / "r.md"))
    assert "majority" in out and "r.json" in log and "| quotes | majority | 12 |" in (tmp_path / "r.md").read_text()
    out, _ = run("compare", str(tmp_path / "r.json"), str(tmp_path / "r.json"), "--json")
    assert json.loads(out)[0]["p"] == 1.0
    vast = "post,topic_str,label,seen?\nLibraries matter.,library,1,0\nNo more tax.,tax,0,0\nIt rained.,tax,2,1\n"
    (tmp_path / "vast_test.csv").write_text(vast)
    out, log = run("evaluate", "--suite", "vast", "--data", str(tmp_path), "--limit", "2", "--json")
    assert json.loads(out)["datasets"][0]["n"] == 2 and "TF-IDF + LR was left out" in log
    with pytest.raises(InputError, match="Give a configuration"):
        run("evaluate", "--suite", "vast", "--predictions", "x.jsonl")


def test_shares_of_files(tmp_path: Path) -> None:
    sure = {"against": (0.9, 0.05, 0.05), "neutral": (0.1, 0.8, 0.1), "favor": (0.05, 0.05, 0.9)}
    names = ("p_against", "p_neutral", "p_favor")
    given = [{"id": i, "stance": label, **dict(zip(names, sure[label], strict=True))} for i, (_, label) in enumerate(GOLD * 10)]
    for name, lines in {
        "p": given,
        "g": [{"id": r["id"], "label": r["stance"]} for r in given],
        "corpus": [r for r in given if r["stance"] != "favor"],
    }.items():
        (tmp_path / f"{name}.jsonl").write_text("".join(json.dumps(r) + "\n" for r in lines))
    files = [str(tmp_path / f"{n}.jsonl") for n in ("corpus", "p", "g")]
    out, _ = run("shares", files[0], "--predictions", files[1], "--gold", files[2], "--json")
    found = json.loads(out)
    assert found["adjusted"]["favor"]["share"] == pytest.approx(0) and found["adjusted"]["against"]["share"] == pytest.approx(0.5)
