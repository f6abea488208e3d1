"""Conditions in SQL that are heavy work: time and memory are bounded."""

import random
import resource
import time
from contextlib import suppress

import numpy as np
import pyarrow as pa
import pytest

from msclip_search.errors import QueryError
from msclip_search.filters.sandbox import sandbox
from msclip_search.filters.sql import SqlCondition
from tests.filters.conditions import NOW, made_rows, table_of

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
