"""Files of queries."""

from pathlib import Path

import pytest

from msclip_search import (
    QueryError,
)
from msclip_search.search import read_queries


@pytest.mark.parametrize(
    ("name", "text", "queries"),
    [
        ("q.txt", "a lake\n\n  # no\n  harbour  \r\n", ["a lake", "harbour"]),
        ("q.txt", "\ufeffa lake", ["a lake"]),
        ("q.txt", "été: 水", ["été: 水"]),
        ("q.yaml", "queries: [a lake, 'harbour: the old one']", ["a lake", "harbour: the old one"]),
        ("q.YML", "queries:\n- text: a lake\n  id: 7\n- harbour\n", ["a lake", "harbour"]),
    ],
)
def test_queries_are_read(tmp_path: Path, name: str, text: str, queries: list[str]) -> None:
    (tmp_path / name).write_text(text, encoding="utf-8")
    assert read_queries(tmp_path / name) == queries


@pytest.mark.parametrize(
    ("name", "content", "sentence"),
    [
        ("q.txt", b"\n# nothing\n", "holds no queries"),
        ("q.txt", b"\xff\xfe\xff", "cannot be read"),
        ("q.yaml", b"queries: [a, b", "q.yaml, line 1, column 15: this is not YAML"),
        ("q.yaml", b"- a\n- b\n", "is to have a list 'queries'"),
        ("q.yaml", b"queries: a lake", "is to have a list 'queries'"),
        ("q.yaml", b"queries: []", "holds no queries"),
        ("q.yaml", b"queries: [a lake, 3]", "query 2 has no text"),
        ("q.yaml", b"queries: [{text: ' '}]", "query 1 has no text"),
        ("q.yaml", b"queries: [!!python/object/apply:os.system ['x']]", "this is not YAML"),
    ],
)
def test_files_of_queries_that_are_none(tmp_path: Path, name: str, content: bytes, sentence: str) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(QueryError, match=sentence):
        read_queries(tmp_path / name)
    with pytest.raises(QueryError, match=r"none\.txt cannot be read: No such file"):
        read_queries(tmp_path / "none.txt")
