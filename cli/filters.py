"""Options that say which tiles a command is about."""

from typing import TYPE_CHECKING, Annotated, Any, Literal, TypeAlias

import typer

if TYPE_CHECKING:
    from msclip_search.filters import Filter

_PANEL = "Filters: all of them have to hold"


def _option(flag: str, metavar: str | None, said: str) -> Any:  # noqa: ANN401 - what Typer makes of it
    return typer.Option(flag, metavar=metavar, help=said, show_default=False, rich_help_panel=_PANEL)


Bbox: TypeAlias = Annotated[
    str | None,
    _option("--bbox", "W,S,E,N", "Tiles that meet a box in degrees; west > east crosses the antimeridian."),
]
Intersects: TypeAlias = Annotated[
    str | None,
    _option("--intersects", "FILE|GEOJSON", "Tiles that meet an area: a GeoJSON file, or its text."),
]
Near: TypeAlias = Annotated[str | None, _option("--near", "LON,LAT", "Tiles within --radius of a place.")]
Radius: TypeAlias = Annotated[
    str | None, _option("--radius", "DISTANCE", "How far from --near, with its unit: 50km, 500m.")
]
Datetime: TypeAlias = Annotated[
    str | None,
    _option(
        "--datetime",
        "INTERVAL",
        "When sensed, both ends included: 2023-05-01/2023-10-01, 2023-05-01/.., 2023-05.",
    ),
]
MaxCloud: TypeAlias = Annotated[
    float | None, _option("--max-cloud", "PERCENT", "Clouds on this share of the valid pixels at most.")
]
MaxNodata: TypeAlias = Annotated[
    float | None, _option("--max-nodata", "PERCENT", "This share of the pixels without data at most.")
]
Level: TypeAlias = Annotated[Literal["L1C", "L2A"] | None, _option("--level", None, "Processing level.")]
Label: TypeAlias = Annotated[
    list[str] | None, _option("--label", "LABEL", "Tiles with this label; several: with any of them.")
]
Where: TypeAlias = Annotated[
    str | None,
    _option(
        "--where",
        "SQL",
        "Any condition over the sidecar's columns, as in \"mgrs_tile LIKE '32T%'\"; needs DuckDB.",
    ),
]


def filter_of(
    *,
    bbox: str | None,
    intersects: str | None,
    near: str | None,
    radius: str | None,
    interval: str | None,
    max_cloud: float | None,
    max_nodata: float | None,
    level: Literal["L1C", "L2A"] | None,
    label: list[str] | None,
    where: str | None,
) -> "Filter | None":
    """Read the options; None where none is given, so that nothing is loaded for it.

    Raises
    ------
    QueryError
        One of them cannot be understood.
    """
    given = (bbox, intersects, near, radius, interval, max_cloud, max_nodata, level, label or None, where)
    if all(each is None for each in given):
        return None
    from msclip_search.filters import Filter, read_bbox, read_distance, read_geometry, read_interval, read_point

    start, end = read_interval(interval) if interval is not None else (None, None)
    return Filter(
        bbox=read_bbox(bbox) if bbox is not None else None,
        intersects=read_geometry(intersects) if intersects is not None else None,
        near=read_point(near) if near is not None else None,
        radius=read_distance(radius) if radius is not None else None,
        start=start,
        end=end,
        max_cloud=max_cloud,
        max_nodata=max_nodata,
        levels=(level,) if level else (),
        labels=tuple(label or ()),
        where=where,
    )
