"""Searching an index folder."""

from msclip_search.search.engine import SearchIndex
from msclip_search.search.hits import Hit, Hits
from msclip_search.search.info import IndexInfo
from msclip_search.search.queries import read_entries, read_queries
from msclip_search.search.question import Example, Question, Words, split_weight

__all__ = [
    "Example",
    "Hit",
    "Hits",
    "IndexInfo",
    "Question",
    "SearchIndex",
    "Words",
    "read_entries",
    "read_queries",
    "split_weight",
]
