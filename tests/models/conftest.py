"""A stand-in for the hub on this machine: no test asks the real one."""

import hashlib
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from huggingface_hub import constants

REPO = "someone/some-model"
NAME = "weights/model.pt"
COMMIT, OLDER = "c" * 40, "b" * 40
CONTENT = b"weights " * 1000
SHA = hashlib.sha256(CONTENT).hexdigest()


@dataclass
class Hub:
    """What the stand-in serves, and what it was asked."""

    address: str
    repo: str = REPO
    name: str = NAME
    commits: dict[str, str] = field(default_factory=lambda: {"main": COMMIT, COMMIT: COMMIT})
    content: bytes = CONTENT
    etag: str = SHA
    status: int = 200
    asked: list[str] = field(default_factory=list)


class Answers(BaseHTTPRequestHandler):
    """Answers as the hub does: metadata in the headers of HEAD, bytes and ranges for GET."""

    server: "HubServer"
    protocol_version = "HTTP/1.1"

    def do_HEAD(self) -> None:
        self._answer(body=False)

    def do_GET(self) -> None:
        self._answer(body=True)

    def log_message(self, *_: object) -> None:
        """Say nothing."""

    def _answer(self, *, body: bool) -> None:
        served = self.server.hub
        served.asked.append(f"{self.command} {self.path}")
        head, _, rest = self.path.removeprefix(f"/{served.repo}/resolve/").partition("/")
        commit = served.commits.get(head)
        status = served.status if commit and rest == served.name else 404
        content = served.content if status == 200 else b"no"
        if (span := self.headers.get("Range")) and status == 200:
            status, content = 206, content[int(span.removeprefix("bytes=").split("-")[0]) :]
        self.send_response(status)
        self.send_header("Content-Length", str(len(content)))
        if status < 300:
            self.send_header("X-Repo-Commit", commit or "")
            self.send_header("ETag", f'"{served.etag}"')
            self.send_header("X-Linked-Etag", f'"{served.etag}"')
            self.send_header("X-Linked-Size", str(len(served.content)))
        elif status == 404:
            self.send_header("X-Error-Code", "EntryNotFound")
        self.end_headers()
        if body:
            self.wfile.write(content)


class HubServer(ThreadingHTTPServer):
    """The stand-in, listening."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Answers)
        self.hub = Hub(address=f"http://127.0.0.1:{self.server_port}")


@pytest.fixture
def served(monkeypatch: pytest.MonkeyPatch) -> Iterator[Hub]:
    """Serve a hub on this machine."""
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
    server = HubServer()
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield server.hub
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def cache(tmp_path: Path) -> Path:
    return tmp_path / "cache"
