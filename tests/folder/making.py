"""Tiles, records, vectors and indexes to test with, and an index read by its documented layout alone."""

import contextlib
import json
import os
import threading
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import rasterio
from numpy.typing import NDArray

from msclip_search import Pace, Report, models
from msclip_search.archives import ChipArchive, Labels, Reading
from msclip_search.geometry import footprint
from msclip_search.indexes import Kind, Plan
from msclip_search.ingest import Progress, ingest
from msclip_search.models import Encoder, ModelSpec, WeightsFile
from msclip_search.models.base import Embeddings, Pixels
from msclip_search.pairing import describe_model
from msclip_search.raster import write_chip
from msclip_search.store import Layout, Writer, open_writer
from msclip_search.tile import TileRecord, Window

ENCODER = models.load("untrained")
SPEC = ENCODER.spec
BANDS = SPEC.bands
MODEL = describe_model(ENCODER)
QUICK_PLAN = Plan("ivfpq", "for tests", factory="IVF16,PQ8", nlist=16, nprobe=4, training_rows=9984)
"""Trained in a second, where what `choose` says for ten thousand rows takes twelve."""
NONE_DELETED = np.empty(0, dtype=np.int64)


class Counting:
    """The untrained model, which counts what it encodes and can be told to fail."""

    def __init__(self, *, batch: int = 256, concurrency: int = 1) -> None:
        self.spec: ModelSpec = SPEC
        self.weights: WeightsFile | None = ENCODER.weights
        self.fingerprint = ENCODER.fingerprint
        self.trained_on: frozenset[str] | None = None
        self.batch = batch
        self.concurrency = concurrency
        self.tiles = 0
        self.shapes: list[tuple[int, ...]] = []
        self._lock = threading.Lock()

    def encode_tiles(self, pixels: Pixels) -> Embeddings:
        with self._lock:
            self.tiles += len(pixels)
            self.shapes.append(pixels.shape)
        return ENCODER.encode_tiles(pixels)

    def encode_texts(self, texts: Sequence[str]) -> Embeddings:
        return ENCODER.encode_texts(texts)

    def first_word_cut(self, text: str) -> tuple[int, str] | None:
        return ENCODER.first_word_cut(text)


def pixels_of(seed: int, *, size: int = 8, dtype: str = "uint16") -> NDArray[Any]:
    """Ten bands of noise: (10, size, size)."""
    return np.random.default_rng(seed).integers(100, 9000, (len(BANDS), size, size)).astype(dtype)


def write_tile(path: Path, seed: int, *, size: int = 8, dtype: str = "uint16") -> Path:
    """Write a GeoTIFF; the same seed always gives the same content, wherever it is written."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.unlink(missing_ok=True)
    west, north = 400_000 + 80 * (seed % 1000), 5_000_000 - 80 * (seed // 1000)
    write_chip(path, pixels_of(seed, size=size, dtype=dtype), bands=BANDS, crs="EPSG:32632", west=west, north=north)
    return path


def write_arrays(folder: Path, seeds: Sequence[int], *, size: int = 8) -> list[Path]:
    """Write tiles as `.npy`, which is faster: one a seed, in the order of the seeds."""
    folder.mkdir(parents=True, exist_ok=True)
    paths = [folder / f"{seed:06d}.npy" for seed in seeds]
    for seed, path in zip(seeds, paths, strict=True):
        np.save(path, pixels_of(seed, size=size))
    return paths


def read_pixels(path: Path) -> NDArray[Any]:
    """Read a tile with nothing of ours: (10, height, width)."""
    if path.suffix == ".npy":
        array: NDArray[Any] = np.load(path)
        return array
    with rasterio.open(path) as dataset:
        read: NDArray[Any] = dataset.read()
        return read


def vector_of(path: Path) -> NDArray[np.float16]:
    """Embed a tile on its own, as it is to be stored."""
    return embed(read_pixels(path))


def embed(pixels: NDArray[Any]) -> NDArray[np.float16]:
    """Embed pixels on their own, as they are to be stored."""
    vectors: NDArray[np.float16] = ENCODER.encode_tiles(pixels[np.newaxis]).astype(np.float16)
    vector: NDArray[np.float16] = vectors[0]
    return vector


def units(count: int, *, seed: int = 0, dimension: int = 64) -> NDArray[np.float16]:
    """Draw unit vectors, (count, dimension); they vary in few directions, as embeddings do."""
    axes = np.random.default_rng(99).normal(size=(6, dimension))
    draws = np.random.default_rng(seed)
    drawn = draws.normal(size=(count, 6)) @ axes + 0.3 * draws.normal(size=(count, dimension))
    unit: NDArray[np.float16] = (drawn / np.linalg.norm(drawn, axis=1, keepdims=True)).astype(np.float16)
    return unit


def record(number: int, **changes: Any) -> TileRecord:  # noqa: ANN401
    """Make a record that says little; its `tile_id` is its number."""
    plain = TileRecord(
        tile_id=f"{number:032x}",
        source=f"/tiles/{number}.tif",
        window=Window(0, 0, 8, 8),
        fingerprint=f"1-{number} as-is",
    )
    return replace(plain, **changes)


def located(number: int, *, west: float, south: float, side: float = 0.1) -> TileRecord:
    """Make a record with a square outline; `west` + `side` may pass 180."""
    longitude = [(x + 180) % 360 - 180 for x in (west, west + side, west + side, west)]
    outline = footprint(longitude, [south, south, south + side, south + side])
    assert outline is not None
    return record(number, footprint=outline, crs="EPSG:4326")


def make_index(root: Path, *counts: int, first: int = 0, seed: int = 0) -> Writer:
    """Commit segments of so many random vectors each, without any pixels."""
    writer = open_writer(root, model=MODEL)
    for at, count in enumerate(counts):
        start = first + sum(counts[:at])
        records = [record(number) for number in range(start, start + count)]
        writer.commit(records, units(count, seed=seed + at), delete=NONE_DELETED)
    return writer


def index_folder(
    archive: Path | Sequence[Path],
    root: Path,
    encoder: Encoder = ENCODER,
    *,
    kind: Kind | None = None,
    labels: Labels | None = None,
    offset: float | None = None,
    layout: tuple[str, ...] | None = None,
    pace: Pace | None = None,
    stop: threading.Event | None = None,
    progress: Progress | None = None,
) -> Report:
    """Index an archive in this process."""
    roots = (archive,) if isinstance(archive, Path) else tuple(archive)
    reading = Reading(want=SPEC.bands, substitutes=SPEC.substitutes, offset=offset, layout=layout)
    return ingest(
        ChipArchive(roots, reading),
        root,
        encoder,
        kind=kind,
        labels=labels,
        pace=pace or Pace(threads=2),
        stop=stop,
        progress=progress,
    )


@dataclass(frozen=True, slots=True)
class StoredTile:
    """A live row of an index."""

    row: int
    columns: dict[str, Any]
    vector: NDArray[np.float16]


def newest_body(root: Path) -> dict[str, Any]:
    """Load the newest manifest that is whole, as plain JSON."""
    for path in sorted((root / "manifests").glob("0*.json"), reverse=True):
        with contextlib.suppress(json.JSONDecodeError):
            body: dict[str, Any] = json.loads(path.read_bytes())
            return body
    raise FileNotFoundError(root)


def stored_tiles(root: Path) -> list[StoredTile]:
    """Read the live rows of an index by its documented layout, with nothing of ours."""
    tiles: list[StoredTile] = []
    first = 0
    for segment in newest_body(root)["segments"]:
        folder = root / "segments" / f"{segment['number']:06d}"
        rows = pq.read_table(folder / "tiles.parquet").to_pylist()
        vectors = np.load(folder / "vectors.npy")
        assert vectors.dtype == np.float16
        assert len(rows) == len(vectors) == segment["rows"]
        gone = np.zeros(len(rows), dtype=bool)
        if segment["deleted"]:
            gone = np.unpackbits(np.load(root / segment["deleted"]["path"]), bitorder="little")[: len(rows)].astype(
                bool
            )
        assert gone.sum() == segment["deleted_rows"]
        tiles += [StoredTile(first + at, rows[at], vectors[at]) for at in np.flatnonzero(~gone).tolist()]
        first += len(rows)
    return tiles


def by_source(root: Path) -> dict[str, StoredTile]:
    """Live rows by the name of their file; no file stands there twice."""
    tiles = stored_tiles(root)
    named = {Path(tile.columns["source"]).name: tile for tile in tiles}
    assert len(named) == len(tiles)
    return named


def assert_right(root: Path, paths: Sequence[Path]) -> None:
    """Check that an index holds these files and no others, each with its own embedding."""
    tiles = stored_tiles(root)
    assert sorted(tile.columns["source"] for tile in tiles) == sorted(map(str, paths))
    for tile in tiles:
        np.testing.assert_array_equal(tile.vector, vector_of(Path(tile.columns["source"])))


def age(root: Path, seconds: float) -> None:
    """Make everything in a folder older than it is."""
    for path in [root, *root.rglob("*")]:
        status = path.stat()
        os.utime(path, (status.st_atime - seconds, status.st_mtime - seconds))


def layout_of(root: Path) -> Layout:
    return Layout(root)


def files_of(root: Path) -> dict[str, bytes]:
    """Every file of a folder with its content."""
    return {path.relative_to(root).as_posix(): path.read_bytes() for path in root.rglob("*") if path.is_file()}
