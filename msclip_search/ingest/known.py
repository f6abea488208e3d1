"""What an index holds already, in a few bytes a tile, so that a run embeds only what is new or changed."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import xxhash
from numpy.typing import NDArray

from msclip_search import catalog
from msclip_search.archives import is_unchanged
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


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What is to become of a tile that was read."""

    duplicate: bool
    """Its content stands in the index already, for another source that is still there."""
    replaces: tuple[int, ...]
    """Rows of the index that are out of date by it."""
    vector: int = NONE
    """Row whose vector is its own too; −1: it is to be embedded."""
    labels: tuple[str, ...] = ()
    """Those of the row that it takes the place of."""


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
        self._snapshot = snapshot
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

    def judge(self, record: TileRecord) -> Verdict:
        """Decide what is to become of a tile; one that is no duplicate is on its way into the index from now on."""
        same = self._tiles.get(_key(record.tile_id))
        before = self._places.get(_key(record.source, _place(record.window)))
        read_alike = self._reusable.get(_key(record.tile_id, _treatment(record.fingerprint)))
        # Content that was read in another way (other bands, another offset) is no duplicate: the user has corrected it.
        if record.tile_id in self._on_the_way or (same != NONE and read_alike == same and self._is_taken(same, before)):
            return Verdict(duplicate=True, replaces=tuple({before} - {same, NONE}))
        self._on_the_way.add(record.tile_id)
        return Verdict(
            duplicate=False,
            replaces=tuple({same, before} - {NONE}),
            vector=NONE if same == NONE else read_alike,
            labels=() if self._with_labels else self._labels(before if before != NONE else same),
        )

    def committed(self, records: Sequence[TileRecord], first_row: int) -> None:
        """Take note of tiles that have been committed."""
        entries = [(r.tile_id, r.source, r.window, r.fingerprint, r.labels) for r in records]
        self._add(entries, np.arange(first_row, first_row + len(records), dtype=np.int64))
        self._on_the_way -= {record.tile_id for record in records}

    def _is_taken(self, same: int, before: int) -> bool:
        """Tell whether a content has another source that still has it, or came in this very run."""
        if same >= self._snapshot.manifest.rows:
            return True
        origin = self._snapshot.origin(same) if same != before else None
        return origin is not None and is_unchanged(origin.source, origin.fingerprint)

    def _labels(self, row: int) -> tuple[str, ...]:
        return self._snapshot.origin(row).labels if 0 <= row < self._snapshot.manifest.rows else ()

    def _state(self, source: str, fingerprint: str, labels: tuple[str, ...]) -> int:
        return _key(source, fingerprint, *([str(catalog.labels_key(labels))] if self._with_labels else []))

    def _add(self, entries: Sequence[tuple[str, str, Window, str, tuple[str, ...]]], rows: NDArray[np.int64]) -> None:
        self._unchanged.add([self._state(source, mark, labels) for _, source, _, mark, labels in entries], rows)
        self._tiles.add([_key(tile_id) for tile_id, *_ in entries], rows)
        self._reusable.add([_key(tile_id, _treatment(mark)) for tile_id, _, _, mark, _ in entries], rows)
        self._places.add([_key(source, _place(at)) for _, source, at, _, _ in entries], rows)


def _key(*parts: str) -> int:
    return xxhash.xxh64_intdigest("\0".join(parts).encode())


def _treatment(fingerprint: str) -> str:
    return fingerprint.partition(" ")[2]


def _place(window: Window) -> str:
    return f"{window.x},{window.y},{window.width},{window.height}"
