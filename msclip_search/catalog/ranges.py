"""What the columns of a catalogue hold: how many tiles say something, between which values, and which ones.

All of it is counted over the rows themselves. The statistics of Parquet would be faster, and wrong: they know nothing
of deleted rows, nor of how often a value comes.
"""

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from msclip_search.catalog.schema import SCHEMA

DISTINCT = 10_000
"""Different values of a column that are told apart; where there are more, their number is not counted."""


@dataclass(slots=True)
class ColumnRange:
    """Counts and extremes of one column; they grow by `add`."""

    name: str
    """ "cloud"; of a part of a structure "bbox.xmin"."""
    type: str
    """ "text", "number", "whole number", "date", "list of text" or "outline"."""
    tiles: int = 0
    """Tiles that have a value; of a list, one at least."""
    least: Any = None
    """Smallest value, or first in the order of letters or time; None where there is none, or it is a list or an
    outline."""
    greatest: Any = None
    counts: Counter[str] | None = field(default_factory=Counter)
    """Tiles by value, of texts and lists of texts; None where there are more than `DISTINCT`."""

    def add(self, column: pa.Array) -> None:
        """Take in values."""
        import pyarrow.compute as pc  # takes as long to load as the rest of Arrow, and a query has no use for it

        values = column.drop_null()
        if self.type == "list of text":
            self.tiles += pc.sum(pc.greater(pc.list_value_length(values), 0)).as_py() or 0
            return self._count(pc.list_flatten(values).drop_null())
        self.tiles += len(values)
        if not len(values) or self.type == "outline":
            return None
        span = pc.min_max(values).as_py()
        self.least = span["min"] if self.least is None else min(self.least, span["min"])
        self.greatest = span["max"] if self.greatest is None else max(self.greatest, span["max"])
        return self._count(values) if self.type == "text" else None

    def _count(self, texts: pa.Array) -> None:
        import pyarrow.compute as pc

        if self.counts is not None and len(texts):
            found = pc.value_counts(texts)
            values, numbers = found.field("values"), found.field("counts")
            if len(values) > DISTINCT:
                self.counts = None
                return
            self.counts.update(dict(zip(values.to_pylist(), numbers.to_pylist(), strict=True)))
            if len(self.counts) > DISTINCT:
                self.counts = None


def read_ranges(batches: Iterable[tuple[int, pa.RecordBatch]], live: NDArray[np.bool_] | None) -> list[ColumnRange]:
    """Count what the live rows of batches with all columns hold.

    Parameters
    ----------
    batches
        Each with the number of its first row.
    live
        True for each row that counts; None: all do.
    """
    ranges = [ColumnRange(name, kind) for name, kind in _leaves()]
    for start, batch in batches:
        rows = batch if live is None else batch.filter(pa.array(live[start : start + batch.num_rows]))
        for one in ranges:
            one.add(_leaf(rows, one.name))
    return ranges


def _leaf(rows: pa.RecordBatch, name: str) -> pa.Array:
    import pyarrow.compute as pc

    column, _, part = name.partition(".")
    # Not the structure's own field(): where the whole is null, that has values all the same.
    return pc.struct_field(rows.column(column), part) if part else rows.column(column)


def _leaves() -> Iterator[tuple[str, str]]:
    for column in SCHEMA:
        if pa.types.is_struct(column.type):
            yield from ((f"{column.name}.{part.name}", _in_words(part.type)) for part in column.type)
        else:
            yield column.name, _in_words(column.type)


def _in_words(kind: pa.DataType) -> str:
    if pa.types.is_integer(kind):
        return "whole number"
    if pa.types.is_floating(kind):
        return "number"
    if pa.types.is_timestamp(kind):
        return "date"
    if pa.types.is_list(kind):
        return "list of text"
    return "outline" if pa.types.is_binary(kind) else "text"
