"""Fetching weights, against a stand-in for the hub on this machine."""

import errno
import hashlib
import os
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import huggingface_hub
import pytest
from huggingface_hub import constants

from msclip_search import models
from msclip_search.errors import StorageError, WeightsError
from msclip_search.models import HubFile, WeightsFile, hub, registry
from tests.models.conftest import COMMIT, CONTENT, NAME, OLDER, REPO, SHA, Hub

FILE = HubFile(repo=REPO, filename=NAME, revision="main")


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


TWO = HubFile(repo=REPO, filename="weights/model.safetensors", alternative=NAME, revision="main")


def test_the_alternative_comes_where_the_hub_has_no_other(served: Hub, cache: Path) -> None:
    found = fetch(served, cache, TWO)
    assert (found.sha256, found.revision, Path(found.path).name) == (SHA, COMMIT, "model.pt")
    assert [asked.partition(" ")[2].rpartition("/")[2] for asked in served.asked][:2] == [
        "model.safetensors",
        "model.pt",
    ]
    served.asked.clear()
    assert fetch(served, cache, TWO) == fetch(served, cache, TWO, known=found) == found
    assert served.asked == []


def test_the_alternative_stays_unasked_for_where_the_hub_has_the_other(served: Hub, cache: Path) -> None:
    served.name = TWO.filename
    assert Path(fetch(served, cache, TWO).path).name == "model.safetensors"
    assert not [asked for asked in served.asked if asked.endswith(NAME)]


def test_an_index_gets_the_format_that_it_recorded(served: Hub, cache: Path, tmp_path: Path) -> None:
    known = replace(fetch(served, cache, TWO), path=str(tmp_path / "gone" / NAME))
    served.name, served.content = TWO.filename, b"in the other format"
    served.etag = hashlib.sha256(served.content).hexdigest()
    fetch(served, cache, TWO)  # now the cache has both
    assert fetch(served, cache, TWO, known=known).sha256 == SHA


def test_a_file_of_neither_name_is_said_with_the_last(served: Hub, cache: Path) -> None:
    served.name = "something else"
    with pytest.raises(WeightsError, match=rf"{NAME} cannot be downloaded: the hub has no such file\. Get .*{NAME} by"):
        fetch(served, cache, TWO)


@pytest.mark.parametrize("status", [401, 429, 500])
def test_only_absence_makes_the_alternative_asked_for(served: Hub, cache: Path, status: int) -> None:
    served.status, served.name = status, TWO.filename
    with pytest.raises(WeightsError, match=r"model\.safetensors cannot be downloaded"):
        fetch(served, cache, TWO)
    assert not [asked for asked in served.asked if asked.endswith(NAME)]


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
