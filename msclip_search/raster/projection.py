"""From degrees to metres."""


def to_utm(longitude: float, latitude: float, epsg: int) -> tuple[float, float]:
    """Return east and north, metres, of degrees in a zone of UTM.

    Parameters
    ----------
    longitude, latitude
        Degrees, OGC:CRS84.
    epsg
        Code of the zone.
    """
    from rasterio.warp import transform

    east, north = transform("OGC:CRS84", f"EPSG:{epsg}", [longitude], [latitude])
    return float(east[0]), float(north[0])


def to_degrees(east: list[float], north: list[float], epsg: int) -> tuple[list[float], list[float]]:
    """Return longitudes and latitudes, OGC:CRS84, of metres in a zone of UTM."""
    from rasterio.warp import transform

    longitudes, latitudes = transform(f"EPSG:{epsg}", "OGC:CRS84", east, north)
    return longitudes, latitudes
