"""Conditions in SQL: against plain Python, and against strangers."""

import datetime as dt
import random
import re
import resource
import sys
import time
import types
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pyarrow as pa
import pytest

from msclip_search.catalog import SCHEMA
from msclip_search.errors import QueryError
from msclip_search.filters.grammar import FUNCTIONS, LONGEST
from msclip_search.filters.sandbox import sandbox, sentence
from msclip_search.filters.sql import SqlCondition

Row = dict[str, Any]
Truth = bool | None
Rule = Callable[[Row], Truth]
NOW = dt.datetime.now(dt.UTC)


def made_rows(count: int, *, seed: int) -> list[Row]:
    """Rows of a sidecar as Python has them, many values missing."""
    rng = random.Random(seed)

    def some(value: object) -> object:
        return None if rng.random() < 0.25 else value

    rows = []
    for number in range(count):
        west, south = rng.uniform(-180, 180), rng.uniform(-90, 90)
        moment = dt.datetime(2016, 1, 1, tzinfo=dt.UTC) + dt.timedelta(seconds=rng.randrange(10 * 365 * 86_400))
        rows.append(
            dict.fromkeys(SCHEMA.names)
            | {
                "tile_id": f"{rng.getrandbits(64):016x}",
                "source": f"/archive/{number}.tif",
                "window": {"x": rng.randrange(0, 10_000, 224), "y": 0, "width": 224, "height": 224},
                "geometry": some(rng.randbytes(rng.randrange(5, 100))),
                "bbox": some({"xmin": west, "ymin": south, "xmax": west + 0.1, "ymax": south + 0.1}),
                "datetime": some(moment),
                "cloud": some(float(np.float32(rng.choice([0, 10, rng.uniform(0, 100)])))),
                "snow": some(float(rng.randrange(0, 101))),
                "nodata": some(0.0),
                "level": some(rng.choice(["L1C", "L2A"])),
                "baseline": some(rng.choice(["02.04", "04.00", "05.09", "N9999"])),
                "mgrs_tile": some(rng.choice(["32TMT", "32TLT", "33UUP", "01KAB", "é%_x"])),
                "labels": rng.sample(["Forest", "Industrial", "Sea, ocean", "it's"], rng.randrange(0, 4)),
                "caption": some(rng.choice(["A lake.", "FOREST and river", "100% cloud", ""])),
                "offset": some(-1000.0),
                "fingerprint": "1",
                "vector_xxh64": rng.getrandbits(64),
            }
        )
    return rows


def table_of(rows: list[Row]) -> pa.Table:
    return pa.Table.from_pylist(rows, schema=SCHEMA)


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


def refusal(text: str) -> str:
    """Tell what is said against a condition: one line, soon."""
    start = time.monotonic()
    with pytest.raises(QueryError) as refused:
        SqlCondition(text)
    assert time.monotonic() - start < 10
    said = str(refused.value)
    assert "\n" not in said
    assert len(said) < 600
    assert re.search(r"[.…]$", said), said
    return said


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


ATTACKS = """
read_text('{secret}') = 'x'
read_text('{secret}').content = 'x'
(SELECT content FROM read_text('{secret}')) LIKE 'a%'
EXISTS (SELECT * FROM read_csv('{secret}'))
EXISTS (FROM '{secret}')
level IN (SELECT * FROM '{secret}')
level IN (FROM read_csv('{secret}'))
level = ANY (SELECT content FROM read_blob('{secret}'))
level = ANY (['a'])
cloud > ALL (SELECT 1)
len(glob('{folder}/*')) > 0
(SELECT count(*) FROM glob('{folder}/*')) > 0
read_parquet('{secret}') IS NULL
parquet_metadata('{secret}') IS NULL
sniff_csv('{secret}') IS NULL
lower(read_text('{secret}')) = 'x'
coalesce(NULL, getenv('HOME')) = 'x'
getenv('HOME') LIKE '/%'
"getenv"('HOME') LIKE '/%'
GetEnv('HOME') LIKE '/%'
main.getenv('HOME') LIKE '/%'
system.main.lower('A') = 'a'
'HOME'.getenv() = 'x'
current_setting('threads') = '1'
getvariable('x') IS NULL
current_user = 'x'
user = 'x'
current_database() = 'memory'
version() = 'x'
pg_sleep(100)
sleep_ms(100000) IS NULL
query('SELECT 1') = 1
query_table('x') = 1
json_execute_serialized_sql('x') = 1
json_serialize_sql('SELECT 1') = 'x'
nextval('x') = 1
txid_current() > 1
random() > 0.5
setseed(0.5) IS NULL
gen_random_uuid() IS NULL
error('x') = 1
write_log('x') IS NULL
create_external_resource('x') IS NULL
hash(cloud) > 1
sum(cloud) > 1
count(*) > 1
count(DISTINCT cloud) > 1
sum(cloud) FILTER (WHERE cloud > 1) > 1
lower(level ORDER BY cloud) = 'a'
lower(DISTINCT level) = 'a'
lower(string := level) = 'a'
row_number() OVER () = 1
sum(cloud) OVER (ORDER BY cloud) > 1
unnest(labels) = 'a'
unnest([true, false])
*
tiles.*
COLUMNS('cloud') > 1
COLUMNS(*) > 1
#1 > 1
? > 1
$1 > 1
$x > 1
$$a$$ = 'a'
cloud < 10; SELECT 1
cloud < 10; DROP TABLE tiles
cloud < 10; COPY (SELECT 1) TO '{target}'
COPY (SELECT 1) TO '{target}'
1) TO '{target}' --
ATTACH '{target}'
INSTALL httpfs
LOAD httpfs
PRAGMA database_list
SET enable_external_access = true
SET VARIABLE x = 1
EXPORT DATABASE '{target}'
CREATE TABLE x AS SELECT 1
CALL pragma_version()
EXPLAIN SELECT 1
SELECT 1
FROM tiles
VALUES (true)
true FROM '{secret}'
true FROM read_text('{secret}')
true) FROM read_text('{secret}') WHERE (true
true), (SELECT content FROM read_text('{secret}')) AS x, (true
true), false) AS hit FROM tiles UNION ALL SELECT 1, coalesce((true
true) OR (true
true), (true
true, true
true,
true AS x
true x
x: true
true LIMIT 1
true ORDER BY 1
true WHERE true
true UNION SELECT true
true UNION ALL SELECT content FROM read_text('{secret}')
true WINDOW w AS ()
true QUALIFY true
true USING SAMPLE 1
DISTINCT true
ALL
WITH x AS (SELECT 1) SELECT true
cloud < 10 -- and more
cloud < 10 /* and more
cloud < /* 9 */ 10
/**/true
list_transform(labels, x -> x = 'a')[1]
list_transform(labels, lambda x: x = 'a')[1]
list_filter(labels, x -> x = 'a') = labels
list_reduce(labels, (a, b) -> a || b || a) = 'x'
[x = 'a' FOR x IN labels][1]
len([x FOR x IN labels IF x = 'a']) > 1
crs -> 'a'
crs ->> 'a' = 'b'
level COLLATE nocase = 'a'
level::regclass = 'a'
level::JSON = 'a'
level::"nextval" = 'a'
level::pg_catalog.int4 = 1
level::STRUCT(a VARCHAR) IS NULL
level::VARCHAR[] = labels
CAST(level AS BLOB) = x'00'
{{'a': 1}} = {{'a': 1}}
MAP {{'a': 1}} IS NULL
row(1, 2) = row(1, 2)
(cloud, snow) = (1, 2)
b'01' = b'01'
DEFAULT
grouping(cloud) = 1
try(error('x')) = 1
nullif(cloud, 1) = 1
if(true, true, false)
'unclosed
"unclosed
level = 'a' || E'\\'' || getenv('HOME') || '\\''
cloud < 10\x00
cloud\u00a0< 10
cloud < 10\u202e
cloud < 10 \uff1b DROP TABLE tiles
\uff47etenv('HOME') = 'x'
getenv\u200b('HOME') = 'x'
level = \u2019x\u2019
"\u212airk" = 1
level = '\ud800'
""".strip("\n").splitlines()


@pytest.mark.parametrize("attack", ATTACKS)
def test_an_attack_is_refused_with_a_sentence(attack: str, tmp_path: Path) -> None:
    secret = tmp_path / "secret.csv"
    secret.write_text("a,b\nTOPSECRET,2\n")
    text = attack.format(secret=secret, folder=tmp_path, target=tmp_path / "written")
    assert "TOPSECRET" not in refusal(text)
    assert [path.name for path in tmp_path.iterdir()] == ["secret.csv"]


CHAINED = "x" * 900
BOMBS = [
    "length(repeat(level, 1000000000)) > 1",
    "length(repeat('a', 1000000000)) > cloud",
    "len(range(1000000000)) > cloud",
    "len(generate_series(1, 1000000000)) > cloud",
    "len(list_resize(labels, 1000000000)) > 1",
    "length(lpad(level, 1000000000, 'x')) > 1",
    "length(rpad(level, 1000000000, 'x')) > 1",
    "length(printf('%1000000000d', 1)) > 1",
    "length(format('{:1000000000}', 1)) > 1",
    "length(bar(1, 0, 1, 1000000000)) > 1",
    "length(" + "replace(" * 20 + "'aaaaaaaaaaaaaaaa'" + ",'a','aaaaaaaaaaaaaaaa')" * 20 + ") > 1",
    "length(" + "hex(" * 40 + "level" + ")" * 40 + ") > 1",
    "length(" + "to_base64(" * 100 + "level" + ")" * 100 + ") > 1",
    "length(" + "[" * 60 + "'a''b'" + "]::VARCHAR" * 60 + ") > 1",
    "length(" + "[" * 60 + "level" + "]::VARCHAR" * 60 + ") > 1",
    "length(" + "array_to_string(labels, " * 30 + "'a'" + ")" * 30 + ") > 1",
    "nullif(" * 40 + "cloud" + ", 1)" * 40 + " > 1",
    "case " * 25 + "cloud" + " when 1 then 1 when 2 then 2 end" * 25 + " = 1",
    "case/**/" * 25 + "cloud" + " when 1 then 1 when 2 then 2 end" * 25 + " = 1",
    "'''' = 'a' or " + "CaSe\n" * 25 + "cloud" + " when 1 then 1 when 2 then 2 end" * 25 + " = 1",
    "factorial(1000000) > 1",
    "100000! > 1",
    "regexp_matches(caption, '((((a{1,9}){1,9}){1,9}){1,9}){1,9}')",
    "regexp_matches(caption, caption)",
    "caption ~ ('((a{9}){9}){9}' || tile_id)",
    " or ".join(f"caption ~ '((a{{1,9}}){{1,9}}){{1,9}}{n}'" for n in range(60)),
    "(" * 3000 + "true" + ")" * 500,
    "(" * 199 + "[" * 199,
    "NOT " * 990 + "true",
    "- " * 1990 + "1 > 0",
    "~" * 1990 + "1 > 0",
    "1" + "+1" * 1990 + " > 0",
    "true" + "::BOOLEAN" * 400,
    "true" + " = true" * 500,
    "cloud IS NULL" + " IS NULL" * 400,
    "labels" + "[1]" * 900 + " = 'a'",
    "cloud" + ".a" * 1900 + " = 'a'",
    "case when " * 130 + "true" + " then true end" * 130,
    "true" * 5000,
    "'" + "a" * LONGEST + "' = 'a'",
    "é" * 3000,
    "(" * 3999,
    "f(" * 1900,
]


@pytest.mark.parametrize("bomb", BOMBS, ids=lambda bomb: bomb[:40])
def test_a_bomb_is_refused_before_it_is_lit(bomb: str) -> None:
    refusal(bomb)


HEAVY = [
    "caption LIKE '" + "%a" * 1900 + "%b'",
    "caption ILIKE '" + "%_a" * 900 + "%b'",
    "caption GLOB '" + "*a" * 900 + "*b'",
    "'" + "a" * 2000 + "' || caption LIKE '" + "%a" * 900 + "%b'",
    " OR ".join(f"regexp_matches(caption, '(?i)(a|b)*a(a|b){{{300 + n}}}c')" for n in range(4)),
    " OR ".join(
        f"regexp_matches(caption || caption || caption, '(x*)*((a{{1,9}}){{1,9}}){{1,9}}b{n}')" for n in range(4)
    ),
    " OR ".join(["contains(concat(" + ",".join(["caption"] * 50) + "), caption || 'b')"] * 8),
    "length(" + "||".join(["caption"] * 110) + ") < 1",
    "length((" + "||".join(["labels"] * 110) + ")::VARCHAR) < 1",
    "strftime(datetime, '" + "%A %c" * 600 + "') = 'a'",
    " AND ".join(["sin(cloud) + cos(cloud) ** 2 < 9"] * 90),
    " OR ".join(f"list_contains(list_sort(labels || labels), 'a{n}')" for n in range(80)),
    "9" * 3000 + " > cloud",
    "1e308 * 1e308 > cloud",
    "len(labels[:] || labels[1:-1] || labels[-9223372036854775807:9223372036854775807:1]) < 0",
    "make_date(999999999, 1, 1) > datetime",
    "datetime + to_years(2000000000) > datetime",
    "levenshtein(caption, caption) > 3",
]


@pytest.mark.parametrize("text", HEAVY, ids=lambda text: text[:40])
def test_heavy_work_ends_in_time_and_memory(text: str) -> None:
    """On texts of 2,000 letters that are the worst for all kinds of patterns."""
    rng = random.Random(8)
    worst = ["".join(rng.choice("ab") for _ in range(1000)) + "a" * 1000 for _ in range(400)]
    row = made_rows(1, seed=1)[0] | {"labels": ["a" * 20] * 20, "cloud": 1.0, "datetime": NOW}
    rows = table_of([row | {"caption": caption} for caption in worst])
    before, start = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, time.monotonic()
    with suppress(QueryError):
        assert SqlCondition(text).evaluate(rows, seconds=2).shape == (400,)
    assert time.monotonic() - start < 20
    grown = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 2**20
    assert grown < 1.5, f"{grown} GiB"


def test_the_clock_stops_what_takes_too_long() -> None:
    row = made_rows(1, seed=1)[0] | {"caption": "".join(random.Random(9).choices("ab", k=4000))}
    rows = table_of([row]).take(pa.array(np.zeros(1000, np.int64)))
    condition = SqlCondition(HEAVY[4])
    start = time.monotonic()
    with pytest.raises(QueryError, match=r"^The condition took longer than 0\.5 s\. Make it simpler\.$"):
        condition.evaluate(rows, seconds=0.5)
    assert time.monotonic() - start < 10
    with condition.opened(seconds=0) as asked, pytest.raises(QueryError, match="longer than 0 s"):
        asked.holds(rows.slice(0, 1))


def test_memory_is_bounded() -> None:
    with sandbox(seconds=30) as box, pytest.raises(QueryError, match="more than 1GB of memory"):
        box.columns(
            "SELECT list(a) FROM (SELECT range(1000000) || range(r) AS a FROM range(400) t(r))", pa.table({"a": [1]})
        )


def test_the_doors_are_shut_whatever_the_grammar_lets_through(tmp_path: Path) -> None:
    secret = tmp_path / "secret.csv"
    secret.write_text("a,b\nTOPSECRET,2\n")
    outside = pa.table({"a": [1]})
    for sql in (
        f"SELECT * FROM read_text('{secret}')",  # noqa: S608
        f"SELECT * FROM read_csv('{secret}')",  # noqa: S608
        f"SELECT * FROM '{secret}'",  # noqa: S608
        f"SELECT * FROM glob('{tmp_path}/*')",  # noqa: S608
        f"COPY (SELECT 1) TO '{tmp_path}/out.csv'",
        f"ATTACH '{tmp_path}/out.db'",
        "SELECT * FROM outside",
        "INSTALL httpfs",
        "LOAD spatial",
        "SET enable_external_access = true",
        "SET memory_limit = '100GB'",
        "RESET lock_configuration",
        "SET threads = 8",
        "SET temp_directory = '/tmp'",
        "SELECT getenv('HOME')",
    ):
        with sandbox(seconds=5) as box, pytest.raises(QueryError) as refused:
            box.columns(sql, pa.table({"a": [1]}))
        assert "TOPSECRET" not in str(refused.value)
    assert outside.num_rows == 1
    assert [path.name for path in tmp_path.iterdir()] == ["secret.csv"]


def test_the_functions_are_plain_ones() -> None:
    """Not macros, which copy what they are given; not aggregates; and without effects."""
    with duckdb.connect() as connection:
        rows = connection.execute(
            "SELECT DISTINCT function_name, function_type, stability, has_side_effects FROM duckdb_functions()"
        ).fetchall()
    found: dict[str, set[tuple[str, str, bool]]] = {}
    for name, *kind in rows:
        found.setdefault(name, set()).add(tuple(kind))
    clock = {"now", "today", "current_date", "get_current_timestamp"}
    for name in FUNCTIONS:
        stability = "CONSISTENT_WITHIN_QUERY" if name in clock else "CONSISTENT"
        assert found[name] == {("scalar", stability, False)}, name


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
