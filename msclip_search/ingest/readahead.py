"""Reading ahead: a few threads read items while others are encoded, and hand them over in order."""

import time
from collections import deque
from collections.abc import Callable, Generator, Iterable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass

from msclip_search.archives import Item
from msclip_search.errors import TileError
from msclip_search.tile import Tile


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What became of reading one item."""

    source: str
    tiles: Sequence[Tile] = ()
    failure: str | None = None
    """Why it could not be read; None when it could."""
    seconds: float
    """Time it took, in its thread."""


def read_ahead(items: Iterable[Item], *, threads: int, depth: int, stopped: Callable[[], bool]) -> Generator[Outcome]:
    """Read items in threads, at most `depth` ahead, and yield what came of them in the order of the items.

    Parameters
    ----------
    items
        What to read; pulled from in the caller's thread, and no further ahead than `depth`.
    threads
        Reading at once: GDAL and zlib work outside the interpreter's lock.
    depth
        Items that are read or waiting at most, which bounds the memory.
    stopped
        Asked before each item; true ends the stream, and what is being read is thrown away.
    """
    waiting: deque[Future[Outcome]] = deque()
    source = iter(items)
    with ThreadPoolExecutor(threads, thread_name_prefix="read") as pool:
        try:
            more = True
            while more or waiting:
                while more and len(waiting) < depth and not stopped():
                    if (item := next(source, None)) is None:
                        more = False
                    else:
                        waiting.append(pool.submit(_read, item))
                if stopped():
                    return
                if waiting:
                    yield waiting.popleft().result()
        finally:
            pool.shutdown(wait=True, cancel_futures=True)


def _read(item: Item) -> Outcome:
    begun = time.perf_counter()
    try:
        tiles, failure = item.read(), None
    except TileError as error:
        tiles, failure = (), str(error)
    except Exception as error:  # noqa: BLE001
        # A file can be broken in ways that no reader foresaw, and must not end a run of many hours.
        tiles, failure = (), f"cannot be read ({type(error).__name__}: {error})"
    return Outcome(source=item.source, tiles=tiles, failure=failure, seconds=time.perf_counter() - begun)
