"""The hits of queries as files: GeoTIFFs of what their sources hold, and pictures of what people see."""

import os
import re
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePath

from msclip_search.archives import StoredPixels, read_stored
from msclip_search.bands import band_name
from msclip_search.disk import disk_errors
from msclip_search.errors import BandsError, StorageError, TileError
from msclip_search.pictures import encode, true_colour
from msclip_search.raster import encode_geotiff
from msclip_search.search import Hit, Hits

_LONGEST_WORD = 48
"""Characters of a query or a source in a file's name."""
_AFTER = "Make room and run the same command again, with --overwrite."


@dataclass(frozen=True, slots=True, kw_only=True)
class Written:
    """What `write_chips` did."""

    tiles: int
    """GeoTIFFs written."""
    pictures: int
    """PNGs written."""
    missing: tuple[tuple[str, str], ...]
    """Source and reason of each tile that is not among them, each source once."""


def check_folder(folder: Path, *, overwrite: bool) -> None:
    """Refuse a folder that holds something, unless that may be replaced.

    Raises
    ------
    StorageError
        It holds something, is no folder, or may not be looked at.
    """
    with disk_errors("reading", folder):
        if not folder.exists():
            return
        if not folder.is_dir():
            raise StorageError(f"{folder} is a file: name a folder for the chips.")
        if not overwrite and any(folder.iterdir()):
            raise StorageError(
                f"The folder {folder} is not empty: name another, or give --overwrite to replace files of the same "
                "names."
            )


def write_chips(results: Sequence[Hits], folder: Path, *, overwrite: bool = False) -> Written:
    """Write each hit as GeoTIFF (all bands as stored, with coordinates) and as PNG (true colour).

    Names start with the rank; of several queries, each has a folder of its own. A file appears whole or not at all. A
    source that is gone or has changed is passed over, and named in what comes back.

    Parameters
    ----------
    results
        The hits of each query.
    folder
        Where to; made where there is none.
    overwrite
        Whether it may hold something; files of the same names are replaced, others are left alone.

    Raises
    ------
    StorageError
        The folder holds something, or the disk is full or refuses permission.
    """
    check_folder(folder, overwrite=overwrite)
    _make(folder)
    tiles = pictures = 0
    missing: dict[str, str] = {}
    for hits, hit, name in _named(results):
        try:
            stored = read_stored(hit.source, hit.window, fingerprint=hit.fingerprint)
        except TileError as error:
            missing[hit.source] = str(error)
            continue
        path = folder / name
        _make(path.parent)
        content = encode_geotiff(stored.raster, names=_descriptions(stored), tags=_tags(hits, hit))
        _write(path.with_name(f"{path.name}.tif"), content)
        tiles += 1
        try:
            picture = true_colour(*stored.reflectance(hit.offset))
        except BandsError:
            continue  # a tile without B02, B03 or B04 has no true colour
        _write(path.with_name(f"{path.name}.png"), encode(picture, "png"))
        pictures += 1
    return Written(tiles=tiles, pictures=pictures, missing=tuple(missing.items()))


def _named(results: Sequence[Hits]) -> Iterator[tuple[Hits, Hit, PurePath]]:
    """Yield each hit with its name below the folder, without an ending."""
    digits = len(str(len(results)))
    for number, hits in enumerate(results, 1):
        above = PurePath(f"{number:0{digits}}-{_word(hits.query)}" if len(results) > 1 else "")
        places = max(len(str(len(hits))), 3)
        for hit in hits:
            at = hit.window
            corner = f"_{at.x}_{at.y}" if at.x or at.y else ""
            yield hits, hit, above / f"{hit.rank:0{places}}_{_word(PurePath(hit.source).stem)}{corner}"


def _word(text: str) -> str:
    """Make a part of a file name, safe on every system, of a text."""
    plain = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode()
    return re.sub(r"[^A-Za-z0-9._]+", "-", plain)[:_LONGEST_WORD].strip("-.") or "tile"


def _descriptions(stored: StoredPixels) -> list[str | None]:
    """Name the bands as the source does, unless that would be read as something else than they are."""
    own = stored.raster.descriptions or (None,) * len(stored.bands)
    return [
        said if said and band_name(said) == band else band or said for said, band in zip(own, stored.bands, strict=True)
    ]


def _tags(hits: Hits, hit: Hit) -> Mapping[str, str]:
    at = hit.window
    tags = {
        "query": hits.query,
        "rank": str(hit.rank),
        "score": f"{hit.score:.6f}",
        "percentile": f"{hit.percentile:.2f}",
        "tile_id": hit.tile_id,
        "source": hit.source,
        "window": f"{at.x} {at.y} {at.width} {at.height}",
    }
    if hit.datetime:
        tags["datetime"] = hit.datetime.isoformat()
    if hit.labels:
        tags["labels"] = ";".join(hit.labels)
    return tags


def _make(folder: Path) -> None:
    try:
        with disk_errors("making", folder, after=_AFTER):
            folder.mkdir(parents=True, exist_ok=True)
    except FileExistsError as error:
        raise StorageError(f"{folder} is a file, where a folder for the chips is wanted.") from error


def _write(path: Path, content: bytes) -> None:
    """Write a file whole or not at all."""
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    with disk_errors("writing", path, after=_AFTER):
        try:
            draft.write_bytes(content)
            draft.replace(path)
        finally:
            draft.unlink(missing_ok=True)
