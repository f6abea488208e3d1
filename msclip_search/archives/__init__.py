"""Archives: what tiles are read from."""

from msclip_search.archives.base import Archive, Item, Labels
from msclip_search.archives.chips import ChipArchive, Reading
from msclip_search.archives.labels import ParentLabels, TableLabels, read_labels
from msclip_search.archives.names import ProductName, product_in
from msclip_search.archives.patches import PatchArchive
from msclip_search.archives.pixels import StoredPixels, read_stored
from msclip_search.archives.sources import is_changed, is_unchanged, sha256_of

__all__ = [
    "Archive",
    "ChipArchive",
    "Item",
    "Labels",
    "ParentLabels",
    "PatchArchive",
    "ProductName",
    "Reading",
    "StoredPixels",
    "TableLabels",
    "is_changed",
    "is_unchanged",
    "product_in",
    "read_labels",
    "read_stored",
    "sha256_of",
]
