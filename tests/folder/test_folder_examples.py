"""Examples of questions that are files, and places that the index covers."""

import datetime as dt
import math
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from msclip_search import ModelError, QueryError, Question, SearchIndex
from msclip_search.archives import ChipArchive, Reading
from msclip_search.bands import LAYOUTS
from msclip_search.pairing import describe_elsewhere
from msclip_search.search import Example
from msclip_search.store import open_writer
from msclip_search.tile import TileRecord
from tests.folder.making import (
    BANDS,
    ENCODER,
    MODEL,
    NONE_DELETED,
    index_folder,
    located,
    pixels_of,
    read_pixels,
    record,
    stored_tiles,
    units,
    write_tile,
)
from tests.folder.ranking import assert_hits, ranking

NO_MODEL = "/nowhere.pt"  # the untrained model refuses weights as soon as it is loaded


def asked(root: Path, question: Question, *, weights: str | None = None, k: int = 1) -> list[str]:
    with SearchIndex.open(root, weights=weights) as index:
        return [hit.tile_id for hit in index.search(question, k=k)]


def resolved(root: Path, *named: object) -> list[str | None]:
    """Return which tiles the examples were found to be."""
    question = Question("x")
    for tile in named:
        question = question.like(tile)  # type: ignore[arg-type]
    with SearchIndex.open(root) as index:
        parts = index.search(question, k=1).parts
    return [part.tile_id for part in parts if isinstance(part, Example)]


def test_a_file_of_the_index_takes_its_stored_vector(tmp_path: Path) -> None:
    path = write_tile(tmp_path / "a.tif", 1)
    (item,) = ChipArchive((path,), Reading(want=BANDS)).items()
    (tile,) = item.read()
    vectors = units(3)  # not what the model says of the tile
    records = [record(0), record(1, tile_id=tile.record.tile_id, source="/elsewhere.tif"), record(2)]
    open_writer(tmp_path / "idx", model=MODEL).commit(records, vectors, delete=NONE_DELETED)
    copy = tmp_path / "another name.tif"
    copy.write_bytes(path.read_bytes())
    with SearchIndex.open(tmp_path / "idx", weights=NO_MODEL) as index:
        hits = index.search(Question().like(copy), k=3)
    assert_hits(hits, ranking(stored_tiles(tmp_path / "idx"), vectors[1]), 3)
    assert hits.parts == (Example(str(copy), 1.0, tile.record.tile_id),)


@pytest.mark.parametrize("form", ["tif", "npy"])
def test_another_file_is_embedded(tmp_path: Path, form: str) -> None:
    for seed in range(8):
        write_tile(tmp_path / "tiles" / f"{seed}.tif", seed)
    index_folder(tmp_path / "tiles", tmp_path / "idx")
    path = tmp_path / f"new.{form}"
    if form == "tif":
        write_tile(path, 99)
    else:
        np.save(path, pixels_of(99))
    vector = ENCODER.encode_tiles(read_pixels(path)[None])[0]
    with SearchIndex.open(tmp_path / "idx") as index:
        hits = index.search(Question().like(path), k=8)
    assert_hits(hits, ranking(stored_tiles(tmp_path / "idx"), vector), 8)
    assert hits.parts == (Example(str(path)),)
    with SearchIndex.open(tmp_path / "idx", weights=NO_MODEL) as index, pytest.raises(ModelError):
        index.search(Question().like(path))


@pytest.mark.parametrize("offset", [None, -1000.0])
def test_a_file_is_read_as_the_index_was(tmp_path: Path, offset: float | None) -> None:
    random = np.random.default_rng(0)
    (tmp_path / "tiles").mkdir()
    for seed in range(4):
        np.save(tmp_path / "tiles" / f"{seed}.npy", random.integers(2000, 9000, (13, 8, 8)).astype(np.uint16))
    pixels = random.integers(2000, 9000, (13, 8, 8)).astype(np.uint16)
    np.save(tmp_path / "new.npy", pixels)
    index_folder(tmp_path / "tiles", tmp_path / "idx", layout=LAYOUTS["eurosat"], offset=offset)
    places = [LAYOUTS["eurosat"].index(band) for band in BANDS]
    vector = ENCODER.encode_tiles((pixels[places] + (offset or 0)).astype(np.uint16)[None])[0]
    with SearchIndex.open(tmp_path / "idx") as index:
        hits = index.search(Question().like(tmp_path / "new.npy"), k=4)
    assert_hits(hits, ranking(stored_tiles(tmp_path / "idx"), vector), 4)


def test_of_several_ways_the_plain_one_comes_first_and_that_is_said(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    for number, offset in enumerate((-1000.0, None)):
        paths = [write_tile(tmp_path / f"{number}" / f"{seed}.tif", 10 * number + seed) for seed in range(2)]
        index_folder(tmp_path / f"{number}", tmp_path / "idx", offset=offset)
    with SearchIndex.open(tmp_path / "idx") as index:
        assert index.search(Question().like(paths[0]), k=1)[0].source == str(paths[0])
        assert "ways" not in caplog.text
        path = write_tile(tmp_path / "new.tif", 77)
        hits = index.search(Question().like(path), k=4)
    assert_hits(hits, ranking(stored_tiles(tmp_path / "idx"), ENCODER.encode_tiles(read_pixels(path)[None])[0]), 4)
    assert f"read in 2 ways (as-is; offset=-1000); {path} was read in the first" in caplog.text


def test_a_name_of_the_index_goes_before_a_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    tile_id = write_tile(tmp_path / "tile-number-one", 5).name
    open_writer(tmp_path / "idx", model=MODEL).commit(
        [record(0), record(1, tile_id=tile_id)], units(2), delete=NONE_DELETED
    )
    assert resolved(tmp_path / "idx", tile_id, f"./{tile_id}", f"{tile_id[:12]}") == [tile_id, None, tile_id]


def text(path: Path) -> None:
    path.write_text("no tile", encoding="utf-8")


@pytest.mark.parametrize(
    ("name", "make", "sentence"),
    [
        ("nowhere.tif", lambda _: None, "is no file, no tile of the index .* and no place: name a file"),
        ("a\0b.tif", lambda _: None, "is no file"),
        ("x" * 5000, lambda _: None, "is no file"),
        ("list.txt", text, "is a list or a text, and an example is one tile"),
        ("broken.tif", text, r"broken.tif .*\.$"),
        ("folder", Path.mkdir, "is a folder without bands"),
        ("thirteen.npy", lambda path: np.save(path, np.ones((13, 8, 8), np.uint16)), "name its tile_id"),
        ("two.npy", lambda path: np.save(path, np.ones((2, 8, 8), np.uint16)), "takes no --bands: index the file"),
    ],
)
def test_what_is_no_tile_is_a_sentence(
    tmp_path: Path, name: str, make: Callable[[Path], object], sentence: str
) -> None:
    write_tile(tmp_path / "tiles" / "0.tif", 0)
    index_folder(tmp_path / "tiles", tmp_path / "idx")
    make(tmp_path / name)
    with pytest.raises(QueryError, match=sentence):
        asked(tmp_path / "idx", Question().like(str(tmp_path / name)), weights=NO_MODEL)


def test_vectors_made_elsewhere_take_no_files(tmp_path: Path) -> None:
    open_writer(tmp_path / "idx", model=describe_elsewhere("theirs", 64)).commit(
        [record(0), record(1)], units(2), delete=NONE_DELETED
    )
    path = write_tile(tmp_path / "a.tif", 0)
    with pytest.raises(QueryError, match="holds vectors of theirs, made elsewhere"):
        asked(tmp_path / "idx", Question().like(path))
    assert asked(tmp_path / "idx", Question().like(f"{1:032x}")) == [f"{1:032x}"]


def dated(tile: TileRecord, day: int | None) -> TileRecord:
    return replace(tile, datetime=dt.datetime(2023, 5, day, tzinfo=dt.UTC) if day else None)


PLACES = [
    dated(located(0, west=7.0, south=46.0), 1),
    dated(located(1, west=7.0, south=46.0), 9),
    dated(located(2, west=7.0, south=46.0), None),
    dated(located(3, west=7.06, south=46.0), 20),
    dated(located(4, west=179.95, south=10.0), 1),
    dated(located(5, west=-180.0, south=20.0), 1),
    dated(located(6, west=179.9, south=30.0), 1),
    record(7),
]


@pytest.fixture(scope="module")
def places(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("places") / "idx"
    open_writer(root, model=MODEL).commit(PLACES, units(len(PLACES)), delete=NONE_DELETED)
    return root


@pytest.mark.parametrize(
    ("place", "number"),
    [
        ("7.05,46.05", 1),  # of three at one place, the newest
        ("7.07,46.05", 1),  # covered by four: 0.02 from the middle of three, 0.04 from that of the other
        ("7.09,46.05", 3),  # 0.04 and 0.02
        ("7.155, 46.1", 3),  # its corner, nearly
        ((7.05, 46.0), 1),  # on a side
        ("179.99,10.05", 4),  # on both sides of the antimeridian
        ("-179.97,10.05", 4),
        ("180,20.05", 5),  # which is -180
        ("-180,30.05", 6),
    ],
)
def test_a_place_is_the_tile_that_shows_it_best(places: Path, place: str, number: int) -> None:
    assert resolved(places, place) == [f"{number:032x}"]


@pytest.mark.parametrize(
    ("longitude", "latitude", "corner", "shown"),
    [
        (7.0, 47.0, (7.0, 46.1), "100 km"),
        (8.0, 46.05, (7.16, 46.05), "65 km"),
        (7.05, 45.98, (7.05, 46.0), "2.2 km"),
        (-179.5, 20.05, (-179.9, 20.05), "42 km"),
        (179.0, 20.05, (180.0, 20.05), "104 km"),
    ],
)
def test_a_place_without_a_tile_says_how_far_the_nearest_is(
    places: Path, longitude: float, latitude: float, corner: tuple[float, float], shown: str
) -> None:
    x, y, x0, y0 = (math.radians(value) for value in (longitude, latitude, *corner))
    arc = math.acos(math.sin(y) * math.sin(y0) + math.cos(y) * math.cos(y0) * math.cos(x - x0))
    assert float(shown.removesuffix(" km")) == pytest.approx(6371 * arc, abs=0.5)
    with pytest.raises(
        QueryError, match=rf"No tile of the index .* covers .* N\. The nearest is about {shown} away\.$"
    ):
        resolved(places, (longitude, latitude))


@pytest.mark.parametrize(
    ("place", "sentence"), [("46.5,97.9", "latitude 97.9 is not between"), ("1..2,3", "A place is two numbers")]
)
def test_a_place_off_the_globe_is_a_sentence(places: Path, place: str, sentence: str) -> None:
    with pytest.raises(QueryError, match=sentence):
        resolved(places, place)


def test_an_index_without_coordinates_has_no_places(tmp_path: Path) -> None:
    open_writer(tmp_path / "idx", model=MODEL).commit([record(0)], units(1), delete=NONE_DELETED)
    with pytest.raises(QueryError, match=r"covers 1° E 2° N\.$"):
        resolved(tmp_path / "idx", "1,2")
