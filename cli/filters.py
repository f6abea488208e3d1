"""Options that say which tiles a command is about."""

from typing import TYPE_CHECKING, Annotated, Literal, TypeAlias

import typer

if TYPE_CHECKING:
    from msclip_search.filters import Filter

_PANEL = "Filters: all of them have to hold"

Bbox: TypeAlias = Annotated[
    str | None,
    typer.Option(
        "--bbox",
        metavar="W,S,E,N",
        help="Tiles that meet a box in degrees; west > east crosses the antimeridian.",
        show_default=False,
        rich_help_panel=_PANEL,
    ),
]
Intersects: TypeAlias = Annotated[
    str | None,
    typer.Option(
        "--intersects",
        metavar="FILE|GEOJSON",
        help="Tiles that meet an area: a GeoJSON file, or its text.",
        show_default=False,
        rich_help_panel=_PANEL,
    ),
]
Near: TypeAlias = Annotated[
    str | None,
    typer.Option(
        "--near",
        metavar="LON,LAT",
        help="Tiles within --radius of a place.",
        show_default=False,
        rich_help_panel=_PANEL,
    ),
]
Radius: TypeAlias = Annotated[
    str | None,
    typer.Option(
        "--radius",
        metavar="DISTANCE",
        help="How far from --near, with its unit: 50km, 500m.",
        show_default=False,
        rich_help_panel=_PANEL,
    ),
]
Datetime: TypeAlias = Annotated[
    str | None,
    typer.Option(
        "--datetime",
        metavar="INTERVAL",
        help="When sensed, both ends included: 2023-05-01/2023-10-01, 2023-05-01/.., 2023-05.",
        show_default=False,
        rich_help_panel=_PANEL,
    ),
]
MaxCloud: TypeAlias = Annotated[
    float | None,
    typer.Option(
        "--max-cloud",
        metavar="PERCENT",
        help="Clouds on this share of the valid pixels at most.",
        show_default=False,
        rich_help_panel=_PANEL,
    ),
]
MaxNodata: TypeAlias = Annotated[
    float | None,
    typer.Option(
        "--max-nodata",
        metavar="PERCENT",
        help="This share of the pixels without data at most.",
        show_default=False,
        rich_help_panel=_PANEL,
    ),
]
Level: TypeAlias = Annotated[
    Literal["L1C", "L2A"] | None,
    typer.Option("--level", help="Processing level.", show_default=False, rich_help_panel=_PANEL),
]
Label: TypeAlias = Annotated[
    list[str] | None,
    typer.Option(
        "--label",
        metavar="LABEL",
        help="Tiles with this label; several: with any of them.",
        show_default=False,
        rich_help_panel=_PANEL,
    ),
]
Where: TypeAlias = Annotated[
    str | None,
    typer.Option(
        "--where",
        metavar="SQL",
        help="Any condition over the sidecar's columns, as in \"mgrs_tile LIKE '32T%'\"; needs DuckDB.",
        show_default=False,
        rich_help_panel=_PANEL,
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
