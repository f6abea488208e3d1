"""Rows of other people's tables as records of tiles."""

import datetime as dt
import functools
import math
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from datetime import UTC
from typing import Any, NoReturn
from urllib.parse import urlsplit, urlunsplit

from msclip_search.archives.names import NameFacts, facts_of_name, parse_time
from msclip_search.exchange.columns import SOURCE_ROW
from msclip_search.exchange.outlines import footprints
from msclip_search.geometry import Footprint
from msclip_search.tile import TileRecord, Window

Refuse = Callable[[int, str], NoReturn]
"""Raises, given a row of the piece and what is wrong with it: "a date that cannot be read"."""

_TOLD_BY_NAMES = ("platform", "level", "baseline", "mgrs_tile")
_PERCENT = ("cloud", "shadow", "snow", "nodata")
_TEXTS = ("cell_id", "crs", "platform", "level", "baseline", "offset_source", "product_id", "mgrs_tile", "caption")
_MOST = (1 << 31) - 1
"""Of a part of a window: they are stored as int32."""
_LARGEST = 3.4028234e38
"""Of an offset: it is stored as float32."""
_PLACELESS = Window(0, 0, 1, 1)
"""Where a file does not say which pixels of its source a tile is: a window is never null."""


def records_of(
    values: Mapping[str, Sequence[Any]], rows: int, *, file: str, state: str, start: int, refuse: Refuse
) -> list[TileRecord]:
    """Make a record of each row.

    Parameters
    ----------
    values
        Plain values by our names of the columns; tile_id is one of them.
    rows
        How many there are.
    file, state
        Name and state of the file, from which what it does not say of source and fingerprint is made.
    start
        Number of the first row in the file.
    refuse
        Called where a value cannot be.
    """
    outlines = footprints(values["geometry"], refuse) if "geometry" in values else [None] * rows
    return [
        _record(
            {name: column[row] for name, column in values.items()},
            outline,
            place=f"{file}#{start + row}",
            mark=f"{state} imported",
            refuse=functools.partial(refuse, row),
        )
        for row, outline in zip(range(rows), outlines, strict=True)
    ]


def _record(
    said: Mapping[str, Any],
    outline: Footprint | None,
    *,
    place: str,
    mark: str,
    refuse: Callable[[str], NoReturn],
) -> TileRecord:
    """Make a record of a row; what it does not say, the name of its product may."""
    facts = facts_of_name(said["product_id"]) if said.get("product_id") else NameFacts()
    plain: dict[str, Any] = {name: said.get(name) for name in _TEXTS}
    plain |= {name: _percent(said.get(name), name, refuse) for name in _PERCENT}
    plain |= {name: plain[name] or getattr(facts, name) for name in _TOLD_BY_NAMES}
    return TileRecord(
        tile_id=said["tile_id"],
        source=_source(said) or place,
        window=_window(said.get("window"), refuse),
        footprint=outline,
        datetime=_time(said.get("datetime"), refuse) or facts.datetime,
        offset=_offset(said.get("offset"), refuse),
        labels=_labels(said.get("labels")),
        fingerprint=said.get("fingerprint") or mark,
        **plain,
    )


def _source(said: Mapping[str, Any]) -> str | None:
    """Name where a tile is from, without what an address says of who may read it."""
    source: str | None = said.get("source")
    if not source:
        return None
    if "://" in source:
        with suppress(ValueError):  # of what is no address after all ("http://[abc"): it is a text as any other
            parts = urlsplit(source)
            source = urlunsplit((parts.scheme, parts.netloc.rpartition("@")[2], parts.path, "", parts.fragment))
    return source if said.get(SOURCE_ROW) is None else f"{source}#{said[SOURCE_ROW]}"


def _window(value: Mapping[str, Any] | Sequence[float] | None, refuse: Callable[[str], NoReturn]) -> Window:
    """Read a rectangle: ours by its parts, others as first column, first row, and one past the last of each."""
    if value is None:
        return _PLACELESS
    try:
        if isinstance(value, Mapping):
            return Window(**{name: _pixels(part) for name, part in value.items()})
        left, top, right, bottom = map(_pixels, value)
        return Window(left, top, _pixels(right - left), _pixels(bottom - top))
    except (TypeError, ValueError, OverflowError):  # the last: of an infinite number
        refuse(f"a window of pixels that is none: {value}")


def _pixels(part: float) -> int:
    """Return a part of a window as a whole number that can be stored."""
    whole = int(part)
    if whole != part or abs(whole) > _MOST:
        raise ValueError(part)
    return whole


def _time(value: dt.datetime | str | None, refuse: Callable[[str], NoReturn]) -> dt.datetime | None:
    if value is None or isinstance(value, dt.datetime):
        return value.astimezone(UTC) if value else None
    found = parse_time(value)
    if found is None and value.strip():
        refuse(f"a date that cannot be read: '{value}'")
    return found


def _offset(value: float | None, refuse: Callable[[str], NoReturn]) -> float | None:
    if value is not None and abs(value) > _LARGEST:
        refuse(f"an offset that no pixel can have: {value:g}")
    return _finite(value)


def _finite(value: float | None) -> float | None:
    return None if value is None or math.isnan(value) else value


def _percent(value: float | None, name: str, refuse: Callable[[str], NoReturn]) -> float | None:
    if value is not None and (value < 0 or value > 100):
        refuse(f"a share of {name} that is not between 0 and 100 percent: {value:g}")
    return _finite(value)


def _labels(value: str | Sequence[str | None] | None) -> tuple[str, ...]:
    """Read labels: a list of them, or a text in which they are joined by ;."""
    parts = value.split(";") if isinstance(value, str) else value or ()
    stripped = (part.strip() if isinstance(value, str) else part for part in parts if part)
    return tuple(part for part in stripped if part)
