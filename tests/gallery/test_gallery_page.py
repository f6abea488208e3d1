"""The page: its pictures decoded and compared with the documented rendering of what rasterio reads; its words."""

import base64
import html
import io
import os
import re
from pathlib import Path

import numpy as np
import pytest
import rasterio
from numpy.typing import NDArray
from PIL import Image
from rasterio.windows import Window as Rectangle

from msclip_search import SearchIndex, index_tiles
from msclip_search.bands import LAYOUTS
from msclip_search.gallery import Gallery, make_gallery
from msclip_search.gallery.frames import LARGEST_PICTURE, compress
from msclip_search.tile import TileRecord, Window
from tests.archives.painting import write_picture
from tests.gallery.making import WRITTEN, coordinates, hits_of, infrared, record, rendered, square, write_scene

TEN = LAYOUTS["ten"]
NASTY = "<script>alert(\"x\")</script> & 'quoted' {{ 7 * 7 }}"


def page(*records: TileRecord, query: str = "flooded farmland") -> Gallery:
    return make_gallery([hits_of(list(records), query)], index="idx", model="untrained", written=WRITTEN)


def decoded(made: Gallery, kind: str) -> list[NDArray[np.uint8]]:
    """Pictures of a kind in the order of the page."""
    found = re.findall(rf'<img class="{kind}" src="data:image/webp;base64,([^"]+)"', made.html)
    return [np.asarray(Image.open(io.BytesIO(base64.b64decode(code))).convert("RGB")) for code in found]


def smooth(bands: int, side: int, seed: int = 0) -> NDArray[np.uint16]:
    """Pixels with some structure, as real ones have."""
    random = np.random.default_rng(seed)
    coarse = random.uniform(0.4, 1.6, (1, side // 8 + 2, side // 8 + 2)) * random.uniform(900, 1500, (bands, 1, 1))
    pixels: NDArray[np.uint16] = np.kron(coarse, np.ones((1, 8, 8)))[:, :side, :side].astype(np.uint16)
    return pixels


@pytest.mark.parametrize("layout", ["ten", "l2a", "l1c", "eurosat"])
def test_small_tiles_keep_every_value(tmp_path: Path, layout: str) -> None:
    bands, path = LAYOUTS[layout], tmp_path / "tile.tif"
    write_scene(path, smooth(len(bands), 200))
    window = Window(130, 24, 64, 48)
    made = page(record(path, window, layout=bands if len(bands) == 13 else None))
    with rasterio.open(path) as dataset:
        pixels = dataset.read(window=Rectangle(130, 24, 64, 48))
    at = dict(zip(bands, pixels, strict=True))
    (true,), (false,) = decoded(made, "true"), decoded(made, "false")
    assert np.abs(true - rendered(at["B04"], at["B03"], at["B02"])).max() <= 0.51
    assert np.abs(false - infrared(at["B08"], at["B04"], at["B03"])).max() <= 0.51
    assert 'class="picture small"' in made.html


def test_the_offset_of_the_index_is_taken_away(tmp_path: Path) -> None:
    path = tmp_path / "tile.tif"
    pixels = smooth(10, 40)
    write_scene(path, pixels + np.uint16(1000))
    (true,) = decoded(page(record(path, Window(0, 0, 40, 40), offset=-1000)), "true")
    at = dict(zip(TEN, pixels, strict=True))
    assert np.abs(true - rendered(at["B04"], at["B03"], at["B02"])).max() <= 0.51


def test_large_tiles_are_shrunk_and_close(tmp_path: Path) -> None:
    path = tmp_path / "tile.tif"
    pixels = smooth(10, 224)
    write_scene(path, pixels)
    made = page(record(path, Window(0, 0, 224, 224)))
    at = dict(zip(TEN, pixels, strict=True))
    assert np.abs(decoded(made, "true")[0] - rendered(at["B04"], at["B03"], at["B02"])).mean() < 4
    write_scene(path, coordinates(10, 1000, 1000) // np.uint16(8))
    assert decoded(page(record(path, Window(0, 0, 1000, 900))), "true")[0].shape == (346, 384, 3)


def test_a_picture_of_three_bands_has_no_false_colour(tmp_path: Path) -> None:
    path = tmp_path / "tile.png"
    pixels = np.random.default_rng(5).integers(0, 256, (3, 40, 30), dtype=np.uint8)
    write_picture(path, pixels, "PNG")
    made = page(record(path, Window(0, 0, 30, 40)))
    assert np.array_equal(decoded(made, "true")[0], pixels.transpose(1, 2, 0))
    assert decoded(made, "false") == []
    assert "no false colour: lacks B08" in made.html
    assert made.missing == ()


def test_noise_still_fits() -> None:
    noise = np.random.default_rng(1).integers(0, 256, (300, 300, 3), dtype=np.uint8)
    assert len(compress(noise)) <= LARGEST_PICTURE
    assert len(compress(noise[:90, :90])) <= LARGEST_PICTURE


def test_real_tiles_stay_light(shared: Path, tmp_path: Path) -> None:
    tiles = [shared / "data" / "terramesh_examples" / "S2L2A", shared / "data" / "eurosat_ms" / "Residential"]
    for number, folder in enumerate(tiles):
        bands = "eurosat" if number else None
        index_tiles(folder, index=tmp_path / str(number), model="untrained", bands=bands)
        with SearchIndex.open(tmp_path / str(number)) as index:
            found = index.search_many(["a town"], k=20)
        made = make_gallery(found, index="idx", model="untrained", written=WRITTEN)
        assert made.missing == ()
        cards = re.findall(r'<li class="tile".*?</li>\n', made.html, re.DOTALL)
        assert len(cards) == len(found[0])
        assert max(len(card.encode()) for card in cards) <= 40_000


def test_what_cannot_be_shown_is_said(tmp_path: Path) -> None:
    records = []
    for number in range(4):
        path = tmp_path / f"tile{number}.tif"
        write_scene(path, smooth(10, 40, seed=number))
        records.append(record(path, Window(0, 0, 40, 40), number=number))
    (tmp_path / "tile1.tif").unlink()
    os.utime(tmp_path / "tile2.tif", ns=(1, 1))
    broken = tmp_path / "tile3.tif"
    broken.write_bytes(broken.read_bytes()[:200])
    made = page(*records[:3], record(broken, Window(0, 0, 40, 40), number=3))
    assert len(decoded(made, "true")) == 1
    assert [Path(source).name for source, _ in made.missing] == ["tile1.tif", "tile2.tif", "tile3.tif"]
    assert [reason for _, reason in made.missing][:2] == ["is not there", "has changed since it was indexed"]
    assert made.html.count('class="picture empty"') == 3
    for _, reason in made.missing:
        assert f"The file {html.escape(reason)}." in made.html


def test_words_from_outside_are_escaped(tmp_path: Path) -> None:
    path = tmp_path / "a&b <i>'x'.tif"
    write_scene(path, smooth(10, 40))
    made = page(record(path, Window(0, 0, 40, 40), labels=(NASTY, "Wald")), query=NASTY)
    assert made.html.count("<script>") == 1
    assert "<i>" not in made.html
    assert NASTY not in made.html
    assert "{{ 7 * 7 }}" in made.html
    assert NASTY in html.unescape(made.html)
    assert path.name in html.unescape(made.html)


def test_the_page_says_what_the_hits_say(tmp_path: Path) -> None:
    path = tmp_path / "tile.tif"
    write_scene(path, smooth(10, 90))
    first = record(path, Window(10, 20, 40, 41), cloud=12.4, sensed=WRITTEN, outline=square(11.0, 47.0), number=7)
    made = page(first, record(path, Window(0, 0, 40, 40), number=8))
    text = re.sub(r"<(style|script)>.*?</\1>", "", made.html, flags=re.DOTALL)
    words = " ".join(html.unescape(re.sub(r"<[^>]+>", " ", text)).split())
    assert "flooded farmland 2 of 1,234 tiles scores 0.3100 to −0.0500" in words
    assert "0.3100 percentile 99.90 2024-05-06 cloud 12 % 47.005° N 11.005° E" in words
    assert "no date no coordinates" in words
    assert "One tile without coordinates is not on the map." in words
    assert "pixels 40 × 41, from column 10, row 20" in words
    assert f"tile {7:032x} source {path}" in words
    assert "Index idx · model untrained · 2024-05-06 07:08 UTC" in words


def test_several_queries_are_several_sections(tmp_path: Path) -> None:
    path = tmp_path / "tile.tif"
    write_scene(path, smooth(10, 40))
    one = record(path, Window(0, 0, 40, 40))
    made = make_gallery(
        [hits_of([one], "a"), hits_of([one], "b"), hits_of([], "c")], index="i", model="m", written=WRITTEN
    )
    assert re.findall(r'<section id="(\w+)"', made.html) == ["q1", "q2", "q3"]
    assert made.tiles == 2
    names = re.findall(r'\bid="([^"]+)"', made.html)
    assert len(names) == len(set(names))
