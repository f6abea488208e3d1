"""Searching an index folder, against a plain scan in float64."""

import datetime as dt
import shutil
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from msclip_search import (
    Encoder,
    Hits,
    IndexDamaged,
    IndexMissing,
    ModelError,
    ModelMismatch,
    QueryError,
    SearchIndex,
    models,
)
from msclip_search.indexes import FlatIndex, IvfPqIndex, Plan
from msclip_search.ingest.ann import build_ann
from msclip_search.search import read_queries, searcher
from msclip_search.store import Writer, open_writer, sweep
from tests.folder.making import (
    ENCODER,
    MODEL,
    NONE_DELETED,
    StoredTile,
    age,
    index_folder,
    located,
    make_index,
    record,
    stored_tiles,
    units,
    write_tile,
)

EVERY_LIST = Plan("ivfpq", "for tests", factory="IVF16,PQ8", nlist=16, nprobe=16, training_rows=9984)
"""All lists are looked into, so that candidates are lost to the codes alone, and 2,000 of them are enough for that."""


@dataclass(frozen=True, slots=True)
class Ranking:
    """What a scan in float64 says: the live rows by falling score, equal scores by rising row."""

    tile_ids: list[str]
    scores: NDArray[np.float64]


def ranking(tiles: list[StoredTile], query: NDArray[np.floating]) -> Ranking:
    direction = query.astype(np.float64) / np.linalg.norm(query.astype(np.float64))
    scores = np.stack([tile.vector for tile in tiles]).astype(np.float64) @ direction
    # Scores are float32, and so are ties.
    order = np.lexsort((np.array([tile.row for tile in tiles]), -scores.astype(np.float32)))
    return Ranking([tiles[at].columns["tile_id"] for at in order], scores[order])


def assert_hits(hits: Hits, wanted: Ranking, k: int) -> None:
    """Check ids, order and scores of hits."""
    count = min(k, len(wanted.tile_ids))
    assert len(hits) == count
    assert hits.ranks.tolist() == list(range(1, count + 1))
    np.testing.assert_allclose(hits.scores, wanted.scores[:count], rtol=0, atol=1e-7)
    assert (np.diff(hits.scores) <= 0).all()
    found = hits.tiles.column("tile_id").to_pylist()
    assert len(set(found)) == count
    # Two tiles whose scores differ by less than float32 can say may stand in either order.
    score_of = dict(zip(wanted.tile_ids, wanted.scores.tolist(), strict=True))
    np.testing.assert_allclose([score_of[tile_id] for tile_id in found], wanted.scores[:count], rtol=0, atol=1e-7)
    assert (hits.searched, hits.top_k) == (len(wanted.tile_ids), k)


@dataclass(frozen=True, slots=True)
class Big:
    """An index of several segments with IVF-PQ in force, deleted rows, and rows that came after it was built."""

    root: Path
    tiles: list[StoredTile]


@pytest.fixture(scope="session")
def big(tmp_path_factory: pytest.TempPathFactory) -> Big:
    root = tmp_path_factory.mktemp("big") / "idx"
    writer = make_index(root, 5000, 1, 6000, 499)
    draws = np.random.default_rng(1)
    delete(writer, draws.choice(11_500, 400, replace=False))
    build_ann(writer, EVERY_LIST, progress=lambda _: None)
    writer = make_index(root, 300, first=20_000, seed=77)
    delete(writer, draws.choice(11_800, 300, replace=False))
    return Big(root, stored_tiles(root))


def delete(writer: Writer, rows: NDArray[np.int64]) -> None:
    writer.commit([], units(0), delete=np.sort(rows))


def test_the_big_index_is_what_it_is_meant_to_be(big: Big) -> None:
    with SearchIndex.open(big.root) as index:
        assert isinstance(index._index, IvfPqIndex)
        info = index.info()
        assert len(index) == len(big.tiles) == info.tiles
    assert (info.kind, info.segments, info.factory) == ("ivfpq", 5, "IVF16,PQ8")
    assert info.deleted == 11_800 - info.tiles
    after = sum(tile.row >= 11_500 for tile in big.tiles)
    assert info.scanned == after > 250
    assert info.reason.startswith(f"{info.tiles:,} tiles: 16 lists over 11,100 of them when it was built")


@pytest.mark.parametrize("k", [1, 10, 100])
def test_ivf_pq_finds_what_a_scan_finds(big: Big, k: int) -> None:
    queries = np.concatenate([units(6, seed=1000), units(300, seed=77)[:2], units(5000, seed=0)[[7, 4999]]])
    with SearchIndex.open(big.root) as index:
        found = index.search_vectors(queries, k=k)
    assert len(found) == 10
    for hits, query in zip(found, queries, strict=True):
        assert_hits(hits, ranking(big.tiles, query), k)


def test_a_flat_index_finds_what_a_scan_finds(big: Big, tmp_path: Path) -> None:
    root = shutil.copytree(big.root, tmp_path / "idx")
    open_writer(root, model=MODEL, kind="flat").drop_ann()
    queries = units(3, seed=1000)
    with SearchIndex.open(root) as index:
        assert isinstance(index._index, FlatIndex)
        for k in (1, 100, 20_000):
            for hits, query in zip(index.search_vectors(queries, k=k), queries, strict=True):
                assert_hits(hits, ranking(big.tiles, query), k)
    with SearchIndex.open(big.root) as index:  # the same scores, to the bit, whatever is in force
        other = index.search_vectors(queries, k=50)
    with SearchIndex.open(root) as index:
        for one, two in zip(index.search_vectors(queries, k=50), other, strict=True):
            assert one.scores.tobytes() == two.scores.tobytes()


def test_deleted_rows_never_come_back(big: Big, tmp_path: Path) -> None:
    root = shutil.copytree(big.root, tmp_path / "idx")
    query = units(300, seed=77)[5]
    gone: set[str] = set()
    for _ in range(3):
        tiles = stored_tiles(root)
        best = ranking(tiles, query).tile_ids[:40]
        rows = np.array([tile.row for tile in tiles if tile.columns["tile_id"] in best])
        delete(open_writer(root, model=MODEL, kind="auto"), rows)
        gone |= set(best)
        with SearchIndex.open(root) as index:
            assert index.info().kind == "ivfpq"
            hits = index.search_vectors(query, k=200)[0]
        assert not gone & {hit.tile_id for hit in hits}
        assert_hits(hits, ranking(stored_tiles(root), query), 200)


def test_equal_scores_come_by_row(tmp_path: Path) -> None:
    writer = open_writer(tmp_path / "idx", model=MODEL, kind="auto")
    same, other = units(1, seed=5), units(1, seed=6)
    for first in (0, 10, 20):
        vectors = np.concatenate([other, *[same] * 8, other])
        writer.commit([record(n) for n in range(first, first + 10)], vectors, delete=NONE_DELETED)
    with SearchIndex.open(tmp_path / "idx") as index:
        hits = index.search_vectors(same[0], k=15)[0]
    rows = [row for row in range(30) if row % 10 not in {0, 9}]
    assert [int(hit.tile_id, 16) for hit in hits] == rows[:15]
    assert len(set(hits.scores.tolist())) == 1


def test_percentiles_are_the_share_that_scores_lower(tmp_path: Path) -> None:
    writer = make_index(tmp_path / "idx", 40, 60, 21)
    delete(writer, np.array([3, 99, 120]))
    tiles, query = stored_tiles(tmp_path / "idx"), units(1, seed=9)[0]
    with SearchIndex.open(tmp_path / "idx") as index:
        hits = index.search_vectors(query, k=1000)[0]
    scores = ranking(tiles, query).scores
    lower = [100 * np.count_nonzero(scores < score - 1e-9) / len(scores) for score in scores]
    np.testing.assert_allclose(hits.percentiles, lower, rtol=1e-6)
    assert hits.percentiles[-1] == 0
    assert hits.percentiles[0] == pytest.approx(100 * 117 / 118)


def test_percentiles_of_equal_scores_are_equal(tmp_path: Path) -> None:
    writer = open_writer(tmp_path / "idx", model=MODEL, kind="auto")
    writer.commit([record(n) for n in range(10)], np.repeat(units(2), [4, 6], axis=0), delete=NONE_DELETED)
    with SearchIndex.open(tmp_path / "idx") as index:
        hits = index.search_vectors(units(1)[0], k=10)[0]
    assert hits.percentiles.tolist() == [60] * 4 + [0] * 6


@pytest.mark.parametrize("kind", ["ivfpq", "flat"])
def test_percentiles_of_a_large_index_are_right_within_the_error_of_the_sample(
    big: Big, tmp_path: Path, kind: str
) -> None:
    root = shutil.copytree(big.root, tmp_path / "idx")
    if kind == "flat":
        open_writer(root, model=MODEL, kind="flat").drop_ann()
    query = units(1, seed=31)[0]
    with SearchIndex.open(root) as index:
        hits = index.search_vectors(query, k=len(big.tiles))[0]
        assert len(index._sample) == 8192
    scores = np.sort(ranking(big.tiles, query).scores)
    share = np.searchsorted(scores, hits.scores.astype(np.float64) - 1e-9) / len(scores)
    error = np.sqrt(share * (1 - share) / 8192) + 1 / 8192
    assert (abs(hits.percentiles / 100 - share) < 5 * error).all()
    assert (np.diff(hits.percentiles) <= 0).all()


@pytest.mark.parametrize("deleted", [0, 3])
def test_fewer_tiles_than_asked_for_are_no_error(tmp_path: Path, deleted: int) -> None:
    writer = make_index(tmp_path / "idx", 3)
    delete(writer, np.arange(deleted)) if deleted else None
    with SearchIndex.open(tmp_path / "idx") as index:
        assert len(index) == 3 - deleted
        for k in (1, 2, 3, 4, 10**9):
            hits = index.search("a lake", k=k)
            assert len(hits) == min(k, 3 - deleted)
            assert (hits.top_k, hits.searched) == (k, 3 - deleted)
            assert hits.to_table().num_rows == len(hits)
            assert len(hits.to_geojson()["features"]) == len(hits)
        assert index.info().tiles == 3 - deleted


def test_an_index_of_no_rows_at_all(tmp_path: Path) -> None:
    writer = open_writer(tmp_path / "idx", model=MODEL, kind="auto")
    writer.commit([], units(0), delete=NONE_DELETED)
    with SearchIndex.open(tmp_path / "idx") as index:
        assert len(index) == 0
        hits = index.search("a lake", k=5)
        assert (len(hits), list(hits), hits.searched) == (0, [], 0)
        assert hits.to_table().num_rows == 0
        assert index.info().tiles == 0


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


@pytest.mark.parametrize("kind", ["ivfpq", "flat"])
def test_threads_get_the_same_answers(big: Big, tmp_path: Path, kind: str) -> None:
    root = shutil.copytree(big.root, tmp_path / "idx")
    if kind == "flat":
        open_writer(root, model=MODEL, kind="flat").drop_ann()
    queries = units(6, seed=50)
    with SearchIndex.open(root) as alone:
        expected = [hits.to_dict() for hits in alone.search_vectors(queries, k=20)]
    answers: dict[int, list[Any]] = {}
    start = threading.Barrier(8)
    with SearchIndex.open(root) as shared:  # what is loaded late is loaded by all at the same time

        def ask(number: int) -> None:
            start.wait()
            order = np.roll(np.arange(6), number)
            answers[number] = [(at, shared.search_vectors(queries[at], k=20)[0].to_dict()) for at in order.tolist()]

        threads = [threading.Thread(target=ask, args=(number,)) for number in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert sorted(answers) == list(range(8))
    for answer in answers.values():
        for at, found in answer:
            assert found["hits"] == expected[at]["hits"]


def test_faiss_is_loaded_once_by_threads(big: Big, monkeypatch: pytest.MonkeyPatch) -> None:
    loaded: list[object] = []
    make = searcher.open_searcher

    def watched(snapshot: Any) -> Any:  # noqa: ANN401
        loaded.append(snapshot)
        return make(snapshot)

    monkeypatch.setattr("msclip_search.search.engine.open_searcher", watched)
    with SearchIndex.open(big.root) as index:
        threads = [threading.Thread(target=index.search_vectors, args=(units(1),)) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert len(loaded) == 1


def test_info_counts(tmp_path: Path) -> None:
    moment = dt.datetime(2022, 2, 3, 4, 5, tzinfo=dt.UTC)
    root = tmp_path / "idx"
    writer = open_writer(root, model=MODEL, kind="auto")
    rows = [located(0, west=10, south=45), record(1, datetime=moment, labels=("a",)), located(2, west=50, south=-5)]
    writer.commit(rows, units(3), delete=NONE_DELETED)
    writer.commit([record(3, labels=("b",))], units(1), delete=np.array([2]))
    with SearchIndex.open(root) as index:
        info = index.info()
    named = [path for path in root.rglob("*") if path.suffix in {".parquet", ".npy"}]
    assert info.to_dict() | {"created": "", "software": ""} == {
        "path": str(root),
        "format": 1,
        "manifest": 2,
        "created": "",
        "software": "",
        "model": "untrained",
        "fingerprint": ENCODER.fingerprint,
        "weights": None,
        "dimension": 64,
        "tiles": 3,
        "deleted": 1,
        "segments": 2,
        "kind": "flat",
        "reason": "3 tiles: IVF-PQ needs at least 9,984 to train, so every query scans all of them exactly",
        "factory": None,
        "scanned": 3,
        "size": sum(path.stat().st_size for path in named),
        "located": 1,
        "bounds": info.bounds,
        "dated": 1,
        "first": "2022-02-03T04:05:00+00:00",
        "last": "2022-02-03T04:05:00+00:00",
        "labelled": 2,
    }
    assert info.bounds == pytest.approx((10, 45, 10.1, 45.1))
    assert info.created == writer.manifest.created


def test_info_does_not_claim_what_is_not_in_force(tmp_path: Path) -> None:
    root = tmp_path / "idx"
    writer = make_index(root, 10_100)
    with SearchIndex.open(root) as index:
        assert index.info().kind == "flat"
        assert "IVF-PQ is not built yet" in index.info().reason
    build_ann(writer, EVERY_LIST, progress=lambda _: None)
    delete(writer, np.arange(5000))
    with SearchIndex.open(root) as index:
        info = index.info()
    assert (info.kind, info.tiles, info.scanned) == ("ivfpq", 5100, 0)
    assert info.reason.startswith("5,100 tiles: 16 lists over 10,100 of them")


def test_a_reader_sees_one_index_whatever_a_writer_does(tmp_path: Path) -> None:
    for number in range(5):
        write_tile(tmp_path / "tiles" / f"{number}.tif", number)
    root = tmp_path / "idx"
    index_folder(tmp_path / "tiles", root)
    with SearchIndex.open(root) as reader:
        before = reader.search("a lake", k=9).to_dict()
        for number in range(5):
            write_tile(tmp_path / "tiles" / f"{number}.tif", 10 + number)
        index_folder(tmp_path / "tiles", root)
        assert reader.search("a lake", k=9).to_dict() == before
        assert len(reader) == 5
        reader.close()  # it lets go of everything, and still is of that moment
        assert reader.search("a lake", k=9).to_dict() == before
    with SearchIndex.open(root) as reader:
        after = reader.search("a lake", k=9).to_dict()
    assert {hit["tile_id"] for hit in after["hits"]}.isdisjoint({hit["tile_id"] for hit in before["hits"]})


def test_an_open_reader_keeps_answering_after_a_sweep(big: Big, tmp_path: Path) -> None:
    root = shutil.copytree(big.root, tmp_path / "idx")
    queries = units(3, seed=8)
    age(root, 365 * 86_400)
    early, idle = SearchIndex.open(root), SearchIndex.open(root)
    expected = [hits.to_dict() for hits in early.search_vectors(queries, k=30)]
    writer = open_writer(root, model=MODEL, kind="auto")
    delete(writer, writer.snapshot.live_rows[::7])
    writer.drop_ann()
    assert sweep(writer.layout, writer.manifest)  # what was out of force for long enough
    # Within the grace a reader finds everything that it has not opened yet.
    assert [hits.to_dict() for hits in idle.search_vectors(queries, k=30)] == expected
    assert (root / "ann" / "000001").exists()
    age(root, 7200)
    sweep(writer.layout, writer.manifest)
    assert not (root / "ann" / "000001").exists()
    for reader in (early, idle):
        assert [hits.to_dict() for hits in reader.search_vectors(queries, k=30)] == expected
    late = SearchIndex.open(root)
    assert len(late) < len(early)
    late.search_vectors(queries)


def test_an_ann_index_that_cannot_be_used_is_said(big: Big, tmp_path: Path) -> None:
    root = shutil.copytree(big.root, tmp_path / "idx")
    faiss = root / "ann" / "000001" / "index.faiss"
    content = faiss.read_bytes()
    faiss.write_bytes(b"x" * len(content))
    with SearchIndex.open(root) as index, pytest.raises(IndexDamaged, match=r"index\.faiss cannot be used"):
        index.search_vectors(units(1))
    faiss.write_bytes(content[:-1])
    with pytest.raises(IndexDamaged, match=r"index\.faiss of the index .* has .* bytes where"):
        SearchIndex.open(root)
    faiss.write_bytes(content)
    with SearchIndex.open(root) as index:
        faiss.unlink()
        with pytest.raises(IndexDamaged, match=r"lacks ann/000001/index\.faiss"):
            index.search_vectors(units(1))


@pytest.mark.parametrize(
    ("name", "text", "queries"),
    [
        ("q.txt", "a lake\n\n  # no\n  harbour  \r\n", ["a lake", "harbour"]),
        ("q.txt", "\ufeffa lake", ["a lake"]),
        ("q.txt", "été: 水", ["été: 水"]),
        ("q.yaml", "queries: [a lake, 'harbour: the old one']", ["a lake", "harbour: the old one"]),
        ("q.YML", "queries:\n- text: a lake\n  id: 7\n- harbour\n", ["a lake", "harbour"]),
    ],
)
def test_queries_are_read(tmp_path: Path, name: str, text: str, queries: list[str]) -> None:
    (tmp_path / name).write_text(text, encoding="utf-8")
    assert read_queries(tmp_path / name) == queries


@pytest.mark.parametrize(
    ("name", "content", "sentence"),
    [
        ("q.txt", b"\n# nothing\n", "holds no queries"),
        ("q.txt", b"\xff\xfe\xff", "cannot be read"),
        ("q.yaml", b"queries: [a, b", "q.yaml, line 1, column 15: this is not YAML"),
        ("q.yaml", b"- a\n- b\n", "is to have a list 'queries'"),
        ("q.yaml", b"queries: a lake", "is to have a list 'queries'"),
        ("q.yaml", b"queries: []", "holds no queries"),
        ("q.yaml", b"queries: [a lake, 3]", "query 2 has no text"),
        ("q.yaml", b"queries: [{text: ' '}]", "query 1 has no text"),
        ("q.yaml", b"queries: [!!python/object/apply:os.system ['x']]", "this is not YAML"),
    ],
)
def test_files_of_queries_that_are_none(tmp_path: Path, name: str, content: bytes, sentence: str) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(QueryError, match=sentence):
        read_queries(tmp_path / name)
    with pytest.raises(QueryError, match=r"none\.txt cannot be read: No such file"):
        read_queries(tmp_path / "none.txt")
