"""`msclip-search classify`: the likeliest of some classes, for each tile."""

import csv
import io
import json
import tempfile
import threading
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from msclip_search.cli.console import INTERRUPTED, echo, handled, out, say, set_voice, show_progress
from msclip_search.cli.exports import check_target, write_file
from msclip_search.cli.options import Device, Model, Quiet, Verbose, Weights, choose_format
from msclip_search.cli.progress import Display, interruptible

if TYPE_CHECKING:
    from rich.console import RenderableType

    from msclip_search.evaluation import Assignment
    from msclip_search.ingest import Report

_SUFFIXES = {".csv": "csv", ".geojson": "geojson"}
_SHOWN = 40
"""Tiles that the table shows."""
_NAMED = 5
"""Files that could not be read and are named."""


@handled
def classify(
    archive: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="ARCHIVE", help="Folders, files, globs, or .txt files with one path a line.", show_default=False
        ),
    ] = None,
    classes: Annotated[
        str | None,
        typer.Option(metavar="NAMES", help="The classes in words, joined by commas.", show_default=False),
    ] = None,
    classes_file: Annotated[
        Path | None,
        typer.Option(
            "--classes-file", metavar="FILE.txt", help="The classes in words, one a line.", show_default=False
        ),
    ] = None,
    templates: Annotated[
        str | None,
        typer.Option(
            metavar="NAME|FILE.txt",
            help="Prompt templates around each class: msclip, clip or a file.",
            show_default=False,
        ),
    ] = None,
    index: Annotated[
        Path | None,
        typer.Option(
            "--index", metavar="FOLDER", help="Classify the stored tiles of an index instead.", show_default=False
        ),
    ] = None,
    bands: Annotated[
        str | None,
        typer.Option(metavar="ORDER", help="Bands of files that do not name them: see `index`.", show_default=False),
    ] = None,
    offset: Annotated[
        float | None, typer.Option(metavar="NUMBER", help="Add this to stored values: see `index`.", show_default=False)
    ] = None,
    form: Annotated[
        Literal["table", "csv", "geojson"] | None,
        typer.Option(
            "--format", metavar="FORMAT", help="table, csv or geojson; by default table, or as --output ends."
        ),
    ] = None,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", metavar="FILE", help="Write to a file.", show_default=False)
    ] = None,
    model: Model = None,
    weights: Weights = None,
    device: Device = "auto",
    strict: Annotated[bool, typer.Option("--strict", help="Exit with 1 if any file could not be read.")] = False,
    quiet: Quiet = False,
    verbose: Verbose = False,
) -> None:
    """Give each tile the likeliest of some classes.

    A class is any text. Probabilities are relative to the classes
    that are named, and say nothing of others.

        msclip-search classify ./tiles --classes "annual crop,forest,river"

        msclip-search classify --index idx --classes-file classes.txt --output tiles.geojson
    """
    set_voice(quiet=quiet, verbose=verbose)
    if (archive is None) == (index is None):
        raise typer.BadParameter("Give tiles, or an index with --index: one of the two.", param_hint="ARCHIVE")
    if index is not None and (bands is not None or offset is not None):
        raise typer.BadParameter(
            "They say how files are read, and the tiles of an index have been read: leave them away with --index.",
            param_hint="--bands / --offset",
        )
    named = _classes(classes, classes_file)
    chosen = choose_format(form, output, _SUFFIXES)
    from msclip_search.evaluation import assign, check_classes
    from msclip_search.models import templates as prompts
    from msclip_search.search import SearchIndex

    check_target(output)
    check_classes(named)
    if templates is not None:
        prompts.find(templates)
    with tempfile.TemporaryDirectory(prefix="msclip-classify-") as temporary:
        folder, unread = index, 0
        if folder is None:
            folder = Path(temporary) / "index"
            unread = _embed(
                archive or [], folder, model=model, weights=weights, device=device, bands=bands, offset=offset
            )
        with SearchIndex.open(folder, model=model, weights=weights, device=device, progress=show_progress()) as opened:
            found = assign(opened, named, templates=templates)
    _print(found, chosen, output)
    if strict and unread:
        raise typer.Exit(1)


def _print(found: "Assignment", chosen: str, output: Path | None) -> None:
    if chosen == "table":
        out().print(_table(found))
        return
    text = {"csv": _csv, "geojson": _geojson}[chosen](found)
    if output is None:
        echo(text, end="")
    else:
        write_file(text.encode(), output)
        say(f"{found.tiles.num_rows:,} tile{'s' * (found.tiles.num_rows != 1)} classified; written to {output}.")


def _embed(
    archive: list[str],
    folder: Path,
    *,
    model: str | None,
    weights: Path | None,
    device: str,
    bands: str | None,
    offset: float | None,
) -> int:
    """Embed tiles into an index; return how many files could not be read."""
    from msclip_search.errors import ArchiveError
    from msclip_search.ingest import index_tiles

    stop = threading.Event()
    display = Display(stop, opening="Loading the model.", stopping="Stopping (Ctrl-C again: at once)")
    report: Report | None = None

    def progress(stage: str, run: "Report") -> None:
        nonlocal report
        report = run
        display.show(stage, run)

    try:
        with display, interruptible(stop, display) as received:
            report = index_tiles(
                archive,
                index=folder,
                model=model,
                weights=weights,
                device=device,
                bands=bands,
                offset=offset,
                kind="flat",
                stop=stop,
                progress=progress,
                show_download=show_progress(),
            )
    except ArchiveError as error:
        if report is None or not report.nothing_read:
            raise
        raise ArchiveError(report.why_nothing()) from error  # the list of all goes with the folder
    if report.interrupted:
        say(f"Interrupted after {report.done:,} of {report.total:,} tiles; nothing is kept.")
        raise typer.Exit(128 + received[0] if received else INTERRUPTED)
    if report.failed:
        say(f"{report.failed:,} of {report.total:,} files could not be read:")
        for failure in report.failures[:_NAMED]:
            say(f"  {failure.source}: {failure.reason}")
        if report.failed > _NAMED:
            say(f"  … and {report.failed - _NAMED:,} more")
    return report.failed


def _classes(said: str | None, path: Path | None) -> list[str]:
    if (said is None) == (path is None):
        raise typer.BadParameter("Give --classes or --classes-file: one of the two.", param_hint="--classes")
    if path is None:
        return [name.strip() for name in (said or "").split(",")]
    from msclip_search.search import read_queries

    return read_queries(path)


def _rows(found: "Assignment") -> "Iterator[tuple[dict[str, Any], str, list[float]]]":
    """Yield each tile's columns, its class and the probability of each class."""
    names = [found.classes[number] for number in found.chosen]
    yield from zip(found.tiles.to_pylist(), names, found.probabilities.tolist(), strict=True)


def _window(row: dict[str, Any]) -> str:
    at = row["window"]
    return f"{at['x']} {at['y']} {at['width']} {at['height']}"


def _csv(found: "Assignment") -> str:
    text = io.StringIO()
    rows = csv.writer(text, lineterminator="\n")
    rows.writerow(["tile_id", "source", "window", "class", *found.classes])
    for row, name, shares in _rows(found):
        rows.writerow([row["tile_id"], row["source"], _window(row), name, *(f"{share:.6f}" for share in shares)])
    return text.getvalue()


def _geojson(found: "Assignment") -> str:
    from msclip_search.geometry import Footprint

    features = []
    for row, name, shares in _rows(found):
        probabilities = {kind: round(share, 6) for kind, share in zip(found.classes, shares, strict=True)}
        properties = {"source": row["source"], "window": _window(row), "class": name, "probabilities": probabilities}
        geometry = Footprint(row["geometry"]).geojson() if row["geometry"] else None
        features.append({"type": "Feature", "id": row["tile_id"], "geometry": geometry, "properties": properties})
    return json.dumps({"type": "FeatureCollection", "features": features}, ensure_ascii=False) + "\n"


def _table(found: "Assignment") -> "RenderableType":
    from rich.console import Group
    from rich.table import Table
    from rich.text import Text

    from msclip_search.cli.render import tile_name

    table = Table(box=None, header_style="dim", pad_edge=False)
    table.add_column("tile", overflow="fold")
    table.add_column("class", no_wrap=True)
    table.add_column("probability", justify="right", no_wrap=True)
    counts: Counter[str] = Counter()
    for number, (row, name, shares) in enumerate(_rows(found)):
        counts[name] += 1
        if number < _SHOWN:
            table.add_row(Text(tile_name(row["source"])), Text(name), f"{max(shares):.3f}")
    total = found.tiles.num_rows
    more = f"… and {total - _SHOWN:,} more: --output FILE.csv has all.\n" if total > _SHOWN else ""
    summary = ", ".join(f"{name} {count:,}" for name, count in counts.most_common())
    return Group(table, Text(f"{more}{total:,} tile{'s' * (total != 1)}: {summary}", style="dim"))
