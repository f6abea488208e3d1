"""One run over an archive: what is read, decided, encoded and committed."""

import threading
import time
from array import array
from collections.abc import Iterator
from contextlib import closing, suppress
from dataclasses import replace

import numpy as np

from msclip_search.archives import Archive, Item, Labels
from msclip_search.errors import TileError
from msclip_search.ingest.ann import bring_up_to_date
from msclip_search.ingest.commits import Commits, Row
from msclip_search.ingest.encoding import Batcher, Encoded, Entry
from msclip_search.ingest.known import NONE, Fate, Known, RowMap, key_of
from msclip_search.ingest.pace import Pace
from msclip_search.ingest.readahead import Outcome, read_ahead
from msclip_search.ingest.report import Failure, FailureLog, Progress, Report
from msclip_search.models import Encoder
from msclip_search.store import Writer, method, sweep
from msclip_search.tile import Tile

_UNIT = 1e-2
"""How far the length of an embedding may lie from 1."""


class _Stopped(Exception):  # noqa: N818 - never leaves this module
    """The user stops the run while the ANN index is built."""


class Session:
    """The state of a run: `embed`, then `settle`, and `close` whatever happens."""

    def __init__(
        self,
        *,
        writer: Writer,
        encoder: Encoder,
        report: Report,
        labels: Labels | None,
        pace: Pace,
        stop: threading.Event,
        progress: Progress | None,
    ) -> None:
        self.report = report
        self._writer = writer
        self._labels = labels
        self._pace = pace
        self._stop = stop
        self._progress = progress
        self._known = Known(writer.snapshot, with_labels=labels is not None)
        self._failures = FailureLog(writer.layout.failures)
        self._batcher = Batcher(encoder)
        self._commits = Commits(writer, self._known, tiles=pace.commit_tiles, seconds=pace.commit_seconds)
        self._order = 0
        self._doubtful = array("Q")  # keys of sources
        self._last = False

    def close(self) -> None:
        """End the threads and close the list of failures."""
        self._batcher.close()
        self._failures.close()

    def embed(self, archive: Archive) -> None:
        """Read, encode and commit, until the archive ends or the user stops it."""
        try:
            self._read(self._changed(archive.items()))
            if self._doubtful and not self._stop.is_set():
                self._read_again(archive)
            self.report.interrupted = self._stop.is_set()
            self._collect(self._batcher.finish(partial=not self.report.interrupted))
        except KeyboardInterrupt:
            if not self._stop.is_set():  # else it is the second one: at once
                self._collect(self._batcher.finish(partial=False))
                self._commit()
            raise
        except Exception:
            # Whatever broke, what is done is worth keeping; if that fails as well, the first error is the one to tell.
            with suppress(Exception):
                self._collect(self._batcher.finish(partial=False))
            with suppress(Exception):
                self._commit()
            raise
        self._commit()

    def settle(self) -> None:
        """Bring the ANN index up to date, and say what is in force."""
        writer, report = self._writer, self.report
        if writer.manifest.number and not self._stop.is_set():
            writer.record()
            begun = time.perf_counter()
            with suppress(_Stopped):
                if bring_up_to_date(writer, progress=self._tell_or_stop):
                    report.ann_seconds = time.perf_counter() - begun
        report.interrupted = self._stop.is_set()
        sweep(writer.layout, writer.manifest)
        manifest = writer.manifest
        report.tiles = manifest.tiles
        report.kind, report.reason = method(manifest).kind, method(manifest).reason
        report.size = sum(file.size for file in manifest.files)

    def _read(self, items: Iterator[Item]) -> None:
        outcomes = read_ahead(items, threads=self._pace.threads, depth=self._pace.ahead, stopped=self._stop.is_set)
        with closing(outcomes):
            for outcome in outcomes:
                self._take(outcome)
                self._tell("indexing")

    def _read_again(self, archive: Archive) -> None:
        """Decide about what was doubtful, now that all other files have been read and committed."""
        self._collect(self._batcher.finish())
        self._commit()
        doubtful = RowMap()
        doubtful.add(self._doubtful, np.arange(len(self._doubtful), dtype=np.int64))
        self._doubtful, self._last = array("Q"), True
        self._read(item for item in archive.items() if doubtful.get(key_of(item.source)) != NONE)

    def _changed(self, items: Iterator[Item]) -> Iterator[Item]:
        """Pass over what stands in the index as it is."""
        for item in items:
            if self._stop.is_set():
                return
            if self._is_unchanged(item):
                self.report.unchanged += 1
                self._tell("indexing")
            else:
                yield item

    def _is_unchanged(self, item: Item) -> bool:
        try:
            return self._known.unchanged(item.source, item.fingerprint, self._labels_of(item.source))
        except TileError:
            return False  # reading it says the same, in its turn

    def _labels_of(self, source: str) -> tuple[str, ...]:
        return self._labels.of(source) if self._labels else ()

    def _take(self, outcome: Outcome) -> None:
        """Decide what becomes of what was read."""
        self.report.read_seconds += outcome.seconds
        if outcome.failure:
            self._fail(outcome.source, outcome.failure)
        for tile in outcome.tiles:
            self._place(tile)
        if self._commits.due:
            self._commit()

    def _place(self, tile: Tile) -> None:
        verdict = self._known.judge(tile.record, last=self._last)
        if verdict.fate is Fate.DOUBTFUL:
            self._doubtful.append(key_of(tile.record.source))
            return
        if verdict.fate is not Fate.NEW:
            self.report.duplicates += verdict.fate is Fate.DUPLICATE
            self.report.superseded += verdict.fate is Fate.SUPERSEDED
            self._commits.drop(verdict.replaces)
            return
        labels = self._labels_of(tile.record.source) if self._labels else verdict.labels
        entry = Entry(self._order, replace(tile.record, labels=labels), verdict.replaces)
        self._order += 1
        if verdict.vector == NONE:
            self._collect(self._batcher.add(entry, tile))
        else:
            self.report.taken_over += 1
            vectors = self._writer.snapshot.vectors.take(np.array([verdict.vector], dtype=np.int64))
            self._commits.add(Row(entry, vectors.astype(np.float16)[0]))  # exact: it was stored as float16

    def _collect(self, batches: Iterator[Encoded]) -> None:
        """Take over batches that have been encoded."""
        for batch in batches:
            self.report.encode_seconds += batch.seconds
            lengths = np.linalg.norm(batch.vectors.astype(np.float32), axis=1)
            for entry, vector, length in zip(batch.entries, batch.vectors, lengths, strict=True):
                if abs(length - 1) < _UNIT:
                    self.report.embedded += 1
                    self._commits.add(Row(entry, vector))
                else:
                    self._fail(entry.record.source, batch.refusal or "gives an embedding that has not the length 1")
            self._tell("indexing")

    def _fail(self, source: str, reason: str) -> None:
        failure = Failure(source, reason)
        self.report.note(failure)
        self._failures.write(failure)

    def _commit(self) -> None:
        self._commits.commit()
        self.report.replaced, self.report.write_seconds = self._commits.replaced, self._commits.seconds
        self.report.superseded += self._commits.passed - self.report.withdrawn
        self.report.withdrawn = self._commits.passed

    def _tell(self, stage: str) -> None:
        if self._progress:
            self._progress(stage, self.report)

    def _tell_or_stop(self, stage: str, _done: int, _total: int) -> None:
        self._tell(stage)
        if self._stop.is_set():
            raise _Stopped
