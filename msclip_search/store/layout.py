"""Where everything lies in an index folder: the one module that decides file names."""

import re
from dataclasses import dataclass
from pathlib import Path

_NUMBER = re.compile(r"[0-9]{6}|[1-9][0-9]{6,}")


def _numbered(folder: Path, suffix: str = "") -> list[int]:
    """Numbers of a folder's entries, rising; none where there is no folder."""
    try:
        names = [entry.name for entry in folder.iterdir()]
    except (FileNotFoundError, NotADirectoryError):
        return []
    stems = [name.removesuffix(suffix) for name in names if name.endswith(suffix)]
    return sorted(int(stem) for stem in stems if _NUMBER.fullmatch(stem))


@dataclass(frozen=True, slots=True)
class Layout:
    """Paths of an index folder. Those inside a manifest are relative to `root`, with forward slashes."""

    root: Path

    @property
    def latest(self) -> Path:
        """The newest manifest's number: a hint, the folder listing decides."""
        return self.root / "LATEST"

    def hint_draft(self, number: int) -> Path:
        """Where `latest` is written before it gets its name."""
        return self.root / f".LATEST.{number}"

    @property
    def failures(self) -> Path:
        """What the last run could not read, and why."""
        return self.root / "failures.csv"

    @property
    def lock(self) -> Path:
        """Who writes to the index now; there only meanwhile."""
        return self.root / "LOCK"

    def lock_aside(self, token: str) -> Path:
        """Where a lock that was left behind goes before it is removed."""
        return self.root / f".LOCK.{token}"

    @property
    def manifests(self) -> Path:
        """Folder of the manifests."""
        return self.root / "manifests"

    @property
    def segments(self) -> Path:
        """Folder of the segments."""
        return self.root / "segments"

    @property
    def deleted(self) -> Path:
        """Folder of the deletion bitmaps."""
        return self.root / "deleted"

    @property
    def ann(self) -> Path:
        """Folder of the generations of the ANN index."""
        return self.root / "ann"

    @property
    def folders(self) -> tuple[Path, ...]:
        """All that an index has, the one by which it is known first."""
        return self.manifests, self.segments, self.deleted, self.ann

    def manifest(self, number: int) -> Path:
        """One manifest."""
        return self.manifests / f"{number:06d}.json"

    def segment(self, number: int) -> Path:
        """Folder of one segment."""
        return self.segments / f"{number:06d}"

    def sidecar(self, segment: int) -> Path:
        """Metadata of a segment's tiles."""
        return self.segment(segment) / "tiles.parquet"

    def vectors(self, segment: int) -> Path:
        """Embeddings of a segment's tiles."""
        return self.segment(segment) / "vectors.npy"

    def bitmap(self, segment: int, manifest: int, attempt: int = 0) -> Path:
        """Bitmap of a segment's deleted rows as of a manifest; an attempt that died leaves its name taken."""
        tail = f"-{attempt}" if attempt else ""
        return self.deleted / f"{segment:06d}-{manifest:06d}{tail}.npy"

    def generation(self, number: int) -> Path:
        """Folder of one generation of the ANN index."""
        return self.ann / f"{number:06d}"

    def faiss(self, generation: int) -> Path:
        """FAISS's file of a generation."""
        return self.generation(generation) / "index.faiss"

    def positions(self, generation: int) -> Path:
        """Which rows the FAISS index holds, in its order: runs of (segment, first row, rows)."""
        return self.generation(generation) / "rows.npy"

    def sample(self, generation: int) -> Path:
        """Vectors drawn evenly, by which a score becomes a percentile."""
        return self.generation(generation) / "sample.npy"

    def relative(self, path: Path) -> str:
        """Write a path as a manifest does."""
        return path.relative_to(self.root).as_posix()

    def drafts(self) -> list[Path]:
        """Files that were to become a manifest, `latest` or `lock`, or were the lock."""
        return [*self.manifests.glob(".*"), *self.root.glob(".LATEST.*"), *self.root.glob(".LOCK.*")]

    def bitmaps(self) -> list[Path]:
        """Bitmaps of deleted rows that lie there, committed or not."""
        return list(self.deleted.glob("*.npy"))

    def manifest_numbers(self) -> list[int]:
        """Numbers of the manifests that lie there, rising."""
        return _numbered(self.manifests, ".json")

    def segment_numbers(self) -> list[int]:
        """Numbers of the segments that lie there, committed or not, rising."""
        return _numbered(self.segments)

    def generation_numbers(self) -> list[int]:
        """Numbers of the ANN generations that lie there, committed or not, rising."""
        return _numbered(self.ann)
