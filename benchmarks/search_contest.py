"""Those who are compared by `benchmarks.search`: each answers the same questions about the same vectors."""

import importlib
import os
import shutil
import time
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from benchmarks.search_folder import NOTHING, Question, records
from msclip_search.indexes import Effort, Index
from msclip_search.indexes.faiss_library import load_faiss
from msclip_search.indexes.plan import POINTS_PER_CENTROID

K = 100
Rows = NDArray[np.int64]
Queries = NDArray[np.float32]


class Contestant(Protocol):
    """One who searches."""

    name: str

    seconds: float
    """That `append` took."""

    def open(self) -> None:
        """Get ready to search."""

    def select(self, question: Question) -> None:
        """Restrict what is searched from now on."""

    def search(self, queries: Queries) -> Rows:
        """Find the `K` best rows of each query, (queries, K), -1 where there are fewer."""

    def append(self, vectors: NDArray[np.float16], *, seed: int) -> None:
        """Add rows to a copy that is thrown away, and search it from now on."""


class Ours:
    """The index folder."""

    name = "msclip-search"

    def __init__(self, cache: Path) -> None:
        self.root = cache / "index"
        self.cache = cache
        self.allowed: NDArray[np.bool_] | None = None
        self.seconds = 0.0

    def open(self) -> None:
        """Open the folder, and what searches it."""
        from msclip_search import SearchIndex, store
        from msclip_search.search.searcher import open_searcher

        self.index = SearchIndex.open(self.root)
        self.searcher: Index = open_searcher(store.open_snapshot(self.root))

    def select(self, question: Question) -> None:
        """Select by the filter."""
        self.allowed = None if question.within is None else self.index.select(question.within).mask

    def search(self, queries: Queries) -> Rows:
        """Rank, without reading what the sidecar says of the hits."""
        return self.searcher.search(queries, K, allowed=self.allowed).rows

    def hits(self, query: Queries, question: Question) -> None:
        """Select, rank, and read what the sidecar says of the hits."""
        self.index.search_vectors(query, k=K, within=question.within)

    def append(self, vectors: NDArray[np.float16], *, seed: int) -> None:
        """Commit a segment."""
        from msclip_search.models import load
        from msclip_search.pairing import describe_model
        from msclip_search.store import open_writer

        rows = len(self.index)
        self.root = copied(self.root, self.cache / "appended")
        new = list(records(range(rows, rows + len(vectors)), rows=rows, seed=seed))
        model = describe_model(load("s2-nano"))
        self.seconds = timed(lambda: open_writer(self.root, model=model).commit(new, vectors, delete=NOTHING))
        self.open()


class Faiss:
    """The same FAISS index, without anything around it."""

    def __init__(self, cache: Path, masks: dict[str, NDArray[np.bool_]], *, refined: bool) -> None:
        self.name = "FAISS, re-ranked" if refined else "FAISS"
        self.cache, self.masks, self.refined = cache, masks, refined
        self.bits: NDArray[np.uint8] | None = None
        self.seconds = 0.0

    def open(self) -> None:
        """Read the index; to re-rank, hold all vectors as float16."""
        faiss = load_faiss()
        self.base = faiss.read_index(str(next((self.cache / "index" / "ann").glob("*/index.faiss"))))
        self.index = self.base
        self.nprobe = faiss.extract_index_ivf(self.base).nprobe
        self.ratio = max(Effort().wanted(K, rows=self.base.ntotal) // K, 1)
        if self.refined:
            stored = np.load(self.cache / "vectors.npy", mmap_mode="r")
            kind = faiss.ScalarQuantizer.QT_fp16
            self.flat = faiss.IndexScalarQuantizer(stored.shape[1], kind, faiss.METRIC_INNER_PRODUCT)
            for start in range(0, len(stored), 50_000):
                self.flat.add(stored[start : start + 50_000].astype(np.float32))
            self.index = faiss.IndexRefine(self.base, self.flat)

    def select(self, question: Question) -> None:
        """Make a bitmap of the rows that somebody else has selected."""
        mask = self.masks.get(question.name)
        self.bits = None if mask is None else np.packbits(mask, bitorder="little")

    def search(self, queries: Queries) -> Rows:
        """Search as many lists as are planned."""
        faiss = load_faiss()
        inner = faiss.SearchParametersIVF(nprobe=self.nprobe)
        if self.bits is not None:
            selector = faiss.IDSelectorBitmap(self.bits)
            inner.sel = selector
        middle = faiss.SearchParametersPreTransform(index_params=inner)
        outer = middle
        if self.refined:
            outer = faiss.IndexRefineSearchParameters(k_factor=self.ratio, base_index_params=middle)
        rows: Rows = self.index.search(queries, K, params=outer)[1]
        return rows

    def append(self, vectors: NDArray[np.float16], *, seed: int) -> None:  # noqa: ARG002 - as the others
        """Add to what is in memory: nothing is written."""
        new = vectors.astype(np.float32)
        self.seconds = timed(lambda: self.index.add(new))
        self.bits = None


class Lance:
    """LanceDB: IVF_PQ with as many lists and bytes, the same lists looked into, the same candidates."""

    name = "LanceDB"

    def __init__(self, cache: Path, folder: Path) -> None:
        self.cache, self.folder = cache, folder
        self.library: Any = importlib.import_module("lancedb")  # optional: may be missing where types are checked
        self.sql: str | None = None
        self.seconds = 0.0

    def make(self, *, rows: int, seed: int, nlist: int, codes: int) -> None:
        """Make the table and its index; scalar columns get one too."""
        stored = np.load(self.cache / "vectors.npy", mmap_mode="r")
        table = self.library.connect(self.folder).create_table("tiles", self._rows(stored[:1], 0, rows, seed))
        table.delete("true")
        for start in range(0, rows, 100_000):
            table.add(self._rows(stored[start : start + 100_000], start, rows, seed))
        table.optimize()
        for column in ("cloud", "sensed", "west", "south"):
            table.create_scalar_index(column)
        # Trained no longer than ours: its own 50 rounds with 256 vectors a list take half an hour at a million rows.
        table.create_index("dot", nlist, codes, "vector", max_iterations=10, sample_rate=POINTS_PER_CENTROID)

    def _rows(self, vectors: NDArray[np.float16], start: int, rows: int, seed: int) -> Any:  # noqa: ANN401
        """Lay out rows as a pyarrow.Table."""
        import pyarrow as pa

        made = list(records(range(start, start + len(vectors)), rows=rows, seed=seed))
        bounds = np.array([each.footprint.planar_bounds for each in made if each.footprint])
        flat = pa.array(np.ascontiguousarray(vectors).reshape(-1))
        columns = {
            "row": pa.array(np.arange(start, start + len(vectors))),
            "vector": pa.FixedSizeListArray.from_arrays(flat, vectors.shape[1]),
            "tile_id": pa.array([each.tile_id for each in made]),
            "source": pa.array([each.source for each in made]),
            "product_id": pa.array([each.product_id for each in made]),
            "sensed": pa.array(
                [each.datetime.replace(tzinfo=None) for each in made if each.datetime], pa.timestamp("us")
            ),
            "cloud": pa.array([each.cloud for each in made]),
        }
        columns |= {name: pa.array(bounds[:, at]) for at, name in enumerate(("west", "south", "east", "north"))}
        return pa.table(columns)

    def open(self) -> None:
        """Open the table."""
        self.table = self.library.connect(self.folder).open_table("tiles")
        self.ratio = max(Effort().wanted(K, rows=self.table.count_rows()) // K, 1)

    def select(self, question: Question) -> None:
        """Remember the condition: LanceDB selects within the search."""
        self.sql = question.sql

    def search(self, queries: Queries) -> Rows:
        """Search one query after another: it has no other way."""
        found = np.full((len(queries), K), -1, dtype=np.int64)
        for number, query in enumerate(queries):
            asked = (
                self.table.search(query)
                .distance_type("dot")
                .minimum_nprobes(256)
                .maximum_nprobes(0)
                .refine_factor(self.ratio)
                .limit(K)
            )
            asked = asked.where(self.sql, prefilter=True) if self.sql else asked
            rows = asked.select(["row"]).to_arrow()["row"].to_numpy()
            found[number, : len(rows)] = rows
        return found

    def append(self, vectors: NDArray[np.float16], *, seed: int) -> None:
        """Add rows, not yet in the index."""
        rows = self.table.count_rows()
        self.folder = copied(self.folder, self.cache / "appended-lance")
        self.open()
        new = self._rows(vectors, rows, rows, seed)
        self.seconds = timed(lambda: self.table.add(new))
        self.sql = None


def copied(folder: Path, to: Path) -> Path:
    """Copy a folder by links: whoever is compared here writes new files and changes none."""
    shutil.rmtree(to, ignore_errors=True)
    return Path(shutil.copytree(folder, to, copy_function=os.link))


def timed(work: Any) -> float:  # noqa: ANN401
    """Seconds that something takes."""
    begun = time.perf_counter()
    work()
    return time.perf_counter() - begun
