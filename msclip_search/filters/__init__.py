"""Which tiles a query may find: by place, date, shares of cloud and nodata, level and labels."""

from msclip_search.filters.area import read_geometry
from msclip_search.filters.filter import Filter
from msclip_search.filters.reading import read_bbox, read_distance, read_interval, read_point
from msclip_search.filters.selection import Condition, Selection, select

__all__ = [
    "Condition",
    "Filter",
    "Selection",
    "read_bbox",
    "read_distance",
    "read_geometry",
    "read_interval",
    "read_point",
    "select",
]
