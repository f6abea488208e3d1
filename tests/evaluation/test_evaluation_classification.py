"""Classes of tiles against labels, compared with plain loops."""

from pathlib import Path

import numpy as np
import pytest

from msclip_search import QueryError, SearchIndex
from msclip_search.evaluation import classify, of_classes
from tests.evaluation.planting import plant
from tests.folder.making import ENCODER

WORDS = ["forest", "river", "lake", "harbour", "desert", "snow", "city"]


def test_single_labels_are_judged_as_plain_loops_do(tmp_path: Path) -> None:
    random = np.random.default_rng(2)
    labels = [[WORDS[number]] for number in random.integers(0, 6, 400)] + [["other"]] * 30
    vectors = plant(tmp_path / "idx", labels, towards=WORDS, noise=2.5)
    with SearchIndex.open(tmp_path / "idx") as index:
        found = classify(index, of_classes([(word, word) for word in WORDS]))
    scores = vectors @ ENCODER.encode_texts(WORDS).astype(np.float64).T
    first = five = 0
    table = np.zeros((7, 7), int)
    for number in range(400):
        order = sorted(range(7), key=lambda name: -scores[number, name])
        truth = WORDS.index(labels[number][0])
        first += order[0] == truth
        five += truth in order[:5]
        table[truth, order[0]] += 1
    assert (found.tiles, found.left_out, found.several_labels) == (400, 30, False)
    assert found.accuracy.value == pytest.approx(first / 400)
    assert found.top5
    assert found.top5.value == pytest.approx(five / 400)
    assert found.confusion
    np.testing.assert_array_equal(np.array(found.confusion), table)
    recalls = [table[row, row] / table[row].sum() for row in range(6)]
    assert [one.recall for one in found.classes[:6]] == pytest.approx(recalls)
    assert np.isnan(found.classes[6].recall)  # "city" has no tile: left out of the means
    assert found.mean_recall.value == pytest.approx(np.mean(recalls))
    assert found.mean_recall.low < found.mean_recall.value < found.mean_recall.high
    precisions = []
    for name in range(6):
        order = sorted(range(400), key=lambda number: -scores[number, name])
        right = [labels[number][0] == WORDS[name] for number in order]
        hits = [sum(right[:rank]) / rank for rank in range(1, 401) if right[rank - 1]]
        precisions.append(sum(hits) / len(hits))
    assert [one.average_precision for one in found.classes[:6]] == pytest.approx(precisions, abs=1e-3)
    assert found.mean_average_precision == pytest.approx(np.mean(precisions), abs=1e-3)


def test_several_labels_count_above_the_mean_of_the_others(tmp_path: Path) -> None:
    random = np.random.default_rng(3)
    labels = [list(random.choice(WORDS[:5], size=random.integers(1, 4), replace=False)) for _ in range(300)]
    vectors = plant(tmp_path / "idx", labels, towards=WORDS, noise=1.5)
    with SearchIndex.open(tmp_path / "idx") as index:
        found = classify(index, of_classes([(word, word) for word in WORDS[:5]]))
        with pytest.raises(QueryError, match="several of the classes"):
            classify(index, of_classes([(word, word) for word in WORDS[:5]]), several_labels=False)
    scores = vectors @ ENCODER.encode_texts(WORDS[:5]).astype(np.float64).T
    agreed = recalled = 0.0
    for name in range(5):
        truth = np.array([WORDS[name] in names for names in labels])
        decided = np.array([row[name] > np.delete(row, name).mean() for row in scores])
        assert found.classes[name].accuracy == pytest.approx((truth == decided).mean())
        assert found.classes[name].recall == pytest.approx(decided[truth].mean())
        agreed += (truth == decided).mean() / 5
        recalled += decided[truth].mean() / 5
    assert found.several_labels
    assert found.top5 is None
    assert found.confusion is None
    assert found.accuracy.value == pytest.approx(agreed)
    assert found.mean_recall.value == pytest.approx(recalled)


def test_what_cannot_be_classified(tmp_path: Path) -> None:
    plant(tmp_path / "idx", [["forest"]] * 3, towards=WORDS, noise=0.1)
    with SearchIndex.open(tmp_path / "idx") as index:
        with pytest.raises(QueryError, match="give two at least"):
            classify(index, of_classes([("forest", "forest")]))
        with pytest.raises(QueryError, match="has one of the labels that are asked for"):
            classify(index, of_classes([("river", "river"), ("lake", "lake")]))
