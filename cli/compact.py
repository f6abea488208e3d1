"""`msclip-search compact`: folding what many runs have left."""

import threading
from typing import TYPE_CHECKING

import typer

from msclip_search.cli.console import INTERRUPTED, VOICE, handled, out, set_voice
from msclip_search.cli.options import INDEX, BreakLock, IndexPath, Quiet, Verbose
from msclip_search.cli.progress import Display, interruptible

if TYPE_CHECKING:
    from msclip_search.maintenance import Compaction


@handled
def compact(
    index: IndexPath = INDEX, break_lock: BreakLock = False, quiet: Quiet = False, verbose: Verbose = False
) -> None:
    """Fold the segments of an index, drop deleted rows, build IVF-PQ anew.

    Queries find the same tiles as before, and can be asked meanwhile.
    The new files come before the old ones go, so there has to be room
    for both. Ctrl-C leaves the index as it was.

        msclip-search compact --index msclip-index
    """
    set_voice(quiet=quiet, verbose=verbose)
    from msclip_search.maintenance import compact_index

    stop = threading.Event()
    display = Display(stop, opening="Looking at the segments.", stopping="Stopping")
    with display, interruptible(stop, display) as received:
        done = compact_index(
            index,
            stop=stop,
            progress=lambda stage, done, total: display.update(stage, done=done, total=total, unit="rows"),
            break_lock=break_lock,
        )
    if done.interrupted:
        out().print("Stopped; the index is as it was.")
        raise typer.Exit(128 + received[0] if received else INTERRUPTED)
    if not VOICE.quiet:
        _summary(done)


def _summary(done: "Compaction") -> None:
    from rich.filesize import decimal

    if not done.changed:
        out().print(
            f"Nothing to do: {_count(done.tiles, 'tile')} in {_count(done.segments, 'segment')}, no row deleted."
        )
        return
    out().print(
        f"Done in {done.seconds:,.1f} s: {_count(done.tiles, 'tile')}, "
        f"{_count(done.segments_before, 'segment')} folded into {done.segments:,}, "
        f"{_count(done.dropped, 'deleted row')} dropped; {decimal(done.size)} where there were "
        f"{decimal(done.size_before)}."
    )
    out().print("The old files stay for an hour, for readers that have them open; a later run removes them.")


def _count(number: int, what: str) -> str:
    return f"{number:,} {what}{'s' * (number != 1)}"
