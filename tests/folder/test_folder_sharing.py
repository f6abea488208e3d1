"""Threads that share an open index, and readers while a writer works."""

import shutil
import threading
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from msclip_search import (
    IndexDamaged,
    SearchIndex,
)
from msclip_search.search import searcher
from msclip_search.store import open_writer, sweep
from tests.folder.making import (
    MODEL,
    age,
    index_folder,
    units,
    write_tile,
)
from tests.folder.ranking import Big, delete


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

    monkeypatch.setattr("msclip_search.search.opened.open_searcher", watched)
    with SearchIndex.open(big.root) as index:
        threads = [threading.Thread(target=index.search_vectors, args=(units(1),)) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert len(loaded) == 1


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
