"""What a condition may be made of: read from its text, and from the tree that DuckDB's parser makes of it.

All of it is a list of what is allowed. Three rules keep a short text from becoming endless work:

- Nothing makes a text longer than by adding: no `repeat`, `lpad`, `replace` or `hex`, and a list is of literals, so
  that no value is quoted again and again. No function is a macro, which would copy what it is given.
- `CASE x WHEN` is refused before it is parsed, because the parser copies x for each WHEN.
- A regular expression is a literal, compiled once, and there are few of them.
"""

import difflib
import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from msclip_search.errors import QueryError

LONGEST = 4000
_BRACKETS = 200
_DEEPEST = 120
_NODES = 2500
_REGEXES = 4

FUNCTIONS = frozenset(
    """
    + - * / // % ** ^ || ^@ ~~ !~~ ~~* !~~* ~~~ like_escape not_like_escape ilike_escape not_ilike_escape
    abs acos asin atan atan2 cbrt ceil ceiling cos degrees exp floor greatest isfinite isinf isnan least ln log log10
    log2 mod pi pow power radians round sign sin sqrt tan trunc
    bit_length char_length character_length concat concat_ws contains ends_with instr lcase left len length lower ltrim
    octet_length position prefix regexp_extract regexp_full_match regexp_matches reverse right rtrim starts_with
    strip_accents strlen strpos substr substring suffix trim ucase upper
    age century current_date date_diff date_part date_sub date_trunc datediff datepart datesub datetrunc day dayname
    dayofmonth dayofweek dayofyear decade epoch epoch_ms era get_current_timestamp hour isodow isoyear julian last_day
    make_date make_timestamp microsecond millisecond minute month monthname now quarter second strftime strptime
    timezone to_centuries to_days to_decades to_hours to_microseconds to_milliseconds to_minutes to_months to_quarters
    to_seconds to_timestamp to_weeks to_years today try_strptime week weekday weekofyear year yearweek
    array_contains array_extract array_has array_has_all array_has_any array_indexof array_length array_position
    array_slice list_contains list_distinct list_element list_extract list_has list_has_all list_has_any list_indexof
    list_position list_slice list_sort list_unique list_value struct_extract
    """.split()  # noqa: SIM905 - a list of names is read as one
)
"""Scalar functions of DuckDB that look at the row, or at the clock, and at nothing else."""
_LITERAL_FROM = {
    **dict.fromkeys(("regexp_matches", "regexp_full_match", "regexp_extract", "strftime"), 1),
    **dict.fromkeys(("strptime", "try_strptime"), 1),
    "list_value": 0,
}
_JOINS = {"||", "+", "concat", "concat_ws"}
_CLOCK = {"current_date", "current_timestamp"}
_TYPES = frozenset(
    """
    bool boolean tinyint smallint integer int int1 int2 int4 int8 bigint hugeint utinyint usmallint uinteger ubigint
    float float4 float8 real double decimal numeric varchar text string char
    date time timestamp datetime timestamptz interval
    """.split()  # noqa: SIM905 - a list of names is read as one
) | {"timestamp with time zone"}
_OPERATORS = {
    "OPERATOR_IS_NULL",
    "OPERATOR_IS_NOT_NULL",
    "OPERATOR_NOT",
    "OPERATOR_COALESCE",
    "OPERATOR_TRY",
    "COMPARE_IN",
    "COMPARE_NOT_IN",
    "ARRAY_EXTRACT",
    "ARRAY_SLICE",
    "STRUCT_EXTRACT",
}
_LITERALS = {"INTEGER", "NUMERIC", "STRING", "BOOLEAN", "NULL_LITERAL", "HEX"}
_PLAIN = {"COMPARISON", "CONJUNCTION", "BETWEEN", "CASE"}
_REFUSED = {
    "SUBQUERY": "a subquery",
    "WINDOW": "a window function",
    "STAR": "a star or COLUMNS",
    "PARAMETER": "a parameter",
    "LAMBDA": "a lambda or an arrow",
    "POSITIONAL_REFERENCE": "a column by number",
    "COLLATE": "a collation",
}
_QUOTED = re.compile(r"""'[^']*'|"[^"]*\"""")
_UNWANTED = {
    ";": "a semicolon: it is one condition, not several statements",
    "--": "a comment",
    "/*": "a comment",
    "$": "a dollar sign",
    "?": "a parameter",
    "'": "a quote that is never closed",
    '"': "a quote that is never closed",
}


def check_text(text: str) -> None:
    """Refuse a text that is no condition, or that a parser had better not be given.

    Raises
    ------
    QueryError
        With the reason.
    """
    if not text.strip():
        raise QueryError("The condition is empty: write one such as cloud < 10.")
    if len(text) > LONGEST:
        raise QueryError(f"The condition has {len(text):,} characters; it may have {LONGEST:,}.")
    if "\\'" in text or any(not letter.isprintable() and letter not in "\n\r\t" for letter in text):
        raise QueryError("The condition has a backslash before a quote, or characters that cannot be seen.")
    bare = _unquoted(text)
    if not bare.isascii():
        odd = next(letter for letter in bare if not letter.isascii())
        raise QueryError(f"The condition has the letter {odd!r} outside of quotes: texts stand between ' and '.")
    for sign, what in _UNWANTED.items():
        if sign in bare:
            raise QueryError(f"The condition has {what}.")
    if sum(map(bare.count, "([{")) > _BRACKETS:
        raise QueryError(f"The condition has more than {_BRACKETS} brackets.")
    if re.search(r"\bcase\b(?!\s+when\b)", bare, re.IGNORECASE):
        raise QueryError("The condition has CASE without WHEN after it: write CASE WHEN x = 1 THEN … END.")


def keyword_hint(text: str) -> str:
    """Say what to do about a column whose name is a word of SQL, where a text has one."""
    found = re.search(r"\b(window|offset)\b", _unquoted(text), re.IGNORECASE)
    return f' The column {found[1]} is written "{found[1]}", because SQL has that word too.' if found else ""


@dataclass(frozen=True, slots=True)
class Needs:
    """What a condition needs to know of a row."""

    columns: tuple[str, ...]
    """In the order of the rows."""
    mentions: int
    """How often it names one."""
    joins: bool
    """Whether it can make a longer text of several."""


@dataclass(frozen=True, slots=True)
class Grammar:
    """The rules for rows of some columns."""

    columns: Mapping[str, Collection[str]]
    """Name of each column, and of its fields where it is a structure."""

    def needs(self, tree: dict[str, Any]) -> Needs:
        """Check the tree of a condition, and tell which columns it needs.

        Raises
        ------
        QueryError
            Something in it is not allowed, or a column is unknown.
        """
        used: list[str] = []
        regexes, joins = 0, False
        for count, node in enumerate(_nodes(tree)):
            if count >= _NODES:
                raise QueryError(f"The condition has more than {_NODES:,} parts.")
            if node["class"] == "COLUMN_REF":
                used += self._column(node["column_names"])
            else:
                _check(node)
                name = node.get("function_name", "").lower()
                regexes += name.startswith("regexp")
                joins |= name in _JOINS
        if regexes > _REGEXES:
            raise QueryError(f"The condition has {regexes} regular expressions; it may have {_REGEXES}.")
        return Needs(tuple(name for name in self.columns if name in used), len(used), joins)

    def _column(self, names: list[str]) -> list[str]:
        column, *fields = [name.lower() for name in names]
        if column in _CLOCK and not fields:
            return []
        if column not in self.columns:
            raise QueryError(
                f"There is no column {_short(names[0])}{_nearest(column, self.columns)}. There are "
                f"{', '.join(self.columns)}. A text stands between single quotes."
            )
        have = self.columns[column]
        if fields and (len(fields) > 1 or fields[0] not in have):
            there = f"its fields are {', '.join(have)}" if have else "it has no fields"
            raise QueryError(f"The column {column} has no field {_short('.'.join(fields))}: {there}.")
        return [column]


def _nodes(tree: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Walk through the nodes of a tree, the outermost first."""
    waiting: list[tuple[Any, int]] = [(tree, 0)]
    while waiting:
        value, depth = waiting.pop()
        if isinstance(value, list):
            waiting.extend((item, depth) for item in reversed(value))
        elif isinstance(value, dict):
            if "class" in value:
                if depth > _DEEPEST:
                    raise QueryError(f"The condition is nested more than {_DEEPEST} deep.")
                yield value
            waiting.extend((item, depth + ("class" in value)) for item in reversed(value.values()))


def _check(node: dict[str, Any]) -> None:
    """Refuse a node that is not on the lists."""
    kind, form = node["class"], node["type"]
    allowed = kind in _PLAIN
    if kind == "FUNCTION":
        return _check_function(node)
    if kind == "TYPE":
        allowed = node["type_name"].lower() in _TYPES and not node["schema"] and not node["catalog"]
        what = f"the type {_short(node['type_name'])}"
    elif kind == "CONSTANT":
        allowed = node["literal"]["kind"] in _LITERALS
        what = f"a literal of the kind {node['literal']['kind']}"
    elif kind == "OPERATOR":
        allowed = form in _OPERATORS
        what = f"the operator {form}"
    elif kind == "CAST":
        allowed = node["type_expr"]["class"] == "TYPE"
        what = "a cast to a type that is computed"
    else:
        what = _REFUSED.get(kind, f"the form {kind}")
    if node["alias"]:
        allowed, what = False, f"the name {_short(node['alias'])} for a part of it"
    if not allowed:
        raise QueryError(f"The condition has {what}, which a condition may not have.")
    return None


def _check_function(node: dict[str, Any]) -> None:
    name = node["function_name"].lower()
    if node["schema"] or node["catalog"]:
        raise QueryError(f"The condition calls {_short(name)} with something before it: write {name}(…) alone.")
    if name not in FUNCTIONS:
        raise QueryError(
            f"The condition has the function {_short(name)}, which a condition may not have{_nearest(name, FUNCTIONS)}."
        )
    arguments = node["arguments"]
    named = any(argument["name"] for argument in arguments)
    if node["filter"] or node["order_bys"]["orders"] or node["distinct"] or node["export_state"] or named:
        raise QueryError(f"The condition calls {_short(name)} with more than plain values.")
    start = _LITERAL_FROM.get(name, len(arguments))
    if not all(_is_literal(argument["expression"]) for argument in arguments[start:]):
        where = "A list" if name == "list_value" else f"The pattern of {name}"
        raise QueryError(f"{where} in a condition is of literals alone, such as 'Forest' or 10.")


def _is_literal(node: dict[str, Any]) -> bool:
    while node["class"] == "CAST":
        node = node["child"]
    return bool(node["class"] == "CONSTANT")


def _unquoted(text: str) -> str:
    return _QUOTED.sub("''", text).replace("''", " ")


def _short(name: str) -> str:
    return repr(name if len(name) <= 40 else f"{name[:39]}…")


def _nearest(name: str, known: Collection[str]) -> str:
    near = difflib.get_close_matches(name[:40], known, n=1, cutoff=0.75)
    return f" (did you mean {near[0]}?)" if near else ""
