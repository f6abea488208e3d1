"""Tables of hits."""

from pathlib import Path
from typing import BinaryIO

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


def write_hits(tables: list[pa.Table], sink: Path | BinaryIO) -> None:
    """Write tables of hits, one a query, as one GeoParquet file."""
    pq.write_table(pa.concat_tables(tables), sink, compression="zstd")
