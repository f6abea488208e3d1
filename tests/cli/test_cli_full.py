"""Standard output that takes no more: a sentence where it is full, silence where its reader has left."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.folder.making import make_index

FULL = "Error: Writing to standard output failed: No space left on device.\n"


@pytest.fixture(scope="module")
def larger(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """300 tiles: more than a buffer of Python's holds."""
    root = tmp_path_factory.mktemp("larger") / "idx"
    make_index(root, 300)
    return root


def ended(index: Path, command: str, rest: str) -> tuple[int, str]:
    line = f"{sys.executable} -m msclip_search {command} --index {index} {rest}; exit ${{PIPESTATUS[0]}}"
    done = subprocess.run(["bash", "-c", line], capture_output=True, text=True, check=False)
    return done.returncode, done.stderr


@pytest.mark.parametrize(
    "command",
    [
        "query lake --format csv",
        "query lake --format json",
        "query lake --all --format geojson",
        "query lake --all --format parquet",
        "query lake -k 300",
        "info",
        "info --format json",
        "info --columns --format json",
    ],
)
def test_a_full_disk_behind_standard_output_is_a_sentence(larger: Path, command: str) -> None:
    assert ended(larger, command, "> /dev/full") == (1, FULL)


def test_a_reader_that_has_left_is_no_error(larger: Path) -> None:
    for command in ("query lake --all --format csv", "info --columns --format json"):
        assert ended(larger, command, "| true") == (0, "")
