"""Archives to index, and what came of a run."""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from msclip_search import (
    Report,
)


def counts(report: Report) -> dict[str, int]:
    """Return what a report counts, where it is not zero."""
    names = ("embedded", "unchanged", "taken_over", "replaced", "duplicates", "failed")
    return {name: number for name in names if (number := getattr(report, name))}


def touch(path: Path, seconds: int) -> None:
    """Give a file another time of change."""
    status = path.stat()
    os.utime(path, (status.st_atime + seconds, status.st_mtime + seconds))


def tifs(folder: Path) -> list[Path]:
    return sorted(folder.rglob("*.tif"))


def sources(tiles: Sequence[Any]) -> list[str]:
    return [tile.columns["source"] for tile in tiles]
