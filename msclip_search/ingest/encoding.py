"""Encoding in batches of equal shape, while the next ones are read."""

import time
from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from msclip_search.models import Encoder
from msclip_search.tile import Tile


@dataclass(frozen=True, slots=True)
class Entry:
    """A tile on its way into the index."""

    order: int
    """Its place in the archive."""
    tile: Tile
    replaces: tuple[int, ...] = ()
    """Rows of the index that it takes the place of."""


@dataclass(frozen=True, slots=True)
class Encoded:
    """A batch of tiles with their embeddings."""

    entries: Sequence[Entry]
    vectors: NDArray[np.float16]
    """(tiles, dimension), unit length, as they are stored."""
    seconds: float
    """Time it took, in its thread."""


class Batcher:
    """Gathers tiles of one shape and type into batches, and encodes those in the background.

    Tiles that wait number at most two batches, whatever mixture of shapes arrives; batches under way, as many as the
    encoder can work on at once, and one more.
    """

    def __init__(self, encoder: Encoder) -> None:
        self._encoder = encoder
        self._shelves: dict[tuple[tuple[int, ...], str], list[Entry]] = {}
        self._waiting = 0
        self._pool = ThreadPoolExecutor(encoder.concurrency, thread_name_prefix="encode")
        self._under_way: deque[Future[Encoded]] = deque()

    def add(self, entry: Entry) -> Iterator[Encoded]:
        """Take a tile; yield batches that have been finished, waiting where too many are under way."""
        pixels = entry.tile.pixels
        shelf = self._shelves.setdefault((pixels.shape, pixels.dtype.str), [])
        shelf.append(entry)
        self._waiting += 1
        if len(shelf) >= self._encoder.batch:
            self._submit(shelf)
        elif self._waiting >= 2 * self._encoder.batch:
            self._submit(max(self._shelves.values(), key=len))
        while len(self._under_way) > self._encoder.concurrency + 1 or (self._under_way and self._under_way[0].done()):
            yield self._under_way.popleft().result()

    def finish(self, *, partial: bool = True) -> Iterator[Encoded]:
        """Yield all batches that are under way, and with `partial` those not yet full as well."""
        for shelf in list(self._shelves.values()) if partial else ():
            self._submit(shelf)
        while self._under_way:
            yield self._under_way.popleft().result()

    def close(self) -> None:
        """Let the batch under way end, and throw away the others."""
        self._pool.shutdown(wait=True, cancel_futures=True)

    def _submit(self, shelf: list[Entry]) -> None:
        if shelf:
            self._under_way.append(self._pool.submit(encode, self._encoder, tuple(shelf)))
            self._waiting -= len(shelf)
            shelf.clear()
        if len(self._shelves) > self._encoder.batch:
            self._shelves = {key: kept for key, kept in self._shelves.items() if kept}


def encode(encoder: Encoder, entries: Sequence[Entry]) -> Encoded:
    """Encode tiles of one shape into vectors as they are stored."""
    begun = time.perf_counter()
    vectors = encoder.encode_tiles(np.stack([entry.tile.pixels for entry in entries])).astype(np.float16)
    return Encoded(entries, vectors, time.perf_counter() - begun)
