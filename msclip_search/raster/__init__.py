"""Raster files: the one door to rasterio and GDAL."""

from msclip_search.raster.files import (
    LARGEST_SIDE,
    MOST_BANDS,
    SMALLEST_SIDE,
    Raster,
    check_shape,
    check_window,
    read_raster,
    read_window,
)
from msclip_search.raster.projection import to_degrees, to_utm
from msclip_search.raster.resampling import enlarge
from msclip_search.raster.writing import encode_chip, encode_geotiff, write_chip

__all__ = [
    "LARGEST_SIDE",
    "MOST_BANDS",
    "SMALLEST_SIDE",
    "Raster",
    "check_shape",
    "check_window",
    "encode_chip",
    "encode_geotiff",
    "enlarge",
    "read_raster",
    "read_window",
    "to_degrees",
    "to_utm",
    "write_chip",
]
