"""Captions, loss, precision, moments and the second stage: each against plain sums, another library or a whole run."""

from collections.abc import Sequence

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch import Tensor

from msclip_search.models import Embeddings
from msclip_search.models.nano import cells
from msclip_search.models.nano.descriptor import NAMES, Description
from msclip_search.models.nano.network import Network
from msclip_search.simulation.vocabulary import GROUPS, WORDS
from msclip_search.training import Plan, loop
from msclip_search.training.captions import captions
from msclip_search.training.examples import MAIN, TRUE, Examples
from msclip_search.training.initial import initial_network, moments
from msclip_search.training.loss import contrastive
from msclip_search.training.real import CLASSES, RealExamples, true_of_classes
from msclip_search.training.simulated import TAGS
from msclip_search.training.validation import Validation, embedded, ranked

PLAN = Plan(channels=4, blocks=1, width=8, steps=4, real_steps=3, batch=12, large_batch=2, every=2)


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


def tiles(count: int, side: int, seed: int) -> Examples:
    """Make examples of numbers at random, with NaN among those of the whole."""
    random = np.random.default_rng(seed)
    whole = random.normal(3, 2, (count, len(NAMES))).astype(np.float32)
    whole[random.random(whole.shape) < 0.1] = np.nan
    grids = random.normal(-2, 0.5, (count, len(cells.NAMES), side, side)).astype(np.float16)
    tags = random.choice([0, 0, TRUE, MAIN], (count, len(TAGS))).astype(np.uint8)
    return Examples(whole, grids, tags, np.array([f"tile {seed}.{place}" for place in range(count)]))


def real_tiles() -> RealExamples:
    made = tiles(20, 4, 9)
    labels = np.arange(20) % len(CLASSES)
    return RealExamples(made.whole, made.cells, labels, tuple(map(str, made.sources)), tuple("abcdefghijklmnopqrst"))


def learner(*, real: RealExamples | None, start: Network | None = None) -> loop.Learner:
    return loop.Learner(
        PLAN,
        simulated=[tiles(40, 4, 1), tiles(5, 9, 2)],
        real=real,
        captions=captions(encode),
        validation=Validation.of(tiles(30, 4, 3), encode),
        start=start,
    )


def numbers(network: Network) -> dict[str, NDArray[np.float32]]:
    return {name: tensor.numpy().copy() for name, tensor in network.state_dict().items()}


def assert_same(one: dict[str, NDArray[np.float32]], other: dict[str, NDArray[np.float32]]) -> None:
    assert one.keys() == other.keys()
    assert [name for name in one if not np.array_equal(one[name], other[name])] == []


def test_moments_are_those_of_numpy_over_all_parts_and_grids() -> None:
    random = np.random.default_rng(4)
    # More tiles than are summed at once, and grids of two sizes.
    parts = [random.normal(5, 2, (2300, 4, 9)), random.normal(-7, 3, (70, 4, 25))]
    parts = [part.astype(np.float16) for part in parts]
    for part in parts:
        part[random.random(part.shape) < 0.2] = np.nan
        part[:, 2] = 4.5  # never another
        part[:, 3] = np.nan  # never seen
    mean, deviation = moments(iter(parts), 4)
    flat = np.concatenate([part.transpose(1, 0, 2).reshape(4, -1) for part in parts], axis=1).astype(np.float64)
    assert mean[:3] == pytest.approx(np.nanmean(flat[:3], axis=1), rel=1e-12)
    assert deviation[:2] == pytest.approx(np.nanstd(flat[:2], axis=1), rel=1e-9)
    assert deviation[2:].tolist() == [1e-3] * 2
    assert mean[3] == 0


def test_moments_of_a_number_a_tile_are_those_of_numpy() -> None:
    parts = [tiles(count, 4, count).whole for count in (1, 30)]
    mean, deviation = moments(parts, len(NAMES))
    both = np.concatenate(parts).astype(np.float64)
    assert mean == pytest.approx(np.nanmean(both, axis=0), rel=1e-12)
    assert deviation == pytest.approx(np.nanstd(both, axis=0), rel=1e-9)


def test_a_network_is_made_with_the_moments_of_its_tiles() -> None:
    parts = [tiles(40, 4, 1), tiles(5, 9, 2)]
    found = numbers(initial_network(PLAN, parts, 8))
    whole = np.concatenate([part.whole for part in parts]).astype(np.float64)
    flat = np.concatenate([part.cells.transpose(1, 0, 2, 3).reshape(len(cells.NAMES), -1) for part in parts], axis=1)
    flat = flat.astype(np.float64)
    for name, wanted in (
        ("mean", np.nanmean(whole, axis=0)),
        ("deviation", np.nanstd(whole, axis=0)),
        ("cell_mean", flat.mean(axis=1)),
        ("cell_deviation", flat.std(axis=1)),
    ):
        assert found[name] == pytest.approx(wanted, rel=1e-6), name
    assert found["lift.weight"].shape == (4, len(cells.NAMES), 1, 1)
    assert found["head.0.weight"].shape == (8, len(NAMES) + 3 * 4)
    assert found["head.6.weight"].shape == (8, 8)


def test_a_run_that_starts_from_a_network_learns_the_second_stage_alone() -> None:
    ended: dict[str, dict[str, NDArray[np.float32]]] = {}
    whole = learner(real=real_tiles())
    assert whole.run(ended=lambda stage, network: ended.update({stage: numbers(network)}))
    assert list(ended) == ["simulated", "real"]
    assert_same(numbers(whole.network), ended["real"])

    start = initial_network(PLAN, [tiles(3, 4, 77)], 8)  # of other moments, which are those of the start in the end
    start.load_state_dict({name: torch.from_numpy(array) for name, array in ended["simulated"].items()})
    stages, told = [], []
    tuned = learner(real=real_tiles(), start=start)
    assert tuned.run(
        told=lambda done, total, _: told.append((done, total)), ended=lambda stage, _: stages.append(stage)
    )
    assert stages == ["real"]
    assert told == [(5, 7), (6, 7), (7, 7)]
    assert_same(numbers(tuned.network), ended["real"])
    assert_same(numbers(start), ended["simulated"])
    assert [(point.stage, point.step) for point in whole.curve] == [
        ("simulated", 2),
        ("simulated", 4),
        ("real", 2),
        ("real", 3),
    ]
    assert tuned.curve == whole.curve[2:]
    assert not np.array_equal(ended["real"]["head.0.weight"], ended["simulated"]["head.0.weight"])


def test_a_run_without_real_tiles_has_one_stage_which_is_that_of_a_run_with_them() -> None:
    ended: dict[str, dict[str, NDArray[np.float32]]] = {}
    for kind, real in (("alone", None), ("before", real_tiles())):

        def keep(stage: str, network: Network, kind: str = kind) -> None:
            ended[f"{kind} {stage}"] = numbers(network)

        assert learner(real=real).run(ended=keep)
    assert list(ended) == ["alone simulated", "before simulated", "before real"]
    assert_same(ended["alone simulated"], ended["before simulated"])


def test_tiles_are_embedded_as_one_by_one() -> None:
    found = tiles(253, 4, 5)  # more than are embedded at once

    def embed(description: Description) -> Tensor:
        assert description.cells.dtype == torch.float32
        return torch.stack([description.whole.nan_to_num()[:, 0], description.cells.mean((1, 2, 3))], dim=1)

    wanted = np.stack(
        [np.nan_to_num(found.whole[:, 0]), found.cells.astype(np.float64).reshape(253, -1).mean(axis=1)], axis=1
    )
    assert embedded(found, embed) == pytest.approx(wanted, abs=1e-5)


def test_validation_asks_for_each_tag_by_its_plainest_phrase() -> None:
    from sklearn.metrics import average_precision_score

    made = tiles(30, 4, 3)
    made.tags[:, 7] = 0
    made.tags[:4, 7] = TRUE  # fewer than are measured
    rows = torch.from_numpy(np.random.default_rng(6).normal(size=(30, 8)).astype(np.float32))
    validation = Validation.of(made, encode)
    found = validation.precisions(lambda _: rows)
    queries = encode([word.phrases[0] for word in WORDS.values()])
    for column, tag in enumerate(TAGS):
        if tag == TAGS[7]:
            assert np.isnan(found[column])
        else:
            wanted = average_precision_score(made.tags[:, column] > 0, rows.numpy() @ queries[column])
            assert found[column] == pytest.approx(wanted), tag
    assert validation.measure(lambda _: rows) == pytest.approx(np.nanmean(found))
