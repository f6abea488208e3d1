"""A manifest: what is in force in an index folder, at one moment, for good.

Manifests are numbered, created exclusively and never changed. A reader that holds one sees one consistent index
whatever a writer does, and two writers cannot both make the same number.
"""

import json
import logging
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import xxhash

from msclip_search.errors import IndexConflict, IndexDamaged, IndexFolderError, IndexMissing, IndexTooNew
from msclip_search.store.durable import FileEntry, create_exclusively, storage_errors, sync_folder
from msclip_search.store.layout import Layout

logger = logging.getLogger(__name__)

FORMAT = "msclip-index"
VERSION = 1
"""Version of the format. A reader refuses a higher one; a change that old readers would misread raises it."""


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
    segments: tuple[SegmentEntry, ...] = ()
    """In row order: row numbers of the index run through them."""
    ann: AnnEntry | None = None

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
        """Write it as JSON, with a checksum over everything else."""
        body = {"format": FORMAT, "version": VERSION, **asdict(self)}
        return (json.dumps({**body, "checksum": _checksum(body)}, indent=1, ensure_ascii=False) + "\n").encode()


def _checksum(body: Mapping[str, Any]) -> str:
    return xxhash.xxh64_hexdigest(json.dumps(body, sort_keys=True, ensure_ascii=False).encode())


class _Unfinished(Exception):  # noqa: N818 - never leaves this module
    """A manifest that is no whole JSON: it was being written when its writer died."""


def read(path: Path) -> Manifest:
    """Read one manifest.

    Raises
    ------
    IndexDamaged
        It is unfinished, altered, or not there.
    IndexTooNew
        Its format is newer than this version knows.
    """
    try:
        return _parse(path)
    except _Unfinished as error:
        raise IndexDamaged(f"The manifest {path} is truncated ({error}).") from error


def _parse(path: Path) -> Manifest:
    try:
        with storage_errors("reading", path):
            text = path.read_bytes()
        body = json.loads(text)
        checksum = body.pop("checksum")
    except (ValueError, KeyError, AttributeError) as error:
        raise _Unfinished(str(error)) from error
    if body.get("format") != FORMAT:
        raise IndexDamaged(f"{path} is no manifest of an msclip-search index.")
    if body.get("version", 0) > VERSION:
        raise IndexTooNew(
            f"{path.parent.parent} has format {body['version']}, written by {body.get('software', 'a newer version')}; "
            f"this version reads up to format {VERSION}: upgrade msclip-search."
        )
    if checksum != _checksum(body):
        raise IndexDamaged(f"The manifest {path} has been altered: its checksum is not the one it was written with.")
    try:
        return _from_body(body)
    except (KeyError, TypeError) as error:
        raise IndexDamaged(f"The manifest {path} lacks something ({error}).") from error


def _from_body(body: Mapping[str, Any]) -> Manifest:
    def files(entries: list[dict[str, Any]]) -> tuple[FileEntry, ...]:
        return tuple(FileEntry(**entry) for entry in entries)

    known = {key: value for key, value in body.items() if key not in {"format", "version", "segments", "ann"}}
    segments = tuple(
        SegmentEntry(
            **{
                **entry,
                "files": files(entry["files"]),
                "deleted": FileEntry(**entry["deleted"]) if entry["deleted"] else None,
            }
        )
        for entry in body["segments"]
    )
    ann = body["ann"]
    return Manifest(**known, segments=segments, ann=AnnEntry(**{**ann, "files": files(ann["files"])}) if ann else None)


def newest(layout: Layout) -> Manifest | None:
    """Read the newest manifest that was finished; None where there is none yet.

    The listing decides. `LATEST` tells only whether a manifest that cannot be read had once been finished: if it had,
    it is damaged; if not, its writer died, and the one before is in force.

    Raises
    ------
    IndexDamaged, IndexTooNew
        See `read`.
    """
    finished = _hint(layout)
    for number in reversed(layout.manifest_numbers()):
        path = layout.manifest(number)
        try:
            manifest = _parse(path)
        except _Unfinished as error:
            if number <= finished:
                raise IndexDamaged(
                    f"The manifest {path} is truncated ({error}). Remove it to go back to the one before, "
                    "then index the archive again: what is missing is added."
                ) from error
            logger.warning("The manifest %s was never finished and is passed over.", path)
            continue
        if number < finished:
            logger.warning("LATEST names manifest %d, which is not there: %d is the newest.", finished, number)
        return manifest
    return None


def newest_or_raise(root: Path) -> Manifest:
    """Read the newest manifest of an index folder.

    Raises
    ------
    IndexMissing
        There is no index at the path.
    IndexDamaged, IndexTooNew
        See `read`.
    """
    layout = Layout(root)
    if not root.exists():
        raise IndexMissing(f"There is no index at {root}: make one with `msclip-search index ARCHIVE --index {root}`.")
    with storage_errors("reading", root):
        if not layout.manifests.is_dir():
            raise IndexMissing(f"{root} is no msclip-search index: it has no folder 'manifests'.")
        manifest = newest(layout)
    if manifest is None:
        raise IndexMissing(f"The index at {root} holds no commit yet: run `msclip-search index` to its end.")
    return manifest


def publish(layout: Layout, manifest: Manifest) -> Manifest:
    """Put a manifest in force: everything it names is on the disk already.

    Raises
    ------
    IndexConflict
        Another writer made this number first.
    """
    path = layout.manifest(manifest.number)
    try:
        create_exclusively(path, manifest.to_json())
    except FileExistsError as error:
        raise IndexConflict(
            f"Another process committed to {layout.root} at the same time (manifest {manifest.number}). "
            "Nothing is lost but this last commit: run the same command again."
        ) from error
    sync_folder(layout.manifests)
    _write_hint(layout, manifest.number)
    return manifest


def _hint(layout: Layout) -> int:
    try:
        return int(layout.latest.read_text(encoding="ascii"))
    except (OSError, ValueError):
        return 0


def _write_hint(layout: Layout, number: int) -> None:
    """Note the newest number. Whoever writes last wins, and it does not matter."""
    draft = layout.latest.with_name(f".LATEST.{number}")
    with storage_errors("writing", layout.latest):
        draft.write_text(f"{number}\n", encoding="ascii")
        draft.replace(layout.latest)


def check_sizes(layout: Layout, manifest: Manifest) -> None:
    """Check that every file in force is there and has its size.

    Raises
    ------
    IndexDamaged
        A file is missing or truncated.
    """
    for file in manifest.files:
        path = layout.root / file.path
        try:
            size = path.stat().st_size
        except OSError as error:
            raise IndexDamaged(
                f"The index {layout.root} lacks {file.path} ({error.strerror}). Restore it from a copy, or index the "
                "archive again into a new folder."
            ) from error
        if size != file.size:
            raise IndexDamaged(
                f"The file {file.path} of the index {layout.root} has {size:,} bytes where {file.size:,} were written. "
                "Restore it from a copy, or index the archive again into a new folder."
            )


def require_folder(root: Path) -> None:
    """Refuse to write an index into a folder that holds something else.

    Raises
    ------
    IndexFolderError
        The path is a file, or a folder that is neither empty nor an index.
    """
    if root.is_dir() and not (root / "manifests").is_dir() and any(root.iterdir()):
        raise IndexFolderError(f"{root} is not empty and no msclip-search index: choose another folder with --index.")
    if root.exists() and not root.is_dir():
        raise IndexFolderError(f"{root} is a file, not a folder: choose another with --index.")


def follow(manifest: Manifest, **changes: Any) -> Manifest:  # noqa: ANN401 - dataclasses.replace checks the names
    """Return the manifest that comes after, with changes."""
    return replace(manifest, parent=manifest.number, **changes)
