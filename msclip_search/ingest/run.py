"""The main job: an archive goes in, an index folder comes out."""

import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from msclip_search.archives import Archive, Item, Labels, is_unchanged
from msclip_search.errors import ArchiveError, TileError
from msclip_search.indexes import Kind, choose, due
from msclip_search.ingest.ann import build_ann
from msclip_search.ingest.commits import Commits, Row
from msclip_search.ingest.encoding import Batcher, Encoded, Entry
from msclip_search.ingest.known import Known
from msclip_search.ingest.readahead import Outcome, read_ahead
from msclip_search.ingest.report import Failure, FailureLog, Progress, Report
from msclip_search.models import Encoder
from msclip_search.pairing import check_model, describe_model
from msclip_search.store import Writer, covered, open_writer, sweep
from msclip_search.tile import Tile


@dataclass(frozen=True, slots=True, kw_only=True)
class Pace:
    """How a run uses the machine."""

    threads: int = 4
    """That read."""
    ahead: int = 64
    """Items read or waiting to be encoded, at most."""
    commit_tiles: int = 10_000
    """A commit comes after so many tiles …"""
    commit_seconds: float = 60.0
    """… or after so long, whichever is first."""

    def __post_init__(self) -> None:
        """Refuse what would stand still."""
        if min(self.threads, self.ahead, self.commit_tiles) < 1 or self.commit_seconds < 0:
            raise ValueError(f"A run needs a thread, an item ahead and a tile a commit at least, got {self}.")


def ingest(
    archive: Archive,
    root: Path,
    encoder: Encoder,
    *,
    kind: Kind = "auto",
    labels: Labels | None = None,
    pace: Pace = Pace(),
    stop: threading.Event | None = None,
    progress: Progress | None = None,
    total: int | None = None,
) -> Report:
    """Embed what is new or changed in an archive, and commit it to an index folder.

    Parameters
    ----------
    archive
        What to read.
    root
        The index folder; made where there is none.
    encoder
        The model. An index holds vectors of one model only.
    kind
        What searches are to use; "auto" takes IVF-PQ as soon as it can be trained.
    labels
        Where labels come from; None keeps none.
    pace
        Threads and commits.
    stop
        When set, the run commits what is done and comes back.
    progress
        Told often how far the run is.
    total
        Items of the archive, where they have been counted already.

    Returns
    -------
    Report
        Counts, times, and what is in force now.

    Raises
    ------
    ArchiveError
        The archive is missing or empty, or nothing in it could be read.
    ModelMismatch
        The index was made with another model.
    StorageError, IndexFolderError
        The index folder cannot be written, or is damaged. What was committed before stands.
    """
    begun = time.perf_counter()
    total = archive.count() if total is None else total
    writer = open_writer(root, model=describe_model(encoder), kind=kind)
    if writer.manifest.number:
        check_model(writer.manifest.model, encoder, root)
    sweep(writer.layout, writer.manifest)
    run = _Run(
        writer=writer,
        encoder=encoder,
        labels=labels,
        pace=pace,
        stop=stop or threading.Event(),
        progress=progress,
        total=total,
    )
    try:
        run.embed(archive)
    finally:
        run.close()
    report = run.report
    if report.failed and not (report.unchanged or report.taken_over or report.duplicates or report.embedded):
        first = report.failures[0]
        raise ArchiveError(
            f"None of the {total:,} file{'s' * (total != 1)} could be read. The first: {first.source} {first.reason}. "
            f"All are listed in {report.failures_file}."
        )
    run.settle(kind)
    report.seconds = time.perf_counter() - begun
    return report


class _Run:
    """The state of one run."""

    def __init__(
        self,
        *,
        writer: Writer,
        encoder: Encoder,
        labels: Labels | None,
        pace: Pace,
        stop: threading.Event,
        progress: Progress | None,
        total: int,
    ) -> None:
        self.report = Report(total=total, failures_file=writer.layout.failures)
        self._writer = writer
        self._labels = labels
        self._pace = pace
        self._stop = stop
        self._progress = progress
        self._known = Known(writer.snapshot, with_labels=labels is not None)
        self._batcher = Batcher(encoder)
        self._failures = FailureLog(writer.layout.failures)
        self._commits = Commits(writer, self._known, tiles=pace.commit_tiles, seconds=pace.commit_seconds)
        self._fresh: set[str] = set()
        self._first_new_row = writer.manifest.rows
        self._order = 0

    def close(self) -> None:
        """End the threads and close the list of failures."""
        self._batcher.close()
        self._failures.close()

    def embed(self, archive: Archive) -> None:
        """Read, encode and commit, until the archive ends or the user stops it."""
        try:
            for outcome in read_ahead(
                self._changed(archive.items()),
                threads=self._pace.threads,
                depth=self._pace.ahead,
                stopped=self._stop.is_set,
            ):
                self._take(outcome)
                self._tell("indexing")
            self.report.interrupted = self._stop.is_set()
            self._collect(self._batcher.finish(partial=not self.report.interrupted))
        except KeyboardInterrupt:
            self._collect(self._batcher.finish(partial=False))
            self._commit()
            raise
        self._commit()

    def settle(self, kind: Kind) -> None:
        """Bring the ANN index up to date, and say what is in force."""
        manifest = self._writer.manifest
        report = self.report
        plan = choose(kind, rows=manifest.tiles, dimension=int(manifest.model["spec"]["dimension"]))
        if not self._stop.is_set():
            if plan.kind == "ivfpq" and due(plan, rows=manifest.tiles, covered=covered(self._writer.snapshot)):
                begun = time.perf_counter()
                build_ann(self._writer, plan, progress=self._tell)
                report.ann_seconds = time.perf_counter() - begun
            elif plan.kind == "flat" and manifest.ann:
                self._writer.drop_ann()
        report.interrupted = self._stop.is_set()
        sweep(self._writer.layout, self._writer.manifest)
        manifest = self._writer.manifest
        report.tiles = manifest.tiles
        report.kind = "ivfpq" if manifest.ann else "flat"
        report.reason = plan.reason
        report.size = sum(file.size for file in manifest.files)

    def _changed(self, items: Iterator[Item]) -> Iterator[Item]:
        """Pass over what stands in the index as it is."""
        for item in items:
            if self._stop.is_set():
                return
            try:
                if self._known.unchanged(item.source, item.fingerprint, self._labels_of(item.source)):
                    self.report.unchanged += 1
                    self.report.done += 1
                    self._tell("indexing")
                    continue
            except TileError:
                pass  # reading it says the same, in its turn
            yield item

    def _labels_of(self, source: str) -> tuple[str, ...]:
        return self._labels.of(source) if self._labels else ()

    def _take(self, outcome: Outcome) -> None:
        """Decide what becomes of what was read."""
        self.report.read_seconds += outcome.seconds
        self.report.done += 1
        if outcome.failure:
            self._fail(outcome.source, outcome.failure)
        for tile in outcome.tiles:
            labels = self._labels_of(tile.record.source)
            self._place(Tile(tile.pixels, replace(tile.record, labels=labels)) if labels else tile)
        self._commit_if_due()

    def _place(self, tile: Tile) -> None:
        record = tile.record
        same, before = self._known.row_of_tile(record.tile_id), self._known.row_of_place(record)
        if record.tile_id in self._fresh or (same >= 0 and same != before and self._still_there(same)):
            self.report.duplicates += 1
            if before >= 0 and before != same:
                self._commits.drop(before)
            return
        self._fresh.add(record.tile_id)
        entry = Entry(self._order, tile, tuple({row for row in (same, before) if row >= 0}))
        self._order += 1
        if same >= 0 and self._known.has_vector(record):
            self.report.taken_over += 1
            self._commits.add(Row(entry.order, record, self._stored_vector(same), entry.replaces))
        else:
            self._collect(self._batcher.add(entry))

    def _still_there(self, row: int) -> bool:
        """Tell whether a tile is still what it was read from, or came in this very run."""
        return row >= self._first_new_row or is_unchanged(*self._writer.snapshot.origin(row))

    def _stored_vector(self, row: int) -> NDArray[np.float16]:
        vectors = self._writer.snapshot.vectors.take(np.array([row], dtype=np.int64))
        stored: NDArray[np.float16] = vectors.astype(np.float16)[0]  # exact: it was stored as float16
        return stored

    def _collect(self, batches: Iterator[Encoded]) -> None:
        """Take over batches that have been encoded."""
        for batch in batches:
            self.report.encode_seconds += batch.seconds
            for entry, vector in zip(batch.entries, batch.vectors, strict=True):
                if np.isfinite(vector).all():
                    self.report.embedded += 1
                    self._commits.add(Row(entry.order, entry.tile.record, vector, entry.replaces))
                else:
                    self._fail(entry.tile.record.source, "gives an embedding that is no number")
            self._commit_if_due()

    def _fail(self, source: str, reason: str) -> None:
        failure = Failure(source, reason)
        self.report.note(failure)
        self._failures.write(failure)

    def _commit_if_due(self) -> None:
        if self._commits.due:
            self._commit()

    def _commit(self) -> None:
        self._fresh -= {record.tile_id for record in self._commits.commit()}
        self.report.replaced, self.report.write_seconds = self._commits.replaced, self._commits.seconds

    def _tell(self, stage: str) -> None:
        if self._progress:
            self._progress(stage, self.report)
