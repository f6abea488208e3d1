"""Searching an index folder."""

from msclip_search.search.engine import SearchIndex
from msclip_search.search.hits import Hit, Hits
from msclip_search.search.info import IndexInfo
from msclip_search.search.queries import read_entries, read_queries

__all__ = ["Hit", "Hits", "IndexInfo", "SearchIndex", "read_entries", "read_queries"]
