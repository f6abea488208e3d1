"""Manifests: sealed, numbered, created exclusively; which one is in force."""

import errno
import json
import os
import subprocess
import sys
import threading
from collections.abc import Callable
from dataclasses import fields
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import xxhash
from hypothesis import given, settings
from hypothesis import strategies as st

from msclip_search import IndexConflict, IndexDamaged, IndexMissing, IndexTooNew, SearchIndex, StorageError, verify
from msclip_search.store import Layout, Manifest, Writer, durable, newest_or_raise, open_writer, succession
from msclip_search.store.durable import FileEntry
from msclip_search.store.manifest import AnnEntry, SegmentEntry, Unfinished, parse
from tests.folder.making import MODEL, NONE_DELETED, files_of, make_index, newest_body, record, stored_tiles, units

HERE = Path("index/manifests/000001.json")

counts = st.integers(0, 2**40)
texts = st.text(max_size=20)
files = st.builds(FileEntry, path=texts, size=counts, xxh64=texts)
segments = st.builds(
    SegmentEntry,
    number=counts,
    rows=counts,
    files=st.tuples(files, files),
    deleted_rows=counts,
    deleted=st.none() | files,
)
generations = st.builds(
    AnnEntry,
    generation=counts,
    kind=texts,
    factory=texts,
    nlist=counts,
    nprobe=counts,
    rows=counts,
    files=st.tuples(files, files, files),
)
plain = st.none() | st.booleans() | counts | st.floats(allow_nan=False, allow_infinity=False) | texts
manifests = st.builds(
    Manifest,
    number=counts,
    parent=counts,
    created=texts,
    software=texts,
    kind=texts,
    model=st.dictionaries(texts, plain | st.lists(plain, max_size=3), max_size=4),
    last_segment=counts,
    last_generation=counts,
    segments=st.lists(segments, max_size=3).map(tuple),
    ann=st.none() | generations,
)


def example() -> Manifest:
    return Manifest(
        number=1,
        parent=0,
        created="2026-01-02T03:04:05+00:00",
        software="msclip-search 0.1.0",
        kind="auto",
        model={"spec": {"name": "Brücke", "dimension": 64}, "fingerprint": "f", "weights": None},
        last_segment=1,
        segments=(
            SegmentEntry(
                number=1,
                rows=2,
                files=(FileEntry("segments/000001/tiles.parquet", 10, "0" * 16),),
                deleted_rows=1,
                deleted=FileEntry("deleted/000001-000001.npy", 129, "1" * 16),
            ),
        ),
        ann=AnnEntry(generation=1, kind="ivfpq", factory="IVF", nlist=4, nprobe=2, rows=2, files=()),
    )


@given(manifest=manifests)
@settings(max_examples=60, deadline=None)
def test_what_is_written_is_what_is_read(manifest: Manifest) -> None:
    assert parse(manifest.to_json(), HERE) == manifest


def test_it_is_json_with_a_checksum_of_all_bytes_before() -> None:
    content = example().to_json()
    body = json.loads(content)
    assert list(body) == ["format", "version", *(field.name for field in fields(Manifest)), "checksum"]
    assert (body["format"], body["version"]) == ("msclip-index", 1)
    assert body["segments"][0]["deleted"] == {"path": "deleted/000001-000001.npy", "size": 129, "xxh64": "1" * 16}
    head, _, tail = content.rpartition(b',\n "checksum": ')
    assert tail == f'"{xxhash.xxh64_hexdigest(head)}"\n}}\n'.encode()


def test_a_path_that_is_no_text_survives() -> None:
    manifest = Manifest(
        number=1, parent=0, created="", software="", kind="auto", model={"weights": {"path": os.fsdecode(b"/w\xff.pt")}}
    )
    assert parse(manifest.to_json(), HERE) == manifest


def test_every_altered_byte_is_found() -> None:
    content = example().to_json()
    for place in range(len(content) - 1):  # all but the newline at the end
        for bit in (0x01, 0x04, 0x20):
            altered = bytearray(content)
            altered[place] ^= bit
            with pytest.raises((IndexDamaged, IndexTooNew, Unfinished)):
                parse(bytes(altered), HERE)


def test_every_truncation_is_known_as_one() -> None:
    content = example().to_json()
    for length in range(len(content) - 1):
        for tail in (b"", b"\0" * (len(content) - length)):  # what is not written yet may also be zeros
            with pytest.raises(Unfinished):
                parse(content[:length] + tail, HERE)
    assert parse(content[:-1], HERE) == example()


def sealed(body: dict[str, Any]) -> bytes:
    head = json.dumps(body, indent=1).removesuffix("\n}").encode()
    return head + f',\n "checksum": "{xxhash.xxh64_hexdigest(head)}"\n}}\n'.encode()


def unsealed(manifest: Manifest) -> dict[str, Any]:
    body: dict[str, Any] = json.loads(manifest.to_json())
    del body["checksum"]
    return body


def test_what_a_later_version_adds_is_passed_over() -> None:
    body = unsealed(example())
    body["colour"] = "blue"
    body["segments"][0]["codec"] = {"name": "zstd"}
    body["segments"][0]["files"][0]["sha256"] = "…"
    body["ann"]["recall"] = 0.9
    assert parse(sealed(body), HERE) == example()


def test_a_newer_format_is_refused_whatever_its_checksum() -> None:
    body = unsealed(example()) | {"version": 2, "software": "msclip-search 9.0"}
    for content in (sealed(body), json.dumps(body).encode()):
        with pytest.raises(IndexTooNew, match=r"^index has format 2, written by msclip-search 9\.0; .*up to format 1"):
            parse(content, HERE)


@pytest.mark.parametrize(
    "content",
    [b"[]", b"1", b'"x"', b"{}", b'{"format": "other", "version": 1}', b'{"format": "msclip-index", "version": "1"}'],
)
def test_other_json_is_no_manifest(content: bytes) -> None:
    with pytest.raises(IndexDamaged, match="is no manifest"):
        parse(content, HERE)


@pytest.mark.parametrize(
    "change", [{"segments": [{}]}, {"segments": None}, {"ann": {"files": 3}}, {"segments": [{"files": [1]}]}]
)
def test_a_sealed_manifest_that_lacks_something_is_damaged(change: dict[str, Any]) -> None:
    with pytest.raises(IndexDamaged, match="lacks something"):
        parse(sealed(unsealed(example()) | change), HERE)
    body = unsealed(example())
    del body["number"]
    with pytest.raises(IndexDamaged, match="lacks something"):
        parse(sealed(body), HERE)


def test_there_is_no_index(tmp_path: Path) -> None:
    with pytest.raises(IndexMissing, match=r"^There is no index at .*/none: make one with `msclip-search index"):
        newest_or_raise(tmp_path / "none")
    with pytest.raises(IndexMissing, match="it has no folder 'manifests'"):
        newest_or_raise(tmp_path)
    (tmp_path / "file").touch()
    with pytest.raises(IndexMissing, match="it has no folder 'manifests'"):
        newest_or_raise(tmp_path / "file")
    open_writer(tmp_path / "empty", model=MODEL, kind="auto")
    with pytest.raises(IndexMissing, match="holds no commit yet"):
        newest_or_raise(tmp_path / "empty")


@pytest.mark.parametrize("hint", [None, b"", b"nonsense", b"\xff\xfe", b"-7", b"1\n", b"3\n", b"99\n"])
def test_the_listing_decides_and_not_the_hint(tmp_path: Path, hint: bytes | None) -> None:
    make_index(tmp_path / "idx", 1, 2, 3)
    latest = tmp_path / "idx" / "LATEST"
    assert latest.read_text() == "3\n"
    latest.unlink()
    if hint is not None:
        latest.write_bytes(hint)
    assert newest_or_raise(tmp_path / "idx").number == 3
    assert len(SearchIndex.open(tmp_path / "idx")) == 6
    make_index(tmp_path / "idx", 1, first=6)
    assert latest.read_text() == "4\n"


def test_names_that_are_no_numbers_are_passed_over(tmp_path: Path) -> None:
    make_index(tmp_path / "idx", 1)
    for name in (
        "000002 (copy).json",
        "2.json",
        "0000002.json",
        "٠٠٠٠٠٢.json",
        "000002.json~",
        "000002.JSON",
        ".000002.json.7.ab",
    ):
        (tmp_path / "idx" / "manifests" / name).write_bytes(b"{}")
    assert newest_or_raise(tmp_path / "idx").number == 1


def test_more_than_a_million_manifests_have_room(tmp_path: Path) -> None:
    layout = Layout(tmp_path)
    layout.manifests.mkdir()
    for number in (999_999, 1_000_000, 12_345_678):
        layout.manifest(number).touch()
    assert layout.manifest_numbers() == [999_999, 1_000_000, 12_345_678]


@pytest.mark.parametrize("torn", [b"", b'{\n "format": "msclip-index"', b"\0" * 700])
def test_a_manifest_that_was_never_finished_is_passed_over(
    tmp_path: Path, torn: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    root = tmp_path / "idx"
    make_index(root, 2, 3)
    (root / "manifests" / "000003.json").write_bytes(torn)
    assert newest_or_raise(root).number == 2
    assert "000003.json was never finished and is passed over" in caplog.text
    assert len(SearchIndex.open(root)) == 5
    writer = make_index(root, 4, first=5)
    assert (writer.manifest.number, writer.manifest.parent, writer.manifest.tiles) == (4, 2, 9)
    assert (root / "manifests" / "000003.json").read_bytes() == torn
    assert newest_or_raise(root) == writer.manifest
    assert verify(root).problems == ()


def test_a_first_manifest_that_was_never_finished_is_no_commit(tmp_path: Path) -> None:
    root = tmp_path / "idx"
    open_writer(root, model=MODEL, kind="auto")
    (root / "manifests" / "000001.json").write_bytes(b"{")
    with pytest.raises(IndexMissing, match="no commit yet"):
        newest_or_raise(root)
    assert make_index(root, 2).manifest.number == 2
    assert len(SearchIndex.open(root)) == 2


def test_a_manifest_truncated_after_it_was_finished_is_damage(tmp_path: Path) -> None:
    root = tmp_path / "idx"
    make_index(root, 2, 3)
    path = root / "manifests" / "000002.json"
    content = path.read_bytes()
    path.write_bytes(content[: len(content) // 2])
    for attempt in (newest_or_raise, SearchIndex.open, verify, make_index):
        with pytest.raises(IndexDamaged, match=r"000002\.json is truncated .* Remove it to go back to the one before"):
            attempt(root)
    path.unlink()  # as the message says
    assert newest_or_raise(root).tiles == 2


def test_an_altered_manifest_is_damage(tmp_path: Path) -> None:
    root = tmp_path / "idx"
    make_index(root, 2, 3)
    path = root / "manifests" / "000002.json"
    path.write_bytes(path.read_bytes().replace(b'"rows": 3', b'"rows": 2'))
    for attempt in (newest_or_raise, SearchIndex.open, verify, make_index):
        with pytest.raises(IndexDamaged, match=r"000002\.json has been altered"):
            attempt(root)


def test_an_index_of_a_newer_format_is_neither_read_nor_written(tmp_path: Path) -> None:
    root = tmp_path / "idx"
    manifest = make_index(root, 2).manifest
    (root / "manifests" / "000002.json").write_bytes(sealed(unsealed(manifest) | {"version": 2}))
    before = files_of(root)
    for attempt in (newest_or_raise, SearchIndex.open, verify, make_index):
        with pytest.raises(IndexTooNew, match="upgrade msclip-search"):
            attempt(root)
    assert files_of(root) == before


def test_a_hint_that_cannot_be_written_is_no_failure(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    root = tmp_path / "idx"
    open_writer(root, model=MODEL, kind="auto")
    (root / "LATEST").mkdir()
    make_index(root, 2, 3)
    assert newest_or_raise(root).tiles == 5
    assert "the index stands without it" in caplog.text


def race(writers: list[Writer]) -> list[Writer]:
    """Let writers commit at the same time, each a tile and a deletion; return those who did."""
    start = threading.Barrier(len(writers))
    won: list[Writer] = []
    lost: list[IndexConflict] = []

    def commit(number: int, writer: Writer) -> None:
        delete = np.array([0] if writer.manifest.rows else [], dtype=np.int64)
        start.wait()
        try:
            writer.commit([record(100 * writer.manifest.number + number)], units(1, seed=number), delete=delete)
            won.append(writer)
        except IndexConflict as error:
            lost.append(error)

    threads = [threading.Thread(target=commit, args=pair) for pair in enumerate(writers)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(won) + len(lost) == len(writers)
    return won


def test_of_writers_at_the_same_time_one_wins_and_nothing_is_lost(tmp_path: Path) -> None:
    root = tmp_path / "idx"
    for number in range(1, 7):
        won = race([open_writer(root, model=MODEL, kind="auto") for _ in range(6)])
        assert [writer.manifest.number for writer in won] == [number]
        assert newest_or_raise(root) == won[0].manifest
        assert verify(root).problems == ()
        # The losers took away what they had written, and nothing of the winner's.
        named = {file.path for file in won[0].manifest.files}
        assert {path for path in files_of(root) if path.startswith("segments/")} <= named
        assert len(list((root / "segments").iterdir())) == number
    assert newest_body(root)["segments"][0]["deleted_rows"] == 1
    assert len(stored_tiles(root)) == 5


def refuse_links(*_paths: object) -> None:
    raise PermissionError(errno.EPERM, "Operation not permitted")


def test_without_hard_links_one_wins_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "link", refuse_links)
    root = tmp_path / "idx"
    for number in range(1, 4):
        won = race([open_writer(root, model=MODEL, kind="auto") for _ in range(6)])
        assert [writer.manifest.number for writer in won] == [number]
        assert newest_or_raise(root) == won[0].manifest
    assert sorted(path.name for path in (root / "manifests").iterdir()) == ["000001.json", "000002.json", "000003.json"]
    assert verify(root).problems == ()


PROCESS = """
import os, sys
from pathlib import Path
from msclip_search import IndexConflict
from msclip_search.store import open_writer
from tests.folder.making import MODEL, NONE_DELETED, record, units
root, worker, wanted, links = Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]), sys.argv[4] == "links"
if not links:
    def refuse(*paths): raise PermissionError(1, "Operation not permitted")
    os.link = refuse
print("ready", flush=True)
sys.stdin.readline()
done = lost = 0
while done < wanted:
    try:
        number = 1000 * worker + done
        open_writer(root, model=MODEL, kind="auto").commit([record(number)], units(1, seed=number), delete=NONE_DELETED)
        done += 1
    except IndexConflict:
        lost += 1
print(lost, flush=True)
"""


@pytest.mark.parametrize("links", ["links", "no links"])
def test_processes_at_the_same_time_lose_no_commit(tmp_path: Path, links: str) -> None:
    workers, each = 3, 12
    root = tmp_path / "idx"
    running = [
        subprocess.Popen(
            [sys.executable, "-c", PROCESS, str(root), str(worker), str(each), links],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            cwd=Path(__file__).parents[2],
        )
        for worker in range(workers)
    ]
    for process in running:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
    for process in running:
        assert process.stdin is not None
        process.stdin.write("go\n")
        process.stdin.flush()
    said = [process.communicate(timeout=60) for process in running]
    assert [process.returncode for process in running] == [0] * workers, said
    expected = {f"{1000 * worker + number:032x}" for worker in range(workers) for number in range(each)}
    stored = stored_tiles(root)
    assert {tile.columns["tile_id"] for tile in stored} == expected
    assert len(stored) == workers * each
    numbers = Layout(root).manifest_numbers()
    parents = [json.loads(Layout(root).manifest(number).read_bytes())["parent"] for number in numbers]
    assert parents == [0, *numbers[:-1]]
    assert verify(root).problems == ()
    if links == "links":
        assert numbers == list(range(1, workers * each + 1))


def test_without_hard_links_a_failed_manifest_leaves_no_trace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    root = tmp_path / "idx"
    writer = make_index(root, 2)
    monkeypatch.setattr(os, "link", refuse_links)
    synced = os.fsync

    def full(descriptor: int) -> None:
        if (root / "manifests" / "000002.json").exists():
            raise OSError(errno.ENOSPC, "No space left on device")
        synced(descriptor)

    before = files_of(root)
    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(StorageError, match="The disk is full"):
        writer.commit([record(7)], units(1), delete=NONE_DELETED)
    assert files_of(root) == before
    monkeypatch.setattr(os, "fsync", synced)
    assert writer.commit([record(7)], units(1), delete=NONE_DELETED).number == 2


def interleave(monkeypatch: pytest.MonkeyPatch, number: int, meanwhile: Callable[[], object], *, half: bool) -> None:
    """Without hard links: do something while the manifest of a number is being written, or just before it is."""
    create = durable.create_exclusively

    def slowly(path: Path, content: bytes) -> None:
        if path.name != f"{number:06d}.json":
            create(path, content)
            return
        if half:
            with path.open("xb") as file:
                file.write(content[:50])
                file.flush()
                meanwhile()
                file.write(content[50:])
        else:
            meanwhile()
            create(path, content)

    monkeypatch.setattr(os, "link", refuse_links)
    monkeypatch.setattr(succession, "create_exclusively", slowly)


def test_a_slow_writer_that_was_passed_over_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    root = tmp_path / "idx"
    make_index(root, 1)
    slow = open_writer(root, model=MODEL, kind="auto")
    interleave(monkeypatch, 2, lambda: make_index(root, 1, first=1), half=True)
    with pytest.raises(IndexConflict):
        slow.commit([record(5)], units(1), delete=NONE_DELETED)
    assert newest_or_raise(root).number == 3
    assert [tile.columns["tile_id"][-1] for tile in stored_tiles(root)] == ["0", "1"]
    assert verify(root).problems == ()


def test_a_writer_that_was_passed_over_gives_way(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    root = tmp_path / "idx"
    slow = make_index(root, 1)
    create = durable.create_exclusively
    monkeypatch.setattr(succession, "PATIENCE", 0.0)

    def create_slowly(path: Path, content: bytes) -> None:
        path.write_bytes(content[:50])
        monkeypatch.setattr(succession, "create_exclusively", create)
        hasty = open_writer(root, model=MODEL, kind="auto")
        assert hasty.commit([record(6)], units(1), delete=NONE_DELETED).number == 3
        path.write_bytes(content)

    monkeypatch.setattr(succession, "create_exclusively", create_slowly)
    with pytest.raises(IndexConflict):
        slow.commit([record(5)], units(1), delete=NONE_DELETED)
    assert slow.manifest.number == 1  # what was passed over counts nowhere, not even for its writer
    with pytest.raises(IndexConflict):
        slow.commit([record(7)], units(1), delete=NONE_DELETED)
    assert newest_or_raise(root).number == 3
    assert [tile.columns["tile_id"][-1] for tile in stored_tiles(root)] == ["0", "6"]
    assert verify(root).problems == ()


def test_a_writer_that_was_built_upon_does_not_give_way(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    root = tmp_path / "idx"
    first = make_index(root, 1)
    create = durable.create_exclusively

    def create_and_be_followed(path: Path, content: bytes) -> None:
        create(path, content)
        monkeypatch.setattr(succession, "create_exclusively", create)
        open_writer(root, model=MODEL, kind="auto").commit([record(6)], units(1), delete=NONE_DELETED)

    monkeypatch.setattr(succession, "create_exclusively", create_and_be_followed)
    first.commit([record(5)], units(1), delete=NONE_DELETED)
    assert [tile.columns["tile_id"][-1] for tile in stored_tiles(root)] == ["0", "5", "6"]
    assert verify(root).problems == ()


def test_a_link_that_was_made_but_answered_with_exists_is_ours(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    link = os.link

    def answered_twice(source: Path, target: Path) -> None:
        link(source, target)
        raise FileExistsError(errno.EEXIST, "File exists")

    monkeypatch.setattr(os, "link", answered_twice)
    root = tmp_path / "idx"
    make_index(root, 2, 3)
    assert newest_or_raise(root).tiles == 5
    assert verify(root).problems == ()


def test_what_dead_writers_left_does_no_harm(tmp_path: Path) -> None:
    root = tmp_path / "idx"
    make_index(root, 10)
    for name in (
        "manifests/.000002.json.4711.0badcafe",
        "manifests/.000001.json.4711.0badcafe",
        ".LATEST.2",
        "deleted/000001-000002.npy",
        "deleted/000001-000002-1.npy",
        "segments/000002/tiles.parquet",
        "ann/000001/index.faiss",
    ):
        path = root / name
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(b"half of som")
    writer = open_writer(root, model=MODEL, kind="auto")
    manifest = writer.commit([record(10)], units(1), delete=np.array([3, 5], dtype=np.int64))
    assert [entry.number for entry in manifest.segments] == [1, 3]
    assert manifest.segments[0].deleted is not None
    assert manifest.segments[0].deleted.path == "deleted/000001-000002-2.npy"
    assert [tile.row for tile in stored_tiles(root)] == [0, 1, 2, 4, 6, 7, 8, 9, 10]
    assert verify(root).problems == ()
