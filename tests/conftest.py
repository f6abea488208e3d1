"""What several test folders need: the real tiles, weights of the published model's shape, a disk that fills."""

import hashlib
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ABSENT = "real tiles are absent: set MSCLIP_TEST_DATA"


@pytest.fixture(scope="session")
def shared() -> Path:
    """Find the real tiles and golden values; tests that need them are skipped where they are absent."""
    beside = Path(__file__).resolve().parents[1].parent / "shared"
    folder = Path(os.environ.get("MSCLIP_TEST_DATA", beside))
    if not folder.is_dir():
        # Where everything is meant to run, a test that silently does not is a failure.
        if os.environ.get("CI"):
            pytest.fail(ABSENT)
        pytest.skip(ABSENT)
    return folder


@pytest.fixture(scope="session")
def published_weights(pytestconfig: pytest.Config, tmp_path_factory: pytest.TempPathFactory, shared: Path) -> Path:
    """Make a checkpoint in the published layout, 604 MB, once; pytest's cache keeps it from run to run."""
    script = shared / "golden" / "make_ms_clip_checkpoint.py"
    key = hashlib.sha256(script.read_bytes()).hexdigest()[:16]
    cache = getattr(pytestconfig, "cache", None)
    folder = cache.mkdir("msclip-weights") if cache else tmp_path_factory.mktemp("msclip-weights")
    made = Path(folder) / f"{key}.pt"
    if not made.is_file():
        draft = made.with_name(f"{key}.{os.getpid()}.draft")
        subprocess.run([sys.executable, str(script), str(draft)], check=True)
        draft.replace(made)
    return made


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """Mount a disk of 256 KB, where one may be mounted."""
    disk = tmp_path / "disk"
    disk.mkdir()
    mount = shutil.which("mount")
    if not mount or os.geteuid() != 0 or sys.platform != "linux":
        pytest.skip("a disk can be mounted by root on Linux only")
    done = subprocess.run(
        [mount, "-t", "tmpfs", "-o", "size=256k", "tmpfs", str(disk)], capture_output=True, check=False
    )
    if done.returncode:
        pytest.skip("no disk may be mounted here")
    try:
        yield disk
    finally:
        # Lazily: a file of it may still be mapped, by an index that waits for garbage collection.
        subprocess.run(["umount", "--lazy", str(disk)], check=True)
