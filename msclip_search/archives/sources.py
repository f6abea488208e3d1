"""What a tile is read from, on disk: a file, or a folder with a file a band."""

import hashlib
import os
from collections.abc import Iterator
from pathlib import Path

import xxhash

from msclip_search.bands import BANDS, band_name
from msclip_search.errors import TileError
from msclip_search.files import file_state, opened

_SUFFIXES = {".tif", ".tiff"}
_PART = 1 << 20


def name_source(path: Path) -> str:
    """Return a path as text; bytes of it that are no UTF-8 are spelled out."""
    return os.fsencode(path).decode(errors="backslashreplace")


def source_state(path: Path) -> str:
    """Return what a source is now: for a file, size and modification time; for a folder, a hash of those of its bands.

    Equal states mean that nothing has changed.

    Raises
    ------
    TileError
        There is no source, or it may not be looked at.
    """
    if not _is_folder(path):
        return file_state(path)
    digest = xxhash.xxh3_64()
    for band, file in band_files(path).items():
        digest.update(f"{band} {file.name} {file_state(file)}\n".encode())
    return f"bands-{digest.hexdigest()}"


def is_unchanged(source: str, fingerprint: str) -> bool:
    """Tell whether a source is there, and is what it was when it got this fingerprint."""
    try:
        return fingerprint.partition(" ")[0] == source_state(Path(source))
    except TileError:
        return False


def is_changed(source: str, fingerprint: str) -> bool:
    """Tell whether a source is there, and is something else than when it got this fingerprint."""
    try:
        return fingerprint.partition(" ")[0] != source_state(Path(source))
    except TileError:
        return False


def sha256_of(source: str | os.PathLike[str]) -> str:
    """Hash a source: the file's bytes; of a folder, the lines that `sha256sum` prints for its bands, sorted by name.

    Raises
    ------
    TileError
        There is no source, or it may not be read.
    """
    path = Path(source)
    if not _is_folder(path):
        return _sha256(path)
    files = sorted(band_files(path).values())
    return hashlib.sha256("".join(f"{_sha256(file)}  {file.name}\n" for file in files).encode()).hexdigest()


def band_files(folder: Path) -> dict[str, Path]:
    """Find the files of a folder that each hold a band and end in its name (`…_B8A.tif`), in the instrument's order.

    Raises
    ------
    TileError
        The folder may not be looked at, holds no bands, or has one twice.
    """
    found: dict[str, Path] = {}
    for path in _files(folder):
        band = band_name(path.stem.rpartition("_")[2])
        if band is None or path.suffix.lower() not in _SUFFIXES:
            continue
        if band in found:
            raise TileError(f"has {band} twice: {found[band].name} and {path.name}")
        found[band] = path
    if not found:
        raise TileError("is a folder without bands: GeoTIFFs whose names end in _B02, _B03, …")
    return {band: found[band] for band in BANDS if band in found}


def _files(folder: Path) -> Iterator[Path]:
    try:
        yield from sorted(folder.iterdir())
    except PermissionError as error:
        raise TileError("is a folder that may not be read: permission denied") from error
    except OSError as error:
        raise TileError(f"is a folder that cannot be read: {(error.strerror or str(error)).lower()}") from error


def _is_folder(path: Path) -> bool:
    try:
        return path.is_dir()
    except OSError:
        return False  # whoever opens it hears why


def _sha256(path: Path) -> str:
    digest = hashlib.sha256()
    with opened(path) as file:
        while part := file.read(_PART):
            digest.update(part)
    return digest.hexdigest()
