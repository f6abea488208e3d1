"""IVF-PQ: its positions, its files, and what happens when lists run dry."""

import errno
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from msclip_search.indexes import Effort, IvfPqIndex, Plan, StackedVectors, choose
from msclip_search.indexes.faiss_library import load_faiss
from msclip_search.indexes.training import sample_of
from tests.indexes.conftest import DIMENSION, ROWS
from tests.indexes.oracle import Archive, assert_same, ranked, recall
from tests.indexes.test_indexes_search import THOROUGH, with_effort

EVERYTHING = np.arange(ROWS)

ORDER = np.random.default_rng(2).permutation(ROWS)[:9_984]
"""As few rows as can be trained, in an order of their own."""


@pytest.fixture(scope="module")
def saved(built: IvfPqIndex, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("ann") / "faiss.index"
    built.save(path)
    return path


@pytest.fixture(scope="module")
def partial(vectors: StackedVectors) -> IvfPqIndex:
    return IvfPqIndex.build(vectors, ORDER, choose("auto", rows=len(ORDER), dimension=DIMENSION), effort=THOROUGH)


@pytest.mark.parametrize("share", [None, 0.5])
def test_rows_that_came_later_are_found_too(partial: IvfPqIndex, archive: Archive, share: float | None) -> None:
    allowed = None if share is None else np.random.default_rng(3).random(ROWS) < share
    for k in (10, 100):
        found = partial.search(archive.queries, k, allowed=allowed)
        assert_same(found, ranked(archive.matrix, archive.queries, k, allowed=allowed))
        assert np.isin(found.rows, np.setdiff1d(EVERYTHING, ORDER)).any()


@pytest.mark.parametrize("share", [None, 0.5])
def test_positions_whose_rows_are_gone_are_passed_over(saved: Path, archive: Archive, share: float | None) -> None:
    # The part of rows 2,500 to 8,999 is dropped, those after it move up, and a new part follows.
    kept = [*archive.parts[:3], archive.parts[5], archive.parts[0]]
    positions = np.concatenate([np.arange(2_500), np.full(6_500, -1), np.arange(2_500, 5_500)])
    vectors = StackedVectors(kept)
    index = IvfPqIndex.load(saved, vectors=vectors, positions=positions, effort=THOROUGH)
    matrix = np.concatenate(kept).astype(np.float64)
    allowed = None if share is None else np.random.default_rng(3).random(len(matrix)) < share
    for k in (10, 100):
        found = index.search(archive.queries, k, allowed=allowed)
        assert_same(found, ranked(matrix, archive.queries, k, allowed=allowed))


def test_an_index_of_which_nothing_is_left(saved: Path, archive: Archive) -> None:
    nothing = StackedVectors([], dimension=DIMENSION)
    index = IvfPqIndex.load(saved, vectors=nothing, positions=np.full(ROWS, -1))
    assert (index.search(archive.queries, 3).rows == -1).all()
    assert (index.search(archive.queries, 3, allowed=np.zeros(0, dtype=np.bool_)).rows == -1).all()


def test_lists_are_widened_until_enough_is_found(built: IvfPqIndex, vectors: StackedVectors, archive: Archive) -> None:
    hasty = with_effort(built, vectors, Effort(nprobe=1, candidates=300, candidates_per_hit=1, exact_rows=0))
    allowed = np.zeros(ROWS, dtype=np.bool_)
    allowed[::39] = True  # 308 rows, more than the candidates
    found = hasty.search(archive.queries, 290, allowed=allowed)
    expected = ranked(archive.matrix, archive.queries, 290, allowed=allowed)
    assert (found.rows >= 0).all()
    assert recall(found, expected) > 0.95
    assert (hasty.search(archive.queries, 290).rows >= 0).all()


def test_a_selection_far_from_the_query_is_ranked_well(
    built: IvfPqIndex, vectors: StackedVectors, archive: Archive
) -> None:
    # Of the tenth of rows that fit the query least, the lists nearest to it hold enough for k hits, but the wrong
    # ones: content to have found k, this would reach a recall of .5.
    index = with_effort(built, vectors, Effort(candidates=1_000, exact_rows=0))
    shares = []
    for query in archive.queries[:20, np.newaxis]:
        scores = archive.matrix @ query[0].astype(np.float64)
        allowed = scores < np.quantile(scores, 0.1)
        found = index.search(query, 50, allowed=allowed)
        shares.append(recall(found, ranked(archive.matrix, query, 50, allowed=allowed)))
    assert np.mean(shares) > 0.99


def test_what_the_lists_lack_is_scanned_exactly(
    monkeypatch: pytest.MonkeyPatch, built: IvfPqIndex, vectors: StackedVectors, archive: Archive
) -> None:
    index = with_effort(built, vectors, THOROUGH)

    def find_nothing(
        _self: IvfPqIndex, queries: NDArray[np.float32], wanted: int, _nprobe: int, _bitmap: NDArray[np.uint8] | None
    ) -> NDArray[np.int64]:
        return np.full((len(queries), wanted), -1)

    monkeypatch.setattr(IvfPqIndex, "_ask_faiss", find_nothing)
    allowed = np.arange(ROWS) % 3 > 0
    for mask in (None, allowed):
        found = index.search(archive.queries[:3], 10, allowed=mask)
        assert_same(found, ranked(archive.matrix, archive.queries[:3], 10, allowed=mask))


def test_a_search_leaves_the_index_as_it_is(built: IvfPqIndex, vectors: StackedVectors, archive: Archive) -> None:
    before = built._ivf.nprobe
    with_effort(built, vectors, Effort(nprobe=3, exact_rows=0)).search(archive.queries, 10)
    assert built._ivf.nprobe == before == 256


def test_what_is_saved_is_loaded(
    saved: Path, built: IvfPqIndex, vectors: StackedVectors, archive: Archive, tmp_path: Path
) -> None:
    loaded = IvfPqIndex.load(saved, vectors=vectors, positions=EVERYTHING)
    assert loaded._nprobe == built._nprobe == 256
    assert_same(loaded.search(archive.queries, 100), built.search(archive.queries, 100))
    loaded.save(tmp_path / "again")
    assert (tmp_path / "again").read_bytes() == saved.read_bytes()


def test_building_reports_and_prints_nothing(vectors: StackedVectors, capfd: pytest.CaptureFixture[str]) -> None:
    calls: list[tuple[str, int, int]] = []
    plan = choose("auto", rows=ROWS, dimension=DIMENSION)
    IvfPqIndex.build(vectors, EVERYTHING, plan, progress=lambda *call: calls.append(call))
    assert calls[:3] == [("train", 0, 12_000), ("train", 12_000, 12_000), ("add", 0, 12_000)]
    assert [done for stage, done, _ in calls if stage == "add"] == [0, 4_096, 8_192, 12_000]
    assert capfd.readouterr() == ("", "")


def test_the_training_sample_is_drawn_by_its_seed(vectors: StackedVectors, archive: Archive) -> None:
    rows = EVERYTHING[2_000:]
    one, again, other = (sample_of(vectors, rows, 5_000, seed) for seed in (0, 0, 1))
    np.testing.assert_array_equal(one, again)
    assert not np.array_equal(one, other)
    np.testing.assert_array_equal(sample_of(vectors, rows, len(rows), 0), archive.matrix[rows])


@pytest.mark.parametrize("keep", [0, 1, 4, 100, 5_000, 100_000, -1])
def test_a_truncated_file_is_refused(saved: Path, vectors: StackedVectors, tmp_path: Path, keep: int) -> None:
    cut = tmp_path / "cut"
    cut.write_bytes(saved.read_bytes()[:keep])
    with pytest.raises(ValueError, match="cut is truncated or damaged"):
        IvfPqIndex.load(cut, vectors=vectors, positions=EVERYTHING)


def test_garbage_is_refused(vectors: StackedVectors, tmp_path: Path) -> None:
    garbage = tmp_path / "garbage"
    garbage.write_bytes(np.random.default_rng(0).bytes(10_000))
    with pytest.raises(ValueError, match="garbage is truncated or damaged"):
        IvfPqIndex.load(garbage, vectors=vectors, positions=EVERYTHING)


@pytest.mark.parametrize(("factory", "metric"), [("Flat", 0), ("IVF4,Flat", 0), ("IVF4,PQ8x4", 1)])
def test_another_kind_of_index_is_refused(
    vectors: StackedVectors, tmp_path: Path, factory: str, metric: int, capfd: pytest.CaptureFixture[str]
) -> None:
    faiss = load_faiss()
    other = faiss.index_factory(DIMENSION, factory, metric)
    other.train(np.random.default_rng(0).standard_normal((700, DIMENSION), dtype=np.float32))
    faiss.write_index(other, str(tmp_path / "other"))
    with pytest.raises(ValueError, match=r"no IVF-PQ|inner product"):
        IvfPqIndex.load(tmp_path / "other", vectors=vectors, positions=EVERYTHING[:0])
    capfd.readouterr()


def test_positions_have_to_fit(saved: Path, vectors: StackedVectors, archive: Archive) -> None:
    with pytest.raises(ValueError, match="12000 rows, its list of positions 11999"):
        IvfPqIndex.load(saved, vectors=vectors, positions=EVERYTHING[1:])
    with pytest.raises(ValueError, match="names row 12000, but there are only 12000"):
        IvfPqIndex.load(saved, vectors=vectors, positions=EVERYTHING + 1)
    with pytest.raises(ValueError, match="name the same row"):
        IvfPqIndex.load(saved, vectors=vectors, positions=EVERYTHING // 2)
    narrow = StackedVectors([part[:, :-1] for part in archive.parts])
    with pytest.raises(ValueError, match="48 numbers a row, the vectors have 47"):
        IvfPqIndex.load(saved, vectors=narrow, positions=EVERYTHING)


def test_plans_have_to_fit(vectors: StackedVectors) -> None:
    with pytest.raises(ValueError, match="nothing to build"):
        IvfPqIndex.build(vectors, EVERYTHING, Plan("flat", "because"))
    with pytest.raises(ValueError, match="trains with 12,000 rows, but there are 11,000"):
        IvfPqIndex.build(vectors, EVERYTHING[:11_000], choose("auto", rows=ROWS, dimension=DIMENSION))


def test_a_missing_file_is_an_os_error(vectors: StackedVectors, tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        IvfPqIndex.load(tmp_path / "none", vectors=vectors, positions=EVERYTHING)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no /dev/full")
def test_a_full_disk_is_an_os_error(built: IvfPqIndex) -> None:
    with pytest.raises(OSError, match="No space left") as caught:
        built.save(Path("/dev/full"))
    assert caught.value.errno == errno.ENOSPC


@pytest.mark.parametrize("dimension", [3, 10])
def test_odd_dimensions(dimension: int) -> None:
    stored = np.random.default_rng(0).standard_normal((11_000, dimension))
    stored = (stored / np.linalg.norm(stored, axis=1, keepdims=True)).astype(np.float16)
    vectors, queries = StackedVectors([stored]), stored[:4].astype(np.float32)
    plan = choose("auto", rows=11_000, dimension=dimension)
    index = IvfPqIndex.build(vectors, np.arange(11_000), plan, effort=Effort(exact_rows=0, candidates=9_000))
    assert_same(index.search(queries, 10), ranked(stored.astype(np.float64), queries, 10))
