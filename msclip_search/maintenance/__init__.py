"""Looking after an index: taking tiles out of it, and folding what many runs have left."""

from msclip_search.maintenance.compaction import Compaction, compact_index
from msclip_search.maintenance.removal import Removal, remove_tiles

__all__ = ["Compaction", "Removal", "compact_index", "remove_tiles"]
