"""A manifest: what is in force in an index folder, at one moment, for good.

It is JSON. Its last entry is a checksum of every byte before the comma in front of it, so that a manifest that was
never finished, or altered, is known for what it is.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any, TypeVar

import xxhash

from msclip_search.errors import IndexDamaged, IndexTooNew
from msclip_search.store.durable import FileEntry

FORMAT = "msclip-index"
VERSION = 1
"""Version of the format. A reader refuses a higher one and passes over entries that it does not know, so a change
raises it if those who do not know it would misread the index, or spoil it by committing to it."""

_SEAL = re.compile(rb',\n "checksum": "([0-9a-f]{16})"\n}\n?\Z')
_T = TypeVar("_T")


@dataclass(frozen=True, slots=True, kw_only=True)
class SegmentEntry:
    """One commit's tiles."""

    number: int
    rows: int
    files: tuple[FileEntry, ...]
    """Sidecar and vectors."""
    deleted_rows: int = 0
    deleted: FileEntry | None = None
    """Bitmap of the deleted rows: uint8, little-endian bits, 1 = deleted."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AnnEntry:
    """One generation of the ANN index."""

    generation: int
    kind: str
    """ "ivfpq"."""
    factory: str
    """FAISS's name of the index."""
    nlist: int
    nprobe: int
    """Inverted lists that a query looks into, unless it says otherwise."""
    rows: int
    files: tuple[FileEntry, ...]
    """FAISS index, positions, sample."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Manifest:
    """What is in force."""

    number: int
    parent: int
    """Number of the manifest that this one follows; 0 for the first."""
    created: str
    """ISO 8601, UTC."""
    software: str
    """Who wrote it, "msclip-search 0.1.0"."""
    kind: str
    """What the user wants searches to use: "auto", "ivfpq" or "flat"."""
    model: Mapping[str, Any]
    """The model's spec, fingerprint and weights."""
    last_segment: int = 0
    """Highest number that a segment ever had. None is given twice: the ANN index names rows by it."""
    last_generation: int = 0
    """Highest number that a generation of the ANN index ever had."""
    segments: tuple[SegmentEntry, ...] = ()
    """In row order: row numbers of the index run through them."""
    ann: AnnEntry | None = None

    @property
    def dimension(self) -> int:
        """Numbers a vector."""
        return int(self.model["spec"]["dimension"])

    @property
    def rows(self) -> int:
        """Rows of all segments, deleted ones included."""
        return sum(segment.rows for segment in self.segments)

    @property
    def deleted_rows(self) -> int:
        """Rows that are deleted."""
        return sum(segment.deleted_rows for segment in self.segments)

    @property
    def tiles(self) -> int:
        """Rows that are not deleted."""
        return self.rows - self.deleted_rows

    @property
    def files(self) -> tuple[FileEntry, ...]:
        """Every file in force."""
        of_segments = [file for segment in self.segments for file in segment.files]
        bitmaps = [segment.deleted for segment in self.segments if segment.deleted]
        return (*of_segments, *bitmaps, *(self.ann.files if self.ann else ()))

    def to_json(self) -> bytes:
        """Write it as JSON, sealed with its checksum."""
        body = json.dumps({"format": FORMAT, "version": VERSION, **asdict(self)}, indent=1)
        head = body.removesuffix("\n}").encode()
        return head + f',\n "checksum": "{xxhash.xxh64_hexdigest(head)}"\n}}\n'.encode()


class Unfinished(Exception):  # noqa: N818 - never leaves this package
    """A manifest that is no whole JSON: it is being written, or was when its writer died."""


def parse(content: bytes, path: Path) -> Manifest:
    """Read the content of a manifest.

    Parameters
    ----------
    content
        Of the file.
    path
        Where it lies, for messages.

    Raises
    ------
    Unfinished
        It is no whole JSON.
    IndexDamaged
        It is altered, or no manifest.
    IndexTooNew
        Its format is newer than this version knows.
    """
    try:
        body = json.loads(content)
    except ValueError as error:
        raise Unfinished(str(error)) from error
    if not isinstance(body, dict) or body.get("format") != FORMAT or not isinstance(body.get("version"), int):
        raise IndexDamaged(f"{path} is no manifest of an msclip-search index.")
    if body["version"] > VERSION:  # before the checksum, which may be made otherwise by then
        raise IndexTooNew(
            f"{path.parent.parent} has format {body['version']}, written by {body.get('software', 'a newer version')}; "
            f"this version reads up to format {VERSION}: upgrade msclip-search."
        )
    seal = _SEAL.search(content)
    if seal is None or seal[1].decode() != xxhash.xxh64_hexdigest(content[: seal.start()]):
        raise IndexDamaged(f"The manifest {path} has been altered: its checksum is not the one it was written with.")
    try:
        return _from_body(body)
    except (KeyError, TypeError, AttributeError) as error:
        raise IndexDamaged(f"The manifest {path} lacks something ({error}).") from error


def _from_body(body: Mapping[str, Any]) -> Manifest:
    segments = tuple(
        _made(
            SegmentEntry,
            entry,
            files=_files(entry["files"]),
            deleted=_made(FileEntry, entry["deleted"]) if entry["deleted"] else None,
        )
        for entry in body["segments"]
    )
    ann = _made(AnnEntry, body["ann"], files=_files(body["ann"]["files"])) if body["ann"] else None
    return _made(Manifest, body, segments=segments, ann=ann)


def _files(entries: list[Mapping[str, Any]]) -> tuple[FileEntry, ...]:
    return tuple(_made(FileEntry, entry) for entry in entries)


def _made(kind: type[_T], entry: Mapping[str, Any], **ready: object) -> _T:
    """Make a value of an entry; what a later version has added to it is passed over."""
    names = {field.name for field in fields(kind)}  # type: ignore[arg-type]
    return kind(**{key: value for key, value in entry.items() if key in names} | ready)
