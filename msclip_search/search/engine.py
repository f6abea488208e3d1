"""Searching an index folder: text goes in, ranked tiles come out."""

import logging
import os
import threading
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from msclip_search import store
from msclip_search.errors import IndexDamaged, QueryError
from msclip_search.indexes import FlatIndex, Index, IvfPqIndex, exact_scores
from msclip_search.models import Encoder
from msclip_search.models import templates as prompts
from msclip_search.pairing import check_name, load_recorded
from msclip_search.search.hits import Hits
from msclip_search.search.info import IndexInfo, describe
from msclip_search.search.whole import score_tiles

logger = logging.getLogger(__name__)


class SearchIndex:
    """An index folder, open for searching; one state of it, whatever a writer does meanwhile.

    Made by `open`. Threads may share one.
    """

    def __init__(
        self,
        snapshot: store.Snapshot,
        *,
        weights: Path | None = None,
        device: str = "auto",
        progress: bool = False,
    ) -> None:
        self._snapshot = snapshot
        self._weights = weights
        self._device = device
        self._progress = progress
        self._lock = threading.Lock()
        self._encoder: Encoder | None = None
        self._searcher: Index | None = None
        self._drawn: NDArray[np.float32] | None = None

    @classmethod
    def open(
        cls,
        path: str | os.PathLike[str],
        *,
        model: str | None = None,
        weights: str | os.PathLike[str] | None = None,
        device: str = "auto",
        progress: bool = False,
    ) -> Self:
        """Open the newest state of an index folder.

        Neither the model nor FAISS is loaded before a search needs it.

        Parameters
        ----------
        path
            The index folder.
        model
            Name of the model that is expected; None takes whatever the index was made with.
        weights
            The model's weights; None finds those that the index was made with.
        device
            Where texts are encoded: "auto", "cpu" or "cuda".
        progress
            Whether a download of weights shows a bar.

        Raises
        ------
        IndexMissing, IndexTooNew, IndexDamaged
            There is no index, or it cannot be read.
        ModelMismatch
            It was made with another model than `model`.
        """
        snapshot = store.open_snapshot(Path(path))
        if model is not None:
            check_name(snapshot.manifest.model, model, Path(path))
        return cls(snapshot, weights=Path(weights) if weights else None, device=device, progress=progress)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Let go of the model and the files; searches under way end as they would have."""
        with self._lock:
            self._snapshot = store.take_snapshot(self._snapshot.layout, self._snapshot.manifest)
            self._encoder = self._searcher = self._drawn = None

    def __len__(self) -> int:
        """Tiles that can be found."""
        return self._snapshot.manifest.tiles

    @property
    def path(self) -> Path:
        """The index folder."""
        return self._snapshot.layout.root

    @property
    def model(self) -> str:
        """Name of the model that the index was made with."""
        return str(self._snapshot.manifest.model["spec"]["name"])

    def info(self) -> IndexInfo:
        """Describe the index."""
        return describe(self._snapshot)

    def search(self, text: str, *, k: int = 10, templates: str | None = None, exact: bool = False) -> Hits:
        """Rank the tiles by a text.

        Parameters
        ----------
        text
            What to look for, as it goes into the model.
        k
            How many tiles, at least 1. Fewer come back where the index has fewer.
        templates
            Set of prompt templates to put around the text, by name or as a `.txt` file; None puts none.
        exact
            Look at every tile, whatever the index offers.

        Raises
        ------
        QueryError
            An empty text, k < 1, or unknown templates.
        ModelMismatch
            The model at hand is not the one of the index.
        ModelError
            The model cannot be loaded.
        """
        return self.search_many([text], k=k, templates=templates, exact=exact)[0]

    def search_many(
        self, texts: Sequence[str], *, k: int = 10, templates: str | None = None, exact: bool = False
    ) -> list[Hits]:
        """Rank the tiles by each of several texts: see `search`."""
        for text in texts:
            if not text.strip():
                raise QueryError('The query is empty: say what to look for, as in "flooded farmland".')
        _check_k(k)
        return self.search_vectors(self.encode(texts, templates=templates), k=k, names=texts, exact=exact)

    def search_vectors(
        self,
        vectors: NDArray[np.floating],
        *,
        k: int = 10,
        names: Sequence[str] | None = None,
        exact: bool = False,
    ) -> list[Hits]:
        """Rank the tiles by vectors of the model's space.

        Parameters
        ----------
        vectors
            (queries, dimension); brought to length 1.
        k
            How many tiles for each, at least 1.
        names
            What the queries are called in the results.
        exact
            Look at every tile, whatever the index offers.

        Raises
        ------
        QueryError
            k < 1, another dimension, or a vector that has no direction.
        """
        _check_k(k)
        queries = _unit(np.atleast_2d(np.asarray(vectors)), self._snapshot.dimension)
        index = FlatIndex(self._snapshot.vectors) if exact else self._index
        ranked = index.search(queries, min(k, max(len(self), 1)), allowed=self._snapshot.live)
        names = names or [f"vector {number}" for number in range(1, len(queries) + 1)]
        return [
            self._hits(name, k, query, rows, scores)
            for name, query, rows, scores in zip(names, queries, ranked.rows, ranked.scores, strict=True)
        ]

    def scores(self, vectors: NDArray[np.floating]) -> NDArray[np.float32]:
        """Score every tile by vectors of the model's space: (tiles, vectors), in the order of `tiles`."""
        return score_tiles(self._snapshot, _unit(np.atleast_2d(np.asarray(vectors)), self._snapshot.dimension))

    def tiles(self, columns: Sequence[str]) -> Any:  # noqa: ANN401 - pyarrow has no types
        """Return a pyarrow.Table of the sidecar's columns, a row a tile."""
        return self._snapshot.table(columns)

    def encode(self, texts: Sequence[str], *, templates: str | None = None) -> NDArray[np.float32]:
        """Encode texts with the model of the index: (texts, dimension), unit length."""
        for text in texts:
            if cut := self.encoder.first_word_cut(text):
                logger.warning(
                    'The text "%.40s…" is longer than %s reads: it is cut at word %d, "%s".', text, self.model, *cut
                )
        return prompts.encode(self.encoder, texts, templates=templates)

    @property
    def encoder(self) -> Encoder:
        """The model of the index, loaded at first use.

        Raises
        ------
        ModelError, ModelMismatch
        """
        with self._lock:
            if self._encoder is None:
                self._encoder = load_recorded(
                    self._snapshot.manifest.model,
                    self.path,
                    weights=self._weights,
                    device=self._device,
                    progress=self._progress,
                )
            return self._encoder

    @property
    def _index(self) -> Index:
        """What searches: FAISS where a generation is in force, else the exact scan."""
        with self._lock:
            if self._searcher is None:
                self._searcher = _searcher(self._snapshot)
            return self._searcher

    @property
    def _sample(self) -> NDArray[np.float32]:
        """Vectors by which a score becomes a percentile: (vectors, dimension)."""
        with self._lock:
            if self._drawn is None:
                self._drawn = store.read_sample(self._snapshot)
            return self._drawn

    def _hits(
        self,
        name: str,
        k: int,
        query: NDArray[np.float32],
        rows: NDArray[np.int64],
        scores: NDArray[np.float32],
    ) -> Hits:
        found = rows >= 0
        rows, scores = rows[found], scores[found]
        sample = self._sample
        levels = np.sort(exact_scores(np.broadcast_to(query, sample.shape), sample))
        lower = np.searchsorted(levels, scores, side="left")
        return Hits(
            query=name,
            top_k=k,
            searched=len(self),
            ranks=np.arange(1, len(rows) + 1, dtype=np.int64),
            scores=scores,
            percentiles=(100 * lower / max(len(levels), 1)).astype(np.float32),
            tiles=self._snapshot.take(rows),
        )


def _searcher(snapshot: store.Snapshot) -> Index:
    ann = snapshot.manifest.ann
    if ann is None:
        return FlatIndex(snapshot.vectors)
    path = snapshot.layout.faiss(ann.generation)
    try:
        with store.reading(path, root=snapshot.layout.root):
            return IvfPqIndex.load(path, vectors=snapshot.vectors, positions=store.positions(snapshot))
    except ValueError as error:
        raise IndexDamaged(f"The ANN index {path} cannot be used: {error}") from error


def _check_k(k: int) -> None:
    if k < 1:
        raise QueryError(f"The number of tiles to find is at least 1, got {k}.")


def _unit(vectors: NDArray[np.floating], dimension: int) -> NDArray[np.float32]:
    if vectors.ndim != 2 or vectors.shape[1] != dimension or vectors.dtype.kind not in "iuf":
        raise QueryError(
            f"The index has vectors of {dimension} numbers; the query has the shape {vectors.shape}, {vectors.dtype}."
        )
    wide = vectors.astype(np.float64)
    lengths = np.linalg.norm(wide, axis=1, keepdims=True)
    if not np.isfinite(lengths).all() or (lengths == 0).any():
        raise QueryError("A query vector has no direction: it is zero, or holds values that are no numbers.")
    unit: NDArray[np.float32] = (wide / lengths).astype(np.float32)
    return unit
