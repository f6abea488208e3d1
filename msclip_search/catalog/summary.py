"""Where and when the tiles of a catalogue lie, counted in columns."""

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

SUMMARY_COLUMNS = ("bbox", "datetime", "labels")
_EDGES = ("xmin", "ymin", "xmax", "ymax")


@dataclass(slots=True)
class Summary:
    """Counts and extremes; they grow by `add`."""

    located: int = 0
    """Tiles that have coordinates."""
    bounds: tuple[float, float, float, float] | None = None
    """west, south, east, north: planar bounds of all tiles, degrees."""
    dated: int = 0
    """Tiles that have a date."""
    first: dt.datetime | None = None
    """Earliest date."""
    last: dt.datetime | None = None
    """Latest date."""
    labelled: int = 0
    """Tiles that have labels."""

    def add(self, batch: pa.RecordBatch) -> None:
        """Take in rows with the columns `SUMMARY_COLUMNS`."""
        import pyarrow.compute as pc  # takes as long to load as the rest of Arrow, and a query has no use for it

        boxes, times = batch.column("bbox").drop_null(), batch.column("datetime").drop_null()
        self.labelled += pc.sum(pc.greater(pc.list_value_length(batch.column("labels")), 0)).as_py() or 0
        if len(boxes):
            west, south, east, north = (boxes.field(edge).to_numpy(zero_copy_only=False) for edge in _EDGES)
            box = float(west.min()), float(south.min()), float(east.max()), float(north.max())
            old = self.bounds or box
            self.bounds = min(old[0], box[0]), min(old[1], box[1]), max(old[2], box[2]), max(old[3], box[3])
            self.located += len(boxes)
        if len(times):
            span = pc.min_max(times).as_py()
            self.first = min(self.first or span["min"], span["min"])
            self.last = max(self.last or span["max"], span["max"])
            self.dated += len(times)


def summarise(batches: Iterable[tuple[int, pa.RecordBatch]], live: NDArray[np.bool_] | None) -> Summary:
    """Summarise the live rows of batches, each with the number of its first row."""
    summary = Summary()
    for start, batch in batches:
        summary.add(batch if live is None else batch.filter(pa.array(live[start : start + batch.num_rows])))
    return summary
