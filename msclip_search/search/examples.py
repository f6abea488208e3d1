"""Example tiles of questions: found in the index, or read from a file."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from msclip_search.errors import QueryError, TileError
from msclip_search.models import Encoder
from msclip_search.search.spots import is_spot, tile_at
from msclip_search.store import Snapshot
from msclip_search.tile import Tile

SHORTEST = 8
"""Characters of a `tile_id` that may stand for all of it."""


@dataclass(frozen=True, slots=True, eq=False)
class Found:
    """The tile that an example names: a row of the index, or what was read from a file."""

    row: int | None = None
    tile_id: str | None = None
    """Its name in the index."""
    tile: Tile | None = None
    """What was read, where the index does not hold it."""


def find_examples(snapshot: Snapshot, named: Iterable[str]) -> Mapping[str, Found]:
    """Find the tiles that examples name, each by the first of these that it is.

    1. "LON,LAT": the tile that shows this place best.
    2. The `tile_id` of a tile of the index.
    3. A file (or a folder with a file a band): its tile in the index where its content stands there, else what is read.
    4. The beginning of one `tile_id`, of 8 characters or more.

    Raises
    ------
    QueryError
        There is no such tile, there are several, or a file cannot be read as one.
    IndexDamaged, StorageError
        A sidecar cannot be read.
    """
    words = list(dict.fromkeys(named))
    spots = [word for word in words if is_spot(word)]
    rows = rows_of(snapshot, [word for word in words if word not in spots])
    found = {word: Found(row, word) for word, row in rows.items()}
    found |= {word: Found(*tile_at(snapshot, word)) for word in spots}
    found |= _read(snapshot, [word for word in words if word not in found])
    return found | {word: _beginning(snapshot, word) for word in words if word not in found}


def vectors_of(
    snapshot: Snapshot, found: Mapping[str, Found], encoder: Callable[[], Encoder]
) -> Mapping[str, NDArray[np.float32]]:
    """Return the vector of each example, (dimension,): the stored one where there is one, else encoded.

    Parameters
    ----------
    snapshot, found
        See `find_examples`.
    encoder
        Gives the model of the index; asked only where a tile has to be encoded.

    Raises
    ------
    QueryError
        The model refuses a tile.
    ModelError
        It cannot be loaded.
    """
    vectors: dict[str, NDArray[np.float32]] = {}
    for word, example in found.items():
        if example.row is not None:
            vectors[word] = snapshot.vectors.take(np.array([example.row], dtype=np.int64))[0]
        elif example.tile is not None:
            try:
                vectors[word] = encoder().encode_tiles(example.tile.pixels[np.newaxis])[0]  # type: ignore[arg-type]
            except TileError as error:
                raise QueryError(f"The example {word} {error}.") from error
    return vectors


def rows_of(snapshot: Snapshot, tile_ids: Sequence[str]) -> dict[str, int]:
    """Find the rows of tiles by their names; a name that no live tile has is left out."""
    rows: dict[str, int] = {}
    if not tile_ids:
        return rows
    for start, batch in snapshot.columns(["tile_id"]):
        column = batch.column(0)
        for tile_id in tile_ids:
            at = column.index(tile_id).as_py()
            while at >= 0 and snapshot.live is not None and not snapshot.live[start + at]:
                at = column.index(tile_id, at + 1).as_py()
            if at >= 0:
                rows[tile_id] = start + at
    return rows


def _read(snapshot: Snapshot, words: Sequence[str]) -> dict[str, Found]:
    """Read the tiles that words name as files; what the index holds of them is taken from there."""
    if not words:
        return {}
    from msclip_search.search.files import TileFiles, is_there  # here, since most examples stand in the index

    if not (named := [word for word in words if is_there(word)]):
        return {}
    files = TileFiles(snapshot)
    tiles = {word: files.read(word) for word in named}
    rows = rows_of(snapshot, list({tile.record.tile_id for tile in tiles.values()}))
    found = {}
    for word, tile in tiles.items():
        tile_id = tile.record.tile_id
        if tile_id in rows:
            found[word] = Found(row=rows[tile_id], tile_id=tile_id)
        else:
            files.warn(word)
            found[word] = Found(tile=tile)
    return found


def _beginning(snapshot: Snapshot, word: str) -> Found:
    """Find the one tile whose name begins so."""
    live = snapshot.live
    found: Found | None = None  # and not all of them: as many may begin so as the index has
    others = 0
    for start, batch in snapshot.columns(["tile_id"]) if len(word) >= SHORTEST else ():
        for row, tile_id in enumerate(batch.column(0).to_pylist(), start):
            if tile_id.startswith(word) and (live is None or live[row]):
                found = found or Found(row, tile_id)
                others += tile_id != found.tile_id
    if others:
        raise QueryError(f"{others + 1:,} tiles of the index have a tile_id that begins with {word}: write more of it.")
    if found:
        return found
    raise QueryError(
        f"The example {word} is no file, no tile of the index {snapshot.layout.root} and no place: name a file, a "
        f"tile_id or its first {SHORTEST} characters or more, or a place as LON,LAT."
    )
