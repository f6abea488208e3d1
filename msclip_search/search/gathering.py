"""Metadata of many tiles, in bounded memory."""

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from msclip_search import store
from msclip_search.catalog.gathering import reordered, stream_rows


def stream(snapshot: store.Snapshot, rows: NDArray[np.int64], columns: Sequence[str] | None = None) -> Iterator[Any]:
    """Stream some tiles as pyarrow.Table, a row group of a sidecar at a time.

    Parameters
    ----------
    snapshot
        The index.
    rows
        Row numbers, rising.
    columns
        Those wanted; None: all.

    Raises
    ------
    IndexDamaged, StorageError
        A sidecar cannot be read.
    """
    cuts = np.searchsorted(rows, snapshot.starts)
    for number in np.flatnonzero(np.diff(cuts)):
        segment = snapshot.manifest.segments[number]
        path = snapshot.layout.sidecar(segment.number)
        inside = rows[cuts[number] : cuts[number + 1]] - snapshot.starts[number]
        with snapshot.reading(path):
            yield from stream_rows(path, inside, columns, total=segment.rows)


def gather(snapshot: store.Snapshot, rows: NDArray[np.int64]) -> Any:  # noqa: ANN401 - pyarrow has no types
    """Read tiles in the order asked for, as a pyarrow.Table: `Snapshot.take` for many.

    It holds a row group and the tiles that are asked for, where `Snapshot.take` holds all row groups that have any.
    """
    places = np.empty(len(rows), dtype=np.int64)
    order = np.argsort(rows, kind="stable")
    places[order] = np.arange(len(rows))
    return reordered(stream(snapshot, rows[order]), places)
