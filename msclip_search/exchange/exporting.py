"""Writing the tiles of an index with their vectors, for other programs: GeoParquet, or an `.npy` beside one."""

import os
import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, Literal, TypeAlias, get_args

import numpy as np
from numpy.typing import NDArray

from msclip_search import catalog, store
from msclip_search.errors import IndexDamaged, QueryError
from msclip_search.exchange.drafts import check_free, drafted
from msclip_search.exchange.endings import ARRAY, TABLES
from msclip_search.filters import Filter
from msclip_search.search.choice import choose

Form: TypeAlias = Literal["parquet", "npy"]
"""One GeoParquet file with a column of vectors, or an `.npy` of the vectors and a GeoParquet file of all else."""
Progress: TypeAlias = Callable[[str, int, int], None]
"""Told what is being done, the rows done and the rows to do."""

VERSION = 1
"""Of what an export says of its vectors."""
_ENDINGS: Mapping[str, Form] = {TABLES[0]: "parquet", TABLES[1]: "parquet", ARRAY: "npy"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Exported:
    """What was written."""

    rows: int
    """Tiles."""
    files: tuple[Path, ...]
    """None where the user has stopped it: what was begun is taken away."""
    size: int
    """Bytes of them together."""
    interrupted: bool = False


class _Stopped(Exception):  # noqa: N818 - never leaves this module
    """The user stops the export."""


def export_index(
    index: str | os.PathLike[str],
    path: str | os.PathLike[str],
    *,
    within: Filter | None = None,
    form: Form | None = None,
    overwrite: bool = False,
    progress: Progress | None = None,
    stop: threading.Event | None = None,
) -> Exported:
    """Write the tiles of an index with their vectors.

    Parameters
    ----------
    index
        The index folder.
    path
        "tiles.parquet", or for a pair "tiles.npy": its table is called "tiles.parquet".
    within
        Which tiles; None: all.
    form
        "parquet" or "npy"; None takes it from the ending of `path`.
    overwrite
        Whether files that are there may be replaced.
    progress
        Told often how far it is.
    stop
        When set, it comes back and leaves nothing.

    Returns
    -------
    Exported
        Rows, files, and bytes.

    Raises
    ------
    QueryError
        The ending and `form` say different things, or none says anything; or the filter's condition is none.
    StorageError
        The files cannot be written, or are there already.
    IndexFolderError
        There is no index, or it is damaged: so is one with a vector that is not the one that was written.

    Examples
    --------
    >>> export_index("idx", "tiles.parquet")  # doctest: +SKIP
    """
    files = _files(Path(path), form)
    check_free(files, index=Path(index), overwrite=overwrite)
    snapshot = store.open_snapshot(Path(index))
    keep = choose(snapshot, within).mask if within else snapshot.live
    rows = snapshot.manifest.rows if keep is None else int(np.count_nonzero(keep))
    stop = stop or threading.Event()

    def tell(done: int) -> None:
        if progress:
            progress("exporting", done, rows)
        if stop.is_set():
            raise _Stopped

    try:
        with drafted(files) as drafts:
            _write(snapshot, keep, rows, drafts, tell)
    except _Stopped:
        return Exported(rows=0, files=(), size=0, interrupted=True)
    return Exported(rows=rows, files=tuple(files), size=sum(file.stat().st_size for file in files))


def _files(path: Path, form: Form | None) -> list[Path]:
    """Name the files of an export; of a pair, the table last, for whoever looks for it finds the vectors then."""
    ending = _ENDINGS.get(path.suffix.lower())
    if form is not None and form not in get_args(Form):
        raise QueryError(f"An export is {' or '.join(get_args(Form))}, not {form}.")
    if form and ending and form != ending:
        raise QueryError(f"{path} ends as {ending} does, and the format is {form}: give the one or the other.")
    chosen = form or ending
    if chosen is None:
        raise QueryError(f"{path} does not end in {', '.join(_ENDINGS)}: name it so, or give the format.")
    if chosen == "parquet":
        return [path]
    named = path if ending else path.with_name(f"{path.name}{ARRAY}")
    return [named, named.with_suffix(TABLES[0])]


def _write(
    snapshot: store.Snapshot,
    keep: NDArray[np.bool_] | None,
    rows: int,
    drafts: list[Path],
    tell: Callable[[int], None],
) -> None:
    """Write one GeoParquet file, or vectors and a table."""
    is_pair, dimension = len(drafts) > 1, snapshot.dimension
    model = snapshot.manifest.model
    about = {
        "version": VERSION,
        "model": model["spec"]["name"],
        "fingerprint": model["fingerprint"],
        "dimension": dimension,
        "rows": rows,
        "software": snapshot.manifest.software,
        "recorded": model,
    }
    done = 0
    tell(done)
    with catalog.ExportWriter(drafts[-1], dimension=None if is_pair else dimension, about=about) as table:
        array = drafts[0].open("wb") if is_pair else None
        try:
            if array:
                shape = {"descr": "<f2", "fortran_order": False, "shape": (rows, dimension)}
                np.lib.format.write_array_header_1_0(array, shape)
            for part, wanted, vectors in _parts(snapshot, keep, table.rows_at_once):
                if array:
                    _append(array, vectors)
                table.write(part, wanted, None if is_pair else vectors)
                done += len(vectors)
                tell(done)
        finally:
            if array:
                array.close()


def _append(array: IO[bytes], vectors: NDArray[np.float32]) -> None:
    array.write(vectors.astype("<f2").data)  # exact: they were stored as float16


def _parts(
    snapshot: store.Snapshot, keep: NDArray[np.bool_] | None, size: int
) -> Iterator[tuple[Any, NDArray[np.bool_] | None, NDArray[np.float32]]]:
    """Stream rows of the sidecar, which of them are wanted, and the vectors of those."""
    for first, batch in snapshot.columns(catalog.SCHEMA.names):
        for at in range(0, batch.num_rows, size):
            part = batch.slice(at, size)
            rows = np.arange(first + at, first + at + part.num_rows, dtype=np.int64)
            wanted = None if keep is None else keep[rows]
            chosen = rows if wanted is None else rows[wanted]
            if len(chosen):
                vectors = snapshot.vectors.take(chosen)
                written = part.column("vector_xxh64").to_numpy(zero_copy_only=False)
                _check(snapshot, chosen, vectors, written if wanted is None else written[wanted])
                yield part, wanted, vectors


def _check(
    snapshot: store.Snapshot, rows: NDArray[np.int64], vectors: NDArray[np.float32], written: NDArray[np.uint64]
) -> None:
    """Compare vectors with the hashes beside them: in another index a damaged one would get a fresh hash.

    Raises
    ------
    IndexDamaged
        One is not what was written.
    """
    for at in np.flatnonzero(catalog.row_hashes(vectors.astype(np.float16)) != written)[:1].tolist():
        index = int(np.searchsorted(snapshot.starts, rows[at], side="right")) - 1
        path = snapshot.layout.vectors(snapshot.manifest.segments[index].number)
        raise IndexDamaged(
            f"The vector in row {rows[at] - snapshot.starts[index]:,} of {path} (counted from 0) is not the one that "
            "was written: run `msclip-search verify`, and restore the index from a copy. Nothing was exported."
        )
