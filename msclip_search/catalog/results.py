"""Tables of hits."""

import io
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from msclip_search.catalog.schema import with_geo


def hits_table(
    tiles: pa.Table,
    *,
    query: str,
    ranks: NDArray[np.int64],
    scores: NDArray[np.float32],
    percentiles: NDArray[np.float32],
) -> pa.Table:
    """Put query, rank, score and percentile before the sidecar's columns."""
    columns = {
        "query": pa.array([query] * len(ranks), pa.string()),
        "rank": pa.array(ranks, pa.int64()),
        "score": pa.array(scores, pa.float32()),
        "percentile": pa.array(percentiles, pa.float32()),
    }
    table = tiles
    for at, (name, column) in enumerate(columns.items()):
        table = table.add_column(at, name, column)
    return with_geo(table)


def write_hits(tables: Iterable[pa.Table], sink: Path | BinaryIO) -> None:
    """Write tables of hits, one at least, as one GeoParquet file; of each, a row group."""
    if isinstance(sink, Path):
        with sink.open("wb") as file:
            write_hits(tables, file)
        return
    for piece in hits_file(tables):
        sink.write(piece)


def hits_file(tables: Iterable[pa.Table]) -> Iterator[bytes]:
    """Make the same file piece by piece, as the tables come."""
    rest = iter(tables)
    table = next(rest)
    drain = _Drain()
    with pq.ParquetWriter(drain, table.schema, compression="zstd") as writer:
        while table is not None:
            writer.write_table(table)
            yield drain.drained()
            table = next(rest, None)
    yield drain.drained()


class _Drain(io.RawIOBase):
    """A file whose content is taken away as it is written."""

    def __init__(self) -> None:
        self._pieces: list[bytes] = []
        self._length = 0

    def writable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._length

    def write(self, piece: Any) -> int:  # noqa: ANN401 - whatever has bytes
        self._pieces.append(bytes(piece))
        self._length += len(self._pieces[-1])
        return len(self._pieces[-1])

    def drained(self) -> bytes:
        """Take away what has been written since."""
        taken = b"".join(self._pieces)
        self._pieces.clear()
        return taken
