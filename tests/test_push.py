"""Pushing a data set: what arrives at a hub. The hub is a server on the loopback that speaks the few calls that a push makes."""

from __future__ import annotations

import base64
import io
import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pyarrow.parquet as pq
import pytest
from articles import MANIFEST
from huggingface_hub import DatasetCard

import stance
from stance.config import BuildConfig, SplitConfig
from stance.corpus.publish import push_dataset, write_dataset

CODE = "import sys, pathlib, stance.corpus.publish as p; p.push_dataset(pathlib.Path(sys.argv[1]), sys.argv[2])"


class Hub(BaseHTTPRequestHandler):
    """A hub that keeps what it is sent in memory; Parquet comes by LFS, everything else inside its commit."""

    files: dict[str, bytes]
    blobs: dict[str, bytes]
    created: list[dict[str, Any]]
    refuses = False

    def log_message(self, *args: object) -> None:
        """Nothing on stderr."""

    def answer(self, value: object, status: int = 200, **headers: str) -> None:
        body = value if isinstance(value, bytes) else json.dumps(value).encode()
        self.send_response(status)
        for name, text in {"Content-Length": str(len(body)), "Content-Type": "application/json", **headers}.items():
            self.send_header(name.replace("_", "-"), text)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def do_POST(self) -> None:
        sent = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        if self.headers.get("Transfer-Encoding") == "chunked":
            sent = b"".join(iter(self.chunk, b""))
        if self.refuses:
            return self.answer({"error": "You have no right to make this"}, 403)
        if self.path == "/api/repos/create":
            self.created.append(json.loads(sent))
            return self.answer({"url": f"http://{self.headers['Host']}/datasets/ann/made", "id": "ann/made", "name": "ann/made"})
        if "/preupload/" in self.path:
            names = [f["path"] for f in json.loads(sent)["files"]]
            modes = {n: "lfs" if n.endswith(".parquet") else "regular" for n in names}
            return self.answer({"files": [{"path": n, "uploadMode": m, "shouldIgnore": False} for n, m in modes.items()]})
        if self.path.endswith("/info/lfs/objects/batch"):
            upload = {o["oid"]: f"http://{self.headers['Host']}/blob/{o['oid']}" for o in json.loads(sent)["objects"]}
            objects = [{"oid": o, "size": 1, "actions": {"upload": {"href": to}}} for o, to in upload.items()]
            return self.answer({"transfer": "basic", "objects": objects})
        if "/commit/" in self.path:
            for line in map(json.loads, sent.splitlines()):
                if line["key"] == "file":
                    self.files[line["value"]["path"]] = base64.b64decode(line["value"]["content"])
                elif line["key"] == "lfsFile":
                    self.files[line["value"]["path"]] = self.blobs[line["value"]["oid"]]
            url = f"http://{self.headers['Host']}/datasets/ann/made/commit/0"
            return self.answer({"commitUrl": url, "commitOid": "0" * 40, "success": True})
        if "/paths-info/" in self.path:
            return self.answer([self.entry(n) for n in self.files if n in sent.decode()])
        return self.answer({"warnings": [], "errors": []})  # the check of a card's header

    def do_PUT(self) -> None:
        self.blobs[self.path.rpartition("/")[2]] = self.rfile.read(int(self.headers["Content-Length"]))
        self.answer({})

    def do_GET(self) -> None:
        path = self.path.partition("?")[0]
        if found := re.fullmatch(r"/datasets/ann/made/resolve/\w+/(.+)", path):
            if found[1] in self.files:
                about = {"ETag": '"1"', "X_Repo_Commit": "0" * 40}
                return self.answer(self.files[found[1]], **about)
            return self.answer({"error": "Entry not found"}, 404, X_Error_Code="EntryNotFound")
        if found := re.fullmatch(r"/api/datasets/ann/made/tree/\w+(?:/(.*))?", path):
            under = [n for n in self.files if not found[1] or n.startswith(f"{found[1]}/")]
            if found[1] and not under:
                return self.answer({"error": "Entry not found"}, 404, X_Error_Code="EntryNotFound")
            return self.answer([self.entry(n) for n in under])
        if not self.created:
            return self.answer({"error": "Repository not found"}, 404, X_Error_Code="RepoNotFound")
        siblings = [{"rfilename": name} for name in self.files]
        return self.answer({"id": "ann/made", "sha": "0" * 40, "siblings": siblings, "private": True, "tags": []})

    do_HEAD = do_GET

    def entry(self, name: str) -> dict[str, Any]:
        return {"type": "file", "path": name, "size": len(self.files[name]), "oid": "0" * 40}

    def chunk(self) -> bytes:
        found = self.rfile.read(int(self.rfile.readline(), 16))
        self.rfile.readline()
        return found


@pytest.fixture
def hub() -> Iterator[tuple[type[Hub], dict[str, str]]]:
    made = type("OneHub", (Hub,), {"files": {}, "blobs": {}, "created": []})
    server = ThreadingHTTPServer(("127.0.0.1", 0), made)
    Thread(target=server.serve_forever, daemon=True).start()
    address = f"http://127.0.0.1:{server.server_port}"
    settings = {"HF_ENDPOINT": address, "HF_TOKEN": "hf_made", "HF_HUB_OFFLINE": "0", "HF_HUB_DISABLE_TELEMETRY": "1"}
    settings["HF_HUB_DISABLE_XET"] = "1"
    yield made, os.environ | settings | {"PYTHONPATH": str(Path(stance.__file__).parents[1]), "NO_PROXY": "127.0.0.1"}
    server.shutdown()
    server.server_close()


def built(folder: Path) -> Path:
    """A build's result, with a row in train and in test."""
    rows = [
        {"id": f"q{i}", "text": f"Ünser “{i}”", "label": "favor", "group": group, "date": None, "votes": {"favor": 1}}
        for i, group in enumerate(("p000", "p001"))
    ]
    config = BuildConfig(name="made", output="out", articles=("a",), licence="cc-by-4.0", split=SplitConfig(dev=0, test=0.5))
    write_dataset(rows, folder, config=config, target=stance.UKRAINE_NATO, manifest=MANIFEST)
    return folder


def push(folder: Path, home: Path, environment: dict[str, str]) -> subprocess.CompletedProcess[str]:
    """In a process of its own: the hub's client reads its address when it is imported."""
    command = [sys.executable, "-c", CODE, str(folder), "ann/made"]
    return subprocess.run(command, env=environment | {"HF_HOME": str(home)}, capture_output=True, text=True, timeout=300)


def test_what_the_card_names_arrives_private(hub: tuple[type[Hub], dict[str, str]], tmp_path: Path) -> None:
    kept, environment = hub
    folder = built(tmp_path / "dataset")
    done = push(folder, tmp_path / "home", environment)
    assert done.returncode == 0, done.stderr[-2000:]
    made = kept.created[0]  # clients of old say private, new ones visibility
    assert made["type"] == "dataset" and (made.get("visibility") == "private" or made.get("private") is True)
    here = {str(f.relative_to(folder)): f.read_bytes() for f in folder.rglob("*") if f.is_file()}
    assert kept.files == {name: body for name, body in here.items() if not name.startswith("hf/")}
    assert {"README.md", "manifest.json", "data/train.jsonl"} <= kept.files.keys()
    named = DatasetCard(kept.files["README.md"].decode()).data.configs[0]["data_files"]
    assert {f["split"]: len(pq.read_table(io.BytesIO(kept.files[f["path"]]))) for f in named} == {"train": 1, "test": 1}


def test_a_refusal_is_told(hub: tuple[type[Hub], dict[str, str]], tmp_path: Path) -> None:
    kept, environment = hub
    kept.refuses = True
    done = push(built(tmp_path / "dataset"), tmp_path / "home", environment)
    assert done.returncode != 0 and not kept.files
    assert "stance.errors.InputError: The hub did not take 'ann/made'" in done.stderr and "403" in done.stderr


def test_without_labelled_rows_nothing_is_pushed(tmp_path: Path) -> None:
    with pytest.raises(stance.InputError, match="no labelled rows to push"):
        push_dataset(tmp_path, "ann/made")
