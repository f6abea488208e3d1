"""An index folder as one manifest shows it: vectors, deletions and sidecars, by row number."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from msclip_search import catalog
from msclip_search.errors import IndexDamaged, IndexOutdated
from msclip_search.indexes import StackedVectors
from msclip_search.store.durable import reading
from msclip_search.store.layout import Layout
from msclip_search.store.manifest import Manifest, SegmentEntry
from msclip_search.store.succession import newest_or_raise

_ORIGIN = ("source", "fingerprint", "labels")


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a tile came from when it was put into the index."""

    source: str
    fingerprint: str
    labels: tuple[str, ...]


@dataclass(frozen=True, eq=False)
class Snapshot:
    """One consistent index, whatever a writer does meanwhile.

    A row number runs through the segments in the manifest's order, deleted rows included.
    """

    layout: Layout
    manifest: Manifest
    starts: NDArray[np.int64] = field(repr=False)
    """First row of each segment, and one past the last."""
    _origins: dict[int, pa.Table] = field(default_factory=dict, repr=False)

    @property
    def dimension(self) -> int:
        """Numbers a vector."""
        return self.manifest.dimension

    @cached_property
    def vectors(self) -> StackedVectors:
        """Stored embeddings, memory-mapped: float16, (rows, dimension)."""
        return StackedVectors([self.stored(segment) for segment in self.manifest.segments], dimension=self.dimension)

    @cached_property
    def live(self) -> NDArray[np.bool_] | None:
        """True for each row that is not deleted; None when none is."""
        if not self.manifest.deleted_rows:
            return None
        live = np.ones(self.manifest.rows, dtype=np.bool_)
        for start, segment in zip(self.starts, self.manifest.segments, strict=False):
            live[start : start + segment.rows] = ~self.deleted(segment)
        return live

    @cached_property
    def live_rows(self) -> NDArray[np.int64]:
        """Numbers of the rows that are not deleted, rising."""
        return np.arange(self.manifest.rows, dtype=np.int64) if self.live is None else np.flatnonzero(self.live)

    def origin(self, row: int) -> Origin:
        """Say where a tile came from. Asked for rows in rising order, each sidecar is read once; for one thread."""
        index = int(np.searchsorted(self.starts, row, side="right")) - 1
        if index not in self._origins:
            self._origins.clear()
            segment = self.manifest.segments[index]
            path = self.layout.sidecar(segment.number)
            with self.reading(path):
                self._origins[index] = pa.Table.from_batches(catalog.read_columns(path, _ORIGIN, rows=segment.rows))
        stored = self._origins[index].slice(row - int(self.starts[index]), 1).to_pylist()[0]
        return Origin(stored["source"], stored["fingerprint"], tuple(stored["labels"]))

    def deleted(self, segment: SegmentEntry) -> NDArray[np.bool_]:
        """Tell which rows of a segment are deleted.

        Raises
        ------
        IndexDamaged
            The bitmap says otherwise than the manifest.
        """
        if segment.deleted is None:
            return np.zeros(segment.rows, dtype=np.bool_)
        path = self.layout.root / segment.deleted.path
        bits = self.load_array(path)
        if bits.dtype != np.uint8 or bits.shape != (-(-segment.rows // 8),):
            raise IndexDamaged(f"The bitmap {path} is not one of {segment.rows:,} rows.")
        gone = np.unpackbits(bits, count=segment.rows, bitorder="little").astype(np.bool_)
        if int(gone.sum()) != segment.deleted_rows:
            raise IndexDamaged(
                f"The bitmap {path} marks {gone.sum():,} rows where {segment.deleted_rows:,} are deleted."
            )
        return gone

    def take(self, rows: NDArray[np.int64]) -> pa.Table:
        """Read the sidecar's rows of some tiles, in the order asked for."""
        if not len(rows):
            return catalog.empty_table()
        segment_of = np.searchsorted(self.starts, rows, side="right") - 1
        touched, place = np.unique(segment_of, return_inverse=True)
        parts, order = [], []
        for at, index in enumerate(touched):
            chosen = np.flatnonzero(place == at)
            path = self.layout.sidecar(self.manifest.segments[index].number)
            with self.reading(path):
                parts.append(catalog.take(path, rows[chosen] - self.starts[index]))
            order.append(chosen)
        return catalog.pick(pa.concat_tables(parts), np.argsort(np.concatenate(order)))

    def columns(self, names: Sequence[str]) -> Iterator[tuple[int, pa.RecordBatch]]:
        """Stream columns of all rows, deleted ones included, with the row number that each batch starts at.

        Raises
        ------
        IndexDamaged
            A sidecar cannot be read, or has another number of rows than the manifest says.
        """
        for start, segment in zip(self.starts, self.manifest.segments, strict=False):
            path, row = self.layout.sidecar(segment.number), int(start)
            with self.reading(path):
                for batch in catalog.read_columns(path, names, rows=segment.rows):
                    yield row, batch
                    row += batch.num_rows

    def table(self, names: Sequence[str]) -> pa.Table:
        """Read columns of all rows that are not deleted, in the order of rows."""
        parts = []
        for start, batch in self.columns(names):
            rows = pa.Table.from_batches([batch])
            parts.append(rows if self.live is None else rows.filter(pa.array(self.live[start : start + len(batch)])))
        return pa.concat_tables(parts) if parts else catalog.empty_table().select(list(names))

    def stored(self, segment: SegmentEntry) -> NDArray[np.float16]:
        """Map the vectors of one segment: (rows, dimension).

        Raises
        ------
        IndexDamaged
            They are not what the manifest says.
        """
        path = self.layout.vectors(segment.number)
        vectors = self.load_array(path, mapped=True)
        if vectors.dtype != np.float16 or vectors.shape != (segment.rows, self.dimension):
            raise IndexDamaged(
                f"The vectors {path} are {vectors.dtype} {vectors.shape} where float16 "
                f"{(segment.rows, self.dimension)} are wanted."
            )
        return vectors

    @contextmanager
    def reading(self, path: Path) -> Iterator[None]:
        """Say in one sentence why a file of the index cannot be read: see `durable.reading`.

        Raises
        ------
        IndexDamaged
            The file is not there.
        IndexOutdated
            It is not there since the index has gone on, and a time of grace is over.
        StorageError
            It may not be read.
        """
        try:
            with reading(path, root=self.layout.root):
                yield
        except IndexDamaged as error:
            gone = isinstance(error.__cause__, FileNotFoundError)
            if gone and not self.layout.manifest(self.manifest.number).exists():
                raise IndexOutdated(
                    f"The index {self.layout.root} has gone on since it was opened, and files of that state are gone: "
                    "open it again."
                ) from error
            raise

    def load_array(self, path: Path, *, mapped: bool = False) -> NDArray[Any]:
        """Read an array of the index folder.

        Raises
        ------
        IndexDamaged
            It is missing, or no array.
        StorageError
            It may not be read.
        """
        try:
            with self.reading(path):
                loaded: NDArray[Any] = np.load(path, mmap_mode="r" if mapped else None, allow_pickle=False)
        except (ValueError, EOFError) as error:
            raise IndexDamaged(f"The file {path} of the index is damaged ({error}).") from error
        return loaded


def take_snapshot(layout: Layout, manifest: Manifest) -> Snapshot:
    """Look at an index as a manifest shows it. No file is read before it is needed."""
    rows = [segment.rows for segment in manifest.segments]
    return Snapshot(layout, manifest, np.concatenate([[0], np.cumsum(rows, dtype=np.int64)]).astype(np.int64))


def open_snapshot(root: Path) -> Snapshot:
    """Open the newest state of an index folder, its files' sizes checked.

    Raises
    ------
    IndexMissing, IndexTooNew, IndexDamaged, StorageError
    """
    layout = Layout(root)
    manifest = newest_or_raise(root)
    check_sizes(layout, manifest)
    return take_snapshot(layout, manifest)


def check_sizes(layout: Layout, manifest: Manifest) -> None:
    """Check that every file in force is there and has its size.

    Raises
    ------
    IndexDamaged
        A file is missing or truncated.
    """
    for file in manifest.files:
        path = layout.root / file.path
        with reading(path, root=layout.root):
            size = path.stat().st_size
        if size != file.size:
            raise IndexDamaged(
                f"The file {file.path} of the index {layout.root} has {size:,} bytes where {file.size:,} were written. "
                "Restore it from a copy, or index the archive again into a new folder."
            )
