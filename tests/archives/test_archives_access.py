"""What may not be read: root may read everything, so a child process becomes somebody else."""

import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from tests.archives.painting import make, painted, write_tiff

NOBODY = 65_534
SCRIPT = """
import os, sys
from pathlib import Path
from msclip_search.archives import ChipArchive, Reading
from msclip_search.errors import MsclipError

reading = Reading(want=("B02",), layout=("B02",))
for path in sys.argv[1:3]:  # loads what reading needs, while it can be had
    ChipArchive((path,), reading).count()
    [chip.read() for chip in ChipArchive((path,), reading).items()]
"".encode("utf-8-sig")
if os.geteuid() == 0:
    os.setgroups([])
    os.setgid(NOBODY)
    os.setuid(NOBODY)
for root in sys.argv[3:]:
    try:
        archive = ChipArchive((root,), reading)
        archive.count()
        for chip in archive.items():
            try:
                print(chip.source, "was read:", len(chip.read()))
            except MsclipError as error:
                print(chip.source, error)
    except MsclipError as error:
        print("ARCHIVE", error)
""".replace("NOBODY", str(NOBODY))


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """Make a folder that other users may enter, unlike pytest's own."""
    folder = Path(tempfile.mkdtemp())
    folder.chmod(0o755)
    yield folder
    for path in folder.rglob("*"):
        path.chmod(0o755)
    shutil.rmtree(folder)


def as_somebody(folder: Path, *roots: Path) -> list[str]:
    whole = [write_tiff(folder / "whole.tif", painted(["B02"])), folder / "whole.npy"]
    np.save(whole[1], painted(["B02"]))
    for path in whole:
        path.chmod(0o644)
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", SCRIPT, *map(str, (*whole, *roots))],
        capture_output=True,
        text=True,
        check=False,
    )
    assert not done.stderr
    return done.stdout.splitlines()


def test_what_may_not_be_read_fails_alone(open_folder: Path) -> None:
    make(open_folder, "a.tif", "b.npy", "shut/c.tif", "locked/d.tif", "list.txt")
    (open_folder / "list.txt").write_text("locked/d.tif\n")
    (open_folder / "into.tif").symlink_to("locked/d.tif")
    (open_folder / "list.txt").chmod(0o644)
    for name in ("a.tif", "b.npy"):
        (open_folder / name).chmod(0)
    (open_folder / "shut").chmod(0)
    (open_folder / "locked").chmod(0o644)  # may be listed, but not entered
    denied = "may not be read: permission denied"
    assert as_somebody(open_folder, open_folder) == [
        f"{open_folder}/a.tif {denied}",
        f"{open_folder}/b.npy {denied}",
        f"{open_folder}/into.tif {denied}",
        f"{open_folder}/locked/d.tif {denied}",
        f"{open_folder}/shut is a folder that {denied}",
        f"{open_folder}/whole.npy was read: 1",
        f"{open_folder}/whole.tif was read: 1",
    ]
    assert as_somebody(
        open_folder,
        open_folder / "locked" / "d.tif",
        open_folder / "shut",
        open_folder / "list.txt",
        open_folder / "locked" / "*.tif",
    ) == [
        f"{open_folder}/locked/d.tif {denied}",
        f"{open_folder}/shut is a folder that {denied}",
        f"{open_folder}/locked/d.tif {denied}",
        f"{open_folder}/locked/*.tif {denied}",
    ]
    (open_folder / "list.txt").chmod(0)
    (said,) = as_somebody(open_folder, open_folder / "list.txt")
    assert said.startswith(f"ARCHIVE {open_folder}/list.txt is to be a list of paths, one a line, but cannot be read")
    assert "Permission denied" in said
