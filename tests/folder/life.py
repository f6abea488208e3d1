"""The life of an index told twice: by the product, and by a model of it in plain Python."""

import functools
import itertools
import json
import os
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from unittest import mock

import numpy as np
import pyarrow.parquet as pq
from numpy.typing import NDArray

from msclip_search import Pace, SearchIndex, indexes, verify
from msclip_search.archives import ChipArchive, ParentLabels, Reading
from msclip_search.filters import Filter
from msclip_search.indexes import Effort, Kind, Plan, plan
from msclip_search.ingest import ingest
from msclip_search.maintenance import compact_index, remove_tiles
from tests.folder.making import SPEC, Counting, embed, pixels_of, write_tile

LABELS = ("water", "fields", "town")
SEEDS = 24
"""Different contents that tiles have; the odd ones are GeoTIFFs, with a place."""
QUERIES = np.random.default_rng(6).normal(size=(2, 64)).astype(np.float32)
LEAST = 8
"""Rows from which `tiny_plans` lets an ANN index be built."""


@dataclass(frozen=True, slots=True)
class Held:
    """A tile that an index holds."""

    seed: int
    """Its content."""
    source: str
    labels: tuple[str, ...]


@dataclass(slots=True)
class Archive:
    """Files that come, change, move and go, each in the folder of its label; one content is never in two folders."""

    folder: Path
    clock: Iterator[int] = field(default_factory=lambda: itertools.count(1))
    files: dict[Path, int] = field(default_factory=dict)
    """Content of each."""

    def path(self, label: str, name: int, seed: int) -> Path:
        return self.folder / label / f"{name}{'.tif' if seed % 2 else '.npy'}"

    def write(self, label: str, name: int, seed: int) -> bool:
        """Write a file, unless its content lies in another folder."""
        if any(path.parent.name != label for path, other in self.files.items() if other == seed):
            return False
        path = self.path(label, name, seed)
        path.parent.mkdir(parents=True, exist_ok=True)
        if path.suffix == ".tif":
            write_tile(path, seed)
        else:
            np.save(path, pixels_of(seed))
        self.files[path] = seed
        self.touch(path)
        return True

    def move(self, path: Path, label: str, name: int) -> bool:
        """Move a file over what is there, unless its content would lie in two folders then."""
        seed = self.files[path]
        if label != path.parent.name and list(self.files.values()).count(seed) > 1:
            return False
        target = self.path(label, name, seed)
        target.parent.mkdir(parents=True, exist_ok=True)
        path.rename(target)
        self.files[target] = self.files.pop(path)
        return True

    def delete(self, path: Path) -> None:
        path.unlink()
        del self.files[path]

    def touch(self, path: Path) -> None:
        """Give a file a time of change of its own: clocks of file systems are too coarse for tests."""
        moment = next(self.clock) * 10**9
        os.utime(path, ns=(moment, moment))


@dataclass(frozen=True, slots=True, kw_only=True)
class Action:
    """What is done to an index."""

    kind: str
    """index, remove, compact."""
    archive: str = ""
    within: Filter | None = None
    commit_tiles: int = 10_000
    batch: int = 8
    ann: bool = False
    """Whether an ANN index is wanted as soon as a tiny one can be trained."""


def perform(action: Action, root: Path) -> None:
    """Do it, with the product."""
    with tiny_plans() if action.ann else ExitStack():
        if action.kind == "index":
            ingest(
                ChipArchive((Path(action.archive),), Reading(want=SPEC.bands, substitutes=SPEC.substitutes)),
                root,
                Counting(batch=action.batch),
                labels=ParentLabels(),
                pace=Pace(threads=1, ahead=3, commit_tiles=action.commit_tiles),
            )
        elif action.kind == "remove":
            assert action.within
            remove_tiles(root, within=action.within)
        else:
            compact_index(root)


def foretell(action: Action, archive: Mapping[Path, int], before: Mapping[int, Held]) -> dict[int, Held]:
    """Say what an index holds after an action, by content, with nothing of ours."""
    if action.kind == "compact":
        return dict(before)
    if action.kind == "remove":
        assert action.within
        return {seed: held for seed, held in before.items() if not fits(held, action.within)}
    # An index follows its archive, and keeps what was deleted there, unless another file has taken its place.
    after = {seed: held for seed, held in before.items() if Path(held.source) not in archive}
    for path, seed in archive.items():
        known = before.get(seed)
        if known and archive.get(Path(known.source)) == seed:
            after[seed] = known  # of two equal files it goes on with the one that it has
        else:
            after[seed] = Held(seed, str(path), (path.parent.name,))
    return after


def fits(held: Held, within: Filter) -> bool:
    """Tell whether a tile fits a filter of labels or of a box."""
    if within.labels:
        return bool(set(held.labels) & set(within.labels))
    assert within.bbox
    west, south, east, north = within.bbox
    longitude, latitude = place_of(held.seed)
    return bool(held.seed % 2) and west <= longitude <= east and south <= latitude <= north


def place_of(seed: int) -> tuple[float, float]:
    """Longitude and latitude of the middle of a tile, near 7.73° E 45.15° N."""
    from rasterio.warp import transform

    xs, ys = transform("EPSG:32632", "EPSG:4326", [400_000 + 80 * seed + 40], [5_000_000 - 40])
    return xs[0], ys[0]


def box_around(first: int, last: int) -> Filter:
    """Select the tiles of some seeds by a box, which ends within the first and the last one."""
    (west, one), (east, other) = place_of(first), place_of(last)
    return Filter(bbox=(west - 1e-5, min(one, other) - 1e-5, east + 1e-5, max(one, other) + 1e-5))


@functools.cache
def vector(seed: int) -> NDArray[np.float16]:
    return embed(pixels_of(seed))


@functools.cache
def seed_of() -> dict[bytes, int]:
    """Content of a vector, by its bytes."""
    return {vector(seed).tobytes(): seed for seed in range(SEEDS)}


def live_rows(root: Path, body: Mapping[str, Any]) -> Iterator[tuple[int, int]]:
    """Read which rows of which segments a manifest shows, by the documented layout, with nothing of ours."""
    for segment in body["segments"]:
        gone = np.zeros(segment["rows"], dtype=bool)
        if segment["deleted"]:
            bits = np.load(root / segment["deleted"]["path"])
            gone = np.unpackbits(bits, bitorder="little")[: segment["rows"]].astype(bool)
        assert gone.sum() == segment["deleted_rows"]
        yield from ((segment["number"], at) for at in np.flatnonzero(~gone).tolist())


def held_at(root: Path, body: Mapping[str, Any]) -> dict[int, Held]:
    """Read what a manifest shows by the documented layout: by content, each there once."""
    held: dict[int, Held] = {}
    live = list(live_rows(root, body))
    for segment in body["segments"]:
        folder = root / "segments" / f"{segment['number']:06d}"
        rows, vectors = pq.read_table(folder / "tiles.parquet").to_pylist(), np.load(folder / "vectors.npy")
        assert len(rows) == len(vectors) == segment["rows"]
        for at in (at for number, at in live if number == segment["number"]):
            seed = seed_of()[vectors[at].tobytes()]
            assert seed not in held, "a tile is there twice"
            held[seed] = Held(seed, rows[at]["source"], tuple(rows[at]["labels"]))
    return held


def held_by(root: Path) -> dict[int, Held]:
    """Read what an index holds by its newest manifest that is whole; nothing before the first commit."""
    for path in sorted((root / "manifests").glob("0*.json"), reverse=True):
        with suppress(ValueError):
            return held_at(root, json.loads(path.read_bytes().decode()))
    return {}


def check_answers(index: SearchIndex, live: Mapping[int, Held], label: str | None = None) -> None:
    """Compare the answers of an open index, of all tiles or of a label, with a scan of the model in float64."""
    assert len(index) == len(live)
    live = {seed: held for seed, held in live.items() if label is None or label in held.labels}
    seeds = np.array(sorted(live), dtype=int)
    vectors = np.array([vector(seed) for seed in seeds.tolist()], dtype=np.float64).reshape(-1, 64)
    by_source = {held.source: seed for seed, held in live.items()}
    found = index.search_vectors(QUERIES, k=2 * SEEDS, within=Filter(labels=(label,)) if label else None)
    for query, hits in zip(QUERIES.astype(np.float64), found, strict=True):
        scores = dict(zip(seeds.tolist(), (vectors @ (query / np.linalg.norm(query))).tolist(), strict=True))
        ranked = [by_source[hit.source] for hit in hits]
        assert sorted(ranked) == seeds.tolist()
        np.testing.assert_allclose(hits.scores, [scores[seed] for seed in ranked], rtol=0, atol=1e-6)
        assert (np.diff(hits.scores) <= 0).all()
        # Two tiles whose scores differ by less than float32 can say may stand in either order.
        assert (np.diff([scores[seed] for seed in ranked]) <= 1e-6).all()
        assert [hit.labels for hit in hits] == [live[seed].labels for seed in ranked]


def check(root: Path, live: Mapping[int, Held]) -> None:
    """Make sure that an index is sound and answers as the model does."""
    assert held_by(root) == live
    assert verify(root).problems == ()
    with SearchIndex.open(root) as index:
        check_answers(index, live)


def check_codes(root: Path, live: Mapping[int, Held]) -> None:
    """Have FAISS's codes looked at, as in a large index: they find tiles that live, each with its own score."""
    quick = functools.partial(Effort, exact_rows=0, candidates=1, candidates_per_hit=2)
    with mock.patch("msclip_search.indexes.ivf.Effort", quick), SearchIndex.open(root) as index:
        sources = {held.source: seed for seed, held in live.items()}
        for query, hits in zip(QUERIES.astype(np.float64), index.search_vectors(QUERIES, k=2), strict=True):
            wanted = [vector(sources[hit.source]) @ (query / np.linalg.norm(query)) for hit in hits]
            np.testing.assert_allclose(hits.scores, wanted, rtol=0, atol=1e-6)
            assert len({hit.source for hit in hits}) == len(hits) == min(2, len(live))


def scores_of(root: Path) -> dict[int, list[float]]:
    """Scores of each content, to the bit."""
    sources = {held.source: seed for seed, held in held_by(root).items()}
    scores: dict[int, list[float]] = {}
    with SearchIndex.open(root) as index:
        for hits in index.search_vectors(QUERIES, k=2 * SEEDS):
            for hit in hits:
                scores.setdefault(sources[hit.source], []).append(hit.score)
    return scores


def check_as_fresh(root: Path, live: Mapping[int, Held], aside: Path) -> None:
    """Compare an index with one made at once of the tiles that live."""
    if not live:
        return
    archive = Archive(aside / "archive")
    for seed, held in live.items():
        assert archive.write(held.labels[0], seed, seed)
    perform(Action(kind="index", archive=str(archive.folder)), aside / "idx")
    assert scores_of(aside / "idx") == scores_of(root)


@contextmanager
def tiny_plans() -> Iterator[None]:
    """Let an ANN index be built of a handful of rows."""

    def choose(kind: Kind, *, rows: int, dimension: int) -> Plan:
        if rows < LEAST or kind == "flat":
            return indexes.choose(kind, rows=rows, dimension=dimension)
        return Plan("ivfpq", "for tests", factory="IVF2,PQ8x2", nlist=2, nprobe=1, training_rows=rows)

    with mock.patch("msclip_search.ingest.ann.choose", choose), mock.patch.object(plan, "TRAINING_MINIMUM", LEAST):
        yield
