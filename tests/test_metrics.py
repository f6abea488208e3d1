"""Measures against two other libraries, against formulas, and against plain loops."""

import itertools
import warnings
from typing import TypeAlias

import ir_measures
import numpy as np
import pytest
import torch
from ir_measures import AP, RR, P, R, Rprec, nDCG
from numpy.typing import NDArray
from torchmetrics.functional.retrieval import retrieval_average_precision

from msclip_search import metrics

Flags: TypeAlias = NDArray[np.bool_]
Scores: TypeAlias = NDArray[np.float64]


def cases() -> "list[tuple[str, Flags, Scores]]":
    """Relevance and scores of some queries, (queries, tiles): random ones, and those that break things."""
    random = np.random.default_rng(3)
    made: list[tuple[str, Flags, Scores]] = []
    for tiles, share in itertools.product((1, 7, 60, 400), (0.02, 0.3, 0.9)):
        relevant = random.random((6, tiles)) < share
        mixed = np.asarray(random.normal(size=(6, tiles)) + relevant, np.float64)
        made.append((f"{tiles} tiles, {share}", relevant, mixed))
    scores = random.normal(size=(3, 50))
    made.append(("nothing relevant", np.zeros((3, 50), bool), scores))
    made.append(("all relevant", np.ones((3, 50), bool), scores))
    made.append(("all below zero", random.random((3, 50)) < 0.3, -1 - abs(scores)))
    made.append(("some below zero", random.random((3, 50)) < 0.3, scores - 1))
    made.append(
        (
            "tiny differences",
            random.random((3, 50)) < 0.3,
            np.asarray(1 + np.argsort(scores, axis=1) * 1e-6, np.float64),
        )
    )
    return made


CASES = cases()
DEPTHS = (1, 10, 50, 100, 1000)
each = pytest.mark.parametrize(("name", "relevant", "scores"), CASES, ids=[name for name, _, _ in CASES])


def best_first(relevant: Flags, scores: Scores) -> tuple[Flags, Scores, NDArray[np.int64]]:
    order = np.argsort(-scores, axis=1, kind="stable")
    return np.take_along_axis(relevant, order, 1), np.take_along_axis(scores, order, 1), relevant.sum(axis=1)


@each
@pytest.mark.parametrize("k", DEPTHS)
def test_average_precision_of_found_is_that_of_torchmetrics(name: str, relevant: Flags, scores: Scores, k: int) -> None:
    hits, ordered, total = best_first(relevant, scores)
    ours = metrics.average_precision_of_found(hits, ordered, total, k=k)
    for row in range(len(relevant)):
        theirs = retrieval_average_precision(torch.tensor(scores[row]), torch.tensor(relevant[row]), top_k=k)
        if total[row]:
            assert ours[row] == pytest.approx(float(theirs), abs=2e-6), name
        else:
            assert np.isnan(ours[row])
            assert float(theirs) == 0


@each
@pytest.mark.parametrize("k", DEPTHS)
def test_the_other_measures_are_those_of_ir_measures(name: str, relevant: Flags, scores: Scores, k: int) -> None:
    hits, _, total = best_first(relevant, scores)
    qrels, run = [], []
    for row, tile in np.ndindex(relevant.shape):
        qrels.append(ir_measures.Qrel(str(row), f"{tile:05}", int(relevant[row, tile])))
        # Ranks as scores: the library rounds neighbours together.
        run.append(ir_measures.ScoredDoc(str(row), f"{tile:05}", float(-(np.argsort(-scores[row]) == tile).argmax())))
    wanted = {AP @ k, P @ k, R @ k, nDCG @ k, Rprec, RR}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        found = {(value.query_id, value.measure): value.value for value in ir_measures.iter_calc(wanted, qrels, run)}
    ours = {
        AP @ k: metrics.average_precision(hits, total, k=k) * np.minimum(total, k) / np.maximum(total, 1),
        P @ k: metrics.precision(hits, total, k=k),
        R @ k: metrics.recall(hits, total, k=k),
        nDCG @ k: metrics.ndcg(hits, total, k=k),
        Rprec: metrics.r_precision(hits, total),
    }
    for measure, values in ours.items():
        for row, value in enumerate(values):
            if total[row]:
                assert value == pytest.approx(found[str(row), measure], abs=1e-6), f"{name}: {measure}"
            else:
                assert np.isnan(value)


def test_a_perfect_ranking_is_1_in_both_definitions() -> None:
    for total, k in ((3, 10), (10, 10), (50, 10)):
        hits = np.arange(60)[None] < total
        args = (hits, np.linspace(1, 0.1, 60)[None], np.array([total]))
        assert metrics.average_precision(hits, args[2], k=k) == pytest.approx([1])
        assert metrics.average_precision_of_found(*args, k=k) == pytest.approx([1])


def test_the_worst_ranking_is_what_the_formula_says() -> None:
    tiles, total = 40, 6
    hits = np.arange(tiles)[None] >= tiles - total
    worst = sum(number / (tiles - total + number) for number in range(1, total + 1)) / total
    scores = np.linspace(1, 0.1, tiles)[None]
    assert metrics.average_precision(hits, np.array([total]), k=tiles) == pytest.approx([worst])
    assert metrics.average_precision_of_found(hits, scores, np.array([total]), k=tiles) == pytest.approx([worst])
    assert metrics.average_precision(hits, np.array([total]), k=20) == pytest.approx([0])
    assert metrics.average_precision_of_found(hits, scores, np.array([total]), k=20) == pytest.approx([0])


def test_the_definitions_differ_by_what_was_not_found() -> None:
    hits = np.array([[True] + [False] * 99])
    scores, total = np.linspace(1, 0.1, 100)[None], np.array([50])
    assert metrics.average_precision(hits, total, k=100) == pytest.approx([1 / 50])
    assert metrics.average_precision_of_found(hits, scores, total, k=100) == pytest.approx([1])


def test_r_precision_says_when_it_sees_too_little() -> None:
    with pytest.raises(ValueError, match="needs 20 hits a query, and there are 10"):
        metrics.r_precision(np.ones((1, 10), bool), np.array([20]))


def test_equal_scores_are_ordered_by_name_whatever_the_order_of_files() -> None:
    random = np.random.default_rng(4)
    names = np.array([f"{number:03x}" for number in random.permutation(200)])
    scores = random.integers(0, 5, 200) / 4
    order = metrics.ranked(scores, names)
    assert [(-scores[at], names[at]) for at in order] == sorted(zip(-scores, names, strict=True))
    shuffled = random.permutation(200)
    again = metrics.ranked(scores[shuffled], names[shuffled])
    np.testing.assert_array_equal(names[order], names[shuffled][again])


def naive_map(hits: Flags, scores: Scores, total: NDArray[np.int64], k: int, definition: str) -> float:
    values = []
    for row in range(len(hits)):
        found, sums = 0, 0.0
        for place in range(min(k, hits.shape[1])):
            if hits[row, place] and (definition == "standard" or scores[row, place] > 0):
                found += 1
                sums += found / (place + 1)
        if total[row]:
            values.append(sums / (min(int(total[row]), k) if definition == "standard" else max(found, 1)))
    return float(np.mean(values))


@pytest.mark.parametrize("definition", ["standard", "torchmetrics"])
def test_the_interval_is_that_of_a_plain_bootstrap(definition: metrics.Definition) -> None:
    random = np.random.default_rng(5)
    classes, tiles, k = 5, 600, 50
    label = random.integers(0, classes, tiles)
    relevant = label == np.arange(classes)[:, None]
    scores = random.normal(size=(classes, tiles)) + 1.5 * relevant
    order = np.argsort(-scores, axis=1)
    hits, ordered = np.take_along_axis(relevant, order, 1), np.take_along_axis(scores, order, 1)
    means = []
    for _ in range(600):
        drawn = random.integers(0, tiles, tiles)
        again = np.argsort(-scores[:, drawn], axis=1, kind="stable")
        there = np.take_along_axis(relevant[:, drawn], again, 1)
        total = relevant[:, drawn].sum(axis=1)
        means.append(naive_map(there, np.take_along_axis(scores[:, drawn], again, 1), total, k, definition))
    low, high = np.percentile(means, [2.5, 97.5])
    found = metrics.map_interval(
        order[:, : 3 * k],
        hits[:, : 3 * k],
        ordered[:, : 3 * k],
        relevant.sum(axis=1),
        k=k,
        definition=definition,
        random=np.random.default_rng(6),
    )
    assert found.value == pytest.approx(naive_map(hits, ordered, relevant.sum(axis=1), k, definition))
    assert found.low == pytest.approx(low, abs=0.15 * (high - low))
    assert found.high == pytest.approx(high, abs=0.15 * (high - low))


def test_shuffled_labels_score_within_the_interval_of_chance() -> None:
    random = np.random.default_rng(7)
    tiles, classes, k = 2_000, 10, 100
    ranks = np.arange(1, k + 1)
    share, after = 1 / classes, (tiles / classes - 1) / (tiles - 1)
    chance = float((share * (1 + (ranks - 1) * after) / ranks).sum() / k)  # the mean over all orders
    found = []
    for _ in range(40):
        label = random.permutation(np.arange(tiles) % classes)
        relevant = label == np.arange(classes)[:, None]
        order = np.argsort(random.normal(size=(classes, tiles)), axis=1)[:, : 2 * k]
        found.append(
            metrics.map_interval(
                order,
                np.take_along_axis(relevant, order, 1),
                np.ones(order.shape),
                relevant.sum(axis=1),
                k=k,
                definition="standard",
                random=random,
                resamples=200,
            )
        )
    assert np.mean([one.value for one in found]) == pytest.approx(chance, rel=0.1)
    # The bootstrap of so small a value leans upwards: an interval of 95 % covers somewhat less.
    assert sum(one.low <= chance <= one.high for one in found) >= 30


def test_an_interval_without_anything_relevant_is_nothing() -> None:
    empty = np.zeros((2, 10), np.int64)
    found = metrics.map_interval(
        empty,
        empty > 0,
        empty + 1.0,
        np.zeros(2, np.int64),
        k=5,
        definition="standard",
        random=np.random.default_rng(1),
    )
    assert np.isnan([found.value, found.low, found.high]).all()


def test_places_and_confusion_are_those_of_plain_loops() -> None:
    random = np.random.default_rng(8)
    scores, truth = random.integers(0, 4, (300, 6)) / 3, random.integers(0, 6, 300)
    places = metrics.placed(scores, truth)
    for row in range(300):
        order = sorted(range(6), key=lambda name: (-scores[row, name], name))
        assert order[places[row]] == truth[row]
    predicted = scores.argmax(axis=1)
    assert ((places == 0) == (predicted == truth)).all()
    table = metrics.confusion(truth, predicted, classes=6)
    for one, other in np.ndindex(6, 6):
        assert table[one, other] == sum((truth == one) & (predicted == other))
    recall = metrics.class_recall(table)
    assert recall == pytest.approx([np.mean(predicted[truth == name] == name) for name in range(6)])
    assert np.isnan(metrics.class_recall(np.zeros((2, 2), np.int64))).all()


def test_several_classes_are_those_above_the_mean_of_the_others() -> None:
    scores = np.random.default_rng(9).normal(size=(50, 7))
    decided = metrics.above_the_others(scores)
    for row, name in np.ndindex(50, 7):
        assert decided[row, name] == (scores[row, name] > np.delete(scores[row], name).mean())


def test_the_interval_of_a_share_is_that_of_a_plain_bootstrap() -> None:
    random = np.random.default_rng(10)
    label, correct = random.integers(0, 4, 400), random.random(400) < 0.7
    right, wrong = (np.bincount(label[flags], minlength=5) for flags in (correct, ~correct))
    means = []
    for _ in range(2_000):
        drawn = random.integers(0, 400, 400)
        means.append(np.mean([correct[drawn][label[drawn] == name].mean() for name in range(4)]))
    low, high = np.percentile(means, [2.5, 97.5])
    found = metrics.share_interval(right, wrong, random=random)
    assert found.value == pytest.approx(np.mean([correct[label == name].mean() for name in range(4)]))
    assert (found.low, found.high) == pytest.approx((low, high), abs=0.15 * (high - low))


def test_the_interval_of_overlapping_classes_draws_tiles_and_not_classes() -> None:
    random = np.random.default_rng(11)
    hard = random.random((200, 1))
    right = random.random((200, 12)) < 0.2 + 0.7 * hard  # the same tiles are hard for all classes
    there = random.random((200, 12)) < 0.6
    means = []
    for _ in range(2_000):
        drawn = random.integers(0, 200, 200)
        means.append(np.mean([right[drawn, name][there[drawn, name]].mean() for name in range(12)]))
    low, high = np.percentile(means, [2.5, 97.5])
    found = metrics.overlapping_interval(right, there, random=random)
    assert found.value == pytest.approx(np.mean([right[there[:, name], name].mean() for name in range(12)]))
    assert (found.low, found.high) == pytest.approx((low, high), abs=0.15 * (high - low))
    apart = metrics.share_interval((right & there).sum(axis=0), (~right & there).sum(axis=0), random=random)
    assert apart.high - apart.low < 0.8 * (high - low)  # what would come of drawing classes one by one
