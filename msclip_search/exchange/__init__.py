"""Vectors that leave an index for other programs, and vectors that come from them."""

from msclip_search.exchange.exporting import Exported, export_index
from msclip_search.exchange.importing import Imported, import_vectors

__all__ = ["Exported", "Imported", "export_index", "import_vectors"]
