"""Labelled data sets, on which models are compared without having been trained on them."""

from msclip_search.datasets.base import DataSet, LabelClass, LabelledArchive
from msclip_search.datasets.registry import DATASETS, data_set

__all__ = [
    "DATASETS",
    "DataSet",
    "LabelClass",
    "LabelledArchive",
    "data_set",
]
