"""`msclip-search info`, `verify` and `models`: looking without searching."""

import json
from typing import TYPE_CHECKING, Annotated

import typer

from msclip_search.cli.columns import print_columns
from msclip_search.cli.console import echo, err, fail, handled, out, say, set_voice, show_progress
from msclip_search.cli.options import INDEX, PUBLISHED, IndexPath, ListFormat, Quiet, Verbose

if TYPE_CHECKING:
    from msclip_search.search import IndexInfo

_WEIGHTS = {"bundled": "bundled", "hub": "hub, or --weights", "seed": "none: random", "file": "--weights"}
"""Where a model's weights come from, in a word or two."""


@handled
def info(
    index: IndexPath = INDEX,
    columns: Annotated[
        bool, typer.Option("--columns", help="Say what the columns hold that --where may ask about.")
    ] = False,
    form: ListFormat = "table",
    quiet: Quiet = False,
    verbose: Verbose = False,
) -> None:
    """Describe an index: its tiles, model, kind of search, extent and size.

    With --columns, what is known of the tiles instead: each column's
    name, type, tiles that have a value, and range or commonest values.

        msclip-search info --index msclip-index

        msclip-search info --columns

        msclip-search info --format json
    """
    set_voice(quiet=quiet, verbose=verbose)
    if columns:
        print_columns(index, form)
        return
    from msclip_search.search import SearchIndex

    with SearchIndex.open(index) as opened:
        described = opened.info()
    if form == "json":
        echo(json.dumps(described.to_dict(), indent=2, ensure_ascii=False))
    else:
        _print_info(described)


def _print_info(info: "IndexInfo") -> None:
    from rich.filesize import decimal
    from rich.table import Table

    deleted = f", {info.deleted:,} deleted rows" if info.deleted else ""
    names = {"ivfpq": "IVF-PQ", "flat": "exact scan"}
    rows = Table.grid(padding=(0, 2))
    rows.add_row("index", info.path)
    rows.add_row("format", f"{info.format}, manifest {info.manifest} of {info.created} by {info.software}")
    rows.add_row("tiles", f"{info.tiles:,} in {info.segments:,} segment{'s' * (info.segments != 1)}{deleted}")
    rows.add_row("model", f"{info.model}, {info.dimension} numbers a tile, fingerprint {info.fingerprint[:16]}")
    if info.weights:
        rows.add_row("weights", info.weights)
    rows.add_row("search", f"{names[info.kind]}. {info.reason}")
    if info.factory:
        rows.add_row("", f"{info.factory}; {info.scanned:,} tiles not in it are scanned exactly")
    if info.bounds:
        west, south, east, north = info.bounds
        rows.add_row(
            "place",
            f"{info.located:,} tiles between {west:.3f}, {south:.3f} and {east:.3f}, {north:.3f} (longitude, latitude)",
        )
    if info.first and info.last:
        rows.add_row("time", f"{info.dated:,} tiles from {info.first[:10]} to {info.last[:10]}")
    if info.labelled:
        rows.add_row("labels", f"{info.labelled:,} tiles")
    rows.add_row("size", decimal(info.size))
    out().print(rows)


@handled
def verify(index: IndexPath = INDEX, quiet: Quiet = False, verbose: Verbose = False) -> None:
    """Check every file of an index by its checksum, and every vector by its hash.

    Exits with 1 when anything is wrong, after naming all of it.

        msclip-search verify --index msclip-index
    """
    set_voice(quiet=quiet, verbose=verbose)
    from rich.filesize import decimal
    from rich.progress import Progress

    from msclip_search import store

    with Progress(console=err(), transient=True, disable=not show_progress()) as bars:
        task = bars.add_task("checking", total=None)
        found = store.verify(
            index,
            start=lambda size: bars.update(task, total=size),
            advance=lambda size: bars.advance(task, size),
        )
    if found.problems:
        for problem in found.problems:
            err().print(problem, markup=False, soft_wrap=True)
        fail(f"The index {index} is damaged: {len(found.problems):,} problem{'s' * (len(found.problems) != 1)}.")
    say(f"The index {index} is sound: {found.files:,} files, {decimal(found.size)}, {found.rows:,} rows checked.")


@handled
def models(form: ListFormat = "table", quiet: Quiet = False, verbose: Verbose = False) -> None:
    """List the models that can be used.

    A new index takes the first, which comes with the package.

        msclip-search models

        msclip-search models --format json

        msclip-search index ./tiles --model llama3-ms-clip-base
    """
    set_voice(quiet=quiet, verbose=verbose)
    from msclip_search import models as library

    specs = library.specs()
    if form == "json":
        body = [
            {**spec.to_dict(), "default": spec.name == library.DEFAULT, "weights": library.source(spec)}
            for spec in specs
        ]
        echo(json.dumps(body, indent=2, ensure_ascii=False))
        return
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, header_style="dim", pad_edge=False)
    for name in ("name", "what it is", "bands", "tiles, px", "weights", "licence"):
        table.add_column(name, overflow="fold")
    for spec in specs:
        default = " (default)" if spec.name == library.DEFAULT else ""
        size = "any" if spec.resampling == "none" else f"{spec.size}"
        row = (spec.summary, f"{len(spec.bands)}", size, _WEIGHTS[library.source(spec)], spec.licence)
        table.add_row(Text.assemble((spec.name, "bold"), default), *(Text(cell) for cell in row))
    others = ("a model of OpenCLIP on a true-colour rendering", "3", "its own", "hub, or --weights", "its own")
    table.add_row(Text("open_clip:ARCH[/PRETRAINED]"), *(Text(cell) for cell in others))
    out().print(table)
    say(f"{library.DEFAULT} is used when none is named. {PUBLISHED}.")
