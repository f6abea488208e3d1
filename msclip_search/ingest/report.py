"""What came of a run, and the list of what could not be read."""

import csv
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TextIO, TypeAlias

from msclip_search.models import WeightsFile
from msclip_search.store import storage_errors

_SHOWN = 20


@dataclass(frozen=True, slots=True)
class Failure:
    """A source that could not be read."""

    source: str
    reason: str
    """What is wrong with it, to be read after its name: "is truncated"."""


@dataclass(slots=True, kw_only=True)
class Report:
    """Counts of a run; they grow while it goes on."""

    total: int
    """Items of the archive."""
    embedded: int = 0
    """Tiles that went through the model."""
    replaced: int = 0
    """Older tiles that went out of the index, because others took their place or their file now holds another's."""
    unchanged: int = 0
    """Items that stand in the index as they are."""
    taken_over: int = 0
    """Tiles whose content was embedded before: moved, touched or newly labelled files."""
    duplicates: int = 0
    """Tiles of the same content as another file of the archive."""
    superseded: int = 0
    """Tiles of which a newer processing stands in the index, or came in the same run: passed over."""
    withdrawn: int = 0
    """Those of them that had been embedded or taken over when the newer one came, before any commit."""
    failed: int = 0
    """Items that could not be read."""
    failures: list[Failure] = field(default_factory=list)
    """The first of them; all are in `failures.csv`."""
    failures_file: Path
    model: str = ""
    """Name of the model."""
    weights: WeightsFile | None = None
    """Its weights; None where it has none."""
    interrupted: bool = False
    read_seconds: float = 0.0
    """Summed over the threads."""
    encode_seconds: float = 0.0
    """Summed over the threads."""
    write_seconds: float = 0.0
    ann_seconds: float = 0.0
    seconds: float = 0.0
    """From start to end, loading of the model not included."""
    tiles: int = 0
    """Tiles in the index now."""
    kind: str = "flat"
    """What searches use now: "ivfpq" or "flat"."""
    reason: str = ""
    """Why."""
    size: int = 0
    """Bytes of the files in force."""

    @property
    def done(self) -> int:
        """What is finished: embedded, taken over, or passed over for one reason or another."""
        passed = self.unchanged + self.duplicates + self.superseded - self.withdrawn + self.failed
        return self.embedded + self.taken_over + passed

    @property
    def nothing_read(self) -> bool:
        """Whether the run looked at everything, and nothing could be read."""
        read = self.unchanged or self.taken_over or self.duplicates or self.embedded or self.superseded
        return bool(self.failed and not read and not self.interrupted)

    def why_nothing(self) -> str:
        """Say why nothing could be read; something failed."""
        first = self.failures[0]
        if self.total == 1:
            return f"{first.source} {first.reason}."
        return f"None of the {self.total:,} files could be read. The first: {first.source} {first.reason}."

    def note(self, failure: Failure) -> None:
        """Count a failure, and keep it if it is one of the first."""
        self.failed += 1
        if len(self.failures) < _SHOWN:
            self.failures.append(failure)


Progress: TypeAlias = Callable[[str, Report], None]
"""Told what is being done ("indexing", "training", …) and the counts so far, often."""


class FailureLog:
    """Writes what could not be read into a CSV, as it happens: `source,reason`.

    It begins anew with each run, since each run tries again what failed before.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        with storage_errors("writing", path):
            self._file: TextIO = path.open("w", newline="", encoding="utf-8", errors="backslashreplace")
        self._rows = csv.writer(self._file)
        try:
            self._write("source", "reason")
        except BaseException:
            with suppress(OSError):
                self._file.close()
            raise

    def write(self, failure: Failure) -> None:
        """Add a line."""
        self._write(failure.source, failure.reason)

    def close(self) -> None:
        """Close the file; a disk that is full by then has been spoken of already."""
        with storage_errors("writing", self._path):
            self._file.close()

    def _write(self, *values: str) -> None:
        with storage_errors("writing", self._path):
            self._rows.writerow(values)
            self._file.flush()
