"""What an index holds already, in a few bytes a tile, so that a run embeds only what is new or changed."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import Enum
from functools import cached_property

import numpy as np
import xxhash
from numpy.typing import NDArray

from msclip_search import catalog
from msclip_search.archives import is_changed, is_unchanged
from msclip_search.ingest.reprocessed import (
    Processing,
    Processings,
    Standing,
    is_newer,
    processing_of,
    read_processings,
)
from msclip_search.store import Snapshot
from msclip_search.tile import TileRecord, Window

NONE = -1
_CHUNKS = 16
"""Sorted chunks that a map keeps before it merges them."""


class RowMap:
    """Row numbers by 64-bit keys, where the key added last counts; 16 bytes a key.

    Two keys of 10⁷ collide with a probability of 3 · 10⁻⁶.
    """

    __slots__ = ("_chunks",)

    def __init__(self) -> None:
        self._chunks: list[tuple[NDArray[np.uint64], NDArray[np.int64]]] = []

    def add(self, keys: Sequence[int], rows: NDArray[np.int64]) -> None:
        """Add keys, each with its row."""
        if len(keys):
            self._chunks.append(_sorted(np.array(keys, dtype=np.uint64), rows))
        if len(self._chunks) > _CHUNKS:
            merged = [np.concatenate(column) for column in zip(*self._chunks, strict=True)]
            self._chunks = [_sorted(merged[0], merged[1])]

    def get(self, key: int) -> int:
        """Return the row of a key, −1 where there is none."""
        wanted = np.uint64(key)
        for keys, rows in reversed(self._chunks):
            at = int(np.searchsorted(keys, wanted))
            if at < len(keys) and keys[at] == wanted:
                return int(rows[at])
        return NONE


def _sorted(keys: NDArray[np.uint64], rows: NDArray[np.int64]) -> tuple[NDArray[np.uint64], NDArray[np.int64]]:
    """Sort by key, of equal ones the last added only."""
    order = np.argsort(keys, kind="stable")
    keys, rows = keys[order], rows[order]
    last = np.append(keys[1:] != keys[:-1], True)
    return keys[last], rows[last]


class Fate(Enum):
    """What is to become of a tile that was read."""

    NEW = "goes into the index"
    DUPLICATE = "stands in the index already, from another source that is still there"
    SUPERSEDED = "a newer processing of the same acquisition stands in the index"
    DOUBTFUL = "superseded, unless the file of the newer processing turns out to hold something else now"


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What is to become of a tile, and of the index by it."""

    fate: Fate
    replaces: tuple[int, ...] = ()
    """Rows of the index that are out of date by it."""
    vector: int = NONE
    """Row whose vector is its own too; −1: it is to be embedded."""
    labels: tuple[str, ...] = ()
    """Those of the row that it takes the place of."""


@dataclass(frozen=True, slots=True)
class Settlement:
    """Which of the tiles that are to be committed together stand, now that all are embedded."""

    stand: list[bool]
    """Those that do not have a newer processing beside them, or in an earlier commit of the run."""
    labels: list[tuple[str, ...]]
    """Of each tile: its own, or what the processings before it leave it."""
    superseded: tuple[int, ...]
    """Rows of the index that are older processings of those that stand."""


class Known:
    """The live tiles of an index: by source, by place and by content.

    Parameters
    ----------
    snapshot
        The index at the beginning of the run.
    with_labels
        Whether the run knows labels: a tile whose labels differ from those stored has changed then.
    """

    def __init__(self, snapshot: Snapshot, *, with_labels: bool) -> None:
        self._snapshot = self._now = snapshot
        self._with_labels = with_labels
        self._on_the_way: set[str] = set()
        self._unchanged, self._tiles, self._reusable, self._places = RowMap(), RowMap(), RowMap(), RowMap()
        live = snapshot.live
        for start, batch in snapshot.columns(["tile_id", "source", "window", "fingerprint", "labels"]):
            columns = [batch.column(name).to_pylist() for name in batch.schema.names]
            rows = np.arange(start, start + batch.num_rows, dtype=np.int64)
            keep = live[rows] if live is not None else np.ones(len(rows), dtype=np.bool_)
            entries = [
                (tile_id, source, Window(**window), fingerprint, tuple(labels))
                for (tile_id, source, window, fingerprint, labels), wanted in zip(
                    zip(*columns, strict=True), keep, strict=True
                )
                if wanted
            ]
            self._add(entries, rows[keep])

    def unchanged(self, source: str, fingerprint: str, labels: tuple[str, ...]) -> bool:
        """Tell whether a source stands in the index just as it is now."""
        return self._unchanged.get(self._state(source, fingerprint, labels)) != NONE

    def judge(self, record: TileRecord, *, last: bool = False) -> Verdict:
        """Decide what is to become of a tile; one that is new is on its way into the index from now on.

        Parameters
        ----------
        record
            Of the tile.
        last
            Whether all else of the archive has been read and committed: then nothing is doubtful.
        """
        same = self._tiles.get(key_of(record.tile_id))
        before = self._places.get(key_of(record.source, _place(record.window)))
        read_alike = self._reusable.get(key_of(record.tile_id, _treatment(record.fingerprint)))
        # Content that was read in another way (other bands, another offset) is no duplicate: the user has corrected it.
        if record.tile_id in self._on_the_way or (same != NONE and read_alike == same and self._is_taken(same, before)):
            return Verdict(fate=Fate.DUPLICATE, replaces=tuple({before} - {same, NONE}))
        outdated = tuple({same, before} - {NONE})
        fate = self._compare(record, outdated, last=last)
        if fate is Fate.DOUBTFUL:
            return Verdict(fate=fate)
        if fate is Fate.SUPERSEDED:
            return Verdict(fate=fate, replaces=outdated)
        self._on_the_way.add(record.tile_id)
        return Verdict(
            fate=fate,
            replaces=outdated,
            vector=NONE if same == NONE else read_alike,
            labels=() if self._with_labels else self._labels(before if before != NONE else same),
        )

    def settle(self, records: Sequence[TileRecord]) -> Settlement:
        """Decide which of some tiles stand, and which rows they supersede.

        It is done with all that are committed together, since nobody knows before whether a tile can be embedded: one
        that cannot must not have kept an older one out.
        """
        found = [processing_of(record) for record in records]
        together: dict[int, list[int]] = {}
        for at, one in enumerate(found):
            if one:
                together.setdefault(one.acquisition, []).append(at)
        stand, labels = [True] * len(records), [record.labels for record in records]
        superseded: set[int] = set()
        for acquisition, members in together.items():
            ranks = {at: one.rank for at in members if (one := found[at])}
            rows = self._standing(acquisition)
            came = [each.rank for each in rows if each.row >= self._snapshot.manifest.rows]
            for at, rank in ranks.items():
                stand[at] = not any(is_newer(other, rank) for other in (*ranks.values(), *came))
            for at in members:
                older = [each for each in rows if stand[at] and is_newer(ranks[at], each.rank)]
                superseded.update(each.row for each in older)
                if not (labels[at] or self._with_labels) and stand[at]:
                    beside = [other for other in members if is_newer(ranks[at], ranks[other])]
                    heritage = [(each.rank, self._labels(each.row)) for each in older]
                    heritage += [(ranks[other], records[other].labels) for other in beside]
                    labels[at] = _newest(heritage)
        return Settlement(stand, labels, tuple(superseded))

    def committed(self, records: Sequence[TileRecord], first_row: int, *, passed: Iterable[str], now: Snapshot) -> None:
        """Take note of tiles that have been committed.

        Parameters
        ----------
        records
            Of the tiles.
        first_row
            Row of the first.
        passed
            `tile_id` of those that were on their way and have not been committed, since newer ones stand.
        now
            The index as it is since.
        """
        entries = [(r.tile_id, r.source, r.window, r.fingerprint, r.labels) for r in records]
        rows = np.arange(first_row, first_row + len(records), dtype=np.int64)
        self._add(entries, rows)
        found = [processing_of(record) for record in records]
        if any(found):
            self._processings.add(found, rows)
        self._on_the_way -= {*(record.tile_id for record in records), *passed}
        self._now = now

    @cached_property
    def _processings(self) -> Processings:
        """Read when the first tile comes that shows a known acquisition: archives of anonymous chips have none."""
        return read_processings(self._snapshot)

    def _standing(self, acquisition: int) -> list[Standing]:
        live = self._now.live
        return [one for one in self._processings.of(acquisition) if live is None or live[one.row]]

    def _compare(self, record: TileRecord, outdated: Sequence[int], *, last: bool) -> Fate:
        """Tell whether a newer processing of what a tile shows stands in the index."""
        mine: Processing | None = processing_of(record)
        if mine is None:
            return Fate.NEW
        standing = self._standing(mine.acquisition)
        newer = [one.row for one in standing if is_newer(one.rank, mine.rank) and one.row not in outdated]
        if not newer:
            return Fate.NEW
        return Fate.SUPERSEDED if last or not all(map(self._may_go, newer)) else Fate.DOUBTFUL

    def _may_go(self, row: int) -> bool:
        """Tell whether the source of a row has changed, so that this very run may come to it and delete the row."""
        if row >= self._snapshot.manifest.rows:
            return False
        origin = self._snapshot.origin(row)
        return is_changed(origin.source, origin.fingerprint)

    def _is_taken(self, same: int, before: int) -> bool:
        """Tell whether a content has another source that still has it, or came in this very run."""
        if same >= self._snapshot.manifest.rows:
            return True
        origin = self._snapshot.origin(same) if same != before else None
        return origin is not None and is_unchanged(origin.source, origin.fingerprint)

    def _labels(self, row: int) -> tuple[str, ...]:
        return self._now.origin(row).labels if 0 <= row < self._now.manifest.rows else ()

    def _state(self, source: str, fingerprint: str, labels: tuple[str, ...]) -> int:
        return key_of(source, fingerprint, *([str(catalog.labels_key(labels))] if self._with_labels else []))

    def _add(self, entries: Sequence[tuple[str, str, Window, str, tuple[str, ...]]], rows: NDArray[np.int64]) -> None:
        self._unchanged.add([self._state(source, mark, labels) for _, source, _, mark, labels in entries], rows)
        self._tiles.add([key_of(tile_id) for tile_id, *_ in entries], rows)
        self._reusable.add([key_of(tile_id, _treatment(mark)) for tile_id, _, _, mark, _ in entries], rows)
        self._places.add([key_of(source, _place(at)) for _, source, at, _, _ in entries], rows)


def _newest(heritage: Iterable[tuple[int, tuple[str, ...]]]) -> tuple[str, ...]:
    """Take the labels of the newest processing that has any."""
    labelled = [(rank, labels) for rank, labels in heritage if labels]
    return max(labelled)[1] if labelled else ()


def key_of(*parts: str) -> int:
    """Hash texts to a key of `RowMap`."""
    return xxhash.xxh64_intdigest("\0".join(parts).encode())


def _treatment(fingerprint: str) -> str:
    return fingerprint.partition(" ")[2]


def _place(window: Window) -> str:
    return f"{window.x},{window.y},{window.width},{window.height}"
