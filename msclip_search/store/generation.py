"""A generation of the ANN index: what it is made of, and how it is written."""

import io
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from msclip_search.store.durable import sync_folder, write_file, write_with
from msclip_search.store.layout import Layout
from msclip_search.store.manifest import AnnEntry


@dataclass(frozen=True, slots=True, kw_only=True)
class AnnFiles:
    """What a generation of the ANN index is made of."""

    kind: str
    factory: str
    nlist: int
    nprobe: int
    runs: NDArray[np.int64]
    """(runs, 3): segment number, first row in it, rows; in the order of FAISS's ids."""
    sample: NDArray[np.float16]
    """Vectors drawn evenly, (≤ 8,192, dimension)."""
    save: Callable[[Path], None]
    """Writes the FAISS index to a path."""


def write_generation(layout: Layout, number: int, files: AnnFiles) -> AnnEntry:
    """Write a generation into its folder, which is there, and bring it to the disk."""
    entries = (
        write_with(layout.faiss(number), files.save, root=layout.root),
        write_file(layout.positions(number), npy_bytes(files.runs), root=layout.root),
        write_file(layout.sample(number), npy_bytes(files.sample), root=layout.root),
    )
    sync_folder(layout.generation(number))
    sync_folder(layout.ann)
    return AnnEntry(
        generation=number,
        kind=files.kind,
        factory=files.factory,
        nlist=files.nlist,
        nprobe=files.nprobe,
        rows=int(files.runs[:, 2].sum()),
        files=entries,
    )


def npy_bytes(array: NDArray[Any]) -> memoryview:
    """Encode an array as `.npy`, little-endian."""
    sink = io.BytesIO()
    np.save(sink, np.ascontiguousarray(array, dtype=array.dtype.newbyteorder("<")), allow_pickle=False)
    return sink.getbuffer()
