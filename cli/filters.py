"""Options that say which tiles a command is about."""

import functools
import inspect
from collections.abc import Callable
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

if TYPE_CHECKING:
    from msclip_search.filters import Filter

_PANEL = "Filters: all of them have to hold"


def _option(flag: str, metavar: str | None, said: str) -> Any:  # noqa: ANN401 - what Typer makes of it
    return typer.Option(flag, metavar=metavar, help=said, show_default=False, rich_help_panel=_PANEL)


@dataclass(frozen=True, slots=True, kw_only=True)
class Within:
    """The options of a filter, as they were given."""

    bbox: Annotated[
        str | None,
        _option("--bbox", "W,S,E,N", "Tiles that meet a box in degrees; west > east crosses the antimeridian."),
    ] = None
    intersects: Annotated[
        str | None,
        _option("--intersects", "FILE|GEOJSON", "Tiles that meet an area: a GeoJSON file, or its text."),
    ] = None
    near: Annotated[str | None, _option("--near", "LON,LAT", "Tiles within --radius of a place.")] = None
    radius: Annotated[
        str | None, _option("--radius", "DISTANCE", "How far from --near, with its unit: 50km, 500m.")
    ] = None
    interval: Annotated[
        str | None,
        _option(
            "--datetime",
            "INTERVAL",
            "When sensed, both ends included: 2023-05-01/2023-10-01, 2023-05-01/.., 2023-05.",
        ),
    ] = None
    max_cloud: Annotated[
        float | None, _option("--max-cloud", "PERCENT", "Clouds on this share of the valid pixels at most.")
    ] = None
    max_nodata: Annotated[
        float | None, _option("--max-nodata", "PERCENT", "This share of the pixels without data at most.")
    ] = None
    level: Annotated[Literal["L1C", "L2A"] | None, _option("--level", None, "Processing level.")] = None
    label: Annotated[
        list[str] | None, _option("--label", "LABEL", "Tiles with this label; several: with any of them.")
    ] = None
    where: Annotated[
        str | None,
        _option(
            "--where",
            "SQL",
            "Any condition over the sidecar's columns, as in \"mgrs_tile LIKE '32T%'\"; needs DuckDB.",
        ),
    ] = None

    def read(self) -> "Filter | None":
        """Understand the options; None where none is given, so that nothing is loaded for it.

        Raises
        ------
        QueryError
            One of them cannot be understood.
        """
        if all(getattr(self, field.name) in (None, []) for field in fields(self)):
            return None
        from msclip_search.filters import Filter, read_bbox, read_distance, read_geometry, read_interval, read_point

        start, end = read_interval(self.interval) if self.interval is not None else (None, None)
        return Filter(
            bbox=read_bbox(self.bbox) if self.bbox is not None else None,
            intersects=read_geometry(self.intersects) if self.intersects is not None else None,
            near=read_point(self.near) if self.near is not None else None,
            radius=read_distance(self.radius) if self.radius is not None else None,
            start=start,
            end=end,
            max_cloud=self.max_cloud,
            max_nodata=self.max_nodata,
            levels=(self.level,) if self.level else (),
            labels=tuple(self.label or ()),
            where=self.where,
        )


EVERYTHING = Within()
"""No option is given."""


def with_filters(command: Callable[..., None]) -> Callable[..., None]:
    """Give a command the options of `Within` in place of its parameter `within`, for Typer to find."""
    signature = inspect.signature(command)
    options = [
        inspect.Parameter(field.name, inspect.Parameter.POSITIONAL_OR_KEYWORD, default=None, annotation=field.type)
        for field in fields(Within)
    ]
    own = list(signature.parameters.values())
    at = next(number for number, parameter in enumerate(own) if parameter.name == "within")
    taken = [*own[:at], *options, *own[at + 1 :]]

    @functools.wraps(command)
    def run(**values: Any) -> None:  # noqa: ANN401 - whatever the command takes
        within = Within(**{option.name: values.pop(option.name, None) for option in options})
        command(**values, within=within)

    run.__annotations__ = {parameter.name: parameter.annotation for parameter in taken} | {"return": None}
    run.__signature__ = signature.replace(parameters=taken)  # type: ignore[attr-defined]
    return run
