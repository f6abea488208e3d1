"""What can be asked of an index, what cannot, and the model that it needs for it."""

import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from msclip_search import (
    Encoder,
    IndexMissing,
    ModelError,
    ModelMismatch,
    QueryError,
    SearchIndex,
    models,
)
from msclip_search.store import open_writer
from tests.folder.making import (
    ENCODER,
    MODEL,
    NONE_DELETED,
    make_index,
    record,
    stored_tiles,
    units,
)
from tests.folder.ranking import assert_hits, ranking


@pytest.fixture
def index(tmp_path: Path) -> Iterator[SearchIndex]:
    make_index(tmp_path / "idx", 30)
    with SearchIndex.open(tmp_path / "idx") as opened:
        yield opened


@pytest.mark.parametrize("k", [0, -1])
def test_no_tiles_cannot_be_asked_for(index: SearchIndex, k: int) -> None:
    for attempt in (lambda: index.search("a lake", k=k), lambda: index.search_vectors(units(1), k=k)):
        with pytest.raises(QueryError, match=f"is at least 1, got {k}"):
            attempt()


@pytest.mark.parametrize("text", ["", " ", "\n\t  "])
def test_nothing_cannot_be_looked_for(index: SearchIndex, text: str) -> None:
    with pytest.raises(QueryError, match="The query is empty: say what to look for"):
        index.search_many(["a lake", text])


@pytest.mark.parametrize(
    ("vectors", "sentence"),
    [
        (units(1, dimension=63), "has vectors of 64 numbers; the query has the shape"),
        (np.zeros((1, 1, 64), np.float32), "has vectors of 64 numbers"),
        (np.zeros(64, np.float32), "has no direction"),
        (np.full(64, np.nan, np.float32), "has no direction"),
        (np.array([np.inf] + [0.0] * 63), "has no direction"),
        (np.array(["x"] * 64), "has vectors of 64 numbers"),
        (np.array([1j] * 64), "has vectors of 64 numbers"),
    ],
)
def test_what_is_no_direction_cannot_be_searched(index: SearchIndex, vectors: NDArray[Any], sentence: str) -> None:
    with pytest.raises(QueryError, match=sentence):
        index.search_vectors(vectors)


def test_the_length_and_type_of_a_query_do_not_matter(index: SearchIndex) -> None:
    query = units(1, seed=4)[0]
    expected = [hit.tile_id for hit in index.search_vectors(query.astype(np.float32))[0]]
    for scale in (1e-30, 7.0, 1e60):
        hits = index.search_vectors(query.astype(np.float64) * scale)[0]
        assert [hit.tile_id for hit in hits] == expected
    whole = np.rint(query.astype(np.float64) * 10_000).astype(np.int64)
    assert [hit.tile_id for hit in index.search_vectors(whole)[0]][:3] == expected[:3]


def test_a_text_is_its_vector(index: SearchIndex) -> None:
    texts = ["flooded farmland", "a harbour", "flooded farmland"]
    by_text = index.search_many(texts, k=7)
    by_vector = index.search_vectors(ENCODER.encode_texts(texts), k=7)
    assert [hits.query for hits in by_text] == texts
    assert [hits.query for hits in by_vector] == ["vector 1", "vector 2", "vector 3"]
    for one, other in zip(by_text, by_vector, strict=True):
        np.testing.assert_array_equal(one.scores, other.scores)
        assert one.to_dict()["hits"] == other.to_dict()["hits"]
    tiles = stored_tiles(index.path)
    assert_hits(by_text[1], ranking(tiles, ENCODER.encode_texts(["a harbour"])[0]), 7)
    assert index.search_many([], k=7) == []


def test_templates_go_around_the_text(index: SearchIndex) -> None:
    plain, inside = index.search("a lake", k=5), index.search("a lake", k=5, templates="msclip")
    assert plain.query == inside.query == "a lake"
    assert plain.scores.tolist() != inside.scores.tolist()
    with pytest.raises(QueryError, match="There are no templates 'none'"):
        index.search("a lake", templates="none")


def test_opening_says_what_is_wrong(tmp_path: Path) -> None:
    with pytest.raises(IndexMissing, match="There is no index at"):
        SearchIndex.open(tmp_path / "none")
    make_index(tmp_path / "idx", 3)
    with pytest.raises(ModelMismatch, match="was made with the model untrained, not with llama3-ms-clip-base"):
        SearchIndex.open(tmp_path / "idx", model="llama3-ms-clip-base")
    assert SearchIndex.open(str(tmp_path / "idx"), model="untrained").model == "untrained"


def test_another_version_of_the_model_is_refused(tmp_path: Path) -> None:
    other = MODEL | {"fingerprint": "0" * 64, "weights": (MODEL["weights"] or {}) | {"path": "/w/theirs.pt"}}
    writer = open_writer(tmp_path / "idx", model=other, kind="auto")
    writer.commit([record(0)], units(1), delete=NONE_DELETED)
    with (
        SearchIndex.open(tmp_path / "idx") as index,
        pytest.raises(ModelMismatch, match=r"with other weights or another version .* then with /w/theirs\.pt"),
    ):
        index.search("a lake")


def test_a_model_is_loaded_once_and_only_when_it_is_needed(index: SearchIndex, monkeypatch: pytest.MonkeyPatch) -> None:
    loaded: list[str] = []
    load = models.load

    def watched(name: str, **options: Any) -> Encoder:  # noqa: ANN401
        loaded.append(name)
        return load(name, **options)

    monkeypatch.setattr(models, "load", watched)
    index.search_vectors(units(1))
    assert not loaded
    threads = [threading.Thread(target=index.search, args=("a lake",)) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    index.search("a harbour")
    assert loaded == ["untrained"]
    index.close()
    index.search("a harbour")
    assert loaded == ["untrained"] * 2


def test_a_model_that_cannot_be_loaded_is_said(index: SearchIndex, tmp_path: Path) -> None:
    opened = SearchIndex.open(index.path, weights=tmp_path / "w.pt")
    with pytest.raises(ModelError):
        opened.search("a lake")
