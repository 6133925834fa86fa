"""Our tasks through a real Label Studio and back: rows and labels must come back equal.

    python -m venv VENV && VENV/bin/pip install label-studio      # not beside this package: its pins are its own
    python benchmarks/label_studio.py VENV/bin/label-studio

It starts the server on the loopback with SQLite in a temporary folder, makes a project with our labelling configuration,
imports tasks by the API, annotates them as the browser does, exports, and reads the export.
"""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from pathlib import Path

from stance.corpus import LABEL_STUDIO_CONFIG, read_tasks, write_tasks
from stance.labels import LABELS
from stance.records import Annotation

TOKEN = "0123456789abcdef0123456789abcdef01234567"  # of a server that lives for a minute
PERSON = "ann@example.org"
ROWS = [
    {
        "id": f"q{i}", "text": f"“Statement {i}”\nwith a break & <marks>", "speaker": "Ann" if i else None, "context": None,
        "stance": "favor", "p_favor": 0.5, "model": "made", "sources": [{"id": f"q{i}", "date": None}],
    }
    for i in range(6)
]  # fmt: skip


def call(port: int, path: str, values: object = None) -> object:
    """A request to the API, posted when there are values."""
    data = None if values is None else json.dumps(values).encode()
    headers = {"Authorization": f"Token {TOKEN}", "Content-Type": "application/json"}
    with urllib.request.urlopen(urllib.request.Request(f"http://127.0.0.1:{port}{path}", data, headers), timeout=60) as answer:
        return json.load(answer)


def main(command: str) -> None:
    """Start, import, annotate, export, compare, stop."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    with tempfile.TemporaryDirectory() as folder:
        start = [command, "start", "--no-browser", "--port", str(port), "--internal-host", "127.0.0.1", "--data-dir", folder]
        start += ["--username", PERSON, "--password", "made-for-this-run", "--user-token", TOKEN]
        settings = {"LABEL_STUDIO_ENABLE_LEGACY_API_TOKEN": "true", "COLLECT_ANALYTICS": "false", "SENTRY_DSN": ""}
        log = (Path(folder) / "log.txt").open("w")
        server = subprocess.Popen(start, env=os.environ | settings, stdout=log, stderr=subprocess.STDOUT)
        try:
            wait_for(port, server, Path(folder) / "log.txt")
            path = Path(folder) / "tasks.json"
            write_tasks(ROWS, path, kind="labelstudio")
            project = call(port, "/api/projects", {"title": "made", "label_config": LABEL_STUDIO_CONFIG})["id"]
            imported = call(port, f"/api/projects/{project}/import", json.loads(path.read_text()))
            given = annotate(port, project)
            export = Path(folder) / "export.json"
            export.write_text(json.dumps(call(port, f"/api/projects/{project}/export?exportType=JSON&download_all_tasks=true")))
            back = read_tasks(export, kind="labelstudio")
            people = {a.annotator for a in back.annotations}
            same = [Annotation(a.quote, PERSON, a.label, a.note) for a in back.annotations]
            print(f"imported {imported['task_count']} tasks, {imported['prediction_count']} predictions; annotators {people}")
            print(f"rows equal: {back.rows == ROWS}; annotations equal: {same == given}; problems: {back.problems}")
            if back.rows != ROWS or same != given or len(people) != 1:
                raise SystemExit(1)
        finally:
            server.terminate()
            server.wait()


def wait_for(port: int, server: subprocess.Popen, log: Path) -> None:
    """Until the API answers; the first start makes the database."""
    for _ in range(1800):
        if server.poll() is not None:
            raise SystemExit(log.read_text()[-2000:])
        try:
            call(port, "/api/projects")
            return
        except OSError:
            time.sleep(1)
    raise SystemExit(f"no answer within half an hour: {log.read_text()[-2000:]}")


def annotate(port: int, project: int) -> list[Annotation]:
    """Label all tasks but the last."""
    tasks = sorted(call(port, f"/api/tasks?project={project}&page_size=100")["tasks"], key=lambda t: t["data"]["id"])
    given = []
    for number, task in enumerate(tasks[:-1]):
        label, note = LABELS[number % 3], "odd\none" if number == 2 else None
        result = [{"from_name": "stance", "to_name": "text", "type": "choices", "value": {"choices": [str(label)]}}]
        if note:
            result.append({"from_name": "note", "to_name": "text", "type": "textarea", "value": {"text": [note]}})
        call(port, f"/api/tasks/{task['id']}/annotations/", {"result": result, "lead_time": 1.5})
        given.append(Annotation(task["data"]["id"], PERSON, label, note))
    return given


if __name__ == "__main__":
    main(sys.argv[1])
