"""Conditions in SQL that come from a stranger: what reaches further than the rows is refused."""

from pathlib import Path

import duckdb
import pyarrow as pa
import pytest

from msclip_search.errors import QueryError
from msclip_search.filters.grammar import FUNCTIONS, LONGEST
from msclip_search.filters.sandbox import sandbox
from tests.filters.conditions import refusal

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
