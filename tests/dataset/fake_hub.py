"""A Hub of one's own: the HTTP calls that huggingface_hub makes to upload a data set, on localhost.

It keeps accounts, repositories and files in memory, and every request that it saw.
"""

from __future__ import annotations

import base64
import hashlib
import json
import threading
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import urlparse

import yaml


@dataclass
class FakeHub:
    """What the server knows; `url` is its address while it runs."""

    users: dict[str, str]  # name by token
    readers: frozenset[str] = frozenset()  # tokens that may not write
    lfs_suffixes: tuple[str, ...] = (".jpg", ".png")
    url: str = ""
    repos: dict[str, dict[str, bytes]] = field(default_factory=dict)
    private: dict[str, bool] = field(default_factory=dict)
    blobs: dict[str, bytes] = field(default_factory=dict)
    requests: list[str] = field(default_factory=list)
    num_commits: int = 0
    broken: bool = False

    def __enter__(self) -> FakeHub:
        hub = self
        handler = type("Handler", (_Handler,), {"hub": hub})
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()


class _Handler(BaseHTTPRequestHandler):
    hub: FakeHub
    protocol_version = "HTTP/1.1"

    def log_message(self, format: str, *args: object) -> None:
        pass

    def do_GET(self) -> None:
        self._serve("GET")

    def do_POST(self) -> None:
        self._serve("POST")

    def do_PUT(self) -> None:
        self._serve("PUT")

    def _serve(self, method: str) -> None:
        path = urlparse(self.path).path
        self.hub.requests.append(f"{method} {path}")
        if self.headers.get("Transfer-Encoding") == "chunked":
            body = b"".join(iter(self._chunk, b""))
        else:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        if path.startswith("/blobs/"):
            self._store(path.removeprefix("/blobs/"), body)
            return
        token = (self.headers.get("Authorization") or "").removeprefix("Bearer ")
        if token not in self.hub.users:
            self._answer(401, {"error": f"Invalid token {token}"})
        elif self.hub.broken:
            self._answer(418, {"error": "broken"})
        elif path == "/api/whoami-v2":
            self._answer(200, {"type": "user", "name": self.hub.users[token]})
        elif path == "/api/repos/create":
            self._create(json.loads(body), token)
        elif method == "GET":
            self._info(path)
        elif path == "/api/validate-yaml":
            self._validate(json.loads(body))
        elif "/preupload/" in path:
            self._preupload(json.loads(body))
        elif path.endswith("/info/lfs/objects/batch"):
            self._batch(json.loads(body))
        elif "/commit/" in path:
            self._commit(path, body)
        else:
            self._answer(404, {"error": f"no such call: {method} {path}"})

    def _chunk(self) -> bytes:
        size = int(self.rfile.readline(), 16)
        data = self.rfile.read(size)
        self.rfile.readline()
        return data

    def _answer(self, status: int, value: object, headers: dict[str, str] | None = None) -> None:
        data = json.dumps(value).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        for name, text in (headers or {}).items():
            self.send_header(name, text)
        self.end_headers()
        self.wfile.write(data)

    def _create(self, wish: dict[str, Any], token: str) -> None:
        owner = wish.get("organization") or self.hub.users[token]
        repo_id = f"{owner}/{wish['name']}"
        assert wish["type"] == "dataset"
        if token in self.hub.readers or owner != self.hub.users[token]:
            self._answer(403, {"error": "You don't have the rights to create a dataset"})
        elif repo_id in self.hub.repos:
            self._answer(409, {"error": "You already created this dataset repo"})
        else:
            self.hub.repos[repo_id] = {".gitattributes": b""}
            self.hub.private[repo_id] = wish.get("visibility") == "private"
            self._answer(200, {"url": f"{self.hub.url}/datasets/{repo_id}", "name": repo_id})

    def _repo_of(self, path: str) -> str:
        owner, name = path.removeprefix("/api/datasets/").split("/")[:2]
        return f"{owner}/{name}"

    def _info(self, path: str) -> None:
        files = self.hub.repos.get(self._repo_of(path))
        if files is None:
            self._answer(404, {"error": "not found"}, {"X-Error-Code": "RepoNotFound"})
        elif "/tree/" in path:
            rows = [
                {"type": "file", "path": n, "size": len(d), "oid": "0" * 40}
                for n, d in files.items()
            ]
            self._answer(200, rows)
        else:
            repo_id = self._repo_of(path)
            row = {"id": repo_id, "sha": "0" * 40, "siblings": [{"rfilename": n} for n in files]}
            if repo_id in self.hub.private:
                row["private"] = self.hub.private[repo_id]
            self._answer(200, row)

    def _validate(self, wish: dict[str, Any]) -> None:
        """The Hub refuses a card whose front matter it cannot read."""
        assert wish["repoType"] == "dataset"
        try:
            yaml.safe_load(wish["content"].split("---")[1] if "---" in wish["content"] else "")
            self._answer(200, {"errors": [], "warnings": []})
        except yaml.YAMLError as error:
            self._answer(400, {"errors": [{"message": str(error)}], "warnings": []})

    def _preupload(self, wish: dict[str, Any]) -> None:
        rows = [
            {
                "path": row["path"],
                "uploadMode": "lfs" if row["path"].endswith(self.hub.lfs_suffixes) else "regular",
                "shouldIgnore": False,
            }
            for row in wish["files"]
        ]
        self._answer(200, {"files": rows})

    def _batch(self, wish: dict[str, Any]) -> None:
        rows = []
        for row in wish["objects"]:
            answer = {"oid": row["oid"], "size": row["size"]}
            if row["oid"] not in self.hub.blobs:
                answer["actions"] = {"upload": {"href": f"{self.hub.url}/blobs/{row['oid']}"}}
            rows.append(answer)
        self._answer(200, {"transfer": "basic", "objects": rows})

    def _store(self, oid: str, body: bytes) -> None:
        assert hashlib.sha256(body).hexdigest() == oid
        self.hub.blobs[oid] = body
        self._answer(200, {})

    def _commit(self, path: str, body: bytes) -> None:
        files = self.hub.repos[self._repo_of(path)]
        for line in body.decode().splitlines():
            row = json.loads(line)
            if row["key"] == "file":
                assert row["value"]["encoding"] == "base64"
                files[row["value"]["path"]] = base64.b64decode(row["value"]["content"])
            elif row["key"] == "lfsFile":
                files[row["value"]["path"]] = self.hub.blobs[row["value"]["oid"]]
        self.hub.num_commits += 1
        url = f"{self.hub.url}/datasets/{self._repo_of(path)}/commit/{'1' * 40}"
        self._answer(200, {"success": True, "commitOid": "1" * 40, "commitUrl": url})
