"""How far a long command is, and how Ctrl-C ends it."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType, TracebackType
from typing import TYPE_CHECKING, Self

from msclip_search.cli.console import err, say, show_progress
from msclip_search.cli.interrupts import Interrupt, check, listening

if TYPE_CHECKING:
    from rich.progress import Progress

    from msclip_search.ingest import Report


class Display:
    """Shows how far a run is: on a terminal a bar with tiles a second and time left, elsewhere nothing.

    The bar appears with the first tile, so that it is not in the way of the one of a download.
    """

    def __init__(self, stop: threading.Event, *, opening: str | None = None, stopping: str = "Stopping") -> None:
        """Take the event that ends the run, what is said before the first tile, and what after Ctrl-C."""
        self._stop = stop
        self._opening = opening
        self._stopping = stopping
        self._bars: Progress | None = None
        self.begun = False
        """Whether the run has come to its tiles, and so has something to keep."""

    def __enter__(self) -> Self:
        if self._opening and show_progress():
            say(self._opening)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._bars:
            self._bars.stop()

    def update(self, stage: str, *, done: int, total: int | None, skipped: int = 0, unit: str = "tiles") -> None:
        """Show counts."""
        self.begun = True
        if not show_progress():
            return
        if self._bars is None:
            self._bars = _bars()
            self._bars.start()
        bars = self._bars
        speed = bars.tasks[0].speed
        bars.update(
            bars.task_ids[0],
            description=self._stopping if self._stop.is_set() else stage,
            total=total,
            completed=done,
            rate=f"{speed:,.1f} {unit}/s" if speed else "",
            skipped=f"{skipped:,} skipped" if skipped else "",
        )

    def show(self, stage: str, run: "Report") -> None:
        """Show the counts of an indexing run."""
        self.update(stage, done=run.done, total=run.total, skipped=run.failed)

    def stopping(self) -> None:
        """Say that the run is coming to its end."""
        if self._bars:
            self._bars.update(self._bars.task_ids[0], description=self._stopping)
        else:
            say(f"{self._stopping}.")


def _bars() -> "Progress":
    """Make the bar."""
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeRemainingColumn

    bars = Progress(
        SpinnerColumn(),
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[rate]}", markup=False),
        TimeRemainingColumn(),
        TextColumn("{task.fields[skipped]}", style="yellow", markup=False),
        console=err(),
        transient=True,
    )
    bars.add_task("", total=None, rate="", skipped="")
    return bars


@contextmanager
def interruptible(stop: threading.Event, display: Display) -> Iterator[list[int]]:
    """Let Ctrl-C and a polite kill end a run in order, and a second one, or one before any tile, at once.

    Yields the list of signals received.

    Raises
    ------
    Interrupt
        At once.
    """
    received: list[int] = []
    raised: list[int] = []

    def handler(number: int, _frame: FrameType | None) -> None:
        if stop.is_set() or not display.begun:
            raised.append(number)
            raise Interrupt(number)
        received.append(number)
        stop.set()
        display.stopping()

    with listening(handler):
        try:
            yield received
        except Exception:
            check(raised)  # a library may have made another error of it
            raise
