"""Files as example tiles: read as the tiles of the index were."""

import logging
import os
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from msclip_search.archives import ChipArchive, PatchArchive, Reading
from msclip_search.archives.chips import parse_treatment
from msclip_search.bands import band_name
from msclip_search.errors import MsclipError, QueryError, TileError
from msclip_search.models import ModelSpec
from msclip_search.pairing import is_elsewhere
from msclip_search.store import Snapshot
from msclip_search.tile import Tile

logger = logging.getLogger(__name__)

_LIST = ".txt"


class TileFiles:
    """Reads files as an index would, in the ways in which its own were read.

    Files that do not name their bands get those that the user named when the index was made, and an offset that was
    given then is added to them too. Where the tiles of the index were not all read in one way, a file is read as it
    is, or, where it cannot be, in the most common of the other ways that fits.

    Parameters
    ----------
    snapshot
        The index.

    Raises
    ------
    QueryError
        There is no model here that could embed what is read.
    """

    def __init__(self, snapshot: Snapshot) -> None:
        if is_elsewhere(snapshot.manifest.model):
            raise QueryError(
                f"The index {snapshot.layout.root} holds vectors of {snapshot.manifest.model['spec']['name']}, made "
                "elsewhere, and there is no such model here that could embed a file: name a tile_id of the index, or "
                "LON,LAT of a place."
            )
        self._readings = _readings(snapshot)

    def read(self, word: str) -> Tile:
        """Read a file, or a folder with a file a band.

        Raises
        ------
        QueryError
            It is no tile, or its bands are unknown or not enough.
        """
        return _tile(word, self._readings)

    def warn(self, word: str) -> None:
        """Say so where a file might have been read otherwise."""
        if len(self._readings) > 1:
            logger.warning(
                "The tiles of the index were read in %d ways (%s); %s was read in the first of them that fits.",
                len(self._readings),
                "; ".join(reading.treatment for reading in self._readings),
                word,
            )


def is_there(word: str) -> bool:
    """Tell whether there is a file to be read, or to fail with a reason of its own."""
    try:
        Path(word).lstat()
    except PermissionError:
        return True
    except (OSError, ValueError):  # the latter: a name with a NUL in it
        return False
    return True


def _readings(snapshot: Snapshot) -> list[Reading]:
    """List the ways in which the tiles of an index were read: as they are first, then the most common."""
    spec = ModelSpec.from_dict(snapshot.manifest.model["spec"])
    said: Counter[str] = Counter()
    for start, batch in snapshot.columns(["fingerprint"]):
        live = None if snapshot.live is None else snapshot.live[start : start + batch.num_rows].tolist()
        for at, fingerprint in enumerate(batch.column(0).to_pylist()):
            if live is None or live[at]:
                said[fingerprint.partition(" ")[2]] += 1
    plain = Reading(want=spec.bands, substitutes=spec.substitutes)
    readings = dict.fromkeys(found for way, _ in said.most_common() if (found := _reading(plain, way)))
    return sorted(readings, key=lambda reading: reading != plain) or [plain]


def _reading(plain: Reading, treatment: str) -> Reading | None:
    """Tell how tiles of a treatment were read; None where it says nothing of that: an import may bring any text."""
    try:
        layout = parse_treatment(treatment)
        if layout and not all(map(band_name, layout)):
            return None
        return replace(plain, layout=layout, offset=_offset(treatment))
    except (ValueError, MsclipError):
        return None


def _offset(treatment: str) -> float | None:
    """Return the offset that the user had given, of a treatment as a fingerprint keeps it: see `Reading.treatment`."""
    words = dict(word.partition("=")[::2] for word in treatment.split("+"))
    return float(words["offset"]) if "offset" in words else None


def _tile(word: str, readings: Sequence[Reading]) -> Tile:
    """Read a file, or a folder with a file a band, in the first way that it allows."""
    path = Path(os.path.abspath(word))  # noqa: PTH100 - Path.resolve would follow links
    if path.suffix.lower() == _LIST:
        raise QueryError(f"The example {word} is a list or a text, and an example is one tile: name its file.")
    is_folder = _is_folder(path, word)
    refusals: list[TileError] = []
    for reading in readings:
        archive = PatchArchive((path,), reading) if is_folder else ChipArchive((path,), reading)
        try:
            ((tile,),) = (item.read() for item in archive.items())
        except TileError as error:
            refusals.append(error)
        else:
            return tile
    way_out = " An example takes no --bands: index the file, then name its tile_id." * ("--bands" in str(refusals[0]))
    raise QueryError(f"The example {word} {refusals[0]}.{way_out}") from refusals[0]


def _is_folder(path: Path, word: str) -> bool:
    try:
        return path.is_dir()
    except OSError as error:
        raise QueryError(
            f"The example {word} may not be looked at ({error.strerror}): name another, or ask its owner."
        ) from error
