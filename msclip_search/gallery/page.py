"""The page: one file of HTML that fetches nothing."""

import base64
import datetime as dt
import hashlib
import importlib.resources
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import PurePath

from msclip_search.gallery.frames import Frame, frame
from msclip_search.gallery.map import Map, draw_map
from msclip_search.search import Hit, Hits
from msclip_search.words import place_in_words


@dataclass(frozen=True, slots=True, kw_only=True)
class Card:
    """A hit on the page."""

    hit: Hit
    frame: Frame
    key: str
    """Name within the page."""
    place: str | None
    file: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """A query on the page."""

    hits: Hits
    key: str
    cards: tuple[Card, ...]
    map: Map | None
    unplaced: int
    """Hits without coordinates."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Gallery:
    """A page, and what it could not show."""

    html: str
    tiles: int
    """Tiles on it."""
    missing: tuple[tuple[str, str], ...]
    """Source and reason of each tile that has no picture, each source once."""


def make_gallery(results: Sequence[Hits], *, index: str, model: str, written: dt.datetime) -> Gallery:
    """Make a page of hits with their pictures.

    Parameters
    ----------
    results
        The hits of each query; each becomes a section.
    index, model
        Named on the page.
    written
        When the page was made, UTC.
    """
    frames: dict[str, Frame] = {}  # several queries may find one tile
    sections = tuple(_section(hits, number, frames) for number, hits in enumerate(results, 1))
    missing = {
        card.hit.source: card.frame.reason for part in sections for card in part.cards if card.frame.reason is not None
    }
    return Gallery(
        html=_render(sections, index=index, model=model, written=written),
        tiles=sum(len(part.cards) for part in sections),
        missing=tuple(missing.items()),
    )


def _section(hits: Hits, number: int, frames: dict[str, Frame]) -> Section:
    cards = []
    for hit in hits:
        if hit.tile_id not in frames:
            frames[hit.tile_id] = frame(hit)
        cards.append(
            Card(
                hit=hit,
                frame=frames[hit.tile_id],
                key=f"q{number}-{hit.rank}",
                place=place_in_words(hit.bbox) if hit.bbox else None,
                file=PurePath(hit.source).name,
            )
        )
    placed = [(card.hit.rank, card.hit.footprint) for card in cards if card.hit.footprint]
    return Section(
        hits=hits, key=f"q{number}", cards=tuple(cards), map=draw_map(placed), unplaced=len(cards) - len(placed)
    )


def _render(sections: Sequence[Section], *, index: str, model: str, written: dt.datetime) -> str:
    from jinja2 import Environment, FunctionLoader, StrictUndefined
    from markupsafe import Markup

    world = Environment(
        loader=FunctionLoader(_text), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    style, script = _text("page.css"), _text("page.js")
    page: str = world.get_template("page.html").render(
        sections=sections,
        index=index,
        model=model,
        written=written,
        # Ours, and by these sums of them the browser runs nothing else, whatever a label or a path may hold.
        style=Markup(style),  # noqa: S704
        script=Markup(script),  # noqa: S704
        style_sum=_sum(style),
        script_sum=_sum(script),
    )
    return page


def _text(name: str) -> str:
    return importlib.resources.files("msclip_search.gallery").joinpath(name).read_text(encoding="utf-8")


def _sum(text: str) -> str:
    return f"sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}"
