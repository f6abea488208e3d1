"""Pixel masks of tags in a Parquet file: a row a tile and tag, eight pixels a byte."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

_SCHEMA = pa.schema(
    [
        pa.field("file", pa.string(), nullable=False),
        pa.field("tag", pa.string(), nullable=False),
        pa.field("share", pa.float32(), nullable=False),
        pa.field("height", pa.int32(), nullable=False),
        pa.field("width", pa.int32(), nullable=False),
        pa.field("mask", pa.binary(), nullable=False),
    ]
)


@dataclass(frozen=True, slots=True)
class PackedMask:
    """Where a tag holds in a tile."""

    file: str
    """Path of the tile, relative to the table."""
    tag: str
    share: float
    """Of the tile's pixels, 0 to 1."""
    height: int
    width: int
    mask: bytes
    """Row by row, eight pixels a byte, the first one in the highest bit."""


def pack_mask(file: str, tag: str, mask: NDArray[np.bool_]) -> PackedMask:
    """Pack a mask, (height, width)."""
    height, width = mask.shape
    return PackedMask(file, tag, np.count_nonzero(mask) / mask.size, height, width, np.packbits(mask).tobytes())


class MaskWriter:
    """Writes masks into a Parquet file as they come."""

    def __init__(self, path: Path) -> None:
        self._writer = pq.ParquetWriter(path, _SCHEMA, compression="zstd")

    def write(self, masks: Iterable[PackedMask]) -> None:
        """Write a group of rows."""
        rows = [{name: getattr(mask, name) for name in _SCHEMA.names} for mask in masks]
        if rows:
            self._writer.write_table(pa.Table.from_pylist(rows, _SCHEMA))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._writer.close()


def read_masks(path: Path, file: str) -> dict[str, NDArray[np.bool_]]:
    """Read the masks of a tile: for each of its tags (height, width).

    Parameters
    ----------
    path
        The Parquet file.
    file
        Path of the tile as the file has it.
    """
    rows = pq.read_table(path, filters=[("file", "==", file)]).to_pylist()
    return {row["tag"]: _unpacked(row["mask"], row["height"], row["width"]) for row in rows}


def _unpacked(packed: bytes, height: int, width: int) -> NDArray[np.bool_]:
    bits = np.unpackbits(np.frombuffer(packed, np.uint8), count=height * width)
    return bits.reshape(height, width).astype(np.bool_)
