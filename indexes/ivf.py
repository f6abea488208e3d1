"""FAISS IVF-PQ finds candidates; their stored vectors give the score and the order."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, Self, TypeAlias

import numpy as np
from numpy.typing import NDArray

from msclip_search.indexes.base import Floats, Mask, Ranked, Rows, Vectors, checked
from msclip_search.indexes.exact import BLOCK_ROWS, merged, scan
from msclip_search.indexes.faiss_library import load_faiss
from msclip_search.indexes.lists import homes_of, nearest_lists, share_elsewhere
from msclip_search.indexes.plan import Effort, Plan, rows_worth_scanning
from msclip_search.indexes.training import blank, sample_of

Bitmap: TypeAlias = NDArray[np.uint8]
Progress: TypeAlias = Callable[[str, int, int], None]
"""Called with the stage ("train" or "add"), the rows done and the rows to do."""

QUERIES_AT_ONCE = 64
"""Queries whose candidates are held in memory at a time."""

WIDEN = 4
"""Factor by which more lists are looked into when those so far hold too few of the allowed rows."""

HEAD = 100
"""Best candidates by whose lists it is judged whether further lists would hold better ones, at least."""

LATE = 0.1
"""Share of them that the farther half of the lists may hold. More of them than that, and what is farther still holds
some that are missed; without a filter three queries in a hundred have more."""


class IvfPqIndex:
    """An inner-product IVF-PQ index over an ordered list of rows, the positions, and an exact scan of all others.

    FAISS knows a row by its position in that list. Rows of the vector set that stand in no position (they came after
    the index was built) are scanned exactly, and positions whose row is gone are passed over. Searches may run in
    several threads at once: nothing is changed by them.

    Made by `build` or `load`.
    """

    __slots__ = (
        "_effort",
        "_faiss_index",
        "_homes",
        "_ivf",
        "_nprobe",
        "_positions",
        "_present",
        "_uncovered",
        "_vectors",
    )

    def __init__(self, faiss_index: Any, *, vectors: Vectors, positions: Rows, effort: Effort | None) -> None:  # noqa: ANN401 - FAISS has no types
        faiss = load_faiss()
        total, dimension = vectors.shape
        if faiss_index.d != dimension:
            raise ValueError(f"The ANN index is over {faiss_index.d} numbers a row, the vectors have {dimension}.")
        if faiss_index.ntotal != len(positions):
            raise ValueError(f"The ANN index has {faiss_index.ntotal} rows, its list of positions {len(positions)}.")
        present = positions[positions >= 0]
        if len(present) and present.max() >= total:
            raise ValueError(f"A position names row {present.max()}, but there are only {total} rows.")
        covered = np.zeros(total, dtype=np.bool_)
        covered[present] = True
        if np.count_nonzero(covered) != len(present):
            raise ValueError("Two positions name the same row.")
        self._faiss_index = faiss_index
        self._ivf = faiss.extract_index_ivf(faiss_index)
        self._vectors = vectors
        self._positions = positions
        self._present = None if len(present) == len(positions) else positions >= 0
        self._homes: NDArray[np.int32] | None = None
        self._uncovered = np.flatnonzero(~covered)
        self._effort = effort or Effort()
        self._nprobe = min(self._effort.nprobe or self._ivf.nprobe, self._ivf.nlist)

    @classmethod
    def build(
        cls,
        vectors: Vectors,
        rows: Rows,
        plan: Plan,
        *,
        seed: int = 0,
        effort: Effort | None = None,
        progress: Progress | None = None,
    ) -> Self:
        """Train on a sample of some rows, and add all of them in order.

        Parameters
        ----------
        vectors
            The vector set; rows have unit length.
        rows
            int64 (n,): the rows to cover, each once. Their order is the order of the positions.
        plan
            What to build: of kind "ivfpq".
        seed
            Of the training sample and the clusterings.
        effort
            How hard searches will look.
        progress
            Called before, during and after each stage.

        Raises
        ------
        ValueError
            The plan is for a flat index, or for more rows than there are.
        IndexError
            A row number is beyond the vector set.
        """
        if plan.kind != "ivfpq":
            raise ValueError("A flat index has nothing to build: make a FlatIndex.")
        if plan.training_rows > len(rows):
            raise ValueError(f"The plan trains with {plan.training_rows:,} rows, but there are {len(rows):,}.")
        report = progress or _silent
        faiss_index = blank(plan, vectors.shape[1], seed)
        report("train", 0, plan.training_rows)
        faiss_index.train(sample_of(vectors, rows, plan.training_rows, seed))
        report("train", plan.training_rows, plan.training_rows)
        report("add", 0, len(rows))
        for start in range(0, len(rows), BLOCK_ROWS):
            faiss_index.add(vectors.take(rows[start : start + BLOCK_ROWS]))
            report("add", min(start + BLOCK_ROWS, len(rows)), len(rows))
        return cls(faiss_index, vectors=vectors, positions=rows, effort=effort)

    @classmethod
    def load(cls, path: Path, *, vectors: Vectors, positions: Rows, effort: Effort | None = None) -> Self:
        """Read what `save` wrote.

        Parameters
        ----------
        path
            The file.
        vectors
            The vector set as it is now; rows have unit length.
        positions
            int64 (n,): the row of each position, in the order in which the index was built; -1 where it is gone.
        effort
            How hard searches look.

        Raises
        ------
        ValueError
            The file is truncated or damaged, holds another kind of index, or does not fit the vectors or positions.
        OSError
            The file is missing or cannot be read.
        """
        faiss = load_faiss()
        try:
            with path.open("rb") as file:
                faiss_index = faiss.read_index(faiss.PyCallbackIOReader(file.read))
        except (RuntimeError, MemoryError) as error:  # MemoryError: a length in it is nonsense
            raise ValueError(f"{path} is truncated or damaged: FAISS cannot read it.") from error
        ivf = faiss.try_extract_index_ivf(faiss_index)
        if ivf is None or not isinstance(faiss.downcast_index(ivf), faiss.IndexIVFPQ):
            raise ValueError(f"{path} holds a FAISS index, but no IVF-PQ.")
        if faiss_index.metric_type != faiss.METRIC_INNER_PRODUCT:
            raise ValueError(f"{path} holds an index that does not rank by inner product.")
        return cls(faiss_index, vectors=vectors, positions=positions, effort=effort)

    def save(self, path: Path) -> None:
        """Write the FAISS index to a file; the list of positions is the caller's to keep.

        The file is closed, not yet synchronised with the disk. What a failed write leaves behind stays there.

        Raises
        ------
        OSError
            The disk is full, or the file cannot be written; `errno` says why.
        """
        faiss = load_faiss()
        # Through Python's file and not FAISS's own: that one turns every failure into a RuntimeError, and only
        # prints when the last write, at closing, finds the disk full.
        with path.open("wb") as file:
            try:
                faiss.write_index(self._faiss_index, faiss.PyCallbackIOWriter(file.write))
            except RuntimeError as error:
                raise OSError(f"FAISS could not write {path}: {error}") from error

    def search(self, queries: Floats, k: int, *, allowed: Mask | None = None) -> Ranked:
        """Find the k best rows of each query: see `Index.search`."""
        queries = checked(queries, k, allowed, shape=self._vectors.shape)
        live = self._live(allowed)
        count = len(self._positions) if live is None else int(np.count_nonzero(live))
        wanted = self._effort.wanted(k, rows=count)
        if count <= max(wanted, self._exact_rows(len(queries), wanted, count)):
            rows = None if allowed is None else np.flatnonzero(allowed)
            return scan(self._vectors, queries, k, rows=rows)
        found = self._search_covered(queries, k, live, wanted)
        others = self._uncovered if allowed is None else self._uncovered[allowed[self._uncovered]]
        return merged(found, scan(self._vectors, queries, k, rows=others)) if len(others) else found

    def _exact_rows(self, queries: int, wanted: int, count: int) -> int:
        """Rows, of so many live positions, that are ranked as fast exactly as by their codes."""
        if self._effort.exact_rows is not None:
            return self._effort.exact_rows
        looked_at = len(self._positions) * self._nprobe // self._ivf.nlist
        return rows_worth_scanning(
            queries,
            candidates=wanted,
            codes=looked_at,
            allowed=count / max(len(self._positions), 1),
            code_bytes=int(self._ivf.code_size),
            dimension=self._vectors.shape[1],
        )

    def _live(self, allowed: Mask | None) -> Mask | None:
        """Tell which positions, bool (positions,), have a row that is still there and allowed. None: all."""
        if allowed is None:
            return self._present
        if not len(allowed):
            return np.zeros(len(self._positions), dtype=np.bool_)
        live: Mask = np.take(allowed, self._positions, mode="wrap")  # -1, a row that is gone, is put right below
        if self._present is not None:
            live &= self._present
        return live

    def _search_covered(self, queries: Floats, k: int, live: Mask | None, wanted: int) -> Ranked:
        """Rank the rows of live positions, of which there are more than `wanted`."""
        bitmap = None if live is None else np.packbits(live, bitorder="little")
        rows = np.empty((len(queries), k), dtype=np.int64)
        scores = np.empty((len(queries), k), dtype=np.float32)
        for start in range(0, len(queries), QUERIES_AT_ONCE):
            batch = queries[start : start + QUERIES_AT_ONCE]
            for number, ids in enumerate(self._candidates(batch, k, wanted, bitmap), start):
                hits = ids[ids >= 0]
                if len(hits) < k:
                    # All lists were looked into and still lack some: the index is not what it says it is.
                    hits = np.arange(len(self._positions)) if live is None else np.flatnonzero(live)
                own = slice(number, number + 1)
                ranked = scan(self._vectors, queries[own], k, rows=np.sort(self._positions[hits]))
                rows[own], scores[own] = ranked.rows, ranked.scores
        return Ranked(rows, scores)

    def _candidates(self, queries: Floats, k: int, wanted: int, bitmap: Bitmap | None) -> Rows:
        """int64 (queries, wanted): positions, -1 where there are fewer in the lists that were looked into.

        What is selected may lie far from the lists nearest to the query (ships, asked for in a desert), and the first
        that turn up there are not the best. So of a selection not only k hits but all candidates have to be found, and
        the best of them not in the farther half of the lists, or more lists are looked into. Passing over a row that
        is not selected costs little.
        """
        nprobe = self._nprobe
        ids = self._ask_faiss(queries, wanted, nprobe, bitmap)
        unsure = np.arange(len(queries))
        while nprobe < self._ivf.nlist:
            found = np.count_nonzero(ids[unsure] >= 0, axis=1)
            if bitmap is None:
                unsure = unsure[found < k]
            else:
                late = self._late(queries[unsure], ids[unsure, : max(k, HEAD)], nprobe)
                unsure = unsure[(found < wanted) | (late > LATE)]
            if not len(unsure):
                break
            nprobe = min(WIDEN * nprobe, self._ivf.nlist)
            ids[unsure] = self._ask_faiss(queries[unsure], wanted, nprobe, bitmap)
        return ids

    def _late(self, queries: Floats, ids: Rows, nprobe: int) -> Floats:
        """float32 (queries,): share of the positions (queries, n) that lie in the farther half of `nprobe` lists."""
        if self._homes is None:
            self._homes = homes_of(self._ivf)  # threads that come at once make the same
        near = nearest_lists(self._faiss_index, self._ivf, queries, max(nprobe // 2, 1))
        return share_elsewhere(self._homes, ids, near, nlist=self._ivf.nlist)

    def _ask_faiss(self, queries: Floats, wanted: int, nprobe: int, bitmap: Bitmap | None) -> Rows:
        """int64 (queries, wanted): positions, -1 where fewer."""
        faiss = load_faiss()
        # Parameters travel with the call: set on the index, they would change other threads' searches. FAISS keeps
        # bare pointers to them, so each has a name that lives until the call is over.
        in_lists = faiss.SearchParametersIVF(nprobe=nprobe)
        if bitmap is not None:
            selector = faiss.IDSelectorBitmap(bitmap)
            in_lists.sel = selector
        parameters = in_lists
        if isinstance(self._faiss_index, faiss.IndexPreTransform):
            parameters = faiss.SearchParametersPreTransform(index_params=in_lists)
        _, ids = self._faiss_index.search(queries, wanted, params=parameters)
        if ids.max() >= len(self._positions):
            raise ValueError(f"The ANN index names position {ids.max()} of {len(self._positions)}: it is damaged.")
        return np.asarray(ids, dtype=np.int64)


def _silent(_stage: str, _done: int, _total: int) -> None:
    """Report nothing."""
