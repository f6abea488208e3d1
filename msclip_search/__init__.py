"""Find places in Sentinel-2 archives by describing them.

>>> from msclip_search import SearchIndex, index_tiles
>>> index_tiles("tiles", index="idx")  # doctest: +SKIP
>>> with SearchIndex.open("idx") as index:  # doctest: +SKIP
...     for hit in index.search("flooded farmland", k=100):
...         print(hit.rank, hit.score, hit.source)

What stands in `__all__` is the public face; everything else may change.
"""

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from msclip_search.chips import write_chips
    from msclip_search.errors import (
        ArchiveError,
        BandsError,
        IndexConflict,
        IndexDamaged,
        IndexFolderError,
        IndexLocked,
        IndexMissing,
        IndexOutdated,
        IndexTooNew,
        ModelError,
        ModelMismatch,
        MsclipError,
        QueryError,
        SimulationError,
        StorageError,
        TileError,
        WeightsError,
    )
    from msclip_search.exchange import Exported, Imported, export_index, import_vectors
    from msclip_search.filters import Filter
    from msclip_search.gallery import Gallery, make_gallery
    from msclip_search.ingest import Failure, Pace, Report, index_tiles
    from msclip_search.maintenance import Compaction, Removal, compact_index, remove_tiles
    from msclip_search.models import Encoder, ModelSpec
    from msclip_search.search import Hit, Hits, IndexInfo, Question, SearchIndex
    from msclip_search.simulation import SimulatedTile, Simulation, simulate, simulate_archive
    from msclip_search.store import Verification, verify

# Each name is imported when it is first asked for: numpy, pyarrow and the rest are not needed to print a help text.
_HOMES = {
    "msclip_search.chips": ("write_chips",),
    "msclip_search.errors": (
        "ArchiveError",
        "BandsError",
        "IndexConflict",
        "IndexDamaged",
        "IndexFolderError",
        "IndexLocked",
        "IndexMissing",
        "IndexOutdated",
        "IndexTooNew",
        "ModelError",
        "ModelMismatch",
        "MsclipError",
        "QueryError",
        "SimulationError",
        "StorageError",
        "TileError",
        "WeightsError",
    ),
    "msclip_search.exchange": ("Exported", "Imported", "export_index", "import_vectors"),
    "msclip_search.filters": ("Filter",),
    "msclip_search.gallery": ("Gallery", "make_gallery"),
    "msclip_search.ingest": ("Failure", "Pace", "Report", "index_tiles"),
    "msclip_search.maintenance": ("Compaction", "Removal", "compact_index", "remove_tiles"),
    "msclip_search.models": ("Encoder", "ModelSpec"),
    "msclip_search.search": ("Hit", "Hits", "IndexInfo", "Question", "SearchIndex"),
    "msclip_search.simulation": ("SimulatedTile", "Simulation", "simulate", "simulate_archive"),
    "msclip_search.store": ("Verification", "verify"),
}
_HOME_OF = {name: home for home, names in _HOMES.items() for name in names}

__all__ = [
    "ArchiveError",
    "BandsError",
    "Compaction",
    "Encoder",
    "Exported",
    "Failure",
    "Filter",
    "Gallery",
    "Hit",
    "Hits",
    "Imported",
    "IndexConflict",
    "IndexDamaged",
    "IndexFolderError",
    "IndexInfo",
    "IndexLocked",
    "IndexMissing",
    "IndexOutdated",
    "IndexTooNew",
    "ModelError",
    "ModelMismatch",
    "ModelSpec",
    "MsclipError",
    "Pace",
    "QueryError",
    "Question",
    "Removal",
    "Report",
    "SearchIndex",
    "SimulatedTile",
    "Simulation",
    "SimulationError",
    "StorageError",
    "TileError",
    "Verification",
    "WeightsError",
    "compact_index",
    "export_index",
    "import_vectors",
    "index_tiles",
    "make_gallery",
    "remove_tiles",
    "simulate",
    "simulate_archive",
    "verify",
    "write_chips",
]


def __getattr__(name: str) -> object:
    if name not in _HOME_OF:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(_HOME_OF[name]), name)


def __dir__() -> list[str]:
    return __all__
