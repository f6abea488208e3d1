"""Which tiles of an index a filter lets a search find."""

import logging

from msclip_search import store
from msclip_search.filters import Filter, Selection, select
from msclip_search.filters.sql import SqlCondition

logger = logging.getLogger(__name__)


def choose(snapshot: store.Snapshot, within: Filter) -> Selection:
    """Find the tiles that fit a filter; what is left out because it is unknown is logged as a warning.

    Raises
    ------
    QueryError
        Its condition in SQL is none, takes too long, or needs DuckDB, which is not there.
    IndexDamaged, StorageError
        A sidecar cannot be read.
    """
    if within.where is None:
        found = select(snapshot, within)
    else:
        with SqlCondition(within.where).opened() as condition:
            found = select(snapshot, within, condition=condition)
    if not found.matched:
        logger.warning("No tile fits the filter.")
    for warning in found.warnings():
        logger.warning("%s", warning)
    return found
