"""Fetching weights, against a stand-in for the hub on this machine."""

import errno
import hashlib
import os
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import huggingface_hub
import pytest
from huggingface_hub import constants

from msclip_search import models
from msclip_search.errors import StorageError, WeightsError
from msclip_search.models import HubFile, WeightsFile, hub, registry

REPO = "someone/some-model"
NAME = "weights/model.pt"
FILE = HubFile(repo=REPO, filename=NAME, revision="main")
COMMIT, OLDER = "c" * 40, "b" * 40
CONTENT = b"weights " * 1000
SHA = hashlib.sha256(CONTENT).hexdigest()


@dataclass
class Hub:
    """What the stand-in serves, and what it was asked."""

    address: str
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
        head, _, rest = self.path.removeprefix(f"/{REPO}/resolve/").partition("/")
        commit = served.commits.get(head)
        status = served.status if commit and rest == NAME else 404
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


def fetch(served: Hub, cache: Path, file: HubFile = FILE, *, known: WeightsFile | None = None) -> WeightsFile:
    return hub.fetch(file, known=known, endpoint=served.address, cache_dir=cache)


def files(cache: Path) -> list[Path]:
    return [path for path in cache.rglob("*") if path.parent.name in {"blobs", "weights"}]


def test_a_download_is_recorded_with_its_commit_and_hash(served: Hub, cache: Path) -> None:
    found = fetch(served, cache)
    assert Path(found.path).read_bytes() == CONTENT
    assert (found.sha256, found.size, found.origin, found.revision) == (SHA, len(CONTENT), "hub", COMMIT)
    assert found.describes(Path(found.path))


def test_what_is_cached_is_neither_asked_for_nor_hashed_again(
    served: Hub, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = fetch(served, cache)
    assert f"GET /{REPO}/resolve/main/{NAME}" in served.asked
    served.asked.clear()
    monkeypatch.setattr(hub, "_hash", lambda path: pytest.fail(f"{path} was hashed again"))
    assert fetch(served, cache) == first
    assert fetch(served, cache, known=first) == first
    assert served.asked == []


def test_a_cache_without_names_that_are_hashes_is_hashed(served: Hub, cache: Path) -> None:
    served.etag = "1" * 40  # of a file that the hub keeps in git itself
    first = fetch(served, cache)
    assert first.sha256 == SHA
    assert fetch(served, cache) == first


def test_the_commit_of_an_index_is_asked_for_when_the_branch_has_moved(
    served: Hub, cache: Path, tmp_path: Path
) -> None:
    first = fetch(served, cache)
    served.commits = {"main": OLDER, OLDER: OLDER, COMMIT: COMMIT}
    elsewhere = tmp_path / "another machine"
    again = fetch(served, elsewhere, known=replace(first, path=str(elsewhere / "gone")))
    assert (again.sha256, again.revision) == (SHA, COMMIT)
    assert all("/resolve/main/" not in asked for asked in served.asked[-2:])


def test_other_bytes_than_an_index_recorded_are_refused(served: Hub, cache: Path, tmp_path: Path) -> None:
    known = replace(fetch(served, cache), sha256="a" * 64, path=str(tmp_path / "gone"))
    with pytest.raises(WeightsError, match=f"is not the file that was asked for .sha256 {SHA}, not {'a' * 64}"):
        fetch(served, cache, known=known)
    with pytest.raises(WeightsError, match=f"came with other bytes .*{SHA}, not {'a' * 64}"):
        fetch(served, tmp_path / "elsewhere", known=known)


def test_a_record_of_a_file_pins_nothing_on_the_hub(served: Hub, cache: Path) -> None:
    known = WeightsFile(path="/w.pt", sha256="a" * 64, size=1, mtime_ns=1, origin="file")
    assert fetch(served, cache, known=known).sha256 == SHA


@pytest.mark.parametrize("pinned", [True, False])
def test_wrong_bytes_are_refused_and_deleted(served: Hub, cache: Path, *, pinned: bool) -> None:
    served.content = b"WEIGHTS " * 1000
    wrong = hashlib.sha256(served.content).hexdigest()
    with pytest.raises(WeightsError) as caught:
        fetch(served, cache, replace(FILE, sha256=SHA) if pinned else FILE)
    assert str(caught.value) == (
        f"{served.address}/{REPO}/resolve/main/{NAME} came with other bytes than it should have (sha256 {wrong}, not "
        f"{SHA}), and was deleted. Try again, or pass a file of yours with --weights."
    )
    assert files(cache) == []
    served.content = CONTENT
    assert fetch(served, cache).sha256 == SHA


def test_a_pinned_file_is_compared_with_its_pin(served: Hub, cache: Path) -> None:
    assert fetch(served, cache, replace(FILE, sha256=SHA)).sha256 == SHA
    with pytest.raises(WeightsError, match="is not the file that was asked for"):
        fetch(served, cache, replace(FILE, sha256="a" * 64))


@pytest.mark.parametrize(
    ("status", "said"),
    [
        (401, r"the hub wants to know who asks; log in with `hf auth login`"),
        (403, "the hub does not give it to this account"),
        (404, "the hub has no such file"),
        (429, "too many requests from here; try again later"),
        (500, "the hub answers with status 500"),
    ],
)
def test_what_the_hub_refuses_is_one_sentence(served: Hub, cache: Path, status: int, said: str) -> None:
    served.status = status
    with pytest.raises(WeightsError, match=said) as caught:
        fetch(served, cache)
    message = str(caught.value)
    assert message.startswith(f"{NAME} cannot be downloaded: ")
    assert message.endswith(
        f" Get {served.address}/{REPO}/resolve/main/{NAME} by other means and pass the file with --weights."
    )
    assert files(cache) == []


def test_an_absent_hub_is_said_at_once(served: Hub, cache: Path) -> None:
    nobody = ThreadingHTTPServer(("127.0.0.1", 0), BaseHTTPRequestHandler)
    served.address = f"http://127.0.0.1:{nobody.server_port}"
    nobody.server_close()
    with pytest.raises(WeightsError, match=r"the hub cannot be reached \(\w+\)\. Get http.* --weights"):
        fetch(served, cache)


def test_offline_mode_is_said(served: Hub, cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = fetch(served, cache)
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    assert fetch(served, cache) == first
    with pytest.raises(WeightsError, match=r"offline mode is on \(HF_HUB_OFFLINE\)"):
        fetch(served, cache.with_name("empty"))


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EACCES])
def test_a_cache_that_cannot_be_written_is_said(
    served: Hub, cache: Path, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(huggingface_hub, "hf_hub_download", refuse)
    with pytest.raises(StorageError, match=rf"cannot be written .*{os.strerror(number)}.* HF_HOME"):
        fetch(served, cache)


@pytest.mark.parametrize("shown", [True, False])
def test_a_bar_is_shown_only_when_it_is_wanted(
    served: Hub, cache: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, *, shown: bool
) -> None:
    monkeypatch.setenv("TQDM_POSITION", "-1")  # makes the library take this for a terminal
    hub.fetch(FILE, endpoint=served.address, cache_dir=cache, progress=shown)
    said = capfd.readouterr()
    assert said.out == ""
    assert ("model.pt" in said.err) is shown


def test_a_model_is_loaded_from_the_hub(served: Hub, cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from msclip_search.models import clip

    taken: list[WeightsFile] = []
    spec = replace(models.spec_of("llama3-ms-clip-base"), hub=FILE)
    monkeypatch.setattr(registry, "_NAMED", {spec.name: spec})
    monkeypatch.setattr(clip, "load", lambda *_, weights, **__: taken.append(weights))
    models.load(spec.name, endpoint=served.address, cache_dir=cache)
    models.load(spec.name, endpoint=served.address, cache_dir=cache, known=taken[0])
    assert taken[0] == taken[1] == fetch(served, cache)
    assert taken[0].revision == COMMIT
