"""Searching an index folder: text goes in, ranked tiles come out."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from msclip_search.errors import QueryError
from msclip_search.indexes import FlatIndex
from msclip_search.search.above import PAGE, Pages, Progress, check_page
from msclip_search.search.asking import directions
from msclip_search.search.hits import Hits
from msclip_search.search.limits import Limits, all_within, rank_within
from msclip_search.search.opened import OpenIndex
from msclip_search.search.question import Question, as_question
from msclip_search.search.ranking import Field, Title, field_of, rank
from msclip_search.search.searcher import check_k, unit_queries
from msclip_search.search.whole import score_tiles

if TYPE_CHECKING:
    from msclip_search.filters import Filter, Selection


class SearchIndex(OpenIndex):
    """An index folder, open for searching; one state of it, whatever a writer does meanwhile.

    Made by `open`. Threads may share one.
    """

    def search(
        self,
        asked: str | Question,
        *,
        k: int = 10,
        templates: str | None = None,
        exact: bool = False,
        within: "Filter | Selection | None" = None,
        apart: float | None = None,
        min_percentile: float | None = None,
        min_score: float | None = None,
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
        apart
            Metres between the middles of any two hits, at least: of those nearer to one another only the best stays.
            As many come back as lie apart, up to k. Tiles without coordinates are kept, and counted in a warning.
        min_percentile, min_score
            What a hit has to reach, as it is reported; fewer than k come back where fewer do.

        Raises
        ------
        QueryError
            An empty text, an example that is no tile, parts that cancel to nothing, k < 1, unknown templates, a
            distance, percentile or score out of range, or a filter's condition that is none.
        IndexDamaged, StorageError
            What a filter or an example asks about cannot be read.
        ModelMismatch
            The model at hand is not the one of the index.
        ModelError
            The model cannot be loaded; a question of tiles that stand in the index does without.
        """
        return self.search_many(
            [asked],
            k=k,
            templates=templates,
            exact=exact,
            within=within,
            apart=apart,
            min_percentile=min_percentile,
            min_score=min_score,
        )[0]

    def search_many(
        self,
        asked: Sequence[str | Question],
        *,
        k: int = 10,
        templates: str | None = None,
        exact: bool = False,
        within: "Filter | Selection | None" = None,
        apart: float | None = None,
        min_percentile: float | None = None,
        min_score: float | None = None,
    ) -> list[Hits]:
        """Rank the tiles by each of several texts or questions: see `search`."""
        questions = [as_question(each) for each in asked]
        k = check_k(k)
        limits = Limits.of(apart=apart, min_percentile=min_percentile, min_score=min_score)
        field = field_of(self._snapshot, within)  # first: its faults are said before a model is loaded
        vectors, titles = self._directed(questions, templates)
        return self._ranked(vectors, titles, k, exact=exact, field=field, limits=limits)

    def search_all(
        self,
        asked: str | Question,
        *,
        templates: str | None = None,
        within: "Filter | Selection | None" = None,
        apart: float | None = None,
        min_percentile: float | None = None,
        min_score: float | None = None,
        page: int = PAGE,
        progress: Progress | None = None,
    ) -> Pages:
        """Find every tile, or all that reach a bound, scored exactly: an iterator over pages of hits.

        >>> for hits in index.search_all("solar park", min_percentile=99.9):  # doctest: +SKIP
        ...     print(hits.to_table())

        Order, ranks and scores are to the bit those of `search` with `exact` and a k as large as the index. They are
        all known when this returns, of which 12 bytes a hit stay in memory; what else is known of the tiles is read as
        the pages are asked for.

        Parameters
        ----------
        asked, templates, within, apart, min_percentile, min_score
            See `search`.
        page
            Hits a page, at least 1. Where there is no hit, there is one empty page.
        progress
            Called with the tiles scored and the tiles to score, again and again.

        Raises
        ------
        QueryError, IndexDamaged, StorageError, ModelMismatch, ModelError
            See `search`.
        """
        question = as_question(asked)
        check_page(page)
        limits = Limits.of(apart=apart, min_percentile=min_percentile, min_score=min_score)
        field = field_of(self._snapshot, within)
        vectors, (title,) = self._directed([question], templates)
        (query,) = unit_queries(vectors, self._snapshot.dimension)
        return all_within(
            self._snapshot,
            query,
            title,
            within=field,
            sample=self._sample,
            limits=limits,
            page=page,
            progress=progress,
        )

    def search_vectors(
        self,
        vectors: NDArray[np.floating],
        *,
        k: int = 10,
        names: Sequence[str] | None = None,
        exact: bool = False,
        within: "Filter | Selection | None" = None,
        apart: float | None = None,
        min_percentile: float | None = None,
        min_score: float | None = None,
    ) -> list[Hits]:
        """Rank the tiles by vectors of the model's space, k for each.

        Parameters
        ----------
        vectors
            (queries, dimension); brought to length 1.
        names
            What the queries are called in the results.
        exact, within, apart, min_percentile, min_score
            See `search`.

        Raises
        ------
        QueryError
            k < 1, another dimension, a vector that has no direction, not a name for each, a distance, percentile or
            score out of range, or a filter's condition that is none.
        """
        k = check_k(k)
        limits = Limits.of(apart=apart, min_percentile=min_percentile, min_score=min_score)
        field = field_of(self._snapshot, within)
        queries = np.atleast_2d(np.asarray(vectors))
        if names is None:
            names = [f"vector {number}" for number in range(1, len(queries) + 1)]
        if len(names) != len(queries):
            raise QueryError(
                f"Each query vector has a name, or none has: got {len(queries):,}, and {len(names):,} names."
            )
        titles = [Title(name) for name in names]
        return self._ranked(queries, titles, k, exact=exact, field=field, limits=limits)

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

    def _directed(
        self, questions: Sequence[Question], templates: str | None
    ) -> tuple[NDArray[np.floating], list[Title]]:
        """Find out where questions point, and what each is called."""
        found = directions(
            self._snapshot,
            questions,
            texts=lambda texts: self.encode(texts, templates=templates),
            encoder=lambda: self.encoder,
        )
        titles = [Title(str(question), question.parts if question.others else ()) for question in found.questions]
        return found.vectors, titles

    def _ranked(
        self,
        vectors: NDArray[np.floating],
        titles: Sequence[Title],
        k: int,
        *,
        exact: bool,
        field: Field,
        limits: Limits,
    ) -> list[Hits]:
        """Rank the tiles of a field by vectors."""
        queries = unit_queries(vectors, self._snapshot.dimension)
        index = FlatIndex(self._snapshot.vectors) if exact else self._index
        if limits:
            return rank_within(
                self._snapshot, index, queries, titles, k, within=field, sample=self._sample, limits=limits
            )
        return rank(self._snapshot, index, queries, titles, k, field=field, sample=self._sample)
