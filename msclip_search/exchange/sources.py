"""Files of vectors that are to be imported, looked at before anything is written."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, NoReturn

import numpy as np
from numpy.typing import NDArray

from msclip_search import catalog
from msclip_search.catalog import EmbeddingFile, Piece
from msclip_search.errors import ArchiveError, TileError
from msclip_search.exchange.columns import EMBEDDING, Columns, Schema, recognise
from msclip_search.exchange.vectors import as_stored
from msclip_search.files import file_state

_PROBED = 256
_HASH = "vector_xxh64"


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """A Parquet file with vectors in it, or with an `.npy` of them beside it."""

    path: Path
    """The Parquet file."""
    array: Path | None
    """The `.npy`; None where the vectors stand in the file."""
    columns: Columns
    rows: int
    dimension: int
    """Numbers of its first vector."""
    state: str
    """Size and modification time."""
    about: Mapping[str, Any] | None
    """What an export of ours says of the model."""
    hashes: NDArray[np.uint64] = field(repr=False)
    """XXH64 of each row's lasting name."""
    is_checked: bool
    """Whether it says which vector each row has, so that an `.npy` of something else is known."""

    @property
    def schema(self) -> Schema:
        """Whose columns it has."""
        return self.columns.schema

    def pieces(self) -> Iterator[Piece]:
        """Stream its rows.

        Raises
        ------
        ArchiveError
            It cannot be read.
        """
        wanted = dict(self.columns.others) | {"tile_id": self.columns.tile_id}
        if self.is_checked:
            wanted[_HASH] = _HASH
        with catalog.open_embeddings(self.path) as file:
            vectors = None if self.array is None else _load(self.array)
            for piece in file.pieces(wanted, self.columns.embedding, dimension=self.dimension):
                found = piece
                if vectors is not None:
                    found = replace(piece, vectors=np.asarray(vectors[piece.start : piece.start + piece.rows]))
                if found.vectors is not None and found.vectors.shape[1] != self.dimension:
                    self.refuse(piece.start, f"a vector of {found.vectors.shape[1]:,} numbers, not {self.dimension:,}")
                if self.is_checked:
                    self._compare(found)
                yield found

    def refuse(self, row: int, wrong: str) -> NoReturn:
        """Say what is wrong with a row.

        Raises
        ------
        ArchiveError
        """
        raise ArchiveError(f"Row {row:,} of {self.path} (counted from 0) has {wrong}.")

    def _compare(self, piece: Piece) -> None:
        """Refuse an `.npy` that another table was written with."""
        if piece.vectors is None:
            return
        found = catalog.row_hashes(piece.vectors.astype(np.float16)).tolist()
        for row, (written, here) in enumerate(zip(piece.values[_HASH], found, strict=True), piece.start):
            if written != here:
                raise ArchiveError(
                    f"{self.array} does not belong to {self.path}: row {row:,} (counted from 0) was written with "
                    "another vector. Export the two again, together."
                )


def find_files(paths: Sequence[Path]) -> list[tuple[Path, Path | None]]:
    """Find the files that paths stand for: of a folder its Parquet files, of one half of a pair the other.

    Returns
    -------
    list of (Path, Path or None)
        Parquet file, and the `.npy` beside it where there is one; in the order given, none twice.

    Raises
    ------
    ArchiveError
        There is none.
    """
    found: dict[Path, tuple[Path, Path | None]] = {}
    for path in paths:
        inside = sorted(path.glob("*.parquet")) if path.is_dir() else [path]
        if not inside:
            raise ArchiveError(f"There is no .parquet file in the folder {path}.")
        for each in inside:
            table, array = each, each.with_suffix(".npy")
            if each.suffix.lower() == ".npy":
                table, array = each.with_suffix(".parquet"), each
                if array.exists() and not table.exists():
                    raise ArchiveError(f"{array} has no {table.name} beside it, which says which tiles its rows are.")
            found.setdefault(table.absolute(), (table, array if array.is_file() else None))
    if not found:
        raise ArchiveError("Name a Parquet file with vectors, as in: import vectors.parquet --model NAME.")
    return list(found.values())


def look(path: Path, array: Path | None, given: Mapping[str, str], *, normalise: bool) -> Source:
    """Look at a file: its columns, every row's name, and the first vectors.

    Raises
    ------
    ArchiveError
        It cannot be imported.
    """
    with catalog.open_embeddings(path) as file:
        named = given.get(EMBEDDING) or EMBEDDING
        is_pair = array is not None and named not in file.names
        columns = recognise(file.names, given, path=path, is_pair=is_pair)
        if not file.rows:
            raise ArchiveError(f"{path} has no rows.")
        geometry = columns.others.get("geometry")
        if geometry and (projected := file.projected(geometry)):
            raise ArchiveError(
                f"The outlines of {path} are in {projected}, not in longitude and latitude: reproject them, or leave "
                "them out with --column geometry=."
            )
        source = Source(
            path=path,
            array=array if is_pair else None,
            columns=columns,
            rows=file.rows,
            dimension=_dimension(file, columns, array if is_pair else None),
            state=_state(path),
            about=file.about,
            hashes=file.hashes(columns.tile_id),
            is_checked=is_pair and _HASH in file.names and array is not None and _load(array).dtype == np.float16,
        )
    first = next(source.pieces())
    if first.vectors is not None:
        as_stored(first.vectors[:_PROBED], normalise=normalise, refuse=source.refuse)
    return source


def _dimension(file: EmbeddingFile, columns: Columns, array: Path | None) -> int:
    if array is None:
        return file.dimension(columns.embedding or "")
    vectors = _load(array)
    if len(vectors) != file.rows:
        raise ArchiveError(
            f"{array} has {len(vectors):,} vectors and {file.path} {file.rows:,} rows: they do not belong together."
        )
    return int(vectors.shape[1])


def _load(path: Path) -> NDArray[np.floating]:
    """Map an array of vectors.

    Raises
    ------
    ArchiveError
        It is none, or truncated.
    """
    try:
        vectors: NDArray[Any] = np.load(path, mmap_mode="r", allow_pickle=False)
    except (OSError, ValueError, EOFError) as error:
        raise ArchiveError(f"{path} is no .npy file, or it is truncated or damaged ({error}).") from error
    if vectors.ndim != 2 or vectors.dtype.kind != "f" or not vectors.shape[1]:
        raise ArchiveError(f"{path} holds {vectors.dtype} {vectors.shape} where vectors are floats (rows, dimension).")
    return vectors


def _state(path: Path) -> str:
    try:
        return file_state(path)
    except TileError as error:
        raise ArchiveError(f"{path} {error}.") from error
