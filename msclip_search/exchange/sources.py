"""Files of vectors that are to be imported, looked at before anything is written."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, NoReturn

import numpy as np
from numpy.typing import NDArray

from msclip_search import catalog
from msclip_search.catalog import EmbeddingFile, Piece
from msclip_search.disk import said
from msclip_search.errors import ArchiveError, TileError
from msclip_search.exchange.columns import EMBEDDING, Columns, Schema, recognise
from msclip_search.exchange.endings import ARRAY, TABLES
from msclip_search.exchange.vectors import as_stored
from msclip_search.files import file_state

_PROBED = 256
_HASH = "vector_xxh64"


@dataclass(frozen=True, slots=True, kw_only=True)
class Named:
    """What a path stands for."""

    table: Path
    """A Parquet file."""
    array: Path | None
    """The `.npy` beside it, where there is one."""
    by_array: bool
    """Whether it was the `.npy` that the user named: then it is that one's vectors, or none."""


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
    """Whether it says which vector each row has, so that an `.npy` of something else is known, and so is damage."""

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
        """Refuse an `.npy` that another table was written with, and vectors that were not exported so."""
        if piece.vectors is None:
            return
        with np.errstate(over="ignore", invalid="ignore"):  # what overflows is none of ours
            found = catalog.row_hashes(piece.vectors.astype(np.float16)).tolist()  # exact: it was float16
        for row, (written, here) in enumerate(zip(piece.values[_HASH], found, strict=True), piece.start):
            if written != here and self.array is None:
                self.refuse(
                    row,
                    f"another vector than was exported, by its {_HASH}: the file is damaged, or was changed. Export "
                    f"it again, or take {_HASH} out of it where that was meant",
                )
            if written != here:
                raise ArchiveError(
                    f"{self.array} does not belong to {self.path}: row {row:,} (counted from 0) was written with "
                    "another vector. Export the two again, together."
                )


def find_files(paths: Sequence[Path]) -> list[Named]:
    """Find the files that paths stand for: of a folder its Parquet files, of one half of a pair the other.

    Returns
    -------
    list of Named
        In the order given, no table twice.

    Raises
    ------
    ArchiveError
        There is none, or it may not be looked at.
    """
    found: dict[Path, Named] = {}
    for path in paths:
        with _looking(path):
            for each in _inside(path):
                one = _named(each)
                place = one.table.absolute()
                if place not in found or one.by_array:
                    found[place] = one
    if not found:
        raise ArchiveError("Name a Parquet file with vectors, as in: import vectors.parquet --model NAME.")
    return list(found.values())


def _inside(path: Path) -> list[Path]:
    """Return the Parquet files of a folder, or the file itself."""
    if not path.is_dir():
        return [path]
    inside = sorted(each for each in path.iterdir() if each.suffix.lower() in TABLES)
    if not inside:
        raise ArchiveError(f"There is no {' or '.join(TABLES)} file in the folder {path}.")
    return inside


def _named(path: Path) -> Named:
    """Find the other half of a pair."""
    if path.suffix.lower() != ARRAY:
        array = path.with_suffix(ARRAY)
        return Named(table=path, array=array if array.is_file() else None, by_array=False)
    if not path.exists():
        raise ArchiveError(f"There is no file {path}.")
    tables = [path.with_suffix(ending) for ending in TABLES]
    table = next((table for table in tables if table.exists()), None)
    if table is None:
        raise ArchiveError(f"{path} has no {tables[0].name} beside it, which says which tiles its rows are.")
    return Named(table=table, array=path, by_array=True)


@contextmanager
def _looking(path: Path) -> Iterator[None]:
    """Say in a sentence that a path may not be looked at."""
    try:
        yield
    except PermissionError as error:
        raise ArchiveError(f"{path} may not be read: permission denied.") from error
    except OSError as error:
        raise ArchiveError(f"{path} cannot be read: {said(error).lower()}.") from error


def look(named: Named, given: Mapping[str, str], *, normalise: bool) -> Source:
    """Look at a file: its columns, every row's name, and the first vectors.

    Raises
    ------
    ArchiveError
        It cannot be imported.
    """
    path = named.table
    with catalog.open_embeddings(path) as file:
        column = given.get(EMBEDDING, EMBEDDING)
        has_vectors = bool(column) and column in file.names
        if named.by_array and has_vectors:
            raise ArchiveError(
                f"{named.array} is named, and {path} beside it has vectors of its own in the column {column}: name "
                f"{path} to take those, or leave them out with --column {EMBEDDING}=."
            )
        array = None if has_vectors else named.array
        about = file.about
        columns = recognise(file.names, given, path=path, is_pair=array is not None, is_export=about is not None)
        if not file.rows:
            raise ArchiveError(f"{path} has no rows.")
        geometry = columns.others.get("geometry")
        if geometry and (projected := file.projected(geometry)):
            raise ArchiveError(
                f"The outlines of {path} are in {projected}, not in longitude and latitude: reproject them, or leave "
                "them out with --column geometry=."
            )
        is_own = about is not None and columns.embedding == EMBEDDING
        source = Source(
            path=path,
            array=array,
            columns=columns,
            rows=file.rows,
            dimension=_dimension(file, columns, array),
            state=_state(path),
            about=about,
            hashes=file.hashes(columns.tile_id),
            is_checked=_HASH in file.names and (is_own if array is None else _load(array).dtype == np.float16),
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
    except PermissionError as error:
        raise ArchiveError(f"{path} may not be read: permission denied.") from error
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
