"""How good rankings and classifications are, in numbers.

Rankings come as what was found, best first: whether each hit is relevant, (queries, hits). Each measure gives one value
a query and sees no more than the first k hits; a query without a relevant tile has none (nan).

Average precision has two definitions, which differ by what the sum of the precisions at the relevant hits is divided
by: `standard` by min(R, k), the hits that could have been found; `torchmetrics` by the hits that were found, as
TorchMetrics' RetrievalMAP does, which besides takes hits of a score of 0 or less as not relevant. The second forgives
what is missing: one relevant hit, at the first place, scores 1. (TREC's AP@k is a third: it divides by R.)
"""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

Flags = NDArray[np.bool_]
Counts = NDArray[np.int64]
Values = NDArray[np.float64]

Definition = Literal["standard", "torchmetrics"]
RESAMPLES = 1000
"""Bootstrap samples behind an interval."""
_CONFIDENCE = (2.5, 97.5)
"""Percentiles between which an interval lies."""


def ranked(scores: NDArray[np.floating], names: NDArray[np.str_] | NDArray[np.object_]) -> NDArray[np.intp]:
    """Order tiles by falling score, equal scores by name, so that the order of files does not matter.

    Parameters
    ----------
    scores
        (tiles,).
    names
        Lasting names of the tiles, (tiles,).
    """
    return np.lexsort((names, -scores))


def average_precision(relevant: Flags, total: Counts, *, k: int) -> Values:
    """Return AP@k after the `standard` definition: the sum of the precisions at relevant hits, over min(R, k).

    Parameters
    ----------
    relevant
        Whether each hit is relevant, best first, (queries, hits); more than k hits are cut, fewer count as not found.
    total
        R, relevant tiles in the collection, (queries,).
    k
        Depth.

    Returns
    -------
    array
        (queries,); nan where nothing is relevant.
    """
    at = _precisions(relevant[:, :k])
    return _over((at * relevant[:, :k]).sum(axis=1), np.minimum(total, k))


def average_precision_of_found(relevant: Flags, scores: NDArray[np.floating], total: Counts, *, k: int) -> Values:
    """Return AP@k after the `torchmetrics` definition: the sum of the precisions at relevant hits, over their number.

    Parameters
    ----------
    relevant, total, k
        See `average_precision`.
    scores
        Of the hits, (queries, hits): what scores 0 or less is not relevant.

    Returns
    -------
    array
        (queries,); 0 where none is found, nan where nothing is relevant.
    """
    counted = relevant[:, :k] & (scores[:, :k] > 0)
    sums = (_precisions(counted) * counted).sum(axis=1)
    found = counted.sum(axis=1)
    return np.where(total > 0, sums / np.maximum(found, 1), np.nan)


def precision(relevant: Flags, total: Counts, *, k: int) -> Values:
    """Return the share of the first k places that hold a relevant hit, (queries,); places without a hit hold none."""
    return np.where(total > 0, relevant[:, :k].sum(axis=1) / k, np.nan)


def recall(relevant: Flags, total: Counts, *, k: int) -> Values:
    """Return the share of the relevant tiles that are among the first k hits, (queries,)."""
    return _over(relevant[:, :k].sum(axis=1), total)


def r_precision(relevant: Flags, total: Counts) -> Values:
    """Return the precision at R, (queries,). The hits must reach as deep as the largest R."""
    if relevant.shape[1] < total.max(initial=0):
        raise ValueError(f"R-precision needs {total.max():,} hits a query, and there are {relevant.shape[1]:,}.")
    inside = np.arange(relevant.shape[1]) < total[:, None]
    return _over((relevant & inside).sum(axis=1), total)


def ndcg(relevant: Flags, total: Counts, *, k: int) -> Values:
    """Return the normalised discounted cumulative gain at k, gain 1 for a relevant hit, discount log2(1 + rank)."""
    gains = 1 / np.log2(np.arange(2, k + 2))
    ideal = np.concatenate([[0.0], np.cumsum(gains)])[np.minimum(total, k)]
    shown = relevant[:, :k]
    return _over((shown * gains[: shown.shape[1]]).sum(axis=1), ideal)


def _precisions(relevant: Flags) -> Values:
    """Precision at each rank, (queries, hits)."""
    ranks = np.arange(1, relevant.shape[1] + 1)
    return np.asarray(np.cumsum(relevant, axis=1) / ranks, np.float64)


def _over(sums: NDArray[np.number], parts: NDArray[np.number]) -> Values:
    """Divide; nan where there is nothing to divide by."""
    return np.where(parts > 0, sums / np.where(parts > 0, parts, 1), np.nan)


@dataclass(frozen=True, slots=True)
class Interval:
    """A value with its 95 % interval."""

    value: float
    low: float
    high: float


def map_interval(
    tiles: NDArray[np.int64],
    relevant: Flags,
    scores: NDArray[np.floating],
    total: Counts,
    *,
    k: int,
    definition: Definition,
    random: np.random.Generator,
    resamples: int = RESAMPLES,
) -> Interval:
    """Return mAP@k with the interval of a bootstrap over tiles.

    Each tile is drawn a Poisson number of times (Hanley & MacGibbon 2006, Computer Methods and Programs in
    Biomedicine 83), the same for all queries, and stands that many times in the ranking. Relevant tiles beyond the hits
    are drawn as one number a query, so that nothing but the hits is needed. A query none of whose right answers is
    drawn keeps its value, so that every mean is over the same queries; where R is small, intervals are rough.

    Parameters
    ----------
    tiles
        Number of the tile of each hit, (queries, hits), −1 where there is none. Hits beyond k are needed, since tiles
        that are never drawn make room: see `spare_depth`.
    relevant, scores, total, k
        See `average_precision_of_found`.
    definition
        Which average precision.
    random
        Where the draws come from.
    resamples
        How many.
    """
    there = tiles >= 0
    relevant = relevant & there
    if definition == "torchmetrics":
        counted = relevant & (scores > 0)
        value = average_precision_of_found(relevant, scores, total, k=k)
    else:
        counted = relevant
        value = average_precision(relevant, total, k=k)
    if np.isnan(value).all():
        return Interval(np.nan, np.nan, np.nan)
    names, places = np.unique(tiles[there], return_inverse=True)
    beyond = total - relevant.sum(axis=1)
    means = np.empty(resamples)
    asked = total > 0
    for sample in range(resamples):
        times = np.zeros(tiles.shape, np.int64)
        times[there] = random.poisson(1.0, len(names))[places]
        rest = random.poisson(np.maximum(beyond, 0))
        drawn = _resampled(relevant, counted, times, rest, k=k, definition=definition)
        means[sample] = np.where(np.isnan(drawn), value, drawn)[asked].mean()
    low, high = np.percentile(means, _CONFIDENCE)
    return Interval(float(value[asked].mean()), float(low), float(high))


def spare_depth(k: int) -> int:
    """Return how deep to search for a bootstrap at k: among so many tiles at least k are drawn, all but surely."""
    return 2 * k + 20


def _resampled(
    relevant: Flags, counted: Flags, times: Counts, rest: Counts, *, k: int, definition: Definition
) -> Values:
    """AP@k of each query where each hit stands `times` times and `rest` relevant tiles are not among them.

    nan for a query none of whose right answers is drawn.
    """
    values = np.full(len(relevant), np.nan)
    for row, (right, taken, often, more) in enumerate(zip(relevant, counted, times, rest, strict=True)):
        drawn = np.repeat(taken, often)[:k][None]
        total = int((right * often).sum()) + int(more)
        if total:
            parts = min(total, k) if definition == "standard" else max(int(drawn.sum()), 1)
            values[row] = float((_precisions(drawn) * drawn).sum()) / parts
    return values


def placed(scores: NDArray[np.floating], truth: Counts) -> Counts:
    """Return at which place, from 0, each tile's class stands among its scores; equal scores in the order of classes.

    Parameters
    ----------
    scores
        (tiles, classes).
    truth
        Number of each tile's class, (tiles,).
    """
    own = np.take_along_axis(scores, truth[:, None], axis=1)
    before = np.arange(scores.shape[1]) < truth[:, None]
    return np.asarray(((scores > own) | ((scores == own) & before)).sum(axis=1))


def confusion(truth: Counts, predicted: Counts, *, classes: int) -> Counts:
    """Count tiles by class and prediction, (classes, classes): a row is a class."""
    return np.bincount(truth * classes + predicted, minlength=classes * classes).reshape(classes, classes)


def class_recall(table: Counts) -> Values:
    """Return the share of each class's tiles that are recognised, (classes,); nan for a class without any."""
    return _over(np.diag(table), table.sum(axis=1))


def above_the_others(scores: NDArray[np.floating]) -> Flags:
    """Decide which classes a tile has, where it may have several: those that score above the mean of the others.

    After Marimo et al. (2025), arXiv:2503.15969. A score is above the mean of the others where it is above that of all.

    Parameters
    ----------
    scores
        (tiles, classes), two classes at least.
    """
    return np.asarray(scores > scores.mean(axis=1, keepdims=True))


def share_interval(
    right: Counts, wrong: Counts, *, random: np.random.Generator, resamples: int = RESAMPLES
) -> Interval:
    """Return the mean over groups of right / (right + wrong), with the interval of the same bootstrap over tiles.

    One group is an accuracy, a group a class a mean recall; groups without a tile are left out. A tile is in one group
    at most: see `overlapping_interval` for others.
    """
    there = right + wrong > 0
    if not there.any():
        return Interval(np.nan, np.nan, np.nan)
    right, wrong = right[there], wrong[there]
    hits, misses = random.poisson(right, (resamples, len(right))), random.poisson(wrong, (resamples, len(wrong)))
    shares, drawn = right / (right + wrong), _over(hits, hits + misses)
    low, high = np.percentile(np.where(np.isnan(drawn), shares, drawn).mean(axis=1), _CONFIDENCE)
    return Interval(float(shares.mean()), float(low), float(high))


def overlapping_interval(
    right: Flags, there: Flags, *, random: np.random.Generator, resamples: int = RESAMPLES
) -> Interval:
    """Return the mean over classes of the share of right decisions, with the interval of a bootstrap over tiles.

    A tile counts in several classes, so it is drawn once for all of them.

    Parameters
    ----------
    right
        Whether each decision is right, (tiles, classes).
    there
        Which decisions count, (tiles, classes); a class without any is left out.
    random, resamples
        Of the bootstrap.
    """
    counted = there.any(axis=0)
    if not counted.any():
        return Interval(np.nan, np.nan, np.nan)
    hits, parts = (right & there)[:, counted].astype(np.float32), there[:, counted].astype(np.float32)
    shares = hits.sum(axis=0, dtype=np.float64) / parts.sum(axis=0, dtype=np.float64)
    means = np.empty(resamples)
    for sample in range(resamples):
        times = random.poisson(1.0, len(hits)).astype(np.float32)
        drawn = _over(times @ hits, times @ parts)
        means[sample] = np.where(np.isnan(drawn), shares, drawn).mean()
    low, high = np.percentile(means, _CONFIDENCE)
    return Interval(float(shares.mean()), float(low), float(high))
