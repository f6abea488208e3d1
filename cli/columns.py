"""`msclip-search info --columns`: what can be asked of the tiles."""

import json
from pathlib import Path
from typing import TYPE_CHECKING

from msclip_search.cli.console import echo, err, out, say, show_progress

if TYPE_CHECKING:
    from msclip_search.search.columns import ColumnInfo

_SHORT = 24
"""Letters of a text whose range is worth printing: paths and hashes are longer."""
_LONG = 48
"""Letters of a value that are printed."""
_HASHES = {"vector_xxh64"}
_UNITS = {"percent": "%", "degrees": "degrees"}


def print_columns(index: Path, form: str) -> None:
    """Print the columns of an index as a table, or as JSON."""
    from rich.progress import Progress

    from msclip_search.search.columns import describe_columns
    from msclip_search.store import open_snapshot

    snapshot = open_snapshot(index)
    with Progress(console=err(), transient=True, disable=not show_progress()) as bars:
        task = bars.add_task("reading", total=snapshot.manifest.rows)
        columns = describe_columns(snapshot, advance=lambda rows: bars.update(task, completed=rows))
    if form == "json":
        body = {"tiles": snapshot.manifest.tiles, "columns": [column.to_dict() for column in columns]}
        echo(json.dumps(body, indent=2, ensure_ascii=False))
        return
    _print_table(columns)
    say("Ask by them: --where \"cloud < 10 AND level = 'L2A'\". Dates are in UTC.")


def _print_table(columns: "list[ColumnInfo]") -> None:
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, header_style="dim", pad_edge=False)
    table.add_column("column", no_wrap=True)
    table.add_column("type", no_wrap=True)
    table.add_column("tiles", justify="right", no_wrap=True)
    table.add_column("values", overflow="fold")
    for column in columns:
        unit = f", {_UNITS[column.unit]}" if column.unit else ""
        # Text, not strings: what comes from files may look like markup.
        cells = (f"{column.type}{unit}", f"{column.tiles:,}", _values(column))
        table.add_row(Text(column.sql, "bold"), *map(Text, cells))
    out().print(table)


def _values(column: "ColumnInfo") -> str:
    """Say what a column holds, in a line if it can be."""
    if column.values:
        named = [f"{_cut(one.value)} {one.tiles:,}" for one in column.values]
        more = (column.distinct or 0) - len(named)
        return " · ".join([*named, *([f"{more:,} more"] if more else [])])
    span = _span(column)
    if column.type not in {"text", "list of text"} or not column.tiles:
        return span
    from msclip_search.catalog import DISTINCT

    number = f"more than {DISTINCT:,}" if column.distinct is None else f"{column.distinct:,}"
    return f"{number} values{span and ', '}{span}"


def _span(column: "ColumnInfo") -> str:
    ends = [_shown(column, end) for end in (column.least, column.greatest) if end is not None]
    if column.name in _HASHES or (column.type == "text" and any(len(end) > _SHORT for end in ends)):
        return ""
    return " to ".join(dict.fromkeys(ends))


def _shown(column: "ColumnInfo", end: str | float) -> str:
    if column.type == "date":
        return str(end).replace("T", " ").removesuffix("Z").partition(".")[0]
    return f"{end:.6g}" if isinstance(end, float) else f"{end}"


def _cut(value: str) -> str:
    return value if len(value) <= _LONG else f"{value[: _LONG - 1]}…"
