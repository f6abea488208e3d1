"""What every command shares: where it prints, how it fails, how loud it is."""

import functools
import logging
import os
import signal
import sys
import traceback
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, NoReturn, ParamSpec

import typer

from msclip_search.cli.interrupts import SIGNALS, check, exit_code, noticing

if TYPE_CHECKING:
    from rich.console import Console

P = ParamSpec("P")

INTERRUPTED = 130
_WIDE = 200
"""Columns where no terminal sets a limit: a path in a log is worth more than a pretty table."""


@dataclass(slots=True)
class Voice:
    """How loud this run is; options before and after the command's name both count."""

    quiet: bool = False
    verbose: bool = False


VOICE = Voice()


def set_voice(*, quiet: bool, verbose: bool) -> None:
    """Take note of --quiet and --verbose, and let the library's warnings through accordingly."""
    VOICE.quiet |= quiet
    VOICE.verbose |= verbose
    logger = logging.getLogger("msclip_search")
    if not logger.handlers:
        logger.addHandler(_WarningHandler())
        logger.propagate = False
    logger.setLevel(logging.DEBUG if VOICE.verbose else logging.ERROR if VOICE.quiet else logging.WARNING)


@functools.cache
def out() -> "Console":
    """Return the console of standard output."""
    from rich.console import Console

    class Output(Console):
        """Says in a sentence what standard output refuses."""

        def print(self, *objects: Any, **options: Any) -> None:  # noqa: ANN401 - whatever Rich takes
            with standard_output():
                super().print(*objects, **options)

    return _console(Output, stderr=False)


@functools.cache
def err() -> "Console":
    """Return the console of standard error: messages and progress."""
    from rich.console import Console

    return _console(Console, stderr=True)


def _console(kind: "type[Console]", *, stderr: bool) -> "Console":
    console = kind(stderr=stderr, highlight=False, markup=False)
    return (
        console
        if console.is_terminal
        else kind(stderr=stderr, highlight=False, markup=False, width=_WIDE, color_system=None)
    )


def show_progress() -> bool:
    """Tell whether bars are wanted: on a terminal, unless quiet."""
    return not VOICE.quiet and err().is_terminal


def echo(text: str, *, end: str = "\n") -> None:
    """Print text for machines on standard output, as it is."""
    with standard_output():
        typer.echo(f"{text}{end}", nl=False)


@contextmanager
def standard_output() -> Iterator[None]:
    """Turn what standard output refuses into a sentence.

    Raises
    ------
    StorageError
        It cannot be written: the disk that it is sent to is full, for instance.
    BrokenPipeError
        Whoever read has left.
    """
    try:
        yield
    except BrokenPipeError:
        raise
    except OSError as error:
        from msclip_search.disk import said
        from msclip_search.errors import StorageError

        _close_output()
        raise StorageError(f"Writing to standard output failed: {said(error)}.") from error


def _close_output() -> None:
    """Send what is still to be written nowhere: Python would complain once more when it flushes at exit."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def say(message: str) -> None:
    """Print a line of information on standard error, unless quiet."""
    if not VOICE.quiet:
        err().print(message, markup=False, soft_wrap=True)


def fail(message: str, *, code: int = 1) -> NoReturn:
    """Print an error and leave."""
    from rich.text import Text

    err().print(Text.assemble(("Error: ", "bold red"), message), soft_wrap=True)
    if VOICE.verbose and sys.exc_info()[0]:
        traceback.print_exc()
    raise typer.Exit(code)


def handled(command: Callable[P, None]) -> Callable[P, None]:
    """Turn what a command raises into a sentence and an exit code."""

    @functools.wraps(command)
    def run(*args: P.args, **kwargs: P.kwargs) -> None:
        from msclip_search.errors import MsclipError

        _allow_many_files()
        try:
            _run(command, *args, **kwargs)
        except (KeyboardInterrupt, typer.Abort) as error:
            say("Interrupted.")
            raise typer.Exit(exit_code(error)) from None
        except (typer.Exit, typer.BadParameter):
            raise
        except MsclipError as error:
            fail(str(error))
        except BrokenPipeError:
            _close_output()  # whoever read our output has left (`| head`)
            raise typer.Exit(0) from None
        except ImportError as error:
            fail(str(error))
        except Exception as error:  # noqa: BLE001 - the last resort of the program
            hint = "" if VOICE.verbose else " Run it again with --verbose for the details, and please report it."
            fail(f"{type(error).__name__}: {error}. This should not have happened.{hint}")
        finally:
            _WarningHandler.summarise()

    return run


def _run(command: Callable[P, None], *args: P.args, **kwargs: P.kwargs) -> None:
    """Run a command to the last byte of its output, so that a polite kill ends it as Ctrl-C does."""
    # What is ignored stays so: a shell does that to jobs in the background, for which Ctrl-C is not meant.
    heard = [number for number in SIGNALS if signal.getsignal(number) is not signal.SIG_IGN]
    with noticing(heard) as received:
        try:
            command(*args, **kwargs)
            with standard_output():
                sys.stdout.flush()
        except Exception:
            check(received)  # a library may have made another error of it
            raise


def _allow_many_files() -> None:
    """Raise the soft limit of open files to the hard one: an index of many segments maps a file of each."""
    try:
        import resource
    except ImportError:  # Windows
        return
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft < hard:
        try:
            resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
        except (ValueError, OSError):
            return  # macOS refuses "unlimited"; the limit as it stands is enough for most


class _WarningHandler(logging.Handler):
    """Prints the library's warnings; of those that come once a file, the first only, and then how many."""

    _repeated: ClassVar[Counter[str]] = Counter()

    def emit(self, record: logging.LogRecord) -> None:
        """Print a record."""
        from rich.text import Text

        once = getattr(record, "once", None)
        if once:
            self._repeated[once] += 1
            if self._repeated[once] > 1:
                return
        style = "bold yellow" if record.levelno >= logging.WARNING else "dim"
        name = "Warning" if record.levelno >= logging.WARNING else record.levelname.capitalize()
        err().print(Text.assemble((f"{name}: ", style), record.getMessage()), soft_wrap=True)

    @classmethod
    def summarise(cls) -> None:
        """Say how often the repeated ones came."""
        for number in cls._repeated.values():
            if number > 1:
                say(f"({number - 1:,} more file{'s' * (number > 2)} gave the same warning.)")
        cls._repeated.clear()
