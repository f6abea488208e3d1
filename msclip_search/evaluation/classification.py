"""How well the classes of tiles are told by comparing tiles with the words for the classes."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from msclip_search import metrics
from msclip_search.errors import QueryError
from msclip_search.evaluation.questions import LabelTable, Question
from msclip_search.metrics import Interval
from msclip_search.search import SearchIndex

_FIVE = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class ClassScore:
    """How one class was recognised; nan for a class without a tile."""

    name: str
    tiles: int
    recall: float
    """Of the tiles of this class, the share recognised."""
    average_precision: float
    """Over all tiles, ranked by the score for this class."""
    accuracy: float
    """Share of all tiles rightly given, or not given, the class. With one label a tile: its recall."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Classification:
    """How all classes were recognised."""

    tiles: int
    several_labels: bool
    """Whether a tile may have several: then a class counts where it scores above the mean of the others."""
    classes: tuple[ClassScore, ...]
    accuracy: Interval
    """Top-1; with several labels the mean over classes of right decisions."""
    top5: Interval | None
    """Share of the tiles whose class is among the first five; None with several labels."""
    mean_recall: Interval
    mean_average_precision: float
    confusion: tuple[tuple[int, ...], ...] | None
    """Tiles by class (row) and prediction (column); None with several labels."""
    left_out: int
    """Tiles without any of the classes."""


def classify(
    index: SearchIndex,
    questions: Sequence[Question],
    *,
    templates: str | None = None,
    several_labels: bool | None = None,
    seed: int = 0,
) -> Classification:
    """Give each tile of an index a class by the words for it, and compare with its labels.

    Parameters
    ----------
    index
        With labels.
    questions
        The classes.
    templates
        Set of prompt templates to put around the words; its embeddings are averaged.
    several_labels
        Whether a tile may have several of the classes; None looks.
    seed
        Of the bootstrap.

    Raises
    ------
    QueryError
        Fewer than two classes, or no tile has any of them.
    """
    if len(questions) < 2:
        raise QueryError("Classes are told from one another: give two at least.")
    labels = LabelTable.of(index.tiles(["labels"])["labels"].to_pylist())
    truth = np.stack([question.relevant.holds(labels) for question in questions], axis=1)
    there = truth.any(axis=1)
    if not there.any():
        raise QueryError(f"No tile of {index.path} has one of the labels that are asked for.")
    vectors = index.encode([question.text for question in questions], templates=templates)
    scores, truth = index.scores(vectors)[there], truth[there]
    several = bool((truth.sum(axis=1) > 1).any()) if several_labels is None else several_labels
    random = np.random.default_rng(seed)
    judge = _several if several else _single
    return judge(questions, scores, truth, left_out=int((~there).sum()), random=random)


def _precisions(scores: NDArray[np.float32], truth: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Average precision of each class over all tiles; equal scores in the order of rows."""
    order = np.argsort(-scores, axis=0, kind="stable")
    hits = np.take_along_axis(truth, order, axis=0).T
    return metrics.average_precision(hits, truth.sum(axis=0), k=len(truth))


def _single(
    questions: Sequence[Question],
    scores: NDArray[np.float32],
    truth: NDArray[np.bool_],
    *,
    left_out: int,
    random: np.random.Generator,
) -> Classification:
    if (truth.sum(axis=1) > 1).any():
        raise QueryError(
            "Some tiles have several of the classes: say that they may, or ask for classes that exclude one another."
        )
    number = truth.argmax(axis=1)
    places = metrics.placed(scores, number)
    table = metrics.confusion(number, scores.argmax(axis=1), classes=len(questions))
    right = np.diag(table)
    totals = table.sum(axis=1)
    recall, precisions = metrics.class_recall(table), _precisions(scores, truth)
    first, five = int((places == 0).sum()), int((places < _FIVE).sum())

    def share(hits: int) -> Interval:
        return metrics.share_interval(np.array([hits]), np.array([len(number) - hits]), random=random)

    return Classification(
        tiles=len(number),
        several_labels=False,
        classes=_class_scores(questions, totals, recall, precisions, accuracy=recall),
        accuracy=share(first),
        top5=share(five),
        mean_recall=metrics.share_interval(right, totals - right, random=random),
        mean_average_precision=_mean(precisions),
        confusion=tuple(tuple(int(value) for value in row) for row in table),
        left_out=left_out,
    )


def _several(
    questions: Sequence[Question],
    scores: NDArray[np.float32],
    truth: NDArray[np.bool_],
    *,
    left_out: int,
    random: np.random.Generator,
) -> Classification:
    decided = metrics.above_the_others(scores)
    right, totals = (decided & truth).sum(axis=0), truth.sum(axis=0)
    agreed, precisions = (decided == truth).sum(axis=0), _precisions(scores, truth)
    recall = np.where(totals > 0, right / np.maximum(totals, 1), np.nan)
    return Classification(
        tiles=len(truth),
        several_labels=True,
        classes=_class_scores(questions, totals, recall, precisions, accuracy=agreed / len(truth)),
        accuracy=metrics.overlapping_interval(decided == truth, np.ones_like(truth), random=random),
        top5=None,
        mean_recall=metrics.overlapping_interval(decided, truth, random=random),
        mean_average_precision=_mean(precisions),
        confusion=None,
        left_out=left_out,
    )


def _class_scores(
    questions: Sequence[Question],
    totals: NDArray[np.int64],
    recall: NDArray[np.float64],
    precisions: NDArray[np.float64],
    *,
    accuracy: NDArray[np.float64],
) -> tuple[ClassScore, ...]:
    columns = zip(questions, totals.tolist(), recall.tolist(), precisions.tolist(), accuracy.tolist(), strict=True)
    return tuple(
        ClassScore(name=question.name, tiles=tiles, recall=one, average_precision=two, accuracy=three)
        for question, tiles, one, two, three in columns
    )


def _mean(values: NDArray[np.float64]) -> float:
    known = values[~np.isnan(values)]
    return float(known.mean()) if len(known) else float("nan")
