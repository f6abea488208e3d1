"""Which column of a file is which of ours: by the names that we know, or by those the user gives.

Major TOM's published embeddings (Czerkawski, Kluczek, Bojanowski: Global and Dense Embeddings of Earth,
arXiv:2412.05600, table of the released columns; `pixel_bbox` is first column, first row, and one past the last).
"""

import difflib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, TypeAlias

from msclip_search.errors import ArchiveError

Schema: TypeAlias = Literal["msclip-search", "Major TOM", "named columns"]

EMBEDDING = "embedding"
TILE_ID = "tile_id"
FINGERPRINT = "fingerprint"
SOURCE_ROW = "source_row"
"""Not a column of ours: the row of a tile inside its source, which becomes part of its name."""
OURS = (
    TILE_ID,
    EMBEDDING,
    "cell_id",
    "source",
    "window",
    "geometry",
    "crs",
    "datetime",
    "cloud",
    "shadow",
    "snow",
    "nodata",
    "platform",
    "level",
    "baseline",
    "offset",
    "offset_source",
    "product_id",
    "mgrs_tile",
    "labels",
    "caption",
    FINGERPRINT,
)
"""What a file may have, by our names. The box and the hash of the vector are computed."""

_MAJOR_TOM: Mapping[str, Sequence[str]] = {
    TILE_ID: ("unique_id",),
    EMBEDDING: ("embedding",),
    "cell_id": ("grid_cell",),
    "datetime": ("timestamp",),
    "product_id": ("product_id",),
    "geometry": ("geometry",),
    "window": ("pixel_bbox",),
    "crs": ("utm_crs",),
    "source": ("product_url", "parquet_url"),
    "cloud": ("cloud_cover",),  # percent, as ours; its nodata is a fraction and stays out
}
_ROW_OF = {"parquet_url": "parquet_row"}


@dataclass(frozen=True, slots=True)
class Columns:
    """Where a file has what."""

    schema: Schema
    embedding: str | None
    """Their name of the column of vectors; None where they lie in an `.npy` beside the file."""
    tile_id: str
    """Their name of the column of lasting names."""
    others: Mapping[str, str]
    """Our name of every further column to theirs."""


def read_pairs(given: Sequence[str]) -> dict[str, str]:
    """Read `ours=theirs` as it stands on a command line; an empty `theirs` takes none.

    Raises
    ------
    ArchiveError
        It is no such pair, or names a column twice.
    """
    pairs: dict[str, str] = {}
    for text in given:
        ours, equals, theirs = (part.strip() for part in text.partition("="))
        if not equals or not ours:
            raise ArchiveError(f"A column is named OURS=THEIRS, as in embedding=emb, not '{text}'.")
        if ours in pairs:
            raise ArchiveError(f"The column {ours} is named twice: {pairs[ours]} and {theirs}.")
        pairs[ours] = theirs
    return pairs


def check_names(given: Mapping[str, str]) -> None:
    """Refuse names that are none of ours.

    Raises
    ------
    ArchiveError
    """
    for name in given:
        if name not in OURS:
            near = difflib.get_close_matches(name, OURS, n=1)
            hint = f" Near it is {near[0]}." if near else ""
            raise ArchiveError(f"There is no column {name} in an index.{hint} There are {', '.join(OURS)}.")


def recognise(names: Sequence[str], given: Mapping[str, str], *, path: Path, is_pair: bool, is_export: bool) -> Columns:
    """Find our columns among theirs.

    Parameters
    ----------
    names
        Those of the file.
    given
        Our names to theirs, as the user says; an empty one takes none.
    path
        The file, for messages.
    is_pair
        Whether the vectors lie in an `.npy` beside it.
    is_export
        Whether it is an export of ours: only of such a one the fingerprints are taken, for they say how a tile was
        read, and a column of that name may hold anything.

    Raises
    ------
    ArchiveError
        A column that is named is not there or may not be taken, or none is known that has to be.
    """
    have = dict.fromkeys(names)
    for ours, theirs in given.items():
        if theirs and theirs not in have:
            raise ArchiveError(f"{path} has no column {theirs}, named as {ours}: it has {_listed(names)}.")
    if given.get(FINGERPRINT) and not is_export:
        raise ArchiveError(
            f"{path} is no export of msclip-search, and of others no fingerprint is taken: leave --column "
            f"{FINGERPRINT}={given[FINGERPRINT]} out."
        )
    is_major_tom = "unique_id" in have and TILE_ID not in have
    wanted = _MAJOR_TOM if is_major_tom else {ours: (ours,) for ours in OURS}
    found = {ours: next((name for name in choice if name in have), "") for ours, choice in wanted.items()} | dict(given)
    row_of = _ROW_OF.get(found.get("source", ""))
    if row_of in have:
        found[SOURCE_ROW] = str(row_of)
    for ours, what in ((TILE_ID, "lasting names"), (EMBEDDING, "vectors")):
        if not found.get(ours) and not (ours == EMBEDDING and is_pair):
            raise ArchiveError(
                f"{path} has no column of {what} that is known by its name: it has {_listed(names)}. Name it with "
                f"--column {ours}=NAME."
            )
    schema: Schema = "Major TOM" if is_major_tom else "msclip-search" if "vector_xxh64" in have else "named columns"
    apart = {EMBEDDING, TILE_ID} if is_export else {EMBEDDING, TILE_ID, FINGERPRINT}
    others = {ours: theirs for ours, theirs in found.items() if theirs and ours not in apart}
    return Columns(schema, None if is_pair else found[EMBEDDING], found[TILE_ID], others)


def _listed(names: Sequence[str]) -> str:
    return ", ".join(names) if names else "none"
