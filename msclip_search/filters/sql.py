"""Conditions in SQL over the columns of the sidecar, safe to take from a stranger.

The text is looked at three times: as letters (`grammar.check_text`), as the tree that DuckDB's own parser makes of it
(`Grammar.needs`), and bound to a table of no rows, which tells its type. The statement that is run is parsed
too, and must have the very same tree in its middle, so that nothing can reach out of its brackets. It is run in a
`sandbox`, a few rows at a time, so that the clock is looked at often.
"""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from msclip_search.catalog import SCHEMA
from msclip_search.errors import QueryError
from msclip_search.filters.grammar import Grammar, Needs, check_text, keyword_hint
from msclip_search.filters.sandbox import Sandbox, sandbox, sentence

SECONDS = 30.0
_ROWS_AT_ONCE = 256
_BYTES_AT_ONCE = 32_768  # the worst regular expressions take 30 µs a byte
_ROW = "#row"
_ANY_COLUMN = "cloud"
_GRAMMAR = Grammar(
    {column.name: [part.name for part in column.type] if pa.types.is_struct(column.type) else [] for column in SCHEMA}
)


@dataclass(frozen=True, slots=True)
class SqlCondition:
    """A condition that a row meets or not, such as `mgrs_tile LIKE '32T%' AND month(datetime) BETWEEN 5 AND 9`.

    Dates are in UTC. What may be written: comparisons, AND, OR, NOT, IN, BETWEEN, LIKE, IS NULL, CASE WHEN, casts,
    and the functions in `grammar.FUNCTIONS`. A cast that fails, or a number too large, refuses the whole condition;
    TRY_CAST and TRY give NULL instead, which is no match.

    Raises
    ------
    QueryError
        It is no condition, has something that is not allowed, names an unknown column, or DuckDB is missing.
    """

    text: str
    columns: tuple[str, ...] = field(init=False)
    """The sidecar's columns that it needs, in their order: at least one, so that rows can be counted."""

    needs: Needs = field(init=False, repr=False)
    """What else its time and memory depend on."""

    def __post_init__(self) -> None:
        check_text(self.text)
        with sandbox(seconds=SECONDS) as box:
            needs = _GRAMMAR.needs(_expression(box, self.text))
            object.__setattr__(self, "columns", needs.columns or (_ANY_COLUMN,))
            object.__setattr__(self, "needs", needs)
            [kind] = box.types(_asked(self.text), _nothing_known(self.columns))
        if kind != "BOOLEAN":
            raise QueryError(f"The condition is not true or false, but {_in_words(kind)}: compare it with something.")

    @contextmanager
    def opened(self, *, seconds: float = SECONDS) -> Iterator["OpenCondition"]:
        """Make ready to be asked many times, for at most some seconds, whatever else is done in them.

        Raises
        ------
        QueryError
            DuckDB is missing.
        """
        with sandbox(seconds=seconds) as box:
            yield OpenCondition(self, box)

    def evaluate(
        self, rows: pa.Table | pa.RecordBatch | Iterable[pa.RecordBatch], *, seconds: float = SECONDS
    ) -> NDArray[np.bool_]:
        """Tell which rows meet the condition.

        Parameters
        ----------
        rows
            Rows with the columns `columns`, and any others: a table, a batch, or batches as they are read.
        seconds
            How long it may take, reading included.

        Returns
        -------
        (rows,) bool, in the order of the rows; false where the condition is NULL.

        Raises
        ------
        QueryError
            It cannot be told of some row, or takes too much time or memory.
        """
        with self.opened(seconds=seconds) as asked:
            hits = [asked.holds(part) for part in ([rows] if isinstance(rows, pa.Table | pa.RecordBatch) else rows)]
        return np.concatenate(hits) if hits else np.empty(0, dtype=np.bool_)


@dataclass(frozen=True, slots=True)
class OpenCondition:
    """A condition that is ready to be asked."""

    condition: SqlCondition
    box: Sandbox

    @property
    def columns(self) -> tuple[str, ...]:
        """The sidecar's columns that it needs."""
        return self.condition.columns

    def holds(self, rows: pa.Table | pa.RecordBatch) -> NDArray[np.bool_]:
        """Tell which rows meet the condition: as `SqlCondition.evaluate`."""
        hits = np.zeros(rows.num_rows, dtype=np.bool_)
        if rows.num_rows:
            found = self.box.columns(_framed(self.condition.text), _numbered(rows, self.condition))
            hits[found[_ROW]] = found["hit"]  # each answer goes to its row, in whatever order they come
        return hits


def _nothing_known(columns: Sequence[str]) -> pa.Table:
    """Make one row of which nothing is known, by which DuckDB shows what it cannot do, such as casts."""
    fields = [SCHEMA.field(name) for name in columns]
    return pa.table([pa.nulls(1, one.type) for one in fields], names=list(columns))


def _numbered(rows: pa.Table | pa.RecordBatch, condition: SqlCondition) -> pa.Table:
    """Add the number of each row, and cut the rows into pieces: DuckDB looks at the clock after each.

    No text that the condition can put together is longer than all columns that it mentions, and its own literals.
    """
    arrays = [rows.column(name) for name in condition.columns]
    number = pa.array(np.arange(rows.num_rows))
    longest = 1 + sum(array.nbytes for array in arrays) * condition.needs.mentions // rows.num_rows
    longest += len(condition.text) * condition.needs.joins
    table = pa.table([*arrays, number], names=[*condition.columns, _ROW])
    return pa.Table.from_batches(table.to_batches(max(1, min(_ROWS_AT_ONCE, _BYTES_AT_ONCE // longest))))


def _asked(text: str) -> str:
    return f"SELECT (\n{text}\n) FROM tiles"  # noqa: S608 - what the text may be is checked before


def _framed(text: str) -> str:
    return f'SELECT "{_ROW}", coalesce((\n{text}\n), false) AS hit FROM tiles'  # noqa: S608


def _expression(box: Sandbox, text: str) -> dict[str, Any]:
    """Parse a condition, alone and in its frame: nothing may stand beside it, and nothing leave the frame."""
    alone, bare, framed, frame = (
        box.tree(sql) for sql in (f"SELECT\n{text}\n", "SELECT 0", _framed(text), _framed("0"))
    )
    for tree in (alone, framed):
        if tree["error"]:
            raise QueryError(
                f"The condition cannot be read as SQL: {sentence(tree['error_message'])}{keyword_hint(text)}"
            )
    try:
        expression: dict[str, Any] = alone["statements"][0]["node"]["select_list"][0]
    except (KeyError, IndexError):
        expression = {}
    bare["statements"][0]["node"]["select_list"] = [expression]
    frame["statements"][0]["node"]["select_list"][1]["children"][0] = expression
    if alone != bare or framed != frame:
        raise QueryError("The condition must be one expression, with no other clause or statement beside it.")
    return expression


def _in_words(kind: str) -> str:
    return "NULL" if kind == '"NULL"' else f"of the type {kind}"
