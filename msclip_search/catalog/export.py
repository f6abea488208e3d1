"""Writing the catalogue out with its vectors, by row groups, for other programs to read."""

import json
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from msclip_search.catalog.embeddings import ABOUT
from msclip_search.catalog.schema import SCHEMA, with_geo

EMBEDDING = "embedding"
_GROUP_BYTES = 16 << 20
_MOST, _LEAST = 32_768, 1024  # rows of a group


class ExportWriter:
    """Writes a GeoParquet file of the sidecar's columns, and with a dimension of the vectors too.

    Parameters
    ----------
    path
        The file; it is closed at the end of the `with` block.
    dimension
        Numbers a vector. They are written as fixed-size lists of float32, which hold float16 exactly and which every
        reader of Parquet knows. None writes no vectors.
    about
        What the file says of its vectors, under the key "msclip".
    """

    def __init__(self, path: Path, *, dimension: int | None, about: Mapping[str, Any]) -> None:
        self._dimension = dimension
        schema = with_geo(SCHEMA.empty_table()).schema
        self.rows_at_once = _MOST
        """Rows that are best given at once: a row group."""
        if dimension is not None:
            schema = schema.append(pa.field(EMBEDDING, pa.list_(pa.float32(), dimension), nullable=False))
            self.rows_at_once = max(_LEAST, min(_MOST, _GROUP_BYTES // (4 * dimension)))
        self._schema = schema.with_metadata({**schema.metadata, ABOUT: json.dumps(about).encode()})
        flat = [field.name for field in SCHEMA if not pa.types.is_nested(field.type)]
        self._writer = pq.ParquetWriter(path, self._schema, compression="zstd", use_dictionary=flat)
        self._waiting: list[pa.Table] = []

    def write(self, rows: pa.RecordBatch, keep: NDArray[np.bool_] | None, vectors: NDArray[np.floating] | None) -> None:
        """Add rows.

        Parameters
        ----------
        rows
            With the columns of `SCHEMA`.
        keep
            True for each of them that is wanted; None: all.
        vectors
            (wanted rows, dimension), where the file has vectors.
        """
        table = pa.Table.from_batches([rows])
        if keep is not None:
            table = table.filter(pa.array(keep))
        columns = [_typed(table.column(field.name), field.type) for field in SCHEMA]
        if self._dimension is not None and vectors is not None:
            flat = pa.array(np.ascontiguousarray(vectors, dtype=np.float32).reshape(-1))
            columns.append(pa.FixedSizeListArray.from_arrays(flat, self._dimension))
        self._waiting.append(pa.table(columns, schema=self._schema))
        while sum(part.num_rows for part in self._waiting) >= self.rows_at_once:
            waiting = pa.concat_tables(self._waiting)
            self._writer.write_table(waiting.slice(0, self.rows_at_once).combine_chunks(), self.rows_at_once)
            rest = waiting.slice(self.rows_at_once)
            self._waiting = [rest] if rest.num_rows else []

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            if error is None and self._waiting:
                self._writer.write_table(pa.concat_tables(self._waiting).combine_chunks(), self.rows_at_once)
        finally:
            self._writer.close()


def _typed(column: pa.ChunkedArray, kind: pa.DataType) -> pa.ChunkedArray:
    return column if column.type == kind else column.cast(kind)
