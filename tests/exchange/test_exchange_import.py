"""What an import puts into an index, read by the documented layout alone, and what searches then find."""

import datetime as dt
import threading
from dataclasses import replace
from datetime import UTC
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
import shapely

from msclip_search import Pace, SearchIndex, export_index, import_vectors, verify
from msclip_search.exchange import importing
from tests.exchange.making import (
    PRODUCT,
    lived_in,
    major_tom_table,
    plain_table,
    square,
    unit_vectors,
    write,
)
from tests.folder.making import newest_body, stored_tiles


@pytest.mark.parametrize("name", ["out.parquet", "out.npy"])
def test_there_and_back_nothing_changes(tmp_path: Path, name: str) -> None:
    lived_in(tmp_path / "idx")
    export_index(tmp_path / "idx", tmp_path / name)
    done = import_vectors(tmp_path / name, index=tmp_path / "back")
    before, after = stored_tiles(tmp_path / "idx"), stored_tiles(tmp_path / "back")
    assert (done.schema, done.added, done.tiles) == ("msclip-search", 58, 58)
    for old, new in zip(before, after, strict=True):
        assert new.columns == old.columns
        assert new.vector.tobytes() == old.vector.tobytes()
    assert newest_body(tmp_path / "back")["model"] == newest_body(tmp_path / "idx")["model"]
    assert not verify(tmp_path / "back").problems
    with SearchIndex.open(tmp_path / "idx") as one, SearchIndex.open(tmp_path / "back") as other:
        wanted = [(hit.tile_id, hit.score) for hit in one.search("a lake", k=58)]
        assert [(hit.tile_id, hit.score) for hit in other.search("a lake", k=58)] == wanted


def test_major_toms_columns_are_known(tmp_path: Path) -> None:
    vectors = unit_vectors(30) * 20
    path = write(tmp_path / "part_00001-00100.parquet", major_tom_table(vectors))
    done = import_vectors(path, index=tmp_path / "idx", model="majortom-dinov2", normalise=True)
    assert (done.schema, done.added, done.reads_texts) == ("Major TOM", 30, False)
    for number, tile in enumerate(stored_tiles(tmp_path / "idx")):
        unit = vectors[number].astype(np.float64) / np.linalg.norm(vectors[number].astype(np.float64))
        np.testing.assert_array_equal(tile.vector, unit.astype(np.float16))
        row = tile.columns
        assert row["tile_id"] == f"{number:064x}"
        assert row["cell_id"] == f"571U_{number}R"
        assert row["datetime"] == dt.datetime(2023, 3, 2, 10, 18, 39, tzinfo=UTC)
        assert row["product_id"] == PRODUCT
        assert (row["platform"], row["level"], row["baseline"], row["mgrs_tile"]) == (
            "Sentinel-2B",
            "L2A",
            "05.09",
            "33UUS",
        )
        assert row["crs"] == "EPSG:32633"
        assert row["window"] == {"x": 211, "y": 422, "width": 224, "height": 224}
        assert row["source"] == f"{path}#{number}"
        assert row["labels"] == []
        assert row["cloud"] is row["nodata"] is row["offset"] is row["caption"] is None
        outline = shapely.from_wkb(row["geometry"])
        assert outline.equals(square(10 + number / 10, 50))
        assert outline.exterior.is_ccw
        assert tuple(row["bbox"].values()) == pytest.approx(outline.bounds)


def test_other_spellings_of_the_same_facts(tmp_path: Path) -> None:
    moments = [dt.datetime(2020, 10, 19, 10, 9, 31), None, dt.datetime(2020, 1, 1)]  # noqa: DTZ001 - no zone is UTC
    texts = ["20201019T100931", "2020-10-19T12:09:31+02:00", ""]
    for number, times in enumerate((pa.array(moments, pa.timestamp("ns")), pa.array(texts, pa.large_string()))):
        table = major_tom_table(
            unit_vectors(3),
            timestamp=times,
            product_id=pa.array([None, "other", PRODUCT]).dictionary_encode(),
            geometry=pa.array([square(1, 2).wkt, None, "POLYGON EMPTY"]),
        )
        parquet = write(
            tmp_path / f"{number}.parquet",
            table.append_column("parquet_url", [["https://me:word@huggingface.co/d/part.parquet?download=true"] * 3])
            .append_column("parquet_row", [[5, 6, 7]])
            .append_column("cloud_cover", [[12.5, None, float("nan")]]),
        )
        import_vectors(parquet, index=tmp_path / f"idx {number}", model="m")
    for number in (0, 1):
        rows = [tile.columns for tile in stored_tiles(tmp_path / f"idx {number}")]
        assert rows[0]["datetime"] == dt.datetime(2020, 10, 19, 10, 9, 31, tzinfo=UTC)
        assert [row["source"] for row in rows] == [f"https://huggingface.co/d/part.parquet#{at}" for at in (5, 6, 7)]
        assert [row["geometry"] is None for row in rows] == [False, True, True]
        assert [row["level"] for row in rows] == [None, None, "L2A"]
        assert [row["cloud"] for row in rows] == [12.5, None, None]
    assert rows[1]["datetime"] == rows[0]["datetime"]
    assert rows[2]["datetime"] == dt.datetime(2023, 3, 2, 10, 18, 39, tzinfo=UTC)  # from the product's name


def test_an_outline_across_the_antimeridian_is_split(tmp_path: Path) -> None:
    outline = square(179.99, -17)
    assert outline.bounds[2] - outline.bounds[0] > 300  # it runs around the globe the long way
    table = major_tom_table(unit_vectors(1), geometry=pa.array([outline.wkb]))
    import_vectors(write(tmp_path / "v.parquet", table), index=tmp_path / "idx", model="m")
    kept = shapely.from_wkb(stored_tiles(tmp_path / "idx")[0].columns["geometry"])
    assert sorted(part.bounds for part in kept.geoms) == [
        pytest.approx((-180, -17, -179.99, -16.98)),
        pytest.approx((179.99, -17, 180, -16.98)),
    ]


@pytest.mark.parametrize(
    "kind",
    [
        pa.list_(pa.float16()),
        pa.list_(pa.float32()),
        pa.large_list(pa.float64()),
        pa.list_(pa.float16(), 16),
        pa.list_(pa.float32(), 16),
    ],
    ids=str,
)
def test_every_type_of_list_and_named_columns(tmp_path: Path, kind: pa.DataType) -> None:
    vectors = unit_vectors(300).astype(np.float16)
    table = pa.table({"name": list(range(300)), "emb": pa.array(list(vectors), kind), "level": [1] * 300})
    done = import_vectors(
        write(tmp_path / "v.parquet", table),
        index=tmp_path / "idx",
        model="m",
        columns={"embedding": "emb", "tile_id": "name", "level": ""},
    )
    assert (done.schema, done.dimension) == ("named columns", 16)
    tiles = stored_tiles(tmp_path / "idx")
    assert [tile.columns["tile_id"] for tile in tiles] == [str(number) for number in range(300)]
    np.testing.assert_array_equal(np.stack([tile.vector for tile in tiles]), vectors)


def test_an_array_beside_a_table_is_read_piece_by_piece(tmp_path: Path) -> None:
    rows = 20_000  # more than a piece
    vectors = unit_vectors(rows, dimension=4)
    np.save(tmp_path / "v.npy", vectors)
    write(tmp_path / "v.parquet", pa.table({"tile_id": [f"tile {row}" for row in range(rows)]}))
    done = import_vectors(tmp_path / "v.parquet", index=tmp_path / "idx", model="m", kind="flat")
    assert (done.added, done.dimension) == (rows, 4)
    stored = stored_tiles(tmp_path / "idx")
    assert [tile.columns["tile_id"] for tile in stored] == [f"tile {row}" for row in range(rows)]
    np.testing.assert_array_equal(np.stack([tile.vector for tile in stored]), vectors.astype(np.float16))
    assert stored[17_000].columns["source"] == f"{tmp_path / 'v.parquet'}#17000"


def test_searches_by_vectors_find_what_brute_force_finds(tmp_path: Path) -> None:
    vectors = unit_vectors(2000)
    for part in range(2):
        write(tmp_path / f"{part}.parquet", plain_table(vectors[part * 1000 :][:1000], first=part * 1000))
    import_vectors(tmp_path, index=tmp_path / "idx", model="m")  # a folder: its files in order
    questions = unit_vectors(5, seed=9)
    scores = questions.astype(np.float64) @ vectors.astype(np.float16).astype(np.float64).T
    with SearchIndex.open(tmp_path / "idx") as index:
        for question, truth, hits in zip(questions, scores, index.search_vectors(questions, k=20), strict=True):
            assert [hit.tile_id for hit in hits] == [f"tile {row}" for row in np.argsort(-truth)[:20]]
            np.testing.assert_allclose(hits.scores, np.sort(truth)[::-1][:20], atol=1e-6)
            assert question.shape == (16,)


def test_the_same_vectors_are_passed_over_and_others_take_their_place(tmp_path: Path) -> None:
    vectors = unit_vectors(40)
    path = write(tmp_path / "v.parquet", plain_table(vectors))
    import_vectors(path, index=tmp_path / "idx", model="m")
    number = newest_body(tmp_path / "idx")["number"]
    again = import_vectors(path, index=tmp_path / "idx", model="m")
    assert (again.added, again.replaced, again.unchanged) == (0, 0, 40)
    assert newest_body(tmp_path / "idx")["number"] == number
    vectors[[3, 7]] = unit_vectors(2, seed=5)
    wider = np.concatenate([vectors, unit_vectors(4, seed=6)])
    third = import_vectors(write(path, plain_table(wider)), index=tmp_path / "idx", model="m")
    assert (third.added, third.replaced, third.unchanged, third.tiles) == (4, 2, 38, 44)
    found = {tile.columns["tile_id"]: tile.vector for tile in stored_tiles(tmp_path / "idx")}
    assert len(found) == len(stored_tiles(tmp_path / "idx")) == 44
    for row, vector in enumerate(wider):
        np.testing.assert_array_equal(found[f"tile {row}"], vector.astype(np.float16))


def test_a_stopped_import_goes_on_where_it_was(tmp_path: Path) -> None:
    vectors = unit_vectors(900)
    paths = [write(tmp_path / f"{at}.parquet", plain_table(vectors[at : at + 300], first=at)) for at in (0, 300, 600)]
    stop = threading.Event()

    def after_the_first(_stage: str, done: int, total: int) -> None:
        assert total == 900
        if done >= 300:
            stop.set()

    first = import_vectors(paths, index=tmp_path / "idx", model="m", stop=stop, progress=after_the_first)
    assert (first.interrupted, first.added, first.tiles) == (True, 300, 300)
    assert [tile.columns["tile_id"] for tile in stored_tiles(tmp_path / "idx")] == [f"tile {at}" for at in range(300)]
    second = import_vectors(paths, index=tmp_path / "idx", model="m")
    assert (second.interrupted, second.added, second.unchanged, second.tiles) == (False, 600, 300, 900)
    stored = stored_tiles(tmp_path / "idx")
    np.testing.assert_array_equal(np.stack([tile.vector for tile in stored]), vectors.astype(np.float16))


def test_a_long_import_commits_now_and_then(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importing, "_MOST", 100)
    monkeypatch.setattr(importing, "_LEAST", 100)
    vectors = unit_vectors(350)
    paths = [write(tmp_path / f"{at:03}.parquet", plain_table(vectors[at:][:50], first=at)) for at in range(0, 350, 50)]
    import_vectors(paths, index=tmp_path / "idx", model="m")
    assert [segment["rows"] for segment in newest_body(tmp_path / "idx")["segments"]] == [100, 100, 100, 50]


def test_the_ann_index_is_brought_up_to_date(tmp_path: Path) -> None:
    rows = 9984 + Pace().threads  # what IVF-PQ needs at least
    path = write(tmp_path / "v.parquet", plain_table(unit_vectors(rows, dimension=8)))
    done = import_vectors(path, index=tmp_path / "idx", model="m")
    assert done.kind == "ivfpq"
    assert newest_body(tmp_path / "idx")["ann"]["rows"] == rows
    plain = import_vectors(path, index=tmp_path / "idx", model="m", kind="flat")
    assert (plain.kind, plain.unchanged) == ("flat", rows)


def test_a_tile_that_was_indexed_and_one_that_was_imported_live_together(tmp_path: Path) -> None:
    lived_in(tmp_path / "idx")
    export_index(tmp_path / "idx", tmp_path / "out.parquet")
    table = plain_table(unit_vectors(3, dimension=64), caption=["a", "b", "c"])
    path = write(tmp_path / "v.parquet", table)
    done = import_vectors([path, tmp_path / "out.parquet"], index=tmp_path / "idx", model="untrained")
    assert (done.added, done.unchanged, done.tiles) == (3, 58, 61)
    assert replace(done, seconds=0).model == "untrained"


def test_processings_of_one_acquisition_both_stand(tmp_path: Path) -> None:
    """As the decisions say, unlike what `index` does: names of tiles are all that is compared."""
    newer = PRODUCT.replace("N0509", "N0510").removesuffix("20230302T165059") + "20240902T165059"
    sensed = dt.datetime(2023, 3, 2, 10, 18, 39, tzinfo=UTC)
    told = [PRODUCT, newer]
    table = plain_table(unit_vectors(2), product_id=told, cell_id=["cell"] * 2, datetime=[sensed] * 2)
    import_vectors(write(tmp_path / "older.parquet", table.slice(0, 1)), index=tmp_path / "idx", model="m")
    done = import_vectors(write(tmp_path / "newer.parquet", table.slice(1)), index=tmp_path / "idx", model="m")
    rows = [tile.columns for tile in stored_tiles(tmp_path / "idx")]
    assert (done.added, done.replaced) == (1, 0)
    assert [(row["baseline"], row["mgrs_tile"]) for row in rows] == [("05.09", "33UUS"), ("05.10", "33UUS")]
