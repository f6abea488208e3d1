"""Questions of several parts, against sums and full sorts in float64."""

import doctest
import math
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from msclip_search import Hits, ModelError, QueryError, Question, SearchIndex
from msclip_search.filters import Filter
from msclip_search.models import templates as prompts
from msclip_search.search import Example, Words, split_weight
from msclip_search.search import question as question_module
from tests.folder.making import (
    ENCODER,
    MODEL,
    NONE_DELETED,
    StoredTile,
    index_folder,
    make_index,
    record,
    stored_tiles,
    units,
    write_tile,
)
from tests.folder.ranking import Big, assert_hits, ranking

NO_MODEL = "/nowhere.pt"  # the untrained model refuses weights as soon as it is loaded


def summed(terms: Sequence[tuple[float, NDArray[np.floating]]]) -> NDArray[np.float64]:
    """Add unit vectors up, one number after another."""
    total = [0.0] * len(terms[0][1])
    for weight, vector in terms:
        numbers = [float(value) for value in vector]
        length = math.sqrt(math.fsum(value * value for value in numbers))
        total = [before + weight * value / length for before, value in zip(total, numbers, strict=True)]
    return np.array(total)


def words(text: str, templates: str | None = None) -> NDArray[np.float32]:
    vector: NDArray[np.float32] = prompts.encode(ENCODER, [text], templates=templates)[0]
    return vector


@pytest.fixture(scope="module")
def archive(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("archive")
    for seed in range(12):
        write_tile(folder / f"{seed}.tif", seed)
    return folder


@pytest.fixture(scope="module")
def root(archive: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("made") / "idx"
    index_folder(archive, folder)
    return folder


def ids(tiles: list[StoredTile]) -> list[str]:
    return [tile.columns["tile_id"] for tile in tiles]


@pytest.mark.parametrize("templates", [None, "clip"])
@pytest.mark.parametrize("exact", [False, True])
def test_parts_are_added_up_by_their_weights(big: Big, exact: bool, templates: str | None) -> None:  # noqa: FBT001
    near, far = big.tiles[40], big.tiles[-3]
    question = (
        Question("harbour")
        .plus("ships", 0.5)
        .minus("clouds", 0.25)
        .like(near.columns["tile_id"], 2)
        .unlike(far.columns["tile_id"])
    )
    terms: list[tuple[float, NDArray[np.floating]]] = [
        (1, words("harbour", templates)),
        (0.5, words("ships", templates)),
        (-0.25, words("clouds", templates)),
        (2, near.vector),
        (-1, far.vector),
    ]
    with SearchIndex.open(big.root) as index:
        hits = index.search(question, k=50, exact=exact, templates=templates)
    assert_hits(hits, ranking(big.tiles, summed(terms)), 50)


@pytest.mark.parametrize("scale", [1e-300, 1e-3, 7, 1e300])
def test_only_the_ratio_of_weights_counts(big: Big, scale: float) -> None:
    tile = big.tiles[7]
    question = Question().plus("ships", scale).minus("clouds", scale / 2).like(tile.columns["tile_id"], scale)
    expected = summed([(1, words("ships")), (-0.5, words("clouds")), (1, tile.vector)])
    with SearchIndex.open(big.root) as index:
        assert_hits(index.search(question, k=20), ranking(big.tiles, expected), 20)


def test_a_text_and_a_question_of_it_alone_are_one(root: Path) -> None:
    with SearchIndex.open(root) as index:
        found = index.search_many(
            [
                "a lake",
                Question("a lake"),
                Question().plus("a lake", 3),
                Question("x").like(ids(stored_tiles(root))[2]),
            ],
            k=12,
        )
    expected = ranking(stored_tiles(root), words("a lake"))
    for hits in found[:3]:
        assert_hits(hits, expected, 12)
    assert [hits.query for hits in found[:3]] == ["a lake", "a lake", "3 a lake"]
    assert [hits.parts for hits in found[:3]] == [(), (), (Words("a lake", 3),)]
    assert len(found[3].parts) == 2


def test_a_tile_is_most_like_itself_and_least_like_what_is_unlike_it(root: Path) -> None:
    tiles = stored_tiles(root)
    with SearchIndex.open(root) as index:
        for tile_id in ids(tiles):
            assert index.search(Question().like(tile_id), k=1)[0].tile_id == tile_id
            assert index.search(Question().unlike(tile_id), k=len(tiles))[-1].tile_id == tile_id


def test_what_was_asked_comes_back_with_the_hits(root: Path) -> None:
    tile_id = ids(stored_tiles(root))[3]
    question = Question("harbour").plus("ships", 0.5).minus("clouds").like(tile_id[:9], 2)
    with SearchIndex.open(root) as index:
        hits = index.search(question, k=5)
    assert str(question) == hits.query == f"harbour + 0.5 ships − clouds + 2 like {tile_id[:9]}"
    assert hits.to_dict()["query"] == {
        "text": hits.query,
        "parts": [
            {"text": "harbour", "weight": 1.0},
            {"text": "ships", "weight": 0.5},
            {"text": "clouds", "weight": -1.0},
            {"like": tile_id[:9], "tile_id": tile_id, "weight": 2.0},
        ],
        "top_k": 5,
    }
    assert hits[1:3].parts == hits.parts
    assert question.others[-1] == Example(tile_id[:9], 2.0)


@pytest.mark.parametrize(
    ("question", "said"),
    [
        (Question().minus("clouds").plus("ships"), "− clouds + ships"),
        (Question().unlike(Path("a/b.tif"), 1.5), "− 1.5 like a/b.tif"),
        (Question("x").like((7.98, 46.53)), "x + like 7.98,46.53"),
    ],
)
def test_questions_are_written_as_sums(question: Question, said: str) -> None:
    assert str(question) == said


def test_what_the_documentation_shows_is_so() -> None:
    assert doctest.testmod(question_module) == (0, 4)


def test_a_hit_is_an_example(root: Path) -> None:
    with SearchIndex.open(root, weights=NO_MODEL) as index:
        hits: Hits = index.search_vectors(units(1), k=6)[0]
        assert index.search(Question().like(hits[4]), k=1)[0].tile_id == hits[4].tile_id


@pytest.mark.parametrize(
    ("make", "sentence"),
    [
        (lambda: Question(" "), "The query is empty"),
        (lambda: Question("x").plus(""), "The query is empty"),
        (lambda: Question("x").like(" "), "The example is empty"),
        (lambda: Question("x").plus("y", 0), "weight of 'y' is 0"),
        (lambda: Question("x").minus("y", -1), "weight of 'y' is -1, and weights are above 0"),
        (lambda: Question("x").like("y", math.nan), "weight of 'y' is nan"),
        (lambda: Question("x").unlike("y", math.inf), "weight of 'y' is inf"),
        (lambda: Question("x").plus("y", "2"), "is to be a number, not '2'"),  # type: ignore[arg-type]
        (lambda: Question("x").plus("y", weight=True), "is to be a number"),
        (lambda: Question("x").plus(3), "A text is wanted here, not 3"),  # type: ignore[arg-type]
        (lambda: Question("x").like(3), "An example is a file"),  # type: ignore[arg-type]
        (lambda: Question("x").like((1.0, 2.0, 3.0)), "two numbers"),  # type: ignore[arg-type]
    ],
)
def test_what_is_no_question_is_refused_when_it_is_made(make: object, sentence: str) -> None:
    with pytest.raises(QueryError, match=sentence):
        make()  # type: ignore[operator]


@pytest.mark.parametrize(
    ("said", "meant"),
    [
        ("ships", ("ships", 1.0)),
        ("ships:0.5", ("ships", 0.5)),
        ("ships: 2", ("ships", 2.0)),
        ("ships:1e-3", ("ships", 0.001)),
        ("note: ships", ("note: ships", 1.0)),
        ("scale 1:2:1", ("scale 1:2", 1.0)),
        ("7.98,46.53:.5", ("7.98,46.53", 0.5)),
        ("C:\\tile.tif", ("C:\\tile.tif", 1.0)),
        ("ends with:", ("ends with:", 1.0)),
        ("10:30 o'clock", ("10:30 o'clock", 1.0)),
    ],
)
def test_a_number_behind_the_last_colon_is_a_weight(said: str, meant: tuple[str, float]) -> None:
    assert split_weight(said) == meant


@pytest.mark.parametrize("weight", ["0", "-1", "nan", "inf", "-Infinity", "1e999", "1e-999"])
def test_weights_that_weigh_nothing_are_refused(weight: str) -> None:
    with pytest.raises(QueryError, match="weight of 'ships' is"):
        split_weight(f"ships:{weight}")


def test_weights_that_cancel_to_nothing_are_refused(root: Path) -> None:
    tile_id = ids(stored_tiles(root))[0]
    with SearchIndex.open(root) as index:
        for question in (
            Question("lake").minus("lake"),
            Question("lake").plus("lake").minus("lake", 2),
            Question().like(tile_id, 0.3).unlike(tile_id[:10], 0.3),
            Question("lake").minus("lake", 1 - 1e-7),
        ):
            with pytest.raises(QueryError, match="cancel to nothing, so there is no direction"):
                index.search(question)
        with pytest.raises(QueryError, match="no parts"):
            index.search(Question())
        almost = index.search(Question("lake").minus("lake", 1 - 1e-3), k=12)
    assert_hits(almost, ranking(stored_tiles(root), words("lake")), 12)


def test_tiles_of_the_index_need_no_model(root: Path) -> None:
    tile_id = ids(stored_tiles(root))[5]
    with SearchIndex.open(root, weights=NO_MODEL) as index:
        box = index.search(Question().like(tile_id), k=1)[0].bbox
        assert box
        west, south, east, north = box
        place = (west + east) / 2, (south + north) / 2
        for question in (Question().like(tile_id[:8]), Question().like(place).unlike(tile_id, 0.5)):
            assert len(index.search(question, k=12)) == 12
        with pytest.raises(ModelError):
            index.search(Question("a lake").like(tile_id))


def test_the_beginning_of_a_name_is_enough_where_it_is_one_tiles(tmp_path: Path) -> None:
    from msclip_search.store import open_writer

    names = ["aaaaaaaa1111", "aaaaaaaa1122", "bbbbbbbb", "aaaaaaaa"]
    vectors = units(4)
    records = [record(number, tile_id=name) for number, name in enumerate(names)]
    open_writer(tmp_path / "idx", model=MODEL).commit(records, vectors, delete=NONE_DELETED)
    with SearchIndex.open(tmp_path / "idx") as index:
        for said, meant in (
            ("aaaaaaaa11", None),
            ("aaaaaaaa111", 0),
            ("bbbbbbbb", 2),
            ("aaaaaaaa", 3),
            ("bbbbbbb", None),
        ):
            question = Question().like(said)
            if meant is None:
                with pytest.raises(
                    QueryError, match=f"(2 tiles .* begins with|The example) {said}(: write more| is no)"
                ):
                    index.search(question)
            else:
                assert index.search(question, k=1)[0].tile_id == names[meant]


def test_a_deleted_tile_is_no_example_and_its_successor_is(tmp_path: Path) -> None:
    writer = make_index(tmp_path / "idx", 6)
    gone, back = f"{2:032x}", f"{4:032x}"
    vector = units(1, seed=50)
    writer.commit([record(4)], vector, delete=np.array([2, 4], dtype=np.int64))
    with SearchIndex.open(tmp_path / "idx") as index:
        with pytest.raises(QueryError, match=f"The example {gone} is no file, no tile of the index"):
            index.search(Question().like(gone))
        hits = index.search(Question().like(back), k=5)
    assert_hits(hits, ranking(stored_tiles(tmp_path / "idx"), vector[0]), 5)
    assert hits[0].tile_id == back


def test_examples_need_not_fit_the_filter_and_a_selection_serves_again(root: Path) -> None:
    tiles = stored_tiles(root)
    chosen = [tile for tile in tiles if tile.columns["source"].endswith(("1.tif", "2.tif"))]
    outside = next(tile for tile in tiles if tile not in chosen)
    within = Filter(where="source LIKE '%1.tif' OR source LIKE '%2.tif'")
    question = Question("a lake").like(outside.columns["tile_id"])
    expected = ranking(chosen, summed([(1, words("a lake")), (1, outside.vector)]))
    with SearchIndex.open(root) as index:
        selection = index.select(within)
        for narrowed in (within, selection):
            assert_hits(index.search(question, k=12, within=narrowed), expected, 12)
            assert sorted(index.tiles(["tile_id"], within=narrowed)["tile_id"].to_pylist()) == sorted(ids(chosen))
