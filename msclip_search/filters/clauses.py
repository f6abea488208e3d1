"""Clauses that a column alone decides: place by its box, date, shares, level, labels."""

import datetime as dt
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol

import numpy as np
import pyarrow as pa

from msclip_search.filters.filter import Filter
from msclip_search.filters.places import Boxes, Mask, Place, meets

Spans = Callable[[str], tuple[Any, Any] | None]
"""Least and greatest value of a leaf in a row group without nulls; None where they are not known."""
_EDGES = ("xmin", "ymin", "xmax", "ymax")


class Verdict(NamedTuple):
    """What a clause says of rows, each (rows,); where neither is True, the clause holds."""

    fails: Mask
    unknown: Mask
    """The tile does not know what is asked."""


class Clause(Protocol):
    """Something that a column decides."""

    @property
    def asks(self) -> str:
        """What a tile has to know, "date" for one."""

    @property
    def column(self) -> str:
        """What is read."""

    def hopeless(self, spans: Spans) -> bool:
        """Tell whether statistics show that it fails for all rows of a group."""

    def judge(self, column: pa.Array) -> Verdict:
        """Judge rows by their column."""


def clauses(wanted: Filter, sites: Sequence[Place]) -> list[Clause]:
    """List the clauses of a filter, those of place as far as boxes decide them."""
    found: list[Clause] = []
    if wanted.start or wanted.end:
        found.append(During(wanted.start, wanted.end))
    if wanted.max_cloud is not None:
        found.append(AtMost("cloud", wanted.max_cloud))
    if wanted.max_nodata is not None:
        found.append(AtMost("nodata", wanted.max_nodata))
    if wanted.levels:
        found.append(OfLevel(wanted.levels))
    if wanted.labels:
        found.append(Labelled(wanted.labels))
    if sites:
        found.append(Around(sites))
    return found


@dataclass(frozen=True, slots=True)
class During:
    """Sensed between two times, both included."""

    start: dt.datetime | None
    end: dt.datetime | None
    asks: str = "date"
    column: str = "datetime"

    def hopeless(self, spans: Spans) -> bool:
        """Tell whether all rows are older, or all are younger."""
        span = spans(self.column)
        if span is None:
            return False
        first, last = (value.replace(tzinfo=value.tzinfo or dt.UTC) for value in span)
        return bool((self.start and last < self.start) or (self.end and first > self.end))

    def judge(self, column: pa.Array) -> Verdict:
        """Compare times, timestamp[us, UTC]."""
        times = column.to_numpy(zero_copy_only=False).astype("datetime64[us]", copy=False)
        fails = np.zeros(len(times), dtype=np.bool_)
        if self.start:
            fails |= times < _utc(self.start)  # never so of no time
        if self.end:
            fails |= times > _utc(self.end)
        return Verdict(fails, np.isnat(times))


@dataclass(frozen=True, slots=True)
class AtMost:
    """A share that is not above a limit."""

    column: str
    limit: float
    """Percent. Shares are kept as float32, and the limit is rounded as they are: 0.1 is at most 0.1."""

    @property
    def asks(self) -> str:
        """What a tile has to know."""
        return self.column

    def hopeless(self, spans: Spans) -> bool:
        """Tell whether all rows are above."""
        span = spans(self.column)
        return span is not None and bool(np.float32(span[0]) > np.float32(self.limit))

    def judge(self, column: pa.Array) -> Verdict:
        """Compare percent, float."""
        shares = column.to_numpy(zero_copy_only=False)
        return Verdict(shares > np.float32(self.limit), np.isnan(shares))


@dataclass(frozen=True, slots=True)
class OfLevel:
    """Processed to one of some levels."""

    levels: tuple[str, ...]
    asks: str = "level"
    column: str = "level"

    def hopeless(self, spans: Spans) -> bool:  # noqa: ARG002 - two levels in alphabetical order tell little
        """Tell nothing."""
        return False

    def judge(self, column: pa.Array) -> Verdict:
        """Compare texts."""
        unknown = _mask(column.is_null())
        return Verdict(~_among(column, self.levels) & ~unknown, unknown)


@dataclass(frozen=True, slots=True)
class Labelled:
    """With one of some labels. A tile without labels is known to have none of them."""

    labels: tuple[str, ...]
    asks: str = "labels"
    column: str = "labels"

    def hopeless(self, spans: Spans) -> bool:  # noqa: ARG002
        """Tell nothing."""
        return False

    def judge(self, column: pa.Array) -> Verdict:
        """Look into lists of texts."""
        import pyarrow.compute as pc

        held = np.zeros(len(column), dtype=np.bool_)
        held[pc.list_parent_indices(column).to_numpy()[_among(pc.list_flatten(column), self.labels)]] = True
        return Verdict(~held, np.zeros(len(column), dtype=np.bool_))


@dataclass(frozen=True, slots=True)
class Around:
    """In boxes that meet those of every place asked for."""

    sites: Sequence[Place]
    asks: str = "coordinates"
    column: str = "bbox"

    def hopeless(self, spans: Spans) -> bool:
        """Tell whether the box around all rows misses a place."""
        found = [spans(f"bbox.{edge}") for edge in _EDGES]
        if None in found:
            return False
        west, south, east, north = (span or (0, 0) for span in found)
        around = np.array([[west[0], south[0], east[1], north[1]]], dtype=np.float64)
        return not all(meets(around, site.around).all() for site in self.sites)

    def judge(self, column: pa.Array) -> Verdict:
        """Compare boxes."""
        boxes = boxes_of(column)
        unknown: Mask = np.asarray(np.isnan(boxes).any(axis=1))
        met = np.ones(len(boxes), dtype=np.bool_)
        for site in self.sites:
            met &= meets(boxes, site.around)
        return Verdict(~met & ~unknown, unknown)


def boxes_of(column: pa.StructArray) -> Boxes:
    """Lay boxes out, (rows, 4): west, south, east, north; NaN where there is none."""
    names = [field.name for field in column.type]
    edges = dict(zip(names, column.flatten(), strict=True))
    return np.stack([edges[edge].to_numpy(zero_copy_only=False) for edge in _EDGES], axis=1).astype(np.float64)


def _utc(moment: dt.datetime) -> np.datetime64:
    return np.datetime64(moment.astimezone(dt.UTC).replace(tzinfo=None), "us")


def _among(column: pa.Array, texts: tuple[str, ...]) -> Mask:
    """Tell which texts are among some; null is not."""
    import pyarrow.compute as pc

    return _mask(pc.is_in(column, value_set=pa.array(texts, column.type)))


def _mask(column: pa.BooleanArray) -> Mask:
    mask: Mask = column.to_numpy(zero_copy_only=False)
    return mask
