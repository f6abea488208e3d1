"""Taking vectors that were made elsewhere into an index."""

import os
import threading
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from msclip_search import catalog, geometry
from msclip_search.errors import ArchiveError
from msclip_search.exchange.columns import check_names
from msclip_search.exchange.exporting import Progress
from msclip_search.exchange.model import model_of
from msclip_search.exchange.records import records_of
from msclip_search.exchange.sources import Source, find_files, look
from msclip_search.exchange.standing import NONE, Standing, check_unique
from msclip_search.exchange.vectors import as_stored
from msclip_search.indexes import Kind
from msclip_search.ingest import bring_up_to_date, check_kind
from msclip_search.pairing import agreed, is_elsewhere
from msclip_search.store import Writer, method, require_folder, require_unlocked, sweep, writing
from msclip_search.tile import TileRecord

_COMMIT_BYTES = 64 << 20  # of vectors
_MOST, _LEAST = 65_536, 10_000  # rows of a commit
_SECONDS = 60.0
"""After so long a commit comes with fewer."""


@dataclass(slots=True, kw_only=True)
class Imported:
    """What came of an import; the counts grow while it goes on."""

    model: str
    """Its name."""
    schema: str
    """Whose columns the first file has: "msclip-search", "Major TOM", or "named columns"."""
    dimension: int
    rows: int
    """Of all files."""
    reads_texts: bool
    """Whether there is a text tower of the model here."""
    added: int = 0
    """Tiles that were not in the index."""
    replaced: int = 0
    """Tiles that stood there with another vector."""
    unchanged: int = 0
    """Tiles that stood there with the same vector, and were passed over."""
    interrupted: bool = False
    tiles: int = 0
    """In the index now."""
    kind: str = "flat"
    """What searches use now: "ivfpq" or "flat"."""
    reason: str = ""
    """Why."""
    size: int = 0
    """Bytes of the files in force."""
    seconds: float = 0.0

    @property
    def done(self) -> int:
        """Rows that are finished."""
        return self.added + self.replaced + self.unchanged


class _Stopped(Exception):  # noqa: N818 - never leaves this module
    """The user stops the run while the ANN index is built."""


def import_vectors(
    paths: str | os.PathLike[str] | Sequence[str | os.PathLike[str]],
    *,
    index: str | os.PathLike[str],
    model: str | None = None,
    columns: Mapping[str, str] | None = None,
    normalise: bool = False,
    kind: Kind | None = None,
    break_lock: bool = False,
    stop: threading.Event | None = None,
    progress: Progress | None = None,
) -> Imported:
    """Take vectors that were made elsewhere into an index; what stands there with the same vector is passed over.

    Columns, names of tiles and the first vectors of every file are looked at before anything is written.

    Parameters
    ----------
    paths
        Parquet files with a column of vectors, `.npy` files with a Parquet file of the same name beside them, or
        folders of Parquet files.
    index
        The index folder; made where there is none.
    model
        Name of the model that made the vectors. One that is not known here is recorded by its name alone, and
        cannot be asked by texts. None takes what an export of ours says.
    columns
        Our names of columns to those of the files, where these are not known: {"embedding": "emb"}. An empty name
        takes none.
    normalise
        Whether vectors are brought to length 1; otherwise they have it.
    kind
        What searches are to use: "auto", "ivfpq" or "flat"; None keeps to what the index was last given, or "auto".
    break_lock
        Whether to write although another process holds the index's lock.
    stop
        When set, the run commits what is done and comes back.
    progress
        Told often what is being done, the rows done and the rows to do.

    Returns
    -------
    Imported
        Counts, and what is in force now.

    Raises
    ------
    ArchiveError
        A file cannot be read, lacks a column, or holds what no index can hold. What was read before stands.
    ModelMismatch, ModelError
        The vectors are of another model than the index, or of another dimension.
    IndexLocked, IndexFolderError, StorageError
        The index cannot be written.
    QueryError
        There is no such `kind`.

    Examples
    --------
    >>> import_vectors("part_00001.parquet", index="idx", model="majortom-dinov2", normalise=True)  # doctest: +SKIP
    """
    begun = time.perf_counter()
    given, stop = dict(columns or {}), stop or threading.Event()
    check_names(given)
    listed = (paths,) if isinstance(paths, str | os.PathLike) else tuple(paths)
    root = Path(index)
    check_kind(kind)
    require_folder(root)
    if not break_lock:
        require_unlocked(root)  # it is held below; whoever will be refused is not to wait for a look at all files first
    sources = [look(named, given, normalise=normalise) for named in find_files([Path(each) for each in listed])]
    _check_dimensions(sources)
    check_unique(sources)
    described = model_of(sources, model)
    geometry.prepare()
    with writing(root, model=described, kind=kind, doing="importing", break_lock=break_lock) as writer:
        if writer.manifest.number:
            writer.model = agreed(writer.manifest.model, described, root)
        sweep(writer.layout, writer.manifest)
        report = Imported(
            model=str(described["spec"]["name"]),
            schema=sources[0].schema,
            dimension=sources[0].dimension,
            rows=sum(source.rows for source in sources),
            reads_texts=not is_elsewhere(writer.model),
        )
        run = _Run(writer, report, normalise, stop, progress)
        run.take_in(sources)
        run.settle()
    report.seconds = time.perf_counter() - begun
    return report


@dataclass(frozen=True, slots=True)
class _Part:
    """Rows that wait for a commit."""

    records: list[TileRecord]
    vectors: NDArray[np.float16]
    gone: NDArray[np.int64]
    """Rows of the index that they take the place of."""


@dataclass(slots=True)
class _Run:
    """Reads, and commits."""

    writer: Writer
    report: Imported
    normalise: bool
    stop: threading.Event
    progress: Progress | None
    _parts: list["_Part"] = field(default_factory=list)
    _last: float = field(default_factory=time.monotonic)
    """When the last commit was."""

    def take_in(self, sources: Sequence[Source]) -> None:
        """Read every file, and commit now and then."""
        most = max(_LEAST, min(_MOST, _COMMIT_BYTES // (2 * self.report.dimension)))
        standing = Standing.of(self.writer.snapshot)
        self._tell("importing")
        try:
            for source in sources:
                if self.stop.is_set():
                    break
                self._read(source, standing, most)
        except KeyboardInterrupt:
            if not self.stop.is_set():  # else it is the second one: at once
                self._commit()
            raise
        except Exception as error:
            # Whatever broke, what was read is worth keeping; if that fails as well, the first error is the one to tell.
            with suppress(Exception):
                self._commit()
            if isinstance(error, ArchiveError) and (kept := self.report.done):
                stand = f"{kept:,} rows before it are" if kept > 1 else "1 row before it is"
                raise ArchiveError(f"{error} {stand} in the index.") from error
            raise
        self._commit()
        self.report.interrupted = self.stop.is_set()

    def settle(self) -> None:
        """Bring the ANN index up to date, and say what is in force."""
        writer, report = self.writer, self.report
        if writer.manifest.number and not self.stop.is_set():
            writer.record()
            with suppress(_Stopped):
                bring_up_to_date(writer, progress=self._tell_or_stop)
        report.interrupted = self.stop.is_set()
        sweep(writer.layout, writer.manifest)
        report.tiles = writer.manifest.tiles
        report.kind, report.reason = method(writer.manifest).kind, method(writer.manifest).reason
        report.size = sum(file.size for file in writer.manifest.files)

    def _read(self, source: Source, standing: Standing, most: int) -> None:
        for piece in source.pieces():
            first = piece.start

            def refuse(row: int, wrong: str, first: int = first) -> None:
                source.refuse(first + row, wrong)

            if piece.vectors is None:
                raise ArchiveError(f"{source.path} has no vectors.")
            vectors = as_stored(piece.vectors, normalise=self.normalise, refuse=refuse)  # type: ignore[arg-type]
            rows, stored = standing.find(source.hashes[first : first + piece.rows])
            new = (rows == NONE) | (stored != catalog.row_hashes(vectors))
            if new.any():
                records = records_of(
                    piece.values,
                    piece.rows,
                    file=str(source.path.absolute()),
                    state=source.state,
                    start=first,
                    refuse=refuse,  # type: ignore[arg-type]
                )
                chosen = [records[row] for row in np.flatnonzero(new).tolist()]
                self._parts.append(_Part(chosen, vectors[new], rows[new & (rows != NONE)]))
            self.report.unchanged += int(np.count_nonzero(~new))
            if self._waiting >= most or time.monotonic() - self._last >= _SECONDS:
                self._commit()
            self._tell("importing")
            if self.stop.is_set():
                return

    def _commit(self) -> None:
        """Commit what was read."""
        self._last = time.monotonic()
        if not self._parts:
            return
        parts, self._parts = self._parts, []  # first: a commit that is broken off is not made twice
        records = [record for part in parts for record in part.records]
        gone = np.sort(np.concatenate([part.gone for part in parts]))
        self.writer.commit(records, np.concatenate([part.vectors for part in parts]), delete=gone)
        self.report.replaced += len(gone)
        self.report.added += len(records) - len(gone)

    @property
    def _waiting(self) -> int:
        return sum(len(part.records) for part in self._parts)

    def _tell(self, stage: str) -> None:
        if self.progress:
            self.progress(stage, self.report.done + self._waiting, self.report.rows)

    def _tell_or_stop(self, stage: str, done: int, total: int) -> None:
        if self.progress:
            self.progress(stage, done, total)
        if self.stop.is_set():
            raise _Stopped


def _check_dimensions(sources: Sequence[Source]) -> None:
    first = sources[0]
    for source in sources[1:]:
        if source.dimension != first.dimension:
            raise ArchiveError(
                f"The vectors of {source.path} have {source.dimension:,} numbers and those of {first.path} "
                f"{first.dimension:,}: import what one model made."
            )
