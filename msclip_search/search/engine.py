"""Searching an index folder: text goes in, ranked tiles come out."""

import logging
import os
import threading
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from numpy.typing import NDArray

from msclip_search import store
from msclip_search.indexes import FlatIndex, Index
from msclip_search.models import Encoder
from msclip_search.models import templates as prompts
from msclip_search.pairing import check_name, load_recorded
from msclip_search.search.asking import directions
from msclip_search.search.hits import Hits
from msclip_search.search.info import IndexInfo, describe
from msclip_search.search.question import Question, as_question
from msclip_search.search.ranking import Field, Title, field_of, rank
from msclip_search.search.searcher import check_k, open_searcher, unit_queries
from msclip_search.search.whole import score_tiles

if TYPE_CHECKING:
    from msclip_search.filters import Filter, Selection

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

    def search(
        self,
        asked: str | Question,
        *,
        k: int = 10,
        templates: str | None = None,
        exact: bool = False,
        within: "Filter | Selection | None" = None,
    ) -> Hits:
        """Rank the tiles by a text, or by a question of several parts.

        >>> index.search("harbour", k=5)  # doctest: +SKIP
        >>> index.search(Question("harbour").plus("ships", 0.5).minus("clouds"))  # doctest: +SKIP
        >>> index.search(Question().like("tile.tif").unlike(hits[3]))  # doctest: +SKIP

        Parameters
        ----------
        asked
            What to look for. A text goes into the model as it is. Among the hits of a question are its own examples.
        k
            How many tiles, at least 1. Fewer come back where the index has fewer.
        templates
            Set of prompt templates to put around each text, by name or as a `.txt` file; None puts none.
        exact
            Look at every tile, whatever the index offers.
        within
            Which tiles may be found: a filter, or what `select` found by one; None: all. As many come back as fit, up
            to k. Examples need not be among them.

        Raises
        ------
        QueryError
            An empty text, an example that is no tile, parts that cancel to nothing, k < 1, unknown templates, or a
            filter's condition that is none.
        IndexDamaged, StorageError
            What a filter or an example asks about cannot be read.
        ModelMismatch
            The model at hand is not the one of the index.
        ModelError
            The model cannot be loaded; a question of tiles that stand in the index does without.
        """
        return self.search_many([asked], k=k, templates=templates, exact=exact, within=within)[0]

    def search_many(
        self,
        asked: Sequence[str | Question],
        *,
        k: int = 10,
        templates: str | None = None,
        exact: bool = False,
        within: "Filter | Selection | None" = None,
    ) -> list[Hits]:
        """Rank the tiles by each of several texts or questions: see `search`."""
        questions = [as_question(each) for each in asked]
        check_k(k)
        field = field_of(self._snapshot, within)  # first: its faults are said before a model is loaded
        found = directions(
            self._snapshot,
            questions,
            texts=lambda texts: self.encode(texts, templates=templates),
            encoder=lambda: self.encoder,
        )
        titles = [Title(str(question), question.parts if question.others else ()) for question in found.questions]
        return self._ranked(found.vectors, titles, k, exact=exact, field=field)

    def search_vectors(
        self,
        vectors: NDArray[np.floating],
        *,
        k: int = 10,
        names: Sequence[str] | None = None,
        exact: bool = False,
        within: "Filter | Selection | None" = None,
    ) -> list[Hits]:
        """Rank the tiles by vectors of the model's space, k for each.

        Parameters
        ----------
        vectors
            (queries, dimension); brought to length 1.
        names
            What the queries are called in the results.
        exact, within
            See `search`.

        Raises
        ------
        QueryError
            k < 1, another dimension, a vector that has no direction, or a filter's condition that is none.
        """
        check_k(k)
        field = field_of(self._snapshot, within)
        queries = np.atleast_2d(np.asarray(vectors))
        titles = [Title(name) for name in names or [f"vector {number}" for number in range(1, len(queries) + 1)]]
        return self._ranked(queries, titles, k, exact=exact, field=field)

    def select(self, within: "Filter") -> "Selection":
        """Find the tiles that fit a filter: see `choice.choose`."""
        from msclip_search.search.choice import choose  # here, since queries without a filter need not load it

        return choose(self._snapshot, within)

    def scores(self, vectors: NDArray[np.floating]) -> NDArray[np.float32]:
        """Score every tile by vectors of the model's space: (tiles, vectors), in the order of `tiles`."""
        return score_tiles(self._snapshot, unit_queries(np.atleast_2d(np.asarray(vectors)), self._snapshot.dimension))

    def tiles(self, columns: Sequence[str], *, within: "Filter | Selection | None" = None) -> Any:  # noqa: ANN401 - pyarrow has no types
        """Return a pyarrow.Table of the sidecar's columns, a row a tile, of those that may be found."""
        table = self._snapshot.table(columns)
        allowed = None if within is None else field_of(self._snapshot, within).allowed
        return table if allowed is None else table.take(np.flatnonzero(allowed[self._snapshot.live_rows]))

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
        """The model of the index, loaded at first use, which may raise ModelError or ModelMismatch."""
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
        """What searches."""
        with self._lock:
            if self._searcher is None:
                self._searcher = open_searcher(self._snapshot)
            return self._searcher

    @property
    def _sample(self) -> NDArray[np.float32]:
        """Vectors by which a score becomes a percentile: (vectors, dimension)."""
        with self._lock:
            if self._drawn is None:
                self._drawn = store.read_sample(self._snapshot)
            return self._drawn

    def _ranked(
        self, vectors: NDArray[np.floating], titles: Sequence[Title], k: int, *, exact: bool, field: Field
    ) -> list[Hits]:
        """Rank the tiles of a field by vectors."""
        queries = unit_queries(vectors, self._snapshot.dimension)
        index = FlatIndex(self._snapshot.vectors) if exact else self._index
        return rank(self._snapshot, index, queries, titles, k, field=field, sample=self._sample)
