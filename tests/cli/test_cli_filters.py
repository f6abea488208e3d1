"""Options that say which tiles may be found: what each finds, by the library's word, and what is refused."""

import json
from pathlib import Path

import pytest

from msclip_search import SearchIndex
from tests.cli.conftest import Run


def ids(run: Run, index: Path, *options: object) -> set[str]:
    done = run("query", "a lake", "-k", 100, "--index", index, "--format", "json", *options)
    assert done.exit_code == 0, done.output
    return {hit["tile_id"] for hit in json.loads(done.stdout)["results"][0]["hits"]}


def test_places_find_the_tiles_that_meet_them(run: Run, index: Path, tmp_path: Path) -> None:
    with SearchIndex.open(index) as opened:
        hits = list(opened.search("a lake", k=100))
    boxes = {hit.tile_id: hit.bbox for hit in hits if hit.bbox}
    assert len(boxes) == len(hits) == 12
    west, south, east, north = boxes[hits[4].tile_id]
    middle = (west + east) / 2, (south + north) / 2
    box = (middle[0] - 1e-4, middle[1] - 1e-4, middle[0] + 1e-4, middle[1] + 1e-4)
    meeting = {
        name
        for name, (left, low, right, high) in boxes.items()
        if left <= box[2] and right >= box[0] and low <= box[3] and high >= box[1]
    }
    assert hits[4].tile_id in meeting
    point = {"type": "Point", "coordinates": middle}
    (tmp_path / "place.geojson").write_text(json.dumps(point), encoding="utf-8")
    told = ",".join(map(repr, box))
    assert ids(run, index, "--bbox", told) == meeting
    assert hits[4].tile_id in ids(run, index, "--intersects", json.dumps(point)) <= meeting
    assert hits[4].tile_id in ids(run, index, "--intersects", tmp_path / "place.geojson") <= meeting
    assert hits[4].tile_id in ids(run, index, "--near", f"{middle[0]!r},{middle[1]!r}", "--radius", "1m") <= meeting
    assert ids(run, index, "--bbox", "170,-80,-170,-70") == set()


@pytest.mark.parametrize(
    ("options", "count"),
    [
        (("--datetime", "2023-06-01"), 12),
        (("--datetime", "../2023-05"), 0),
        (("--datetime", "2023-06-02/.."), 0),
        (("--level", "L1C"), 0),
        (("--label", "nowhere"), 0),
        (("--max-nodata", "100"), 12),
        (("--where", "year(datetime) = 2023 AND month(datetime) = 6"), 12),
        (("--where", "month(datetime) <> 6"), 0),
    ],
)
def test_each_option_is_heard(run: Run, index: Path, options: tuple[str, ...], count: int) -> None:
    assert len(ids(run, index, *options)) == count


def test_the_filter_is_echoed_as_it_was_understood(run: Run, index: Path) -> None:
    done = run("query", "a lake", "--index", index, "--near", "7.98,46.53", "--radius", "50km", "--max-cloud", 10)
    assert done.exit_code == 0
    assert "within 50 km of 7.98° E 46.53° N; cloud at most 10 %" in done.stderr
    assert "within 50 km" not in done.stdout
    quiet = run("query", "a lake", "--index", index, "--near", "7.98,46.53", "--radius", "50km", "--quiet")
    assert "within" not in quiet.stderr


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (("--bbox", "5,45,11"), "four numbers, west,south,east,north"),
        (("--bbox", "46,190,47,191"), "longitude comes first"),
        (("--near", "7.98,46.53"), "A place and a radius go together"),
        (("--near", "7.98,46.53", "--radius", "50"), "with its unit, km or m"),
        (("--datetime", "2023-10-01/2023-05-01"), "ends before it begins"),
        (("--intersects", "nowhere.geojson"), "nowhere.geojson is not there"),
        (("--intersects", "{}"), "GeoJSON"),
        (("--max-cloud", "101"), "0 to 100"),
        (("--where", "bogus > 1"), "There is no column 'bogus'. There are tile_id"),
        (("--where", "1 = 1; DROP TABLE tiles"), "semicolon"),
    ],
)
def test_what_cannot_be_understood_is_a_sentence(
    run: Run, index: Path, options: tuple[str, ...], sentence: str
) -> None:
    done = run("query", "a lake", "--index", index, *options)
    assert done.exit_code == 1, done.output
    assert sentence in done.stderr.replace("\n", " ")
    assert "Traceback" not in done.stderr
    assert not done.stdout
