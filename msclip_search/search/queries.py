"""Files of queries."""

from pathlib import Path

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
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise QueryError(f"The queries {path} cannot be read: {getattr(error, 'strerror', None) or error}.") from error
    queries = _from_yaml(path, text) if path.suffix.lower() in _YAML else _from_lines(text)
    if not queries:
        raise QueryError(f"{path} holds no queries.")
    return queries


def _from_lines(text: str) -> list[str]:
    lines = (line.strip() for line in text.splitlines())
    return [line for line in lines if line and not line.startswith("#")]


def _from_yaml(path: Path, text: str) -> list[str]:
    import yaml

    try:
        loaded = yaml.safe_load(text)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        place = f", line {mark.line + 1}, column {mark.column + 1}" if mark else ""
        raise QueryError(f"{path}{place}: this is not YAML ({getattr(error, 'problem', None) or error}).") from error
    entries = loaded.get("queries") if isinstance(loaded, dict) else None
    if not isinstance(entries, list):
        raise QueryError(f"{path} is to have a list 'queries', as in `queries: [flooded farmland, harbour]`.")
    queries = [entry.get("text") if isinstance(entry, dict) else entry for entry in entries]
    for number, query in enumerate(queries, 1):
        if not isinstance(query, str) or not query.strip():
            raise QueryError(f"{path}: query {number} has no text.")
    return [query for query in queries if isinstance(query, str)]
