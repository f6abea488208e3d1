"""Encoding in batches of equal shape, while the next ones are read."""

import time
from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from msclip_search.errors import TileError
from msclip_search.models import Encoder
from msclip_search.tile import Tile, TileRecord


@dataclass(frozen=True, slots=True)
class Entry:
    """A tile on its way into the index, without its pixels: it waits for its commit among thousands."""

    order: int
    """Its place in the archive."""
    record: TileRecord
    replaces: tuple[int, ...] = ()
    """Rows of the index that it takes the place of."""


@dataclass(frozen=True, slots=True)
class Encoded:
    """A batch of tiles with their embeddings."""

    entries: Sequence[Entry]
    vectors: NDArray[np.float16]
    """(tiles, dimension), unit length, as they are stored; NaN where the model refuses the tiles."""
    seconds: float
    """Time it took, in its thread."""
    refusal: str | None = None
    """Why the model refuses them."""


@dataclass(slots=True)
class _Shelf:
    """Tiles of one shape and type that wait for a batch to be full."""

    entries: list[Entry]
    pixels: list[NDArray[np.generic]]


class Batcher:
    """Gathers tiles of one shape and type into batches, and encodes those in the background.

    Tiles that wait number at most two batches, whatever mixture of shapes arrives; batches under way, as many as the
    encoder can work on at once, and two more.
    """

    def __init__(self, encoder: Encoder) -> None:
        self._encoder = encoder
        self._shelves: dict[tuple[tuple[int, ...], str], _Shelf] = {}
        self._waiting = 0
        self._pool = ThreadPoolExecutor(encoder.concurrency, thread_name_prefix="encode")
        self._under_way: deque[Future[Encoded]] = deque()

    def add(self, entry: Entry, tile: Tile) -> Iterator[Encoded]:
        """Take a tile; yield batches that have been finished, waiting where too many are under way."""
        key = (tile.pixels.shape, tile.pixels.dtype.str)
        shelf = self._shelves.setdefault(key, _Shelf([], []))
        shelf.entries.append(entry)
        shelf.pixels.append(tile.pixels)
        self._waiting += 1
        if len(shelf.entries) >= self._encoder.batch:
            self._submit(key)
        elif self._waiting >= 2 * self._encoder.batch:
            self._submit(max(self._shelves, key=lambda other: len(self._shelves[other].entries)))
        while len(self._under_way) > self._encoder.concurrency + 1 or (self._under_way and self._under_way[0].done()):
            yield self._under_way.popleft().result()

    def finish(self, *, partial: bool = True) -> Iterator[Encoded]:
        """Yield all batches that are under way, and with `partial` those not yet full as well."""
        for key in list(self._shelves) if partial else ():
            self._submit(key)
        while self._under_way:
            yield self._under_way.popleft().result()

    def close(self) -> None:
        """Let the batch under way end, and throw away the others."""
        self._pool.shutdown(wait=True, cancel_futures=True)

    def _submit(self, key: tuple[tuple[int, ...], str]) -> None:
        shelf = self._shelves.pop(key)
        self._waiting -= len(shelf.entries)
        self._under_way.append(self._pool.submit(encode, self._encoder, shelf.entries, shelf.pixels))


def encode(encoder: Encoder, entries: Sequence[Entry], pixels: list[NDArray[np.generic]]) -> Encoded:
    """Encode tiles of one shape into vectors as they are stored.

    Parameters
    ----------
    encoder
        The model.
    entries
        Of the tiles.
    pixels
        Their pixels, (bands, height, width) each; the list is emptied, so that they are in memory once.
    """
    begun = time.perf_counter()
    stacked = np.stack(pixels)
    pixels.clear()
    try:
        vectors, refusal = encoder.encode_tiles(stacked).astype(np.float16), None
    except TileError as error:
        vectors, refusal = np.full((len(entries), encoder.spec.dimension), np.nan, np.float16), str(error)
    return Encoded(entries, vectors, time.perf_counter() - begun, refusal)
