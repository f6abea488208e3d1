"""What a query found: arrays with a sequence's face, and a table for whoever speaks Arrow."""

import datetime as dt
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, overload

import numpy as np
from numpy.typing import NDArray

from msclip_search import catalog
from msclip_search.geometry import Box, Footprint
from msclip_search.tile import Window

if TYPE_CHECKING:
    from msclip_search.search.question import Part

_TOGETHER = 1000
"""Rows that are taken out of Arrow's columns at a time."""
_COLUMNS = [
    "tile_id", "source", "window", "geometry", "datetime", "cloud", "nodata", "labels", "crs", "offset", "fingerprint",
]  # fmt: skip
"""What a hit is made of."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Hit:
    """One tile that a query found."""

    rank: int
    """From 1."""
    score: float
    """Cosine of the angle between the tile's embedding and the query's."""
    percentile: float
    """Percent of the index that scores lower for this query; from a sample where the index is large."""
    tile_id: str
    source: str
    window: Window
    footprint: Footprint | None
    datetime: dt.datetime | None
    """UTC."""
    cloud: float | None
    """Percent of the valid pixels."""
    nodata: float | None
    """Percent of all pixels."""
    labels: tuple[str, ...]
    crs: str | None
    """Coordinate system of the pixels; None without one."""
    offset: float | None
    """What is added to the stored values to get reflectance × 10000; None: nothing."""
    fingerprint: str
    """Size and modification time of the source when it was indexed, and how it was read."""

    @property
    def bbox(self) -> Box | None:
        """west, south, east, north in degrees; west > east across the antimeridian."""
        return self.footprint.bbox if self.footprint else None

    def to_dict(self) -> dict[str, Any]:
        """Return what JSON can hold."""
        at, box = self.window, self.bbox
        return {
            "rank": self.rank,
            "score": self.score,
            "percentile": self.percentile,
            "tile_id": self.tile_id,
            "source": self.source,
            "window": [at.x, at.y, at.width, at.height],
            "bbox": list(box) if box else None,
            "datetime": _iso(self.datetime),
            "cloud": self.cloud,
            "nodata": self.nodata,
            "labels": list(self.labels),
        }


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Hits:
    """The best tiles of one query, by falling score.

    A sequence of `Hit`, and by `__arrow_c_stream__` a table that polars, DuckDB, GeoPandas and pyarrow take as it is.
    It has a sequence's face without being a `collections.abc.Sequence`: polars would make a column of one of these.
    """

    query: str
    """The text, or a description of what was asked for."""
    top_k: int | None
    """How many were asked for; None: all."""
    searched: int
    """How many tiles were looked through."""
    ranks: NDArray[np.int64]
    """(hits,), from 1."""
    scores: NDArray[np.float32]
    """(hits,), cosines."""
    percentiles: NDArray[np.float32]
    """(hits,), percent of the index that scores lower."""
    tiles: Any
    """pyarrow.Table: the sidecar's columns, a row a hit."""
    parts: "tuple[Part, ...]" = ()
    """What the query was made of, where it had more parts than a text."""

    def __len__(self) -> int:
        return len(self.ranks)

    @overload
    def __getitem__(self, at: int) -> Hit: ...
    @overload
    def __getitem__(self, at: slice) -> "Hits": ...
    def __getitem__(self, at: int | slice) -> "Hit | Hits":
        """Return a hit by its place from 0, or the hits of a slice."""
        if isinstance(at, slice):
            places = np.arange(len(self))[at]
            return replace(
                self,
                ranks=self.ranks[places],
                scores=self.scores[places],
                percentiles=self.percentiles[places],
                tiles=self.tiles.take(places),
            )
        place = range(len(self))[at]
        return self._hit(place, self.tiles.slice(place, 1).to_pylist()[0])

    def __iter__(self) -> Iterator[Hit]:
        for start in range(0, len(self), _TOGETHER):
            for place, row in enumerate(self.tiles.slice(start, _TOGETHER).select(_COLUMNS).to_pylist(), start):
                yield self._hit(place, row)

    def __arrow_c_stream__(self, requested_schema: object | None = None) -> object:
        """Hand the table over through Arrow's C interface."""
        stream: object = self.to_table().__arrow_c_stream__(requested_schema)
        return stream

    def to_table(self) -> Any:  # noqa: ANN401 - pyarrow has no types
        """Return a pyarrow.Table: query, rank, score, percentile, and the sidecar's columns."""
        return catalog.hits_table(
            self.tiles, query=self.query, ranks=self.ranks, scores=self.scores, percentiles=self.percentiles
        )

    def to_geojson(self) -> dict[str, Any]:
        """Return a GeoJSON FeatureCollection (RFC 7946); a tile without coordinates has a null geometry."""
        return {"type": "FeatureCollection", "features": [self._feature(hit) for hit in self]}

    def to_dict(self) -> dict[str, Any]:
        """Return what JSON can hold: the query, its parts if it has some, how many tiles were searched, the hits."""
        parts = {"parts": [part.to_dict() for part in self.parts]} if self.parts else {}
        return {
            "query": {"text": self.query, **parts, "top_k": self.top_k},
            "searched": self.searched,
            "hits": [hit.to_dict() for hit in self],
        }

    def _hit(self, place: int, row: Mapping[str, Any]) -> Hit:
        """Make a hit of a row of the sidecar."""
        return Hit(
            rank=int(self.ranks[place]),
            score=float(self.scores[place]),
            percentile=float(self.percentiles[place]),
            tile_id=row["tile_id"],
            source=row["source"],
            window=Window(**row["window"]),
            footprint=Footprint(row["geometry"]) if row["geometry"] else None,
            datetime=row["datetime"],
            cloud=row["cloud"],
            nodata=row["nodata"],
            labels=tuple(row["labels"]),
            crs=row["crs"],
            offset=row["offset"],
            fingerprint=row["fingerprint"],
        )

    def _feature(self, hit: Hit) -> Mapping[str, Any]:
        properties = {"query": self.query, **hit.to_dict()}
        bbox = properties.pop("bbox")
        geometry = hit.footprint.geojson() if hit.footprint else None
        feature = {"type": "Feature", "id": hit.tile_id, "geometry": geometry, "properties": properties}
        return {**feature, "bbox": bbox} if bbox else feature


def _iso(moment: dt.datetime | None) -> str | None:
    return moment.astimezone(dt.UTC).isoformat().replace("+00:00", "Z") if moment else None
