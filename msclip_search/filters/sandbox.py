"""DuckDB with its doors shut: it sees the rows that it is handed, and nothing else. The one door to DuckDB."""

import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from types import ModuleType
from typing import TYPE_CHECKING, Any

from numpy.typing import NDArray

from msclip_search.errors import QueryError

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

_OLDEST = 2  # before 2.0, LIKE took a time exponential in the number of its wildcards
_MEMORY = "1GB"
_CONFIG: dict[str, str | bool | int | float | list[str]] = {
    "enable_external_access": "false",
    "autoinstall_known_extensions": "false",
    "autoload_known_extensions": "false",
    "allow_community_extensions": "false",
    "python_enable_replacements": "false",
    "python_scan_all_frames": "false",
    "memory_limit": _MEMORY,
    "temp_directory": "",
    "threads": "1",
    "preserve_insertion_order": "true",
}
_LAST = (
    "SET TimeZone = 'UTC'",
    "SET max_expression_depth = 1000",
    "SET enable_progress_bar = false",
    "PRAGMA disable_optimizer",  # it would compute constants before the clock can stop it
    "SET lock_configuration = true",
)
_AGAIN = 0.05
_WORDS = 160


@dataclass(frozen=True, slots=True)
class Sandbox:
    """A connection to an empty database in memory, for a limited time. What DuckDB says is told in one sentence.

    Raises
    ------
    QueryError
        By each method: DuckDB refuses, or takes too much time or memory.
    """

    connection: "DuckDBPyConnection"
    seconds: float
    """How long it is open at most."""
    deadline: float
    """When that ends, on the clock `time.monotonic`."""

    def tree(self, sql: str) -> dict[str, Any]:
        """Parse statements, all of them SELECT, and bind nothing.

        Returns
        -------
        dict
            As `json_serialize_sql` tells it, places in the text left out. An error is told in it.
        """
        with self._told():
            [[told]] = self.connection.execute("SELECT json_serialize_sql(?::VARCHAR)", [sql]).fetchall()
            tree: dict[str, Any] = json.loads(told, object_hook=_without_places)
        return tree

    def types(self, sql: str, table: Any) -> list[str]:  # noqa: ANN401 - an Arrow table
        """Ask as `columns` does, and name the types of the columns of the answer."""
        with self._told():
            self.connection.register("tiles", table)
            asked = self.connection.execute(sql)
            types = [str(column[1]) for column in asked.description]
            asked.fetchall()
        return types

    def columns(self, sql: str, table: Any) -> dict[str, NDArray[Any]]:  # noqa: ANN401
        """Ask about rows in memory, which the statement knows as `tiles`: an array for each column of the answer."""
        with self._told():
            self.connection.register("tiles", table)
            columns: dict[str, NDArray[Any]] = self.connection.execute(sql).fetchnumpy()
        return columns

    @contextmanager
    def _told(self) -> Iterator[None]:
        import duckdb

        late = QueryError(f"The condition took longer than {self.seconds:g} s. Make it simpler.")
        if time.monotonic() >= self.deadline:
            raise late
        try:
            yield
        except duckdb.InterruptException as error:
            raise late from error
        except (duckdb.OutOfMemoryException, MemoryError) as error:
            raise QueryError(f"The condition needs more than {_MEMORY} of memory. Make it simpler.") from error
        except RecursionError as error:
            raise QueryError("The condition is nested too deep.") from error
        except duckdb.Error as error:
            raise QueryError(f"The condition cannot be answered: {sentence(str(error))}") from error


@contextmanager
def sandbox(*, seconds: float) -> Iterator[Sandbox]:
    """Open a sandbox for at most some seconds.

    Raises
    ------
    QueryError
        DuckDB is missing or too old.
    """
    duckdb = _library()
    with duckdb.connect(":memory:", config=_CONFIG) as connection:
        for setting in _LAST:
            connection.execute(setting)
        connection.begin()  # one transaction, one now()
        with _stopped_after(connection, seconds):
            yield Sandbox(connection, seconds, time.monotonic() + seconds)


@contextmanager
def _stopped_after(connection: "DuckDBPyConnection", seconds: float) -> Iterator[None]:
    """Interrupt what runs after some seconds, again and again: an interrupt between two statements is lost."""
    done = threading.Event()

    def watch() -> None:
        if not done.wait(seconds):
            while not done.wait(_AGAIN):
                connection.interrupt()

    watcher = threading.Thread(target=watch, name="condition-clock", daemon=True)
    watcher.start()
    try:
        yield
    finally:
        done.set()
        watcher.join()


def sentence(said: str) -> str:
    """Cut what DuckDB says to its first sentence, without the kind of the error, the statement and the candidates."""
    first = (said.strip().splitlines() or ["no reason given"])[0]
    _, kind, rest = first.partition("Error: ")
    words = (rest if kind else first).split(". ")[0].rstrip(" .!")
    return f"{words[: _WORDS - 1]}…" if len(words) > _WORDS else f"{words}."


def _library() -> ModuleType:
    try:
        import duckdb
    except ImportError as error:
        raise QueryError('A condition in SQL (--where) needs DuckDB: pip install "msclip-search[sql]"') from error
    if int(duckdb.__version__.split(".")[0]) < _OLDEST:
        raise QueryError(
            f"A condition in SQL (--where) needs DuckDB {_OLDEST}.0 or newer where {duckdb.__version__} is installed: "
            'pip install --upgrade "msclip-search[sql]"'
        )
    return duckdb


def _without_places(node: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in node.items() if not name.startswith("query_location")}
