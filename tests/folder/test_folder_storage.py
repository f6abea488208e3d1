"""What the operating system refuses is one sentence, and costs nothing that was committed."""

import errno
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import pytest

from msclip_search import Pace, SearchIndex, StorageError, verify
from msclip_search.indexes import IvfPqIndex
from msclip_search.ingest.ann import build_ann
from msclip_search.store import newest_or_raise
from msclip_search.store.durable import storage_errors
from tests.folder.making import (
    QUICK_PLAN,
    Counting,
    assert_right,
    files_of,
    index_folder,
    make_index,
    stored_tiles,
    write_arrays,
)


def test_a_full_disk_stops_the_run_and_nothing_else(small_disk: Path, tmp_path: Path) -> None:
    paths = write_arrays(tmp_path / "tiles", range(200))
    root, pace = small_disk / "idx", Pace(commit_tiles=10, threads=1, ahead=4)
    with pytest.raises(StorageError) as caught:
        index_folder(tmp_path / "tiles", root, Counting(batch=5), pace=pace)
    assert re.fullmatch(
        r"The disk is full: (writing|making) .*/idx/.* failed \(No space left on device\)\. What was committed before "
        r"is safe; make room and run the same command again to go on from there\.",
        str(caught.value),
    )
    kept = stored_tiles(root)
    assert 10 <= len(kept) < 200
    assert [tile.columns["source"] for tile in kept] == [str(path) for path in paths[: len(kept)]]
    assert verify(root).problems == ()
    # Nothing is left of the commit that failed.
    named = {file.path for file in newest_or_raise(root).files}
    assert {path for path in files_of(root) if path.startswith("segments/")} == named
    with SearchIndex.open(root) as index:
        assert len(index.search("a lake", k=500)) == len(kept)
    subprocess.run(["mount", "-o", "remount,size=16m", str(small_disk)], check=True)
    encoder = Counting(batch=5)
    index_folder(tmp_path / "tiles", root, encoder, pace=pace)
    assert encoder.tiles == 200 - len(kept)
    assert_right(root, paths)


LIMITED = """
import json, resource, sys
from pathlib import Path
from typing import Any
from msclip_search import Pace, StorageError, verify
from tests.folder.making import index_folder, stored_tiles, write_arrays
folder = Path(sys.argv[1])
tiles, root, told = folder / "tiles", folder / "idx", []
write_arrays(tiles, range(5))
index_folder(tiles, root)
write_arrays(tiles, range(5, 300))
soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
for limit in (100, 1500, 6000):
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, hard))
    try:
        index_folder(tiles, root)
    except StorageError as error:
        told.append([str(error), len(stored_tiles(root)), list(verify(root).problems)])
resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
index_folder(tiles, root)
print(json.dumps([told, len(stored_tiles(root)), list(verify(root).problems)]))
"""


def run_python(code: str, *arguments: object) -> Any:  # noqa: ANN401
    """Run Python in a process of its own, and return the JSON that it prints last."""
    done = subprocess.run(
        [sys.executable, "-c", code, *map(str, arguments)],
        capture_output=True,
        text=True,
        check=False,
        cwd=Path(__file__).parents[2],
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


def test_files_that_may_not_grow_are_a_full_disk(tmp_path: Path) -> None:
    pytest.importorskip("resource")
    told, tiles, problems = run_python(LIMITED, tmp_path)
    assert [part[1:] for part in told] == [[5, []]] * 3
    for sentence, _, _ in told:
        assert sentence.startswith(f"The disk is full: writing {tmp_path}/idx/")
        assert "(File too large). What was committed before is safe;" in sentence
    assert (tiles, problems) == (300, [])
    assert len(list((tmp_path / "idx" / "segments").iterdir())) == 2


def test_an_ann_index_that_does_not_fit_leaves_no_trace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    root = tmp_path / "idx"
    writer = make_index(root, 9984)
    before = files_of(root)

    def full(_self: IvfPqIndex, path: Path) -> None:
        path.write_bytes(b"half of it")
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(IvfPqIndex, "save", full)
    with pytest.raises(StorageError, match=r"^The disk is full: writing .*index\.faiss failed"):
        build_ann(writer, QUICK_PLAN, progress=lambda *_: None)
    assert files_of(root) == before
    monkeypatch.undo()
    assert build_ann(writer, QUICK_PLAN, progress=lambda *_: None).ann is not None
    assert verify(root).problems == ()


@pytest.mark.parametrize(
    ("number", "sentence"),
    [
        (errno.ENOSPC, "The disk is full: writing /idx failed"),
        (errno.EDQUOT, "The disk is full: writing /idx failed"),
        (errno.EACCES, "No permission: writing /idx is refused"),
        (errno.EROFS, "No permission: writing /idx is refused"),
        (errno.EMFILE, "Writing /idx failed: Too many open files. Allow more of them, as `ulimit -n"),
        (errno.EIO, "Writing /idx failed: Input/output error."),
        (None, "Writing /idx failed: odd."),
    ],
)
def test_each_refusal_has_its_sentence(number: int | None, sentence: str) -> None:
    error = OSError(number, os.strerror(number)) if number else OSError("odd")
    with pytest.raises(StorageError) as caught, storage_errors("writing", Path("/idx")):
        raise error
    assert str(caught.value).startswith(sentence)
    with pytest.raises(FileExistsError), storage_errors("writing", Path("/idx")):
        raise FileExistsError


# Does everything once elsewhere, which loads what is loaded late; then becomes somebody else, for root is refused
# nothing, and nobody may not read the program.
AS_NOBODY = """
import json, os, sys
from pathlib import Path
from typing import Any
from msclip_search import MsclipError, SearchIndex, verify
from tests.folder.making import index_folder

def attempt(name, action):
    try:
        return [name, "ok", action()]
    except MsclipError as error:
        return [name, type(error).__name__, str(error)]

def search(path):
    with SearchIndex.open(path) as index:
        return [len(index.search("a lake", k=3)), index.info().tiles]

def everything(folder):
    told = []
    for name in ("readable", "closed", "hidden", "manifests", "sidecar", "vectors"):
        path = folder / "indexes" / name / "idx"
        told.append(attempt(f"search {name}", lambda: search(path)))
        told.append(attempt(f"verify {name}", lambda: len(verify(path).problems)))
        told.append(attempt(f"index {name}", lambda: index_folder(folder / "tiles", path).tiles))
    return [*told, attempt("make", lambda: index_folder(folder / "tiles", folder / "indexes" / "new").tiles)]

everything(Path(sys.argv[2]))
for path, mode in json.loads(sys.argv[3]).items():
    os.chmod(path, mode)
if os.geteuid() == 0:
    os.setgroups([])
    os.setgid(65534)
    os.setuid(65534)
print(json.dumps(everything(Path(sys.argv[1]))))
"""


def test_what_may_not_be_read_or_written() -> None:
    with tempfile.TemporaryDirectory() as name:  # not pytest's own, into which nobody else may look
        folder, twin = Path(name) / "real", Path(name) / "twin"
        Path(name).chmod(0o755)
        write_arrays(folder / "tiles", range(4))
        index_folder(folder / "tiles", folder / "indexes" / "readable" / "idx")
        write_arrays(folder / "tiles", [4])
        for kind in ("closed", "hidden", "manifests", "sidecar", "vectors"):
            shutil.copytree(folder / "indexes" / "readable", folder / "indexes" / kind)
        shutil.copytree(folder, twin)
        for path in folder.rglob("*"):
            path.chmod(0o555 if path.is_dir() else 0o444)
        segment = "idx/segments/000001"
        modes = {
            "closed/idx": 0,
            "hidden": 0,
            "manifests/idx/manifests": 0o311,
            f"sidecar/{segment}/tiles.parquet": 0,
            f"vectors/{segment}/vectors.npy": 0,
        }
        changes = json.dumps({str(folder / "indexes" / kind): mode for kind, mode in modes.items()})
        try:
            told = run_python(AS_NOBODY, folder, twin, changes)
        finally:
            for kind in modes:
                (folder / "indexes" / kind).chmod(0o755)
            for path in folder.rglob("*"):
                path.chmod(0o755)
    found = {action: (kind, said) for action, kind, said in told}

    def refused(action: str, pattern: str) -> None:
        kind, said = found.pop(action)
        assert kind == "StorageError", (action, said)
        assert re.match(f"No permission: {pattern} is refused \\(Permission denied\\)", said), (action, said)

    assert found.pop("search readable") == ("ok", [3, 4])
    assert found.pop("verify readable") == ("ok", 0)
    refused("index readable", r"writing .*/readable/idx/LOCK")
    for action in ("search", "verify", "index"):
        refused(f"{action} closed", r"reading .*/closed/idx.*")
        refused(f"{action} hidden", r"reading .*/hidden/idx.*")
    refused("search manifests", r"reading .*/manifests/idx/manifests")
    refused("verify manifests", r"reading .*/manifests/idx/manifests")
    refused("index manifests", r"writing .*/manifests/idx/LOCK")
    refused("search vectors", r"reading .*/vectors\.npy")
    refused("search sidecar", r"reading .*/tiles\.parquet")
    refused("index sidecar", r"writing .*/idx/LOCK")
    refused("index vectors", r"writing .*/idx/LOCK")
    refused("make", r"making .*/new/manifests")
    # Verifying goes on, and names each file that cannot be read.
    assert found.pop("verify vectors") == ("ok", 1)
    assert found.pop("verify sidecar") == ("ok", 1)
    assert not found
