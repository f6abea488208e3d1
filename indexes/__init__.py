"""Vectors and row numbers, and nothing else."""

from msclip_search.indexes.base import Index, Ranked, Vectors
from msclip_search.indexes.exact import exact_scores
from msclip_search.indexes.faiss_library import FaissUnavailable
from msclip_search.indexes.flat import FlatIndex
from msclip_search.indexes.ivf import IvfPqIndex
from msclip_search.indexes.plan import TRAINING_MINIMUM, Effort, Kind, Plan, choose, due
from msclip_search.indexes.vectors import StackedVectors

__all__ = [
    "TRAINING_MINIMUM",
    "Effort",
    "FaissUnavailable",
    "FlatIndex",
    "Index",
    "IvfPqIndex",
    "Kind",
    "Plan",
    "Ranked",
    "StackedVectors",
    "Vectors",
    "choose",
    "due",
    "exact_scores",
]
