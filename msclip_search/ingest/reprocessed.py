"""Acquisitions that were processed more than once: which tiles show one, and which of them is the newest.

An acquisition is known by cell, platform, sensing time, level and MGRS tile, all of them. Of two tiles of one, the
newer is that of the higher processing baseline. At equal baselines it is the one generated later, where both carry the
full name of their product and neither has a gap: two products of one data take may each hold a part of a tile, and
neither part may go for the other's sake.
"""

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC
from typing import TypeAlias

import numpy as np
import xxhash
from numpy.typing import NDArray

from msclip_search.archives import product_in
from msclip_search.store import Snapshot
from msclip_search.tile import TileRecord

_USER = 9999
"""The baseline of what users process themselves: it says nothing of newer or older."""
_GENERATED = 46
"""Bits for the time of generation, as the number 20230608170800; 0 where it does not count. The baseline is above."""
_LATEST = (1 << _GENERATED) - 1
_CHUNKS = 16
_PLACE = ("cell_id", "platform", "level", "mgrs_tile")
_COLUMNS = ("product_id", "baseline", "nodata", *_PLACE)
_Chunk: TypeAlias = tuple[NDArray[np.uint64], NDArray[np.uint64], NDArray[np.int64]]  # keys, ranks, rows
_EPOCH, _SECOND = dt.datetime(1970, 1, 1, tzinfo=UTC), dt.timedelta(seconds=1)


@dataclass(frozen=True, slots=True)
class Processing:
    """One processing of an acquisition."""

    acquisition: int
    """64-bit key."""
    rank: int
    """To be compared by `is_newer` alone, and within one acquisition."""


@dataclass(frozen=True, slots=True)
class Standing:
    """A row of the index that shows an acquisition."""

    row: int
    rank: int


def processing_of(record: TileRecord) -> Processing | None:
    """Tell which acquisition a tile shows, and how newly processed; None where not all of it is known."""
    seconds = _seconds(record.datetime) if record.datetime else None
    return _processing(seconds, *(getattr(record, name) for name in _COLUMNS))


def is_newer(rank: int, other: int) -> bool:
    """Tell whether a processing takes the place of another: never of one that it cannot be compared with."""
    baseline, beside = rank >> _GENERATED, other >> _GENERATED
    if baseline != beside:
        return baseline > beside
    generated, before = rank & _LATEST, other & _LATEST
    return 0 < before < generated


class Processings:
    """Rows by the acquisition that they show; 24 bytes a row."""

    __slots__ = ("_chunks",)

    def __init__(self) -> None:
        self._chunks: list[_Chunk] = []

    def add(self, found: Sequence[Processing | None], rows: NDArray[np.int64]) -> None:
        """Add rows, each with its processing; those that show no acquisition are left out."""
        known = [one for one in found if one is not None]
        if not known:
            return
        keys = np.array([one.acquisition for one in known], dtype=np.uint64)
        ranks = np.array([one.rank for one in known], dtype=np.uint64)
        self._chunks.append(_sorted(keys, ranks, rows[[one is not None for one in found]]))
        if len(self._chunks) > _CHUNKS:
            merged = [np.concatenate(column) for column in zip(*self._chunks, strict=True)]
            self._chunks = [_sorted(merged[0], merged[1], merged[2])]

    def of(self, acquisition: int) -> list[Standing]:
        """Return the rows of an acquisition, whatever has become of them since."""
        wanted = np.uint64(acquisition)
        found = []
        for keys, ranks, rows in self._chunks:
            at = int(np.searchsorted(keys, wanted))
            while at < len(keys) and keys[at] == wanted:
                found.append(Standing(int(rows[at]), int(ranks[at])))
                at += 1
        return found


def read_processings(snapshot: Snapshot) -> Processings:
    """Read which acquisitions the live rows of an index show."""
    found, live = Processings(), snapshot.live
    for start, batch in snapshot.columns([*_COLUMNS, "datetime"]):
        rows = np.arange(start, start + batch.num_rows, dtype=np.int64)
        told = [batch.column(name).to_pylist() for name in _COLUMNS]
        times = batch.column("datetime").cast("int64").to_pylist()  # as dates they take as long as all the rest
        seconds = [None if time is None else time // 1_000_000 for time in times]
        processings = [_processing(*values) for values in zip(seconds, *told, strict=True)]
        keep = np.ones(len(rows), dtype=np.bool_) if live is None else live[rows]
        found.add([one for one, wanted in zip(processings, keep, strict=True) if wanted], rows[keep])
    return found


def _processing(
    seconds: int | None, product: str | None, baseline: str | None, nodata: float | None, *place: str | None
) -> Processing | None:
    number = _number(baseline)
    if not number or not all(place):
        return None
    name = product_in(product) if product else None
    # The name's time is the same in every processing; what tags say may be to the millisecond, or of the tile's middle.
    sensed = _seconds(name.sensed) if name else seconds
    if sensed is None:
        return None
    generated = int(name.generated.replace("T", "")) if name and nodata == 0 else 0
    key = xxhash.xxh64_intdigest(f"{place}\0{sensed}".encode())
    return Processing(key, number << _GENERATED | generated)


def _seconds(time: dt.datetime) -> int:
    """Return whole seconds since 1970, cut off as in a product's name."""
    return (time - _EPOCH) // _SECOND


def _number(baseline: str | None) -> int:
    """Return a baseline as a number that can be compared, 509 for "05.09"; 0 where there is none."""
    digits = (baseline or "").replace(".", "")
    number = int(digits) if digits.isascii() and digits.isdecimal() and len(digits) == 4 else 0
    return 0 if number == _USER else number


def _sorted(keys: NDArray[np.uint64], ranks: NDArray[np.uint64], rows: NDArray[np.int64]) -> _Chunk:
    order = np.argsort(keys, kind="stable")
    return keys[order], ranks[order], rows[order]
