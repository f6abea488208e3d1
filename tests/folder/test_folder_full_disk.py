"""The disk fills at any moment of an append, a removal or a compaction: one sentence, and the index is as it was."""

import json
import re
import shutil
import sys
from pathlib import Path

import pytest

from msclip_search import StorageError
from tests.folder.announcing import FullDisk, announcing
from tests.folder.life import check, perform
from tests.folder.making import files_of, newest_body
from tests.folder.scenes import NAMES, Scene, make_scene

SENTENCE = re.compile(
    r"The disk is full: (writing|making) \S+ failed \(No space left on device\)\. What was committed before is safe; "
    r"make room and run the same command again to go on from there\."
)


def in_force(root: Path) -> dict[str, bytes]:
    """Everything of an index but the two notes that no answer depends on."""
    files = files_of(root) if root.exists() else {}
    return {name: content for name, content in files.items() if name not in {"LATEST", "failures.csv"}}


def stopped(scene: Scene, root: Path, error: StorageError, right: list[dict[str, bytes]]) -> bool:
    """Check what a full disk has left: the sentence, and nothing new; or else the commit that stands.

    States that were found right before are known by their bytes: `right`, the first being that before the action.
    """
    assert SENTENCE.fullmatch(str(error))
    now = in_force(root)
    if now in right:
        return True
    new = now.keys() - right[0].keys()
    if not any(name.startswith("manifests/") for name in new):
        assert now.items() <= right[0].items()  # what has long been out of force was removed at first
        check(root, scene.before)
        right.append(now)
        return True
    # A commit came before the one that failed, or stands already: all that was left was to bring its name to the disk.
    check(root, scene.after)
    named = json.dumps(newest_body(root))
    assert all(name in named for name in new if not re.fullmatch(r"manifests/\d{6}\.json", name))
    return False


@pytest.mark.skipif(sys.platform != "linux", reason="open files are looked up")
@pytest.mark.parametrize(
    ("name", "stays"),
    [
        *((name, True) for name in NAMES),
        ("append", False),
        ("compact", False),
    ],
)
def test_a_disk_that_is_full_at_any_operation(tmp_path: Path, name: str, *, stays: bool) -> None:
    """From that operation on, or, as where others delete something meanwhile, at that one alone."""
    scene = make_scene(name, tmp_path / "scene")
    right, as_before, at = [in_force(scene.disk / "idx")], 0, 0
    while True:
        at += 1
        root, full = scene.copy(tmp_path / "disk"), FullDisk(at, stays=stays)
        try:
            with announcing(tmp_path / "disk", full):
                perform(scene.action, root)
        except StorageError as error:
            same = stopped(scene, root, error, right)
            as_before += same
            if not same or at % 8 == 1:  # the next run has room; all that it finds is what was there before
                perform(scene.action, root)
                check(root, scene.after)
        else:
            # What may be refused without harm: a link, for which there is another way, and the newest number's hint.
            check(root, scene.after)
            if not full.refused:
                break
        shutil.rmtree(tmp_path / "disk")
    assert as_before > 10


@pytest.mark.parametrize("name", ["append", "remove", "compact"])
def test_a_real_disk_with_ever_more_room(small_disk: Path, tmp_path: Path, name: str) -> None:
    scene = make_scene(name, tmp_path / "scene")
    right, ballast, refused, free = [in_force(scene.disk / "idx")], small_disk / "ballast", 0, 0
    while True:
        root = shutil.copytree(scene.disk / "idx", small_disk / "idx")
        room = shutil.disk_usage(small_disk).free
        assert room > free, "the disk is too small for this test"
        ballast.write_bytes(bytes(room - free))
        try:
            perform(scene.action, root)
        except StorageError as error:
            refused += 1
            stopped(scene, root, error, right)
        else:
            break
        finally:
            ballast.unlink()
        perform(scene.action, root)  # there is room again
        check(root, scene.after)
        shutil.rmtree(root)
        free += 4096
    check(root, scene.after)
    assert refused > 1
