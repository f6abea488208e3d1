"""`msclip-search import`: vectors that were made elsewhere."""

import threading
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from msclip_search.cli.console import INTERRUPTED, VOICE, handled, out, say, set_voice
from msclip_search.cli.options import INDEX, BreakLock, IndexPath, Quiet, Verbose
from msclip_search.cli.progress import Display, interruptible

if TYPE_CHECKING:
    from msclip_search.exchange import Imported


@handled
def import_(
    vectors: Annotated[
        list[Path],
        typer.Argument(
            metavar="VECTORS",
            help="Parquet files with a column of vectors, .npy files beside a .parquet, or folders of Parquet files.",
            show_default=False,
        ),
    ],
    model: Annotated[
        str | None,
        typer.Option(
            "--model",
            metavar="NAME",
            help="The model that made them: one of `msclip-search models`, or any name; it may be left out for what "
            "`export` wrote.",
            show_default=False,
        ),
    ] = None,
    index: IndexPath = INDEX,
    column: Annotated[
        list[str] | None,
        typer.Option(
            "--column",
            metavar="OURS=THEIRS",
            help="Which column of the files is which of ours, as in embedding=emb; OURS= takes none. Again for more.",
            show_default=False,
        ),
    ] = None,
    normalise: Annotated[
        bool, typer.Option("--normalise", help="Bring vectors to length 1; without it they have to be so.")
    ] = False,
    kind: Annotated[
        Literal["auto", "ivfpq", "flat"] | None,
        typer.Option(
            metavar="auto|ivfpq|flat",
            help="What searches use. auto: IVF-PQ as soon as it can be trained. By default as before, or auto.",
            show_default=False,
        ),
    ] = None,
    break_lock: BreakLock = False,
    quiet: Quiet = False,
    verbose: Verbose = False,
) -> None:
    """Take vectors that were made elsewhere into an index.

    Columns are known by their names in what `export` writes and in
    Major TOM's published embeddings, else by --column. What stands in
    the index with the same vector is passed over, so the same command
    goes on after an interruption. Ctrl-C commits what is done.

        msclip-search import tiles.parquet --index idx

        msclip-search import part.parquet --model majortom-dinov2 --normalise

        msclip-search import v.parquet --model clip --column embedding=emb
    """
    set_voice(quiet=quiet, verbose=verbose)
    from msclip_search.exchange import import_vectors
    from msclip_search.exchange.columns import read_pairs

    stop = threading.Event()
    display = Display(stop, opening="Looking through the files.", stopping="Stopping after a commit (Ctrl-C: at once)")
    with display, interruptible(stop, display) as received:
        done = import_vectors(
            vectors,
            index=index,
            model=model,
            columns=read_pairs(column or []),
            normalise=normalise,
            kind=kind,
            break_lock=break_lock,
            stop=stop,
            progress=lambda stage, count, total: display.update(stage, done=count, total=total),
        )
    if not VOICE.quiet:
        _summary(done, index)
    if done.interrupted:
        raise typer.Exit(128 + received[0] if received else INTERRUPTED)


def _summary(done: "Imported", index: Path) -> None:
    """Print what came of an import."""
    from rich.filesize import decimal
    from rich.table import Table

    rows = Table.grid(padding=(0, 2))
    counts = {"added": done.added, "replaced": done.replaced, "unchanged": done.unchanged}
    named = [f"{number:,} {name}" for name, number in counts.items() if number or name == "added"]
    rows.add_row("tiles", f"{' · '.join(named)} · {done.tiles:,} in the index")
    rows.add_row("columns", f"as of {done.schema}" if done.schema != "named columns" else "by their names")
    rows.add_row("model", f"{done.model}, {done.dimension:,} numbers a tile")
    names = {"ivfpq": "IVF-PQ", "flat": "exact scan"}
    rows.add_row("search", f"{names[done.kind]}. {done.reason}")
    rows.add_row("time", f"{done.seconds:,.1f} s")
    rows.add_row("index", f"{index}, {decimal(done.size)}")
    out().print("Stopped; what was done is kept." if done.interrupted else "Done.")
    out().print(rows)
    if not done.reads_texts:
        say(f"There is no text tower of {done.model} here: ask by example, not by texts.")
