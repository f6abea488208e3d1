"""Conditions in SQL: against plain Python, and against strangers."""

import datetime as dt
import re
import sys
import time
import types
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from msclip_search.catalog import SCHEMA
from msclip_search.errors import QueryError
from msclip_search.filters.sandbox import sentence
from msclip_search.filters.sql import SqlCondition
from tests.filters.conditions import NOW, Rule, Truth, made_rows, refusal, table_of


def both(first: Truth, second: Truth) -> bool | None:
    """SQL's AND."""
    if first is False or second is False:
        return False
    return None if first is None or second is None else True


def either(first: Truth, second: Truth) -> bool | None:
    """SQL's OR."""
    if first or second:
        return True
    return None if first is None or second is None else False


def when(
    value: Any,  # noqa: ANN401
    rule: Callable[[Any], bool],
) -> bool | None:
    """NULL where the value is."""
    return None if value is None else rule(value)


ORACLE: dict[str, Rule] = {
    "mgrs_tile LIKE '32T%' AND month(datetime) BETWEEN 5 AND 9": lambda r: both(
        when(r["mgrs_tile"], lambda v: v.startswith("32T")), when(r["datetime"], lambda v: 5 <= v.month <= 9)
    ),
    "mgrs_tile LIKE '__!%!_x' ESCAPE '!' OR mgrs_tile LIKE '%!%%' ESCAPE '!'": lambda r: when(
        r["mgrs_tile"], lambda v: "%" in v
    ),
    "list_contains(labels, 'Forest')": lambda r: "Forest" in r["labels"],
    "list_has_any(labels, ['it''s', 'Sea, ocean']) AND len(labels) > 1": lambda r: (
        bool({"it's", "Sea, ocean"} & set(r["labels"])) and len(r["labels"]) > 1
    ),
    "cloud < 10 OR cloud IS NULL": lambda r: r["cloud"] is None or r["cloud"] < 10,
    "NOT (cloud < 10)": lambda r: when(r["cloud"], lambda v: v >= 10),
    "cloud NOT IN (0, 10) AND snow BETWEEN 20 AND 60": lambda r: both(
        when(r["cloud"], lambda v: v not in (0, 10)), when(r["snow"], lambda v: 20 <= v <= 60)
    ),
    "cloud + snow > 100 OR level = 'L1C'": lambda r: either(
        None if None in (r["cloud"], r["snow"]) else bool(np.float32(r["cloud"]) + np.float32(r["snow"]) > 100),
        when(r["level"], lambda v: v == "L1C"),
    ),
    "bbox.xmin > 5 AND bbox['ymax'] <= 47.5": lambda r: when(r["bbox"], lambda v: v["xmin"] > 5 and v["ymax"] <= 47.5),
    "bbox IS NULL = (geometry IS NULL)": lambda r: (r["bbox"] is None) == (r["geometry"] is None),
    '"window".x % 448 = 0 AND "offset" = -1000': lambda r: both(
        r["window"]["x"] % 448 == 0, when(r["offset"], lambda v: v == -1000)
    ),
    "datetime >= '2019-06-01' AND datetime < TIMESTAMPTZ '2021-01-01 00:00:00+00'": lambda r: when(
        r["datetime"],
        lambda v: dt.datetime(2019, 6, 1, tzinfo=dt.UTC) <= v < dt.datetime(2021, 1, 1, tzinfo=dt.UTC),
    ),
    "datetime::DATE = date_trunc('month', datetime)::DATE OR EXTRACT(hour FROM datetime) = 10": lambda r: when(
        r["datetime"], lambda v: v.day == 1 or v.hour == 10
    ),
    "datetime > now() - INTERVAL 6 YEARS": lambda r: when(
        r["datetime"], lambda v: v > NOW.replace(year=NOW.year - 6, day=min(NOW.day, 28))
    ),
    "TRY_CAST(baseline AS DOUBLE) >= 4": lambda r: when(
        r["baseline"], lambda v: bool(re.fullmatch(r"[\d.]+", v)) and float(v) >= 4
    ),
    "caption ILIKE '%forest%' IS TRUE": lambda r: "forest" in (r["caption"] or "").lower(),
    "regexp_matches(tile_id, '^[0-7].*[a-f]$')": lambda r: bool(re.search(r"^[0-7].*[a-f]$", r["tile_id"])),
    "CASE WHEN level = 'L2A' THEN cloud < 50 WHEN level IS NULL THEN true END": lambda r: (
        when(r["cloud"], lambda v: v < 50) if r["level"] == "L2A" else r["level"] is None
    ),
    "coalesce(caption, '') = '' AND level IS DISTINCT FROM 'L2A'": lambda r: not r["caption"] and r["level"] != "L2A",
    "octet_length(geometry) > 50 AND lower(left(mgrs_tile, 3)) IN ('32t', '01k')": lambda r: both(
        when(r["geometry"], lambda v: len(v) > 50), when(r["mgrs_tile"], lambda v: v[:3] in ("32T", "01K"))
    ),
    "vector_xxh64 > 9223372036854775807": lambda r: r["vector_xxh64"] > 2**63 - 1,
    "mgrs_tile = 'é%_x'": lambda r: when(r["mgrs_tile"], lambda v: v == "é%_x"),
    "source = '/archive/5.tif' OR false": lambda r: r["source"] == "/archive/5.tif",
}


@pytest.mark.parametrize("text", ORACLE)
@pytest.mark.parametrize("seed", [1, 2])
def test_a_condition_says_what_plain_python_says(text: str, seed: int) -> None:
    rows = made_rows(700, seed=seed)
    if "now()" in text:
        rows = [row for row in rows if row["datetime"] is None or abs((row["datetime"] - NOW).days + 2191) > 40]
    condition = SqlCondition(text)
    got = condition.evaluate(table_of(rows).select(condition.columns))
    want = np.array([ORACLE[text](row) is True for row in rows])
    assert got.dtype == np.bool_
    np.testing.assert_array_equal(got, want)
    assert 0 < want.sum() < len(rows)


@pytest.mark.parametrize(
    ("text", "columns"),
    [
        ("Cloud < 10", ("cloud",)),
        ("list_contains(labels, level) OR BBOX.XMIN > 5 OR labels = []", ("bbox", "level", "labels")),
        ("datetime > current_date AND current_timestamp > datetime", ("datetime",)),
        ("1 = 1", ("cloud",)),
        ("'cloud' = 'snow;--'", ("cloud",)),
        ("(" * 60 + "snow > 1" + ")" * 60, ("snow",)),
        ("tile_id IN (" + ",".join(f"'{n:032x}'" for n in range(100)) + ")", ("tile_id",)),
        (" OR ".join(f"snow = {n}" for n in range(200)), ("snow",)),
        ("\n\tsnow\n> 1\n", ("snow",)),
    ],
)
def test_a_condition_names_the_columns_that_it_needs(text: str, columns: tuple[str, ...]) -> None:
    assert SqlCondition(text).columns == columns


def test_every_column_can_be_asked_for() -> None:
    condition = SqlCondition(" OR ".join(f'"{name}" IS NULL' for name in SCHEMA.names))
    assert condition.columns == tuple(SCHEMA.names)
    assert condition.evaluate(table_of(made_rows(5, seed=3))).all()


def test_rows_keep_their_order_over_many_batches() -> None:
    rng = np.random.default_rng(4)
    values = rng.uniform(0, 100, 200_000).astype(np.float32)
    table = pa.table({"cloud": pa.array(values, mask=rng.random(len(values)) < 0.1), "row": np.arange(len(values))})
    want = np.nan_to_num(table.column("cloud").to_numpy(), nan=100) < 30
    condition = SqlCondition("cloud < 30")

    def pieces() -> Iterator[pa.RecordBatch]:
        at = 0
        while at < table.num_rows:
            size = int(rng.choice([0, 1, 7, 255, 256, 257, 5000, 32_768]))
            yield from table.slice(at, size).combine_chunks().to_batches()
            at += size

    chunked = pa.Table.from_batches(pieces())
    assert chunked.column("cloud").num_chunks > 10
    for rows in (table, chunked, pieces(), chunked.to_batches(), table.combine_chunks().to_batches()[0]):
        np.testing.assert_array_equal(condition.evaluate(rows), want)


def test_an_answer_goes_to_its_row_even_when_answers_come_out_of_order(monkeypatch: pytest.MonkeyPatch) -> None:
    from msclip_search.filters import sql

    framed = sql._framed
    rows = table_of(made_rows(3000, seed=5))
    want = SqlCondition("cloud < 30").evaluate(rows)
    condition = SqlCondition("cloud < 30")
    monkeypatch.setattr(sql, "_framed", lambda text: f'{framed(text)} ORDER BY hash("#row")')
    np.testing.assert_array_equal(condition.evaluate(rows), want)


def test_no_rows_are_no_answers() -> None:
    condition = SqlCondition("cloud < 30")
    nothing: list[pa.RecordBatch] = []
    for rows in (SCHEMA.empty_table(), nothing, iter(nothing)):
        assert condition.evaluate(rows).shape == (0,)


def test_an_open_condition_is_asked_many_times() -> None:
    rows = table_of(made_rows(1000, seed=6))
    condition = SqlCondition("snow > 50")
    with condition.opened() as asked:
        assert asked.columns == ("snow",)
        parts = [asked.holds(rows.slice(at, 300)) for at in range(0, 1000, 300)]
    np.testing.assert_array_equal(np.concatenate(parts), condition.evaluate(rows))


def test_an_error_of_the_reader_stays_what_it_is() -> None:
    def broken() -> Iterator[pa.RecordBatch]:
        yield from table_of(made_rows(5, seed=7)).to_batches()
        raise MemoryError("the reader's")

    with pytest.raises(MemoryError, match="the reader's"):
        SqlCondition("snow > 50").evaluate(broken())


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("clout < 10", r"no column 'clout' \(did you mean cloud\?\)\. There are tile_id, .*, vector_xxh64\."),
        ("elevation > 3", "no column 'elevation'. There are tile_id"),
        ('level = "L2A"', "no column 'L2A'.*A text stands between single quotes"),
        ("tiles.cloud < 10", "no column 'tiles'"),
        ("tiles", "no column 'tiles'"),
        ('"#row" > 3', "no column '#row'"),
        ("bbox.west > 3", "bbox has no field 'west': its fields are xmin, ymin, xmax, ymax"),
        ("cloud.xmin > 3", "cloud has no field 'xmin': it has no fields"),
        ("bbox.xmin.x > 3", "no field 'xmin.x'"),
        ("offset < 0", 'written "offset"'),
        ("cloud + 1", "not true or false, but of the type FLOAT"),
        ("level", "of the type VARCHAR"),
        ("bbox", "of the type STRUCT"),
        ("labels", r"of the type VARCHAR\[\]"),
        ("NULL", "but NULL"),
        ("", "is empty"),
        (" \n ", "is empty"),
        ("cloud <", "cannot be read as SQL: syntax error"),
        ("cloud << 10 =", "cannot be read as SQL"),
        ("mgrs tile = 'a'", "cannot be read as SQL"),
        ("cloud < 'low'", "Could not convert string 'low' to FLOAT"),
        ("datetime > 'may'", "invalid timestamp field format"),
        ("lower(cloud) = 'a'", r"No function matches the given name and argument types 'lower\(FLOAT\)'"),
        ("bbox > 3", "Cannot compare values of type STRUCT"),
        ("levl(cloud) = 'a'", "the function 'levl'"),
        ("mgrs_tile ~ '('", "missing"),
        ("cloud < 10;", "a semicolon"),
        ("CASE level WHEN 'L1C' THEN true END", "CASE without WHEN"),
    ],
)
def test_what_is_no_condition_is_refused_with_a_sentence(text: str, said: str) -> None:
    assert re.search(said, refusal(text)), refusal(text)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("caption::INTEGER > 3", "Could not convert string 'A lake.' to INT32"),
        ("2147483647 + length(caption)::INTEGER > 3", "Overflow in addition"),
        ("caption::DATE > '2020-01-01'", "invalid date field format"),
    ],
)
def test_what_fails_on_a_row_is_told_in_a_sentence(text: str, said: str) -> None:
    rows = table_of([row | {"caption": "A lake."} for row in made_rows(3, seed=1)])
    condition = SqlCondition(text)
    with pytest.raises(QueryError) as refused:
        condition.evaluate(rows)
    assert "\n" not in str(refused.value)
    assert said in str(refused.value)


def test_now_is_one_moment_for_all_rows() -> None:
    row = made_rows(1, seed=1)[0]

    def slowly() -> Iterator[pa.RecordBatch]:
        for _ in range(3):
            yield from table_of([row | {"datetime": dt.datetime.now(dt.UTC)}]).to_batches()
            time.sleep(0.2)

    assert SqlCondition("datetime > now()").evaluate(slowly()).all()


def test_without_duckdb_the_way_out_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "duckdb", None)
    with pytest.raises(QueryError) as refused:
        SqlCondition("cloud < 10")
    assert str(refused.value) == 'A condition in SQL (--where) needs DuckDB: pip install "msclip-search[sql]"'


def test_an_old_duckdb_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    old = types.ModuleType("duckdb")
    old.__dict__["__version__"] = "1.4.4"
    monkeypatch.setitem(sys.modules, "duckdb", old)
    with pytest.raises(QueryError, match=r"needs DuckDB 2\.0 or newer where 1\.4\.4 is installed"):
        SqlCondition("cloud < 10")


def test_a_condition_is_a_value() -> None:
    assert SqlCondition("cloud < 10") == SqlCondition("cloud < 10")
    assert len({SqlCondition("cloud < 10"), SqlCondition("cloud < 10")}) == 1


def test_what_duckdb_says_becomes_a_sentence() -> None:
    assert sentence('Binder Error: No such "x". Do that.\n\nLINE 1: x\n ^') == 'No such "x".'
    assert sentence("") == "no reason given."
    assert sentence("Error: " + "a" * 500) == "a" * 159 + "…"
