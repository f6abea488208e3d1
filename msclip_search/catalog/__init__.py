"""The catalogue: what is kept about each tile, in Arrow's columns. The one door to pyarrow."""

from msclip_search.catalog.embeddings import EmbeddingFile, Piece, open_embeddings
from msclip_search.catalog.export import ExportWriter
from msclip_search.catalog.folding import Kept, fold_sidecars
from msclip_search.catalog.groups import Group, Sidecar, open_sidecar
from msclip_search.catalog.masks import MaskWriter, PackedMask, pack_mask, read_masks
from msclip_search.catalog.ranges import DISTINCT, ColumnRange, read_ranges
from msclip_search.catalog.results import hits_file, hits_table, write_hits
from msclip_search.catalog.schema import SCHEMA, row_hashes, to_table, with_geo
from msclip_search.catalog.sidecar import empty_table, labels_key, pick, read_columns, take, text_hashes, to_bytes
from msclip_search.catalog.summary import SUMMARY_COLUMNS, Summary, summarise
from msclip_search.catalog.tables import read_table

__all__ = [
    "DISTINCT",
    "SCHEMA",
    "SUMMARY_COLUMNS",
    "ColumnRange",
    "EmbeddingFile",
    "ExportWriter",
    "Group",
    "Kept",
    "MaskWriter",
    "PackedMask",
    "Piece",
    "Sidecar",
    "Summary",
    "empty_table",
    "fold_sidecars",
    "hits_file",
    "hits_table",
    "labels_key",
    "open_embeddings",
    "open_sidecar",
    "pack_mask",
    "pick",
    "read_columns",
    "read_masks",
    "read_ranges",
    "read_table",
    "row_hashes",
    "summarise",
    "take",
    "text_hashes",
    "to_bytes",
    "to_table",
    "with_geo",
    "write_hits",
]
