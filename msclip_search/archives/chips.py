"""Archives of chips: files that each are one tile, with or without coordinates."""

import logging
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from msclip_search import classification, radiometry
from msclip_search.archives.arrays import read_array
from msclip_search.archives.ids import cell_id, content_id
from msclip_search.archives.names import facts_of_source
from msclip_search.archives.paths import PICTURES, TILES, Found, describe_nothing, find
from msclip_search.archives.sources import name_source
from msclip_search.bands import BANDS, LAYOUTS, Choice, Naming, band_name, choose_bands, likelier_layout, name_bands
from msclip_search.errors import ArchiveError, MsclipError, TileError
from msclip_search.files import file_state
from msclip_search.raster import Raster, read_raster
from msclip_search.tile import Tile, TileRecord, Window

logger = logging.getLogger(__name__)

_RGB = LAYOUTS["rgb"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """How files are read: what the model wants, and what the user said about them."""

    want: tuple[str, ...]
    """Bands of the model, in its order."""
    substitutes: tuple[tuple[str, str], ...] = ()
    """Pairs (wanted, stand-in) that the model permits."""
    layout: tuple[str, ...] | None = None
    """Bands of the files in order, for files that do not name them."""
    offset: float | None = None
    """Added to reflectance × 10000: −1000 for chips that carry the offset of baseline 04.00. Pictures have none."""

    def __post_init__(self) -> None:
        """Refuse an offset that is not in units of 1/10000."""
        if self.offset is not None and not float(self.offset).is_integer():
            raise MsclipError(
                f"An offset is a whole number, in units of reflectance × 10,000 (-1000 for chips that carry the offset "
                f"of baseline 04.00), not {self.offset:g}."
            )

    @property
    def pictures(self) -> bool:
        """Whether a picture of red, green and blue is enough for the model."""
        return set(self.want) <= set(_RGB)

    @property
    def treatment(self) -> str:
        """What the user said, as a short text: another treatment of the same file gives another embedding."""
        said = [f"bands={','.join(self.layout)}"] if self.layout else []
        said += [f"offset={self.offset:.0f}"] if self.offset is not None else []
        return "+".join(said) or "as-is"


@dataclass(frozen=True, slots=True)
class Chip:
    """A file that is one tile."""

    found: Found
    reading: Reading

    @property
    def source(self) -> str:
        """Absolute path; bytes of it that are no UTF-8 are spelled out."""
        return name_source(self.found.path)

    @property
    def fingerprint(self) -> str:
        """Size, modification time in nanoseconds, and treatment."""
        if self.found.trouble:
            raise TileError(self.found.trouble)
        if self.source != str(self.found.path):
            raise TileError("has a name that is not UTF-8: rename it")
        return f"{file_state(self.found.path)} {self.reading.treatment}"

    def read(self) -> Sequence[Tile]:
        """Read the tile."""
        fingerprint = self.fingerprint  # before the pixels: a file that changes meanwhile is read again next time
        return [read_chip(self.found.path, self.reading, fingerprint=fingerprint)]


@dataclass(frozen=True, slots=True)
class ChipArchive:
    """Files, each of them a tile, in folders, lists and globs."""

    roots: tuple[str | os.PathLike[str], ...]
    reading: Reading

    @property
    def suffixes(self) -> tuple[str, ...]:
        """Endings of the files that are taken from folders."""
        return (*TILES, *PICTURES) if self.reading.pictures else TILES

    def count(self) -> int:
        """Count the files, so that progress has an end."""
        if number := sum(1 for _ in find(self.roots, suffixes=self.suffixes)):
            return number
        raise ArchiveError(describe_nothing(self.roots, suffixes=self.suffixes))

    def items(self) -> Iterator[Chip]:
        """Yield the files, in sorted order."""
        for found in find(self.roots, suffixes=self.suffixes):
            yield Chip(found, self.reading)


def read_chip(path: Path, reading: Reading, *, fingerprint: str) -> Tile:
    """Read one file into a tile.

    Raises
    ------
    TileError
        It cannot be read, its bands are not known or not enough, or all of it is nodata.
    """
    suffix = path.suffix.lower()
    raster = read_array(path, layout=reading.layout) if suffix in {".npy", ".npz"} else read_raster(path)
    return make_tile(raster, path, reading, tile_id=content_id(raster), fingerprint=fingerprint)


def make_tile(raster: Raster, path: Path, reading: Reading, *, tile_id: str, fingerprint: str) -> Tile:
    """Make a tile of what its source holds.

    Parameters
    ----------
    raster
        All bands of the source.
    path
        The source.
    reading
        How it is read.
    tile_id
        The tile's lasting name.
    fingerprint
        What the source was before it was read, and how it is read.

    Raises
    ------
    TileError
        The bands are not known or not enough, or all of it is nodata.
    """
    choice = _choose(raster, reading, path)
    empty, shares = _valid(raster)
    if empty.all():
        raise TileError("holds no data: every pixel is nodata")
    _doubt_order(raster, reading, path, empty)
    offset = None if raster.picture else reading.offset
    pixels = radiometry.fill(_take(raster.pixels, choice.positions), empty, declared=raster.nodata)
    if radiometry.is_plain_reflectance(pixels):
        pixels = radiometry.from_plain(pixels)
        logger.warning("%s holds reflectance from 0 to 1 and was multiplied by 10,000.", path, extra={"once": "scale"})
    if offset is not None:
        pixels = radiometry.add_offset(pixels, offset, empty=empty)
    return Tile(
        np.ascontiguousarray(radiometry.to_storage(pixels)),
        _record(
            raster,
            path,
            shares,
            tile_id=tile_id,
            offset=offset,
            nodata=100 * float(empty.mean()),
            fingerprint=fingerprint,
        ),
    )


def _valid(raster: Raster) -> tuple[NDArray[np.bool_], classification.Shares]:
    """Tell which pixels hold no data, and what those that do are, where a band of classes (SCL) says so."""
    place = classification.find_classes(raster.pixels, raster.descriptions)
    empty = radiometry.nodata_mask(_without(raster.pixels, place), declared=raster.nodata)
    if raster.masked is not None:
        empty |= raster.masked
    if place is None:
        return empty, classification.Shares()
    classes = raster.pixels[place]
    empty |= classes == classification.NO_DATA
    return empty, classification.shares(classes, empty=empty)


def _take(pixels: NDArray[np.generic], positions: Sequence[int]) -> NDArray[np.generic]:
    """Take bands; without a copy where they follow one another and are most of the file, so that little else stays."""
    start, stop = positions[0], positions[0] + len(positions)
    if list(positions) == list(range(start, stop)) and 4 * len(positions) >= 3 * len(pixels):
        return pixels[start:stop]
    return pixels[list(positions)]


def _without(pixels: NDArray[np.generic], place: int | None) -> NDArray[np.generic]:
    """Leave a band out; without a copy where it is the last, as it nearly always is."""
    if place is None:
        return pixels
    return pixels[:-1] if place == len(pixels) - 1 else np.delete(pixels, place, axis=0)


def parse_treatment(said: str) -> tuple[str, ...] | None:
    """Return the bands that the user had named, of a treatment as a fingerprint keeps it: see `Reading.treatment`."""
    words = dict(word.partition("=")[::2] for word in said.split("+"))
    return tuple(words["bands"].split(",")) if "bands" in words else None


def name_raster(raster: Raster, layout: tuple[str, ...] | None) -> Naming:
    """Decide what the bands of a file are; a picture needs no word from the user.

    Raises
    ------
    BandsError, TileError
        They cannot be known, or are no reflectances.
    """
    if raster.picture:
        layout = layout if layout and len(layout) == len(_RGB) else _RGB
    elif raster.pixels.dtype.itemsize == 1:
        raise TileError("has bands of 8 bits and is no picture of red, green and blue: reflectance needs 16 bits")
    return name_bands(len(raster.pixels), descriptions=raster.descriptions, layout=layout)


def _choose(raster: Raster, reading: Reading, path: Path) -> Choice:
    """Find the model's bands in a file."""
    naming = name_raster(raster, reading.layout)
    if naming.overruled and reading.layout:
        logger.warning(
            "%s names its bands itself, otherwise than --bands: the file was believed.",
            path,
            extra={"once": "bands"},
        )
    choice = choose_bands(naming.bands, want=reading.want, substitutes=reading.substitutes)
    for wanted, taken in choice.substituted:
        logger.warning("%s lacks %s; %s stands in for it.", path, wanted, taken, extra={"once": f"lacks {wanted}"})
    return choice


def _doubt_order(raster: Raster, reading: Reading, path: Path, empty: NDArray[np.bool_]) -> None:
    """Warn where the pixels speak against the order of thirteen bands that the user gave."""
    if reading.layout is None or len(reading.layout) != len(BANDS) or any(map(band_name, raster.descriptions)):
        return
    valid = raster.pixels[:, ~empty] if empty.any() else raster.pixels.reshape(len(raster.pixels), -1)
    finite = np.nan_to_num(valid, nan=0, posinf=0, neginf=0) if valid.dtype.kind == "f" else valid
    if other := likelier_layout(reading.layout, finite.mean(axis=1).tolist()):
        logger.warning(
            "%s: B10 (cirrus) should be the darkest band, and with this --bands it is not: "
            "it would be with --bands %s. The tile was indexed as you said; if you were wrong, index it again.",
            path,
            other,
            extra={"once": "order"},
        )


def _record(
    raster: Raster,
    path: Path,
    shares: classification.Shares,
    *,
    tile_id: str,
    offset: float | None,
    nodata: float,
    fingerprint: str,
) -> TileRecord:
    _, height, width = raster.pixels.shape
    facts = facts_of_source(path, raster.tags)
    return TileRecord(
        tile_id=tile_id,
        cell_id=cell_id(raster),
        source=str(path),
        window=Window(0, 0, width, height),
        footprint=raster.footprint,
        crs=raster.crs,
        datetime=facts.datetime,
        cloud=shares.cloud,
        shadow=shares.shadow,
        snow=shares.snow,
        nodata=nodata,
        platform=facts.named.platform,
        level=facts.named.level,
        baseline=facts.named.baseline,
        offset=offset,
        offset_source="as stored" if offset is None else "user",
        product_id=facts.product,
        mgrs_tile=facts.named.mgrs_tile,
        fingerprint=fingerprint,
    )
