"""Files of queries."""

from pathlib import Path
from typing import Any

from msclip_search.errors import QueryError

_YAML = {".yaml", ".yml"}


def read_queries(path: Path) -> list[str]:
    """Read queries from a file.

    A `.txt` has one a line, empty lines and lines that begin with # passed over. A `.yaml` has a list `queries` of
    texts, or of mappings with a `text`.

    Raises
    ------
    QueryError
        The file cannot be read, or is not of that shape.
    """
    if path.suffix.lower() in _YAML:
        entries = read_entries(path)
        queries = [entry.get("text") if isinstance(entry, dict) else entry for entry in entries]
    else:
        lines = (line.strip() for line in _read(path).splitlines())
        queries = [line for line in lines if line and not line.startswith("#")]
    if not queries:
        raise QueryError(f"{path} holds no queries.")
    for number, query in enumerate(queries, 1):
        if not isinstance(query, str) or not query.strip():
            raise QueryError(f"{path}: query {number} has no text.")
    return [query for query in queries if isinstance(query, str)]


def read_entries(path: Path) -> list[Any]:
    """Read the list `queries` of a YAML file, whatever its entries are.

    Raises
    ------
    QueryError
        The file cannot be read, is no YAML (line and column are said), or has no such list.
    """
    import yaml

    try:
        loaded = yaml.safe_load(_read(path))
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        place = f", line {mark.line + 1}, column {mark.column + 1}" if mark else ""
        raise QueryError(f"{path}{place}: this is not YAML ({getattr(error, 'problem', None) or error}).") from error
    entries = loaded.get("queries") if isinstance(loaded, dict) else None
    if not isinstance(entries, list):
        raise QueryError(f"{path} is to have a list 'queries', as in `queries: [flooded farmland, harbour]`.")
    return entries


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise QueryError(f"The queries {path} cannot be read: {getattr(error, 'strerror', None) or error}.") from error
