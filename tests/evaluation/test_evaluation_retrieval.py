"""Answers of an index against labels, compared with plain loops over plain scores."""

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from msclip_search import QueryError, SearchIndex
from msclip_search.evaluation import Question, Relevance, evaluate, of_classes
from msclip_search.indexes import Plan
from msclip_search.ingest.ann import build_ann
from msclip_search.models import templates as prompts
from msclip_search.store import open_writer
from tests.evaluation.planting import plant
from tests.folder.making import ENCODER, MODEL

WORDS = ["forest", "river", "lake", "harbour"]


def planted(root: Path, tiles: int, *, noise: float, seed: int = 3) -> tuple[list[list[str]], NDArray[np.float64]]:
    random = np.random.default_rng(seed)
    labels = [[WORDS[number]] for number in random.integers(0, 3, tiles)]
    return labels, plant(root, labels, towards=WORDS, noise=noise, seed=seed)


def naive(labels: list[list[str]], scores: NDArray[np.float64], label: str, k: int) -> tuple[float, float]:
    """Both average precisions, of scores in the order of tile ids."""
    order = sorted(range(len(labels)), key=lambda number: (-np.float32(scores[number]), number))[:k]
    sums, found, forgiving, counted = 0.0, 0, 0.0, 0
    for rank, number in enumerate(order, 1):
        if label in labels[number]:
            found += 1
            sums += found / rank
            if scores[number] > 0:
                counted += 1
                forgiving += counted / rank
    total = sum(label in names for names in labels)
    return sums / min(total, k), forgiving / max(counted, 1)


@pytest.mark.parametrize("k", [1, 10, 100, 1000])
@pytest.mark.parametrize("noise", [1.0, 3.0])
def test_both_means_are_those_of_plain_loops(tmp_path: Path, noise: float, k: int) -> None:
    labels, vectors = planted(tmp_path / "idx", 300, noise=noise)
    with SearchIndex.open(tmp_path / "idx") as index:
        found = evaluate(index, of_classes([(word, word) for word in WORDS[:3]]), k=k, resamples=20)
    queries = ENCODER.encode_texts(WORDS[:3]).astype(np.float64)
    both = np.array([naive(labels, vectors @ query, word, k) for word, query in zip(WORDS, queries, strict=False)])
    assert [score.standard.value for score in found.scores] == pytest.approx(both[:, 0])
    assert [score.torchmetrics.value for score in found.scores] == pytest.approx(both[:, 1])
    assert (found.standard.value, found.torchmetrics.value) == pytest.approx(tuple(both.mean(axis=0)))
    assert found.mean("standard") == pytest.approx(found.standard.value)
    for score in (found.standard, *(score.standard for score in found.scores)):
        assert 0 <= score.low <= score.high <= 1
    assert not found.ann
    assert found.tiles == 300


def test_a_planted_perfect_ranking_scores_1_in_both(tmp_path: Path) -> None:
    planted(tmp_path / "idx", 200, noise=0.05)
    with SearchIndex.open(tmp_path / "idx") as index:
        found = evaluate(index, of_classes([(word, word) for word in WORDS[:3]]), resamples=50)
    assert found.standard.value == found.torchmetrics.value == 1
    assert found.standard.low == 1
    assert found.mean("r_precision") == found.mean("ndcg") == 1


def test_labels_that_mean_nothing_score_chance(tmp_path: Path) -> None:
    random = np.random.default_rng(5)
    labels = [[WORDS[number]] for number in random.permutation(np.arange(1200) % 3)]
    plant(tmp_path / "idx", labels, towards=["something else"], noise=1.0)
    with SearchIndex.open(tmp_path / "idx") as index:
        found = evaluate(index, of_classes([(word, word) for word in WORDS[:3]]), k=100)
    ranks = np.arange(1, 101)
    chance = float((1 / 3 * (1 + (ranks - 1) * (399 / 1199)) / ranks).sum() / 100)
    assert found.standard.low < chance < found.standard.high


def test_templates_are_averaged_as_in_a_query(tmp_path: Path) -> None:
    labels, vectors = planted(tmp_path / "idx", 200, noise=2.0)
    with SearchIndex.open(tmp_path / "idx") as index:
        found = evaluate(index, of_classes([("forest", "forest"), ("river", "river")]), templates="msclip", resamples=5)
    queries = prompts.encode(ENCODER, ["forest", "river"], templates="msclip").astype(np.float64)
    both = [naive(labels, vectors @ query, word, 100)[0] for word, query in zip(WORDS, queries, strict=False)]
    assert [score.standard.value for score in found.scores] == pytest.approx(both)


def test_equal_tiles_are_ordered_by_their_ids(tmp_path: Path) -> None:
    # Two hundred copies of one tile: only the order of ids can put the forests among them at the end.
    labels = [["lake"]] * 150 + [["forest"]] * 50
    plant(tmp_path / "idx", [["river"]] * 200, towards=WORDS, noise=0.0)
    copies = tmp_path / "copies"
    writer = open_writer(copies, model=MODEL)
    vector = ENCODER.encode_texts(["river"]).astype(np.float16).repeat(200, axis=0)
    from tests.folder.making import NONE_DELETED, record

    shuffled = np.random.default_rng(1).permutation(200)
    records = [record(int(number), labels=tuple(labels[number])) for number in shuffled]
    writer.commit(records, vector, delete=NONE_DELETED)
    with SearchIndex.open(copies) as index:
        found = evaluate(index, of_classes([("forest", "forest"), ("lake", "lake")]), k=10, resamples=5)
    assert [score.standard.value for score in found.scores] == [0, 1]


def test_what_is_missing_is_named_and_left_out(tmp_path: Path) -> None:
    planted(tmp_path / "idx", 100, noise=0.05)
    with SearchIndex.open(tmp_path / "idx") as index:
        found = evaluate(index, of_classes([("forest", "forest"), ("harbour", "harbour")]), resamples=20)
    assert found.unanswerable == ("harbour",)
    assert found.unasked == ("lake", "river")
    assert found.unknown == ("harbour",)
    assert found.standard.value == 1
    assert np.isnan(found.scores[1].standard.value)


def test_conditions_of_labels(tmp_path: Path) -> None:
    labels = [["forest", "river"], ["forest"], ["river", "lake"], ["lake"]] * 10
    plant(tmp_path / "idx", labels, towards=WORDS, noise=0.3)
    asked = {
        "any": Relevance(any=("forest", "lake")),
        "all": Relevance(all=("river", "lake")),
        "none": Relevance(any=("forest",), none=("river",)),
        "only none": Relevance(none=("forest",)),
    }
    with SearchIndex.open(tmp_path / "idx") as index:
        found = evaluate(index, [Question(name, "river", way) for name, way in asked.items()], resamples=5)
    assert [score.relevant for score in found.scores] == [40, 10, 10, 20]


def test_the_loss_by_the_ann_index_is_a_number(tmp_path: Path) -> None:
    pytest.importorskip("faiss")
    planted(tmp_path / "idx", 12_000, noise=4.0)
    writer = open_writer(tmp_path / "idx", model=MODEL)
    coarse = Plan("ivfpq", "for tests", factory="IVF64,PQ8", nlist=64, nprobe=1, training_rows=9984)
    build_ann(writer, coarse, progress=lambda *_: None)
    with SearchIndex.open(tmp_path / "idx") as index:
        questions = of_classes([(word, word) for word in WORDS[:3]])
        found = evaluate(index, questions, resamples=5)
        left = evaluate(index, questions, resamples=5, exact=True)
        hits = [index.search_vectors(vector, k=100)[0] for vector in index.encode(WORDS[:3])]
        exact = index.search_vectors(index.encode(WORDS[:3]), k=100, exact=True)
    assert found.ann
    assert not left.ann
    assert found.standard == left.standard
    for score, some, all_ in zip(found.scores, hits, exact, strict=True):
        shared = set(some.tiles["tile_id"].to_pylist()) & set(all_.tiles["tile_id"].to_pylist())
        assert score.ann_recall == pytest.approx(len(shared) / 100)
        right = [score.name in names for names in some.tiles["labels"].to_pylist()]
        sums = sum(sum(right[:rank]) / rank for rank in range(1, 101) if right[rank - 1])
        assert score.ann_standard == pytest.approx(sums / 100)
    assert found.mean("ann_recall") < 1


@pytest.mark.parametrize("k", [1, 2, 5])
def test_a_perfect_ranking_is_perfect_in_every_resample(tmp_path: Path, k: int) -> None:
    planted(tmp_path / "idx", 400, noise=0.05)
    with SearchIndex.open(tmp_path / "idx") as index:
        found = evaluate(index, of_classes([(word, word) for word in WORDS[:3]]), k=k, resamples=300)
    assert (found.standard.low, found.standard.high) == (1, 1)


def test_a_rare_class_does_not_leave_the_mean(tmp_path: Path) -> None:
    labels = [["forest"]] * 60 + [["river"]]
    plant(tmp_path / "rare", labels, towards=["forest"], noise=1.0)
    with SearchIndex.open(tmp_path / "rare") as index:
        found = evaluate(index, of_classes([("forest", "forest"), ("river", "river")]), k=20, resamples=300)
    low, high = found.scores[0].standard.low, found.scores[0].standard.high
    assert found.standard.high <= (high + 1) / 2
    assert found.standard.low >= low / 2


def test_what_cannot_be_asked(tmp_path: Path) -> None:
    plant(tmp_path / "idx", [[], []], towards=[], noise=1.0)
    with SearchIndex.open(tmp_path / "idx") as index:
        with pytest.raises(QueryError, match="nothing to ask"):
            evaluate(index, [])
        with pytest.raises(QueryError, match="at least 1, got 0"):
            evaluate(index, of_classes([("a", "a")]), k=0)
        with pytest.raises(QueryError, match=r"No tile of .* has a label: index it with --labels"):
            evaluate(index, of_classes([("a", "a")]))
    plant(tmp_path / "other", [["forest"]] * 3, towards=[], noise=1.0)
    with (
        SearchIndex.open(tmp_path / "other") as index,
        pytest.raises(QueryError, match=r"right answer to any question\. Its labels: forest"),
    ):
        evaluate(index, of_classes([("a", "a"), ("b", "b")]))
