"""The page in a real browser: what a click, a key, a small screen and a dark room make of it."""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest

from msclip_search.gallery import make_gallery
from msclip_search.tile import Window
from tests.gallery.making import WRITTEN, hits_of, record, square, write_scene
from tests.made import made_pixels

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

NAMES = ("chromium", "chromium-browser", "google-chrome", "chrome")
FLAGS = [
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync",
    "--disable-background-networking", "--disable-component-update",
]  # fmt: skip
COLUMNS = 'getComputedStyle(document.querySelector(".tiles")).gridTemplateColumns.split(" ").length'
SCRIPT = "<img src=x onerror=\"document.title='run'\"><script>document.title='run'</script>"


@pytest.fixture(scope="module")
def browser() -> Iterator["Browser"]:
    program = os.environ.get("MSCLIP_TEST_CHROMIUM") or next(filter(None, map(shutil.which, NAMES)), None)
    if program is None:
        pytest.skip("there is no Chromium: install one, or name it in MSCLIP_TEST_CHROMIUM")
    api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    with api.sync_playwright() as driver:
        chromium = driver.chromium.launch(executable_path=program, args=FLAGS)
        yield chromium
        chromium.close()


@pytest.fixture(scope="module")
def gallery(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Nine tiles and two queries; the third tile is gone, the fourth has three bands."""
    folder = tmp_path_factory.mktemp("gallery")
    records = []
    for number in range(9):
        path = folder / f"tile{number}.tif"
        pixels = made_pixels(number, size=40)
        write_scene(path, pixels if number != 3 else pixels[:3])
        layout = ("B04", "B03", "B02") if number == 3 else None
        outline = square(11 + 0.02 * number, 47.0)
        records.append(
            record(path, Window(0, 0, 40, 40), number=number, layout=layout, outline=outline, labels=(SCRIPT,))
        )
    (folder / "tile2.tif").unlink()
    results = [hits_of(records, f"lake {SCRIPT}"), hits_of(records[:4], "a second query")]
    made = make_gallery(results, index="idx", model="untrained", written=WRITTEN)
    file = folder / "gallery.html"
    file.write_text(made.html, encoding="utf-8")
    return file


@pytest.fixture
def page(browser: "Browser", gallery: Path) -> Iterator["Page"]:
    """Open the page on a desk, and fail for every error and every request beyond the file itself."""
    yield from opened(browser, gallery, width=1280, height=800)


@pytest.fixture
def phone(browser: "Browser", gallery: Path) -> Iterator["Page"]:
    yield from opened(browser, gallery, width=390, height=844, dark=True, mobile=True)


def opened(
    browser: "Browser", gallery: Path, *, width: int, height: int, dark: bool = False, mobile: bool = False
) -> Iterator["Page"]:
    context = browser.new_context(
        viewport={"width": width, "height": height},
        color_scheme="dark" if dark else "light",
        is_mobile=mobile,
        has_touch=mobile,
    )
    tab = context.new_page()
    said: list[str] = []
    asked: list[str] = []
    tab.on("console", lambda message: said.append(message.text))
    tab.on("pageerror", lambda error: said.append(str(error)))
    tab.on("request", lambda request: asked.append(request.url))
    tab.goto(gallery.as_uri())
    yield tab
    context.close()
    assert said == []
    assert [address for address in asked if not address.startswith("data:")] == [gallery.as_uri()]


def shown(page: "Page", at: int) -> list[str]:
    """Which pictures of a tile can be seen."""
    images: list[str] = page.evaluate(
        """at => [...document.querySelectorAll(".tile")[at].querySelectorAll("img")]
            .filter(it => it.checkVisibility()).map(it => it.className)""",
        at,
    )
    return images


def focused(page: "Page") -> int:
    place: int = page.evaluate(
        '[...document.querySelectorAll(".tile .picture")].indexOf(document.activeElement)',
    )
    return place


def brightness(page: "Page", selector: str, name: str) -> float:
    """Mean of the three channels of a colour, as the browser paints it."""
    value: str = page.evaluate(f"getComputedStyle(document.querySelector({selector!r})).{name}")
    return float(np.mean([float(part) for part in value[value.index("(") + 1 : -1].split(",")[:3]]))


def test_every_picture_is_decoded(page: "Page") -> None:
    sizes = page.evaluate(
        'Promise.all([...document.querySelectorAll("img")].map(async it => (await it.decode(), it.naturalWidth)))'
    )
    assert sizes == [40] * (8 * 2 - 1 + 3 * 2 - 1)


def test_a_click_turns_a_tile_to_false_colour_and_back(page: "Page") -> None:
    picture = page.locator(".picture").first
    assert shown(page, 0) == ["true"]
    picture.click()
    assert shown(page, 0) == ["false"]
    assert shown(page, 1) == ["true"]
    assert picture.get_attribute("aria-pressed") == "true"
    picture.click()
    assert shown(page, 0) == ["true"]


def test_all_tiles_turn_at_once(page: "Page") -> None:
    page.get_by_role("button", name="False colour", exact=True).click()
    assert [shown(page, at) for at in (0, 1, 4, 9)] == [["false"]] * 4
    assert shown(page, 3) == ["true"]
    assert page.locator(".only").first.is_visible()
    page.keyboard.press("f")
    assert [shown(page, at) for at in (0, 1, 4, 9)] == [["true"]] * 4
    assert not page.locator(".only").first.is_visible()


def test_arrows_move_between_tiles(page: "Page") -> None:
    columns = page.evaluate(COLUMNS)
    assert columns == 3
    seen = []
    for key in (
        "ArrowRight",
        "ArrowRight",
        "ArrowDown",
        "ArrowLeft",
        "ArrowUp",
        "End",
        "ArrowRight",
        "Home",
        "ArrowLeft",
    ):
        page.keyboard.press(key)
        seen.append(focused(page))
    assert seen == [0, 1, 1 + columns, columns, 0, 12, 12, 0, 0]
    page.keyboard.press("Space")
    assert shown(page, 0) == ["false"]
    page.keyboard.press("End")
    assert page.evaluate("scrollY") > 300


def test_the_map_follows_the_tiles(page: "Page") -> None:
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowRight")
    on = page.evaluate('[...document.querySelectorAll(".mark.on")].map(it => it.getAttribute("href"))')
    assert on == ["#q1-2"]
    page.locator('#q1 .mark[data-rank="5"]').click()
    assert focused(page) == 4
    assert page.locator(".tile.on").get_attribute("id") == "q1-5"


def test_details(page: "Page") -> None:
    for key in ("ArrowRight", "ArrowRight", "d"):
        page.keyboard.press(key)
    dialog = page.locator("dialog")
    assert dialog.is_visible()
    assert dialog.locator(".which").inner_text() == "Rank 2"
    assert dialog.locator("img").count() == 2
    assert "tile1.tif" in dialog.locator("dl").inner_text()
    page.keyboard.press("ArrowRight")
    assert dialog.locator(".which").inner_text() == "Rank 3"
    assert "The file is not there." in dialog.locator(".pair").inner_text()
    page.keyboard.press("Escape")
    page.locator("#q1-3 .picture:focus").wait_for()
    assert not dialog.is_visible()


def test_nothing_from_outside_runs(page: "Page") -> None:
    assert page.title() == f"lake {SCRIPT} · a second query · msclip-search"
    assert page.locator("h1").first.inner_text() == f"lake {SCRIPT}"
    assert page.locator("img[src=x]").count() == 0


def test_the_browser_refuses_what_the_page_did_not_bring(browser: "Browser", gallery: Path) -> None:
    context = browser.new_context()
    tab = context.new_page()
    tab.goto(gallery.as_uri())
    for bad in ('<p onclick="document.title=1" id="bad">x</p>', '<img src="http://127.0.0.1:9/x.png">'):
        with tab.expect_console_message() as refused:
            tab.evaluate("bad => document.body.insertAdjacentHTML('beforeend', bad)", bad)
        assert "Content Security Policy" in refused.value.text
    tab.evaluate("document.querySelector('#bad').click()")
    assert "second query" in tab.title()
    context.close()


def test_a_phone_shows_two_columns_and_nothing_beside_the_screen(phone: "Page") -> None:
    assert phone.evaluate("document.documentElement.scrollWidth") == 390
    assert phone.evaluate(COLUMNS) == 2
    assert phone.evaluate('Math.min(...[...document.querySelectorAll(".picture")].map(it => it.offsetWidth))') > 150
    phone.locator(".picture").first.tap()
    assert shown(phone, 0) == ["false"]
    phone.locator(".more").nth(1).tap()
    assert phone.locator("dialog").is_visible()
    assert phone.evaluate("document.documentElement.scrollWidth") == 390


def test_dark_and_light(page: "Page", phone: "Page") -> None:
    for selector in ("body", ".tile"):
        assert brightness(page, selector, "backgroundColor") > 230
        assert brightness(page, selector, "color") < 60
        assert brightness(phone, selector, "backgroundColor") < 50
        assert brightness(phone, selector, "color") > 200
    assert brightness(page, ".ground", "fill") > brightness(phone, ".ground", "fill") + 100
