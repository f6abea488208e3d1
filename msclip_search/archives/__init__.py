"""Archives: what tiles are read from."""

from msclip_search.archives.base import Archive, Item, Labels
from msclip_search.archives.chips import ChipArchive, Reading, is_unchanged
from msclip_search.archives.labels import ParentLabels, TableLabels, read_labels
from msclip_search.archives.pixels import StoredPixels, read_stored

__all__ = [
    "Archive",
    "ChipArchive",
    "Item",
    "Labels",
    "ParentLabels",
    "Reading",
    "StoredPixels",
    "TableLabels",
    "is_unchanged",
    "read_labels",
    "read_stored",
]
