"""Archives of patches: folders that each are one tile, with a file a band, as BigEarthNet has them.

Bands of 20 m and 60 m are brought to the 10 m grid of the finest ones by bilinear interpolation. Their names are those
that their files end in.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import xxhash
from numpy.typing import NDArray

from msclip_search import radiometry
from msclip_search.archives.chips import Reading, make_tile
from msclip_search.archives.ids import content_id
from msclip_search.archives.sources import band_files, name_source, source_state
from msclip_search.errors import ArchiveError, TileError
from msclip_search.raster import Raster, enlarge, read_raster
from msclip_search.tile import Tile


@dataclass(frozen=True, slots=True)
class PatchPixels:
    """What the files of a patch hold."""

    raster: Raster
    """All bands on the grid of the finest ones, in the instrument's order."""
    content_id: str
    """A hash of the bands as they are stored."""


@dataclass(frozen=True, slots=True)
class Patch:
    """A folder that is one tile."""

    folder: Path
    reading: Reading

    @property
    def source(self) -> str:
        """Path of the folder; bytes of it that are no UTF-8 are spelled out."""
        return name_source(self.folder)

    @property
    def fingerprint(self) -> str:
        """State of the bands' files, and treatment."""
        if self.source != str(self.folder):
            raise TileError("has a name that is not UTF-8: rename it")
        return f"{source_state(self.folder)} {self.reading.treatment}"

    def read(self) -> Sequence[Tile]:
        """Read the tile."""
        fingerprint = self.fingerprint  # before the pixels: what changes meanwhile is read again next time
        patch = read_patch(self.folder)
        made = make_tile(patch.raster, self.folder, self.reading, tile_id=patch.content_id, fingerprint=fingerprint)
        return [made]


@dataclass(frozen=True, slots=True)
class PatchArchive:
    """Folders, each of them a tile."""

    folders: tuple[Path, ...]
    """Absolute, in a lasting order."""
    reading: Reading

    def count(self) -> int:
        """Count the folders."""
        if not self.folders:
            raise ArchiveError("There are no patches: an archive of patches needs a folder a patch.")
        return len(self.folders)

    def items(self) -> Iterator[Patch]:
        """Yield the patches."""
        for folder in self.folders:
            yield Patch(folder, self.reading)


def read_patch(folder: Path) -> PatchPixels:
    """Read all bands of a patch.

    Raises
    ------
    TileError
        A file cannot be read or holds several bands, or the bands do not cover the same ground.
    """
    bands = {band: _read_band(path) for band, path in band_files(folder).items()}
    finest = max(bands.values(), key=lambda band: band.pixels.shape[1])
    factors = {name: _factor(name, band, finest) for name, band in bands.items()}
    gaps = [_spread(_gaps(band), factors[name]) for name, band in bands.items()]
    empty = np.asarray(np.stack(gaps).all(axis=0))
    raster = Raster(
        pixels=np.stack([enlarge(band.pixels[0], factors[name]) for name, band in bands.items()]),
        descriptions=tuple(bands),
        nodata=finest.nodata,
        masked=empty if empty.any() else None,
        crs=finest.crs,
        transform=finest.transform,
        bounds=finest.bounds,
        footprint=finest.footprint,
        tags=finest.tags,
    )
    return PatchPixels(raster, _name(bands))


def _read_band(path: Path) -> Raster:
    try:
        raster = read_raster(path)
    except TileError as error:
        raise TileError(f"has a file {path.name} that {error}") from error
    if len(raster.pixels) != 1:
        raise TileError(f"has a file {path.name} with {len(raster.pixels)} bands, where each file is one band")
    return raster


def _factor(name: str, band: Raster, finest: Raster) -> int:
    """How many pixels of the finest band one of this is long."""
    (_, height, width), (_, most, widest) = band.pixels.shape, finest.pixels.shape
    factor = int(most // height)
    if (factor * height, factor * width) != (most, widest):
        raise TileError(f"has {name} of {width} x {height} px, which do not divide into {widest} x {most}")
    if band.crs != finest.crs or not _meet(band.bounds, finest.bounds):
        raise TileError(f"has {name} of other ground than its other bands")
    return factor


def _meet(one: Sequence[float] | None, other: Sequence[float] | None) -> bool:
    if one is None or other is None:
        return one is other
    return all(math.isclose(a, b, rel_tol=1e-9, abs_tol=1e-6) for a, b in zip(one, other, strict=True))


def _gaps(band: Raster) -> NDArray[np.bool_]:
    """Tell which pixels of a band hold no data."""
    empty = radiometry.nodata_mask(band.pixels, declared=band.nodata)
    return empty if band.masked is None else empty | band.masked


def _spread(mask: NDArray[np.bool_], factor: int) -> NDArray[np.bool_]:
    return mask.repeat(factor, axis=0).repeat(factor, axis=1)


def _name(bands: dict[str, Raster]) -> str:
    """Name a patch by what its bands hold, before they are brought to one grid."""
    digest = xxhash.xxh3_128()
    for name, band in bands.items():
        digest.update(f"{name} {content_id(band)}\n".encode())
    return digest.hexdigest()
