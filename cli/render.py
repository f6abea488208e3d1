"""Hits as a table, JSON, CSV, GeoJSON or GeoParquet."""

import io
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from msclip_search.cli.console import out
from msclip_search.cli.streaming import check_terminal, stream, write

if TYPE_CHECKING:
    from rich.console import RenderableType

    from msclip_search.search import Hit, Hits

_RIGHT = 3
"""Columns of numbers, which come first and stand to the right."""
_OTHER_COLUMNS = 62
"""Characters of a line that the columns beside the tile's name take."""
_SHORTEST = 24


def write_results(results: Sequence["Hits"], form: str, *, output: Path | None, head: Mapping[str, Any]) -> None:
    """Write hits to standard output or a file, in one of the formats.

    Parameters
    ----------
    results
        The hits of each query.
    form
        "table", "json", "csv", "geojson" or "parquet".
    output
        File to write; it appears whole or not at all. None: standard output.
    head
        What JSON and GeoJSON say of the whole: index, model, and the filter where there is one.
    """
    if form == "table" and output is None:
        for hits in results:
            out().print(_table(hits, out().width))
        return
    check_terminal(form, output)
    if form == "table":
        write([_plain(results, head)], output)
        return
    write(stream(form, [[hits] for hits in results], head), output)


def _plain(results: Sequence["Hits"], _head: Mapping[str, Any]) -> bytes:
    from rich.console import Console

    text = io.StringIO()
    console = Console(file=text, width=200, color_system=None)
    for hits in results:
        console.print(_table(hits, console.width))
    return text.getvalue().encode()


def _table(hits: "Hits", width: int) -> "RenderableType":
    """Lay the hits of a query out as a table for a console of some width."""
    from rich.console import Group
    from rich.text import Text

    from msclip_search.words import place_in_words

    shown = list(hits)
    labelled = any(hit.labels for hit in shown)
    names = ["rank", "score", "percentile", "tile", "place", "date", *(["labels"] if labelled else [])]
    rows = [
        [
            f"{hit.rank:,}",
            f"{hit.score:.4f}",
            f"{hit.percentile:.2f}",
            _tile(hit),
            place_in_words(hit.bbox) if hit.bbox else "-",
            f"{hit.datetime:%Y-%m-%d}" if hit.datetime else "-",
            *([", ".join(hit.labels)] if labelled else []),
        ]
        for hit in shown
    ]
    title = Text.assemble((hits.query, "bold"), f"  {len(hits):,} of {hits.searched:,} tiles")
    return Group(title, _lines(names, rows, width) or _folding(names, rows), "")


def _lines(names: list[str], rows: list[list[str]], width: int) -> "RenderableType | None":
    """Lay rows out line by line, which is ten times as fast as Rich's table; None where they are too wide for that."""
    from rich.cells import cell_len
    from rich.text import Text

    whole = [names, *rows]
    if not all(cell.isprintable() for row in whole for cell in row):
        return None
    widths = [max(map(cell_len, column)) for column in zip(*whole, strict=True)]
    if sum(widths) + 2 * (len(widths) - 1) > width:
        return None
    lines = []
    for row in whole:
        room = [" " * (wide - cell_len(cell)) for wide, cell in zip(widths, row, strict=True)]
        right = [gap + cell for gap, cell in zip(room[:_RIGHT], row[:_RIGHT], strict=True)]
        left = [cell + gap for gap, cell in zip(room[_RIGHT:], row[_RIGHT:], strict=True)]
        lines.append("  ".join(right + left))
    text = Text("\n".join(lines), no_wrap=True, overflow="ignore")
    text.stylize("dim", 0, len(lines[0]))
    return text


def _folding(names: list[str], rows: list[list[str]]) -> "RenderableType":
    """Lay rows out so that long names of tiles and labels are folded."""
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, header_style="dim", pad_edge=False)
    for name in names[:_RIGHT]:
        table.add_column(name, justify="right", no_wrap=True)
    table.add_column("tile", overflow="fold")
    for name in names[_RIGHT + 1 :]:
        table.add_column(name, no_wrap=name != "labels")
    for row in rows:
        table.add_row(*(Text(cell) for cell in row))
    return table


def _tile(hit: "Hit") -> str:
    name = tile_name(hit.source)
    at = hit.window
    return name if (at.x, at.y) == (0, 0) else f"{name} [{at.x},{at.y}]"


def tile_name(source: str) -> str:
    """Name a tile as briefly as the shell that it is read in allows."""
    relative = os.path.relpath(source)
    name = source if relative.startswith(os.pardir) and len(relative) >= len(source) else relative
    room = max(out().width - _OTHER_COLUMNS, _SHORTEST)
    return name if len(name) <= room else f"…{name[1 - room :]}"
