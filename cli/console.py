"""What every command shares: where it prints, how it fails, how loud it is."""

import functools
import logging
import os
import sys
import traceback
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, NoReturn, ParamSpec

import typer

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
    return _console(stderr=False)


@functools.cache
def err() -> "Console":
    """Return the console of standard error: messages and progress."""
    return _console(stderr=True)


def _console(*, stderr: bool) -> "Console":
    from rich.console import Console

    console = Console(stderr=stderr, highlight=False, markup=False)
    return (
        console
        if console.is_terminal
        else Console(stderr=stderr, highlight=False, markup=False, width=_WIDE, color_system=None)
    )


def show_progress() -> bool:
    """Tell whether bars are wanted: on a terminal, unless quiet."""
    return not VOICE.quiet and err().is_terminal


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
            command(*args, **kwargs)
            sys.stdout.flush()
        except (typer.Exit, typer.Abort, typer.BadParameter):
            raise
        except MsclipError as error:
            fail(str(error))
        except KeyboardInterrupt:
            say("Interrupted.")
            raise typer.Exit(INTERRUPTED) from None
        except BrokenPipeError:
            # Whoever read our output has left (`| head`). Python would complain once more when it flushes at exit.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            raise typer.Exit(0) from None
        except ImportError as error:
            fail(str(error))
        except Exception as error:  # noqa: BLE001 - the last resort of the program
            hint = "" if VOICE.verbose else " Run it again with --verbose for the details, and please report it."
            fail(f"{type(error).__name__}: {error}. This should not have happened.{hint}")
        finally:
            _WarningHandler.summarise()

    return run


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
