"""Ctrl-C and polite kills: an error that carries the number of the signal to the exit code."""

import signal
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from types import FrameType
from typing import TypeAlias

SIGNALS = (signal.SIGINT, signal.SIGTERM)
_BASE = 128

Handler: TypeAlias = Callable[[int, FrameType | None], None]


class Interrupt(KeyboardInterrupt):
    """A signal ends the run: whatever stands Ctrl-C stands a polite kill."""

    def __init__(self, number: int) -> None:
        """Take the number of the signal."""
        super().__init__(number)
        self.number = number


def exit_code(error: BaseException) -> int:
    """Return 128 and the number of the signal that an error stands for: Ctrl-C's where it names none."""
    return _BASE + (error.number if isinstance(error, Interrupt) else signal.SIGINT)


def check(received: Sequence[int]) -> None:
    """Raise an interrupt that has been forgotten, or made another error of.

    Raises
    ------
    Interrupt
    """
    if received:
        raise Interrupt(received[0])


@contextmanager
def listening(handler: Handler, numbers: Sequence[signal.Signals] = SIGNALS) -> Iterator[None]:
    """Have signals handled so, in the main thread: others are not told of any."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {number: signal.signal(number, handler) for number in numbers}
    try:
        yield
    finally:
        for number, old in before.items():
            signal.signal(number, old)


@contextmanager
def noticing(numbers: Sequence[signal.Signals] = SIGNALS) -> Iterator[list[int]]:
    """Let signals raise `Interrupt`, so that nothing half done stays behind; yields those received.

    They are kept as well as raised: an interrupt that comes while Python calls something back, as it does after every
    import, is printed and forgotten, and DuckDB makes another error of it. `check` brings it back.
    """
    received: list[int] = []

    def interrupt(number: int, _frame: FrameType | None) -> None:
        received.append(number)
        raise Interrupt(number)

    with listening(interrupt, numbers):
        yield received


@contextmanager
def holding_back() -> Iterator[list[int]]:
    """Note a signal, for `check` to raise it where that is safe; a second one is raised at once. Yields those received.

    What holds a lock is let go in order so, and DuckDB, which can take the process down with it when something is
    raised within, is left alone.
    """
    received: list[int] = []

    def note(number: int, _frame: FrameType | None) -> None:
        received.append(number)
        if len(received) > 1:
            raise Interrupt(number)

    with listening(note):
        yield received
