"""Captions, loss and precision: each against plain sums or another library."""

from collections.abc import Sequence

import numpy as np
import pytest
import torch

from msclip_search.models import Embeddings
from msclip_search.simulation.vocabulary import GROUPS, WORDS
from msclip_search.training.captions import captions
from msclip_search.training.examples import MAIN, TRUE
from msclip_search.training.loss import contrastive
from msclip_search.training.real import CLASSES, true_of_classes
from msclip_search.training.simulated import TAGS
from msclip_search.training.validation import ranked


def encode(texts: Sequence[str]) -> Embeddings:
    rows = np.random.default_rng(0).standard_normal((len(texts), 8))
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    return rows.astype(np.float32)


def test_captions_count_by_what_a_tile_is_mainly_about() -> None:
    bank = captions(encode)
    tags = torch.zeros((1, len(TAGS)), dtype=torch.uint8)
    tags[0, TAGS.index("orchard")], tags[0, TAGS.index("river")] = MAIN, TRUE
    worth = dict(zip(bank.texts, bank.worth(tags, incidental=0.3)[0].tolist(), strict=True))
    for text in WORDS["orchard"].phrases + GROUPS["permanent crops"].phrases:
        assert worth[text] == 1, text
    for text in WORDS["river"].phrases:
        assert worth[text] == pytest.approx(0.3), text
    for text in GROUPS["running water"].phrases + WORDS["lake"].phrases:
        assert worth[text] == 0, text
    left_open = {text for text, is_open in zip(bank.texts, bank.open_to(tags)[0].tolist(), strict=True) if is_open}
    assert left_open >= set(GROUPS["running water"].phrases)
    assert not left_open & {*GROUPS["permanent crops"].phrases, *WORDS["river"].phrases, *WORDS["lake"].phrases}


@pytest.mark.parametrize("seed", range(5))
def test_the_loss_is_that_of_plain_sums(seed: int) -> None:
    random = np.random.default_rng(seed)
    cosines = random.uniform(-1, 1, (7, 9))
    worth = random.uniform(0, 1, (7, 9)) * (random.random((7, 9)) < 0.3)
    known = (random.random((7, 9)) < 0.7) | (worth > 0)
    expected = 0.0
    for axis in (0, 1):
        rows, values, seen = (array if axis == 0 else array.T for array in (cosines / 0.1, worth, known))
        told = []
        for row, value, here in zip(rows, values, seen, strict=True):
            if value.sum() > 0:
                total = np.log(np.exp(row[here]).sum())
                told.append(-((row - total) * value).sum() / value.sum())
        expected += float(np.mean(told))
    got = contrastive(torch.from_numpy(cosines), torch.from_numpy(worth), torch.from_numpy(known), temperature=0.1)
    assert float(got) == pytest.approx(expected)


def test_the_loss_of_tiles_without_captions_is_nothing() -> None:
    nothing = torch.zeros((3, 4))
    assert float(contrastive(nothing, nothing, torch.ones((3, 4), dtype=torch.bool), temperature=0.1)) == 0


def test_precision_of_rankings_against_scikit_learn() -> None:
    from sklearn.metrics import average_precision_score

    random = np.random.default_rng(2)
    scores, right = random.random((60, 4)), random.random((60, 4)) < 0.3
    right[:, 3] = False
    found = ranked(scores, right)
    assert np.isnan(found[3])
    for column in range(3):
        assert found[column] == pytest.approx(average_precision_score(right[:, column], scores[:, column]))


def test_each_class_of_eurosat_is_said_in_words_of_its_own() -> None:
    true = true_of_classes()
    assert len(true) == len(CLASSES) == 10
    for place, one in enumerate(true):
        assert one
        assert not any(one & other for other in true[:place])
