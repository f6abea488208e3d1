"""How well an index answers questions whose right answers are known."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from msclip_search import metrics
from msclip_search.errors import QueryError
from msclip_search.evaluation.questions import LabelTable, Question
from msclip_search.metrics import Interval
from msclip_search.search import Hits, SearchIndex

DEPTH = 100
"""k of mAP@k where none is asked for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Score:
    """How one question was answered; everything between 0 and 1, nan where no tile is relevant."""

    name: str
    text: str
    relevant: int
    """R: tiles that are right answers."""
    standard: Interval
    """AP@k, over min(R, k)."""
    torchmetrics: Interval
    """AP@k, over the hits found."""
    precision: float
    recall: float
    ndcg: float
    r_precision: float
    ann_standard: float | None
    """AP@k through the ANN index; None where searches scan exactly."""
    ann_torchmetrics: float | None
    ann_recall: float | None
    """Share of the exact first k that the ANN index finds."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Retrieval:
    """How all questions were answered."""

    k: int
    tiles: int
    scores: tuple[Score, ...]
    """In the order of the questions."""
    standard: Interval
    """mAP@k: the mean over the questions that have a right answer."""
    torchmetrics: Interval
    ann: bool
    """Whether the index has an ANN index, so that it was measured too."""
    unasked: tuple[str, ...]
    """Labels that no question asks for."""
    unknown: tuple[str, ...]
    """Labels that are asked for and that no tile has."""

    @property
    def unanswerable(self) -> tuple[str, ...]:
        """Questions without a right answer in the index: left out of the means."""
        return tuple(score.name for score in self.scores if not score.relevant)

    def mean(self, measure: str) -> float:
        """Mean of a measure over the questions that have a right answer; nan without any."""
        values = [getattr(score, measure) for score in self.scores if score.relevant]
        values = [value.value if isinstance(value, Interval) else value for value in values]
        return float(np.mean([value for value in values if value is not None])) if values else float("nan")


@dataclass(frozen=True, slots=True)
class _Ranking:
    """What a search found for each question, best first, equal scores by tile id."""

    tiles: NDArray[np.int64]
    """Numbers of tiles, (questions, hits), −1 where there are fewer."""
    scores: NDArray[np.float32]
    relevant: NDArray[np.bool_]

    def interval(
        self, rows: slice, total: NDArray[np.int64], how: "_Bootstrap", definition: metrics.Definition
    ) -> Interval:
        """Return the mAP of some questions."""
        depth = metrics.spare_depth(how.k)
        return metrics.map_interval(
            self.tiles[rows, :depth],
            self.relevant[rows, :depth],
            self.scores[rows, :depth],
            total[rows],
            k=how.k,
            definition=definition,
            random=how.random,
            resamples=how.resamples,
        )


@dataclass(frozen=True, slots=True)
class _Bootstrap:
    """How intervals are made."""

    k: int
    random: np.random.Generator
    resamples: int


def evaluate(
    index: SearchIndex,
    questions: Sequence[Question],
    *,
    k: int = DEPTH,
    templates: str | None = None,
    exact: bool = False,
    seed: int = 0,
    resamples: int = metrics.RESAMPLES,
) -> Retrieval:
    """Ask an index, and compare with what is right.

    Every number but those of the ANN index comes from exact scans.

    Parameters
    ----------
    index
        With labels.
    questions
        What to ask.
    k
        Depth.
    templates
        Set of prompt templates to put around each text; its embeddings are averaged.
    exact
        Leave the ANN index out.
    seed
        Of the bootstrap.
    resamples
        Of the bootstrap.

    Raises
    ------
    QueryError
        No question, k < 1, or no tile of the index has a label.
    """
    if not questions:
        raise QueryError("There is nothing to ask.")
    if k < 1:
        raise QueryError(f"The depth is at least 1, got {k}.")
    table = index.tiles(["tile_id", "labels"])
    labels = LabelTable.of(table["labels"].to_pylist())
    if not labels.tiles_of:
        raise QueryError(f"No tile of {index.path} has a label: index it with --labels or --label-from.")
    right = np.stack([question.relevant.holds(labels) for question in questions])
    total = right.sum(axis=1)
    if not total.any():
        near = ", ".join(list(labels.tiles_of)[:12])
        raise QueryError(f"No tile of {index.path} is a right answer to any question. Its labels: {near}, …")
    vectors = index.encode([question.text for question in questions], templates=templates)
    numbers = {name: number for number, name in enumerate(table["tile_id"].to_pylist())}
    deep = max(metrics.spare_depth(k), int(total.max(initial=0)))
    found = _search(index, vectors, right, numbers, depth=deep, k=k, exact=True)
    ann = None
    if not exact and index.info().kind != "flat":
        ann = _search(index, vectors, right, numbers, depth=k, k=k, exact=False)
    how = _Bootstrap(k, np.random.default_rng(seed), resamples)
    everything = slice(None)
    asked = {label for question in questions for label in question.relevant.labels}
    return Retrieval(
        k=k,
        tiles=labels.count,
        scores=tuple(_scores(questions, found, ann, total, how)),
        standard=found.interval(everything, total, how, "standard"),
        torchmetrics=found.interval(everything, total, how, "torchmetrics"),
        ann=ann is not None,
        unasked=tuple(label for label in labels.tiles_of if label not in asked),
        unknown=tuple(sorted(asked - labels.tiles_of.keys())),
    )


def _scores(
    questions: Sequence[Question],
    found: _Ranking,
    ann: _Ranking | None,
    total: NDArray[np.int64],
    how: _Bootstrap,
) -> Iterator[Score]:
    k = how.k
    precision = metrics.precision(found.relevant, total, k=k)
    recall = metrics.recall(found.relevant, total, k=k)
    ndcg = metrics.ndcg(found.relevant, total, k=k)
    r_precision = metrics.r_precision(found.relevant, total)
    through = None if ann is None else metrics.average_precision(ann.relevant, total, k=k)
    forgiving = None if ann is None else metrics.average_precision_of_found(ann.relevant, ann.scores, total, k=k)
    for row, question in enumerate(questions):
        one = slice(row, row + 1)
        yield Score(
            name=question.name,
            text=question.text,
            relevant=int(total[row]),
            standard=found.interval(one, total, how, "standard"),
            torchmetrics=found.interval(one, total, how, "torchmetrics"),
            precision=float(precision[row]),
            recall=float(recall[row]),
            ndcg=float(ndcg[row]),
            r_precision=float(r_precision[row]),
            ann_standard=None if through is None else float(through[row]),
            ann_torchmetrics=None if forgiving is None else float(forgiving[row]),
            ann_recall=None if ann is None else _overlap(ann.tiles[row, :k], found.tiles[row, :k]),
        )


def _overlap(found: NDArray[np.int64], exact: NDArray[np.int64]) -> float:
    exact = exact[exact >= 0]
    return float(np.isin(exact, found).mean()) if len(exact) else float("nan")


def _search(
    index: SearchIndex,
    vectors: NDArray[np.float32],
    right: NDArray[np.bool_],
    numbers: dict[str, int],
    *,
    depth: int,
    k: int,
    exact: bool,
) -> _Ranking:
    """Search so deep that no hit beyond could stand among the first k by its tile id."""
    while True:
        # Through the ANN index one by one, as users ask: many at once are ranked exactly where that is faster.
        batches = [vectors] if exact else np.split(vectors, len(vectors))
        asked = min(depth, len(numbers))
        results = [hits for batch in batches for hits in index.search_vectors(batch, k=asked, exact=exact)]
        if depth >= len(numbers) or not any(_runs_on(hits, k) for hits in results):
            break
        depth *= 4
    width = min(depth, len(numbers))
    tiles = np.full((len(results), width), -1, np.int64)
    scores = np.full((len(results), width), -np.inf, np.float32)
    for row, hits in enumerate(results):
        names = np.array(hits.tiles["tile_id"].to_pylist(), dtype=np.str_)
        order = metrics.ranked(hits.scores, names)
        tiles[row, : len(hits)] = [numbers[name] for name in names[order]]
        scores[row, : len(hits)] = hits.scores[order]
    relevant = np.take_along_axis(right, np.maximum(tiles, 0), axis=1) & (tiles >= 0)
    return _Ranking(tiles, scores, relevant)


def _runs_on(hits: Hits, k: int) -> bool:
    """Tell whether the last hit scores as the one at k does: others of that score may have been cut off."""
    return len(hits) > k and bool(hits.scores[-1] == hits.scores[k - 1])
