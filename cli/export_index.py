"""`msclip-search export`: the tiles of an index with their vectors, for other programs."""

import threading
from pathlib import Path
from typing import Annotated, Literal

import typer

from msclip_search.cli import filters
from msclip_search.cli.console import INTERRUPTED, handled, say, set_voice
from msclip_search.cli.options import INDEX, IndexPath, Quiet, Verbose
from msclip_search.cli.progress import Display, interruptible


@handled
@filters.with_filters
def export(
    output: Annotated[
        Path,
        typer.Argument(metavar="OUT", help="File to write: .parquet, or .npy for a pair.", show_default=False),
    ],
    index: IndexPath = INDEX,
    form: Annotated[
        Literal["parquet", "npy"] | None,
        typer.Option(
            "--format",
            metavar="parquet|npy",
            help="One GeoParquet file with a column of vectors, or an .npy of them beside a GeoParquet file of all "
            "else; by default as OUT ends.",
            show_default=False,
        ),
    ] = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace files that are there.")] = False,
    within: filters.Within = filters.EVERYTHING,
    quiet: Quiet = False,
    verbose: Verbose = False,
) -> None:
    """Write the tiles of an index with their vectors.

    GeoParquet 1.1 with a column `embedding` of float32 lists, which
    GeoPandas, DuckDB, polars and QGIS read; or a pair: an .npy of
    float16 (tiles, dimension), and beside it the table of its rows.
    Files appear whole or not at all. `import` takes both back.

        msclip-search export tiles.parquet --index idx

        msclip-search export alps.npy --bbox 5,45,11,48 --max-cloud 10
    """
    set_voice(quiet=quiet, verbose=verbose)
    wanted = within.read()
    from rich.filesize import decimal

    from msclip_search.exchange import export_index

    if wanted:
        say("; ".join(wanted.echo()))
    stop = threading.Event()
    display = Display(stop, opening="Opening the index.", stopping="Stopping (Ctrl-C again: at once)")
    with display, interruptible(stop, display) as received:
        done = export_index(
            index,
            output,
            within=wanted,
            form=form,
            overwrite=overwrite,
            progress=lambda stage, count, total: display.update(stage, done=count, total=total),
            stop=stop,
        )
    if done.interrupted:
        say("Stopped; nothing was written.")
        raise typer.Exit(128 + received[0] if received else INTERRUPTED)
    named = " and ".join(str(path) for path in done.files)
    say(f"{done.rows:,} tile{'s' * (done.rows != 1)} written to {named} ({decimal(done.size)}).")
