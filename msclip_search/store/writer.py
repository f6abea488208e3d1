"""Writing an index folder: commits that are whole or did not happen.

The order of a commit: write files, bring them to the disk, bring their folders to the disk, create the manifest
exclusively. Before the manifest is there, nothing that was written counts; after it, everything does.
"""

import contextlib
import datetime as dt
import importlib.metadata
import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from msclip_search import catalog
from msclip_search.errors import IndexConflict
from msclip_search.store.durable import FileEntry, storage_errors, sync_folder, write_file
from msclip_search.store.folder import make_folder
from msclip_search.store.folding import Fold, Progress, check_sources, write_fold
from msclip_search.store.generation import AnnFiles, npy_bytes, write_generation
from msclip_search.store.layout import Layout
from msclip_search.store.manifest import AnnEntry, Manifest, SegmentEntry
from msclip_search.store.snapshot import Snapshot, check_sizes, take_snapshot
from msclip_search.store.succession import holds, newest, next_number, publish
from msclip_search.tile import TileRecord


@dataclass(slots=True)
class Writer:
    """Appends commits to one index folder."""

    layout: Layout
    manifest: Manifest
    """What is in force: number 0 before the first commit."""
    kind: str
    """What searches are to use from the next commit on."""
    model: Mapping[str, Any]
    """The model as the next commit is to record it."""
    _made: list[Path] = field(default_factory=list)
    _offered: Manifest | None = None
    _seen: Snapshot | None = None

    @property
    def snapshot(self) -> Snapshot:
        """The index as of the last commit."""
        if self._seen is None or self._seen.manifest is not self.manifest:
            self._seen = take_snapshot(self.layout, self.manifest)
        return self._seen

    def commit(
        self, records: Sequence[TileRecord], vectors: NDArray[np.float16], *, delete: NDArray[np.int64]
    ) -> Manifest:
        """Append a segment and mark rows as deleted, at once.

        Parameters
        ----------
        records
            The new tiles.
        vectors
            Their embeddings, float16, unit length, (tiles, dimension).
        delete
            Rows of `snapshot` that the new tiles replace; those deleted before stay so.

        Raises
        ------
        StorageError
            The disk is full, …; what was committed before stands.
        IndexConflict
            Another process committed meanwhile.
        ValueError
            The vectors are not float16, or not one a tile.
        """
        wanted = (len(records), self.manifest.dimension)
        if vectors.dtype != np.float16 or vectors.shape != wanted:
            raise ValueError(f"Vectors are float16 {wanted}, not {vectors.dtype} {vectors.shape}.")
        with self._attempt() as number:
            segments = self._with_deleted(delete, number)
            last = self.manifest.last_segment
            if records:
                segments = (*segments, self._write_segment(records, vectors))
                last = segments[-1].number
            sync_folder(self.layout.segments)
            sync_folder(self.layout.deleted)
            self._publish(number, segments=segments, last_segment=last)
        return self.manifest

    def commit_ann(self, files: AnnFiles) -> Manifest:
        """Put a new generation of the ANN index in force."""
        with self._attempt() as number:
            entry = self._write_generation(files)
            self._publish(number, ann=entry, last_generation=entry.generation)
        return self.manifest

    def compact(
        self, plan: Sequence[SegmentEntry | Fold], *, build: Callable[[Snapshot], AnnFiles | None], progress: Progress
    ) -> Manifest:
        """Put folded segments in force, with an ANN index over them, at once: readers see the one state or the other.

        Parameters
        ----------
        plan
            Of `snapshot`: see `plan_folds`.
        build
            Makes the ANN index of the index as it will be; None for none.
        progress
            Told how far it is; what it raises ends the work, and the index is as it was.

        Raises
        ------
        IndexDamaged
            What was to be folded has been altered.
        StorageError, IndexConflict
            See `commit`.
        """
        with self._attempt() as number:
            check_sources(self.snapshot, plan, progress=progress)
            segments = tuple(
                part if isinstance(part, SegmentEntry) else self._write_fold(part, progress) for part in plan
            )
            sync_folder(self.layout.segments)
            last = max([self.manifest.last_segment, *(segment.number for segment in segments)])
            folded = replace(self.manifest, segments=segments, last_segment=last, ann=None)
            files = build(take_snapshot(self.layout, folded))
            ann = self._write_generation(files) if files else None
            generation = ann.generation if ann else self.manifest.last_generation
            after = replace(folded, ann=ann, last_generation=generation)
            check_sizes(self.layout, after)  # it took long: another run may have taken old drafts for rubbish
            self._publish(number, segments=segments, last_segment=last, ann=ann, last_generation=generation)
        return self.manifest

    def drop_ann(self) -> Manifest:
        """Search exactly from now on."""
        with self._attempt() as number:
            self._publish(number, ann=None)
        return self.manifest

    def record(self) -> Manifest:
        """Commit `kind` and `model` where they are not those in force: weights that have moved, another wish."""
        if (self.kind, self.model) != (self.manifest.kind, self.manifest.model):
            with self._attempt() as number:
                self._publish(number)
        return self.manifest

    def _write_segment(self, records: Sequence[TileRecord], vectors: NDArray[np.float16]) -> SegmentEntry:
        taken = [self.manifest.last_segment, *self.layout.segment_numbers()]
        number = self._make_numbered(taken, self.layout.segment)
        table = catalog.to_table(records, catalog.row_hashes(vectors))
        files = (
            write_file(self.layout.sidecar(number), catalog.to_bytes(table), root=self.layout.root),
            write_file(self.layout.vectors(number), npy_bytes(vectors), root=self.layout.root),
        )
        sync_folder(self.layout.segment(number))
        return SegmentEntry(number=number, rows=len(records), files=files)

    def _write_fold(self, fold: Fold, progress: Progress) -> SegmentEntry:
        taken = [self.manifest.last_segment, *self.layout.segment_numbers()]
        number = self._make_numbered(taken, self.layout.segment)
        return write_fold(self.snapshot, fold, number, progress=progress)

    def _write_generation(self, files: AnnFiles) -> AnnEntry:
        taken = [self.manifest.last_generation, *self.layout.generation_numbers()]
        return write_generation(self.layout, self._make_numbered(taken, self.layout.generation), files)

    def _with_deleted(self, rows: NDArray[np.int64], manifest: int) -> tuple[SegmentEntry, ...]:
        """Return the segments with further rows deleted."""
        snapshot = self.snapshot
        segments = list(self.manifest.segments)
        segment_of = np.searchsorted(snapshot.starts, rows, side="right") - 1
        for index in np.unique(segment_of):
            segment = segments[index]
            gone = snapshot.deleted(segment)
            gone[rows[segment_of == index] - snapshot.starts[index]] = True
            if (count := int(gone.sum())) > segment.deleted_rows:
                bitmap = self._write_bitmap(segment.number, manifest, np.packbits(gone, bitorder="little"))
                segments[index] = replace(segment, deleted_rows=count, deleted=bitmap)
        return tuple(segments)

    def _write_bitmap(self, segment: int, manifest: int, bits: NDArray[np.uint8]) -> FileEntry:
        """Write a bitmap under the first free name: a writer that died may have left one."""
        attempt = 0
        while (path := self.layout.bitmap(segment, manifest, attempt)).exists():
            attempt += 1
        entry = write_file(path, npy_bytes(bits), root=self.layout.root)
        self._made.append(path)
        return entry

    def _make_numbered(self, taken: Sequence[int], folder: Callable[[int], Path]) -> int:
        """Make the next numbered folder, which no other process has made."""
        number = max(taken) + 1
        while True:
            path = folder(number)
            try:
                with storage_errors("making", path):
                    path.mkdir()
            except FileExistsError:
                number += 1
                continue
            self._made.append(path)
            return number

    def _publish(self, number: int, **changes: Any) -> None:  # noqa: ANN401 - dataclasses.replace checks the names
        self._offered = replace(
            self.manifest,
            number=number,
            parent=self.manifest.number,
            created=_now(),
            software=software(),
            kind=self.kind,
            model=self.model,
            **changes,
        )
        self.manifest = publish(self.layout, self._offered)

    @contextlib.contextmanager
    def _attempt(self) -> Iterator[int]:
        """Give a commit its number, and take away what it wrote if it fails: nothing in force knows of it.

        A commit that is broken off just after its manifest was created is in force nevertheless, unless another has
        passed it over: then it is lost, and what it wrote is left to the sweep, for a reader may have opened it.
        """
        self._made.clear()
        self._offered = None
        number = next_number(self.layout, self.manifest)
        try:
            yield number
        except BaseException as error:
            offered: Manifest | None = self._offered
            if not (offered and holds(self.layout.manifest(number), offered.to_json())):
                _discard(self._made)
            elif not isinstance(error, IndexConflict):
                self.manifest = offered
            raise


def open_writer(root: Path, *, model: Mapping[str, Any], kind: str | None = None) -> Writer:
    """Open an index folder for writing, and make it where there is none.

    Parameters
    ----------
    root
        The folder.
    model
        The model's spec, fingerprint and weights. Whoever commits has made sure that the index is of that model.
    kind
        What searches are to use: "auto", "ivfpq" or "flat"; None keeps to what the index was last given.

    Raises
    ------
    IndexFolderError
        The folder holds something else, or a damaged index.
    StorageError
        No permission, disk full, …
    """
    layout = make_folder(root)
    manifest = newest(layout)
    if manifest:
        check_sizes(layout, manifest)
    kind = kind or (manifest.kind if manifest else "auto")
    first = Manifest(number=0, parent=0, created=_now(), software=software(), kind=kind, model=model)
    return Writer(layout, manifest or first, kind, model)


def software() -> str:
    """Name and version of this program."""
    return f"msclip-search {importlib.metadata.version('msclip-search')}"


def _discard(paths: Sequence[Path]) -> None:
    for path in paths:
        if path.is_dir():
            shutil.rmtree(path, ignore_errors=True)
        else:
            path.unlink(missing_ok=True)


def _now() -> str:
    return dt.datetime.now(dt.UTC).isoformat(timespec="seconds")
