"""The columns of an index as a condition in SQL may name them, and what they hold."""

import datetime as dt
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from typing import Any, TypeAlias

from msclip_search import catalog
from msclip_search.catalog import ColumnRange
from msclip_search.store import Snapshot

FEW = 12
"""Different values that are listed, each with its tiles."""
_SQL_WORDS = {"window", "offset"}
_PERCENT = {"cloud", "shadow", "snow", "nodata"}
_DEGREES = {"bbox.xmin", "bbox.ymin", "bbox.xmax", "bbox.ymax"}

Advance: TypeAlias = Callable[[int], None]
"""Told how many rows have been read."""


@dataclass(frozen=True, slots=True)
class ValueCount:
    """A value, and how many tiles have it."""

    value: str
    tiles: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ColumnInfo:
    """A column, described."""

    name: str
    """ "cloud"; of a part of a structure "bbox.xmin"."""
    sql: str
    """The name as a condition has to write it."""
    type: str
    """ "text", "number", "whole number", "date" (in UTC), "list of text" or "outline" (WKB)."""
    unit: str | None
    """ "percent" or "degrees"."""
    tiles: int
    """Live tiles that have a value; of labels, one at least."""
    least: str | float | None
    """Smallest value; a date as ISO 8601."""
    greatest: str | float | None
    distinct: int | None
    """Different values of texts and labels; None for other columns, and where there are more than 10,000."""
    values: tuple[ValueCount, ...]
    """All values of a text where they are few; the commonest labels; the one of most tiles first."""

    def to_dict(self) -> dict[str, Any]:
        """Return what JSON can hold."""
        return asdict(self)


def describe_columns(snapshot: Snapshot, *, advance: Advance | None = None) -> list[ColumnInfo]:
    """Describe the sidecar's columns by what the live tiles have in them: exact, whatever has been deleted.

    All rows are read, a batch at a time.

    Parameters
    ----------
    snapshot
        Of the index.
    advance
        Told of the rows that have been read, after each batch.

    Raises
    ------
    IndexDamaged
        A sidecar cannot be read.
    """
    ranges = catalog.read_ranges(_told(snapshot, advance), snapshot.live)
    return [_described(one) for one in ranges]


def _told(snapshot: Snapshot, advance: Advance | None) -> Iterator[tuple[int, Any]]:
    for start, batch in snapshot.columns(catalog.SCHEMA.names):
        yield start, batch
        if advance:
            advance(start + batch.num_rows)


def _described(found: ColumnRange) -> ColumnInfo:
    column, dot, part = found.name.partition(".")
    common = sorted(found.counts.items(), key=_by_tiles) if found.counts else []
    listed = common[:FEW] if found.type == "list of text" or len(common) <= FEW else []
    counted = found.type in {"text", "list of text"} and found.counts is not None
    return ColumnInfo(
        name=found.name,
        sql=f'"{column}"{dot}{part}' if column in _SQL_WORDS else found.name,
        type=found.type,
        unit="percent" if found.name in _PERCENT else "degrees" if found.name in _DEGREES else None,
        tiles=found.tiles,
        least=_plain(found.least),
        greatest=_plain(found.greatest),
        distinct=len(common) if counted else None,
        values=tuple(ValueCount(value, tiles) for value, tiles in listed),
    )


def _by_tiles(one: tuple[str, int]) -> tuple[int, str]:
    return -one[1], one[0]


def _plain(value: Any) -> str | float | None:  # noqa: ANN401 - what a column holds
    if isinstance(value, dt.datetime):  # as hits have it
        return value.astimezone(dt.UTC).isoformat().replace("+00:00", "Z")
    found: str | float | None = value
    return found
