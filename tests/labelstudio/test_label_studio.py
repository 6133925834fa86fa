"""Our tasks through a real Label Studio and back: `make labelstudio` installs it apart, as its pins are its own.

The server runs on the loopback with SQLite in a temporary folder; its telemetry is off, and a proxy that is not there stands
before everything else. Tasks, annotations and export go through its API, as its page does it.
"""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from stance.corpus import LABEL_STUDIO_CONFIG, read_tasks, write_tasks
from stance.corpus.formats import Tasks
from stance.labels import LABELS
from stance.records import Annotation

pytestmark = pytest.mark.labelstudio
TOKEN = "0123456789abcdef0123456789abcdef01234567"  # of a server that lives for a minute
PERSON = "ann@example.org"
NOWHERE = "http://127.0.0.1:9"
SETTINGS = {
    "LABEL_STUDIO_ENABLE_LEGACY_API_TOKEN": "true", "COLLECT_ANALYTICS": "false", "LATEST_VERSION_CHECK": "false",
    "SENTRY_DSN": "", "FRONTEND_SENTRY_DSN": "", "NO_PROXY": "127.0.0.1,localhost",
    **{name: NOWHERE for name in ("HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy")},
}  # fmt: skip
ROWS: list[dict[str, Any]] = [
    {
        "id": f"q{i}", "text": f"“Statement {i}”\nwith a break & <marks> \\ 🙂", "speaker": "Ann" if i else None, "context": None,
        "stance": "favor", "p_favor": 0.5, "model": "made", "sources": [{"id": f"q{i}", "date": None}],
    }
    for i in range(6)
]  # fmt: skip


class Studio:
    """A running server."""

    def __init__(self, port: int) -> None:
        self.port = port

    def call(self, path: str, values: object = None) -> Any:
        """A request to the API, posted when there are values."""
        data = None if values is None else json.dumps(values).encode()
        headers = {"Authorization": f"Token {TOKEN}", "Content-Type": "application/json"}
        request = urllib.request.Request(f"http://127.0.0.1:{self.port}{path}", data, headers)
        with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(request, timeout=120) as answer:
            return json.load(answer)

    def project(self, file: Path) -> int:
        """A new project with our labelling configuration and the tasks of a file."""
        made = int(self.call("/api/projects", {"title": file.stem, "label_config": LABEL_STUDIO_CONFIG})["id"])
        imported = self.call(f"/api/projects/{made}/import", json.loads(file.read_text("utf-8")))
        assert (imported["task_count"], imported["prediction_count"]) == (len(ROWS), len(ROWS))
        return made

    def export(self, project: int) -> Any:
        """What the page's Export button gives as JSON, with tasks without annotations: annotators are numbers."""
        return self.call(f"/api/projects/{project}/export?exportType=JSON&download_all_tasks=true")

    def snapshot(self, project: int) -> Any:
        """An export snapshot as JSON, with the annotators' addresses."""
        exports = f"/api/projects/{project}/exports"
        made = self.call(exports, {"serialization_options": {"annotations__completed_by": {"only_id": False}}})["id"]
        last = time.monotonic() + 120  # seconds
        while (status := self.call(f"{exports}/{made}")["status"]) != "completed":
            assert status != "failed" and time.monotonic() < last, status
            time.sleep(0.5)
        return self.call(f"{exports}/{made}/download?exportType=JSON")


@pytest.fixture(scope="module")
def studio(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Studio]:
    command = os.environ.get("LABEL_STUDIO")
    assert command, "LABEL_STUDIO names no label-studio command; run: make labelstudio"
    folder = tmp_path_factory.mktemp("label-studio")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    start = [command, "start", "--no-browser", "--internal-host", "127.0.0.1", "--port", str(port), "--data-dir", str(folder)]
    start += ["--username", PERSON, "--password", "made-for-this-run", "--user-token", TOKEN, "--enable-legacy-api-token"]
    log = folder / "log.txt"
    with log.open("w") as output:
        server = subprocess.Popen(
            start, env=os.environ | SETTINGS, stdout=output, stderr=subprocess.STDOUT, start_new_session=True
        )  # fmt: skip
        try:
            running, last = Studio(port), time.monotonic() + 1800  # seconds; on a busy machine the database takes minutes
            while True:
                assert server.poll() is None and time.monotonic() < last, log.read_text()[-2000:]
                try:
                    running.call("/api/projects")
                    break
                except OSError:
                    time.sleep(1)
            yield running
        finally:
            for kind in (signal.SIGTERM, signal.SIGKILL):
                if server.poll() is None:
                    os.killpg(server.pid, kind)
                    try:
                        server.wait(timeout=20)
                    except subprocess.TimeoutExpired:
                        continue


def read(export: Any, folder: Path) -> Tasks:
    (folder / "export.json").write_text(json.dumps(export), encoding="utf-8")
    return read_tasks(folder / "export.json", kind="labelstudio")


def test_labels_given_in_label_studio_come_back_with_the_quotes(studio: Studio, tmp_path: Path) -> None:
    write_tasks(ROWS, tmp_path / "tasks.json", kind="labelstudio")
    project = studio.project(tmp_path / "tasks.json")
    tasks = sorted(studio.call(f"/api/tasks?project={project}&page_size=100")["tasks"], key=lambda t: t["data"]["id"])
    given = []
    for number, task in enumerate(tasks[:-1]):  # the last one stays without a label
        label, note = LABELS[number % 3], "odd\none" if number == 2 else None
        result = [{"from_name": "stance", "to_name": "text", "type": "choices", "value": {"choices": [str(label)]}}]
        if note:
            result.append({"from_name": "note", "to_name": "text", "type": "textarea", "value": {"text": [note]}})
        studio.call(f"/api/tasks/{task['id']}/annotations/", {"result": result, "lead_time": 1.5})
        given.append(Annotation(task["data"]["id"], PERSON, label, note))
    back = read(studio.snapshot(project), tmp_path)
    assert (back.rows, back.annotations, back.problems) == (ROWS, given, [])
    plain = read(studio.export(project), tmp_path)
    assert plain.annotations == [Annotation(a.quote, "1", a.label, a.note) for a in given] and plain.rows == ROWS


def test_labels_that_we_bring_along_come_back(studio: Studio, tmp_path: Path) -> None:
    given = [Annotation("q0", PERSON, "against"), Annotation("q3", PERSON, "neutral", "two\nlines")]
    write_tasks(ROWS, tmp_path / "labelled.json", kind="labelstudio", annotations=given)
    back = read(studio.snapshot(studio.project(tmp_path / "labelled.json")), tmp_path)
    assert (back.rows, back.annotations, back.problems) == (ROWS, given, [])
