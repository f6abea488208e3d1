"""`msclip-search index`: the main job."""

import threading
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from msclip_search.cli.console import INTERRUPTED, VOICE, handled, out, say, set_voice, show_progress
from msclip_search.cli.options import INDEX, PUBLISHED, BreakLock, Device, IndexPath, Model, Quiet, Verbose, Weights
from msclip_search.cli.progress import Display, interruptible

if TYPE_CHECKING:
    from msclip_search.ingest import Report


@handled
def index(
    archive: Annotated[
        list[str],
        typer.Argument(
            metavar="ARCHIVE",
            help="Folders, files, globs, or .txt files with one path a line.",
            show_default=False,
        ),
    ],
    index: IndexPath = INDEX,
    model: Model = None,
    weights: Weights = None,
    bands: Annotated[
        str | None,
        typer.Option(
            metavar="ORDER",
            help="Bands of files that do not name them, in order: B02,B03,… or a layout (l1c, l2a, ten, eurosat, rgb).",
            show_default=False,
        ),
    ] = None,
    offset: Annotated[
        float | None,
        typer.Option(
            metavar="NUMBER",
            help="Add this to stored values: -1000 for chips that carry the offset of baseline 04.00.",
            show_default=False,
        ),
    ] = None,
    label_from: Annotated[
        Literal["parent"] | None,
        typer.Option(metavar="parent", help="Take the name of a file's folder as its label.", show_default=False),
    ] = None,
    labels: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE.csv",
            help="Take labels from a CSV file,label (several joined by ;).",
            show_default=False,
        ),
    ] = None,
    kind: Annotated[
        Literal["auto", "ivfpq", "flat"] | None,
        typer.Option(
            metavar="auto|ivfpq|flat",
            help="What searches use. auto: IVF-PQ as soon as it can be trained. By default as before, or auto.",
            show_default=False,
        ),
    ] = None,
    device: Device = "auto",
    strict: Annotated[bool, typer.Option("--strict", help="Exit with 1 if any file could not be read.")] = False,
    break_lock: BreakLock = False,
    quiet: Quiet = False,
    verbose: Verbose = False,
) -> None:
    """Embed the tiles of an archive into an index.

    What stands in the index unchanged is passed over: the same command
    goes on after an interruption, and adds what is new later.
    Ctrl-C commits what is done. The model is s2-nano, which comes with
    the package, unless --model names another for a new index.

        msclip-search index ./tiles

        msclip-search index ./eurosat --bands eurosat --label-from parent

        msclip-search index ./chips --model llama3-ms-clip-base
    """
    set_voice(quiet=quiet, verbose=verbose)
    from msclip_search.ingest import index_tiles

    stop = threading.Event()
    display = Display(stop, opening="Loading the model.", stopping="Stopping after a commit (Ctrl-C again: at once)")
    with display, interruptible(stop, display) as received:
        report = index_tiles(
            archive,
            index=index,
            model=model,
            weights=weights,
            bands=bands,
            offset=offset,
            label_from=label_from,
            labels=labels,
            kind=kind,
            device=device,
            stop=stop,
            progress=display.show,
            show_download=show_progress(),
            break_lock=break_lock,
        )
    if not VOICE.quiet:
        _summary(report, index)
    if report.interrupted:
        raise typer.Exit(128 + received[0] if received else INTERRUPTED)
    if strict and report.failed:
        raise typer.Exit(1)


def _model(report: "Report") -> str:
    """Say which model is in use, and, of the bundled one, what else there is."""
    if report.weights is None:
        return report.model
    words = {
        "bundled": f"bundled. {PUBLISHED}",
        "file": f"weights {report.weights.path}",
        "hub": "weights from the hub",
        "seed": "random weights: its ranking means nothing",
    }
    return f"{report.model}, {words[report.weights.origin]}"


def _summary(report: "Report", index: Path) -> None:
    """Print what came of a run."""
    from rich.filesize import decimal
    from rich.table import Table

    head = "Stopped; what was done is kept." if report.interrupted else "Done."
    rows = Table.grid(padding=(0, 2))
    counts = {
        "embedded": report.embedded,
        "unchanged": report.unchanged,
        "taken over": report.taken_over,
        "replaced": report.replaced,
        f"duplicate{'s' * (report.duplicates != 1)}": report.duplicates,
        "superseded by newer processing": report.superseded,
    }
    named = [f"{number:,} {name}" for name, number in counts.items() if number or name == "embedded"]
    rows.add_row("tiles", f"{' · '.join(named)} · {report.tiles:,} in the index")
    if report.failed:
        rows.add_row("skipped", f"{report.failed:,}, listed with reasons in {report.failures_file}")
        for failure in report.failures[:5]:
            rows.add_row("", f"{failure.source}: {failure.reason}")
        if report.failed > 5:
            rows.add_row("", f"… and {report.failed - 5:,} more")
    rate = f" ({report.embedded / report.seconds:,.1f} tiles/s)" if report.embedded else ""
    parts = {
        "reading": report.read_seconds,
        "encoding": report.encode_seconds,
        "writing": report.write_seconds,
        "building IVF-PQ": report.ann_seconds,
    }
    busy = " · ".join(
        f"{name} {seconds:,.1f} s" for name, seconds in parts.items() if seconds or name != "building IVF-PQ"
    )
    rows.add_row("time", f"{report.seconds:,.1f} s{rate}: {busy} (reading and encoding overlap)")
    names = {"ivfpq": "IVF-PQ", "flat": "exact scan"}
    rows.add_row("search", f"{names[report.kind]}. {report.reason}")
    rows.add_row("model", _model(report))
    rows.add_row("index", f"{index}, {decimal(report.size)}")
    out().print(head)
    out().print(rows)
    if not report.interrupted and report.tiles:
        say(f'Ask it: msclip-search query "flooded farmland" --index {index}')
