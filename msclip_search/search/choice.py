"""Which tiles of an index a filter lets a search find."""

import logging
from dataclasses import replace

from msclip_search import store
from msclip_search.errors import QueryError
from msclip_search.filters import Filter, Selection, select
from msclip_search.filters.sql import SqlCondition

logger = logging.getLogger(__name__)


def choose(snapshot: store.Snapshot, within: Filter) -> Selection:
    """Find the tiles that fit a filter; what is left out because it is unknown is logged as a warning.

    Raises
    ------
    QueryError
        It is no filter; its condition in SQL is none, takes too long, or needs DuckDB, which is not there.
    IndexDamaged, StorageError
        A sidecar cannot be read.
    """
    if not isinstance(within, Filter):
        raise QueryError(f'Which tiles may be found is said by a Filter, as Filter(where="cloud < 3"), not {within!r}.')
    found = _selected(snapshot, within)
    if not found.matched:
        logger.warning("No tile fits the filter.%s", _hint(snapshot, within))
    for warning in found.warnings():
        logger.warning("%s", warning)
    return found


def _selected(snapshot: store.Snapshot, within: Filter) -> Selection:
    if within.where is None:
        return select(snapshot, within)
    with SqlCondition(within.where).opened() as condition:
        return select(snapshot, within, condition=condition)


def _hint(snapshot: store.Snapshot, within: Filter) -> str:
    """Say so where tiles would fit a box or a place whose numbers stand in the other order."""
    exchanged = within
    try:
        if within.bbox:
            west, south, east, north = within.bbox
            exchanged = replace(exchanged, bbox=(south, west, north, east))
        if within.near:
            exchanged = replace(exchanged, near=(within.near[1], within.near[0]))
    except QueryError:  # no latitude, or no box
        return ""
    count = _selected(snapshot, exchanged).matched if exchanged is not within else 0
    if not count:
        return ""
    return f" With latitude and longitude exchanged, {count:,} would: the order is longitude, latitude."
