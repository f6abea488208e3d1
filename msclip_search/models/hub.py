"""Weights from the model hub: fetched once into its library's cache, verified then, pinned ever after."""

import errno
import hashlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path, PurePosixPath
from typing import NamedTuple

from msclip_search.errors import MsclipError, StorageError, WeightsError
from msclip_search.models.base import WeightsFile
from msclip_search.models.spec import HubFile, is_sha256

_PATIENCE = 10.0  # seconds that the hub has to answer
_ABSENT = 404
_DISK = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EACCES, errno.EPERM, errno.EROFS})
_REASONS = {
    401: "the hub wants to know who asks; log in with `hf auth login`",
    403: "the hub does not give it to this account",
    _ABSENT: "the hub has no such file",
    429: "the hub has had too many requests from here; try again later",
}


def fetch(
    file: HubFile,
    *,
    known: WeightsFile | None = None,
    endpoint: str | None = None,
    cache_dir: Path | None = None,
    progress: bool = False,
) -> WeightsFile:
    """Return a file of the hub as it lies in the cache, downloading it if it is not there.

    A download is hashed and compared with `file.sha256`, else with the hash that the hub names. What lies in
    the cache was compared when it came and is not hashed again: there its name is its hash.

    Parameters
    ----------
    file
        Which file. Its alternative is taken where that lies in the cache, or where the hub has no `filename`.
    known
        What an index recorded. Then that very commit is asked for, and other bytes are refused.
    endpoint
        Address of the hub; None takes the library's own.
    cache_dir
        Folder of the cache; None takes the library's own.
    progress
        Show a bar on stderr while downloading.

    Raises
    ------
    WeightsError
        The file cannot be had, or is not the one that was asked for.
    StorageError
        The cache cannot be written.
    """
    pinned = known if known and known.origin == "hub" else None
    if pinned and _unchanged(pinned):
        return pinned
    revision = (pinned and pinned.revision) or file.revision
    expected = pinned.sha256 if pinned else file.sha256

    files = _formats(file, pinned)
    for each in files:
        if found := _cached(each, revision, cache_dir):
            return _record(each, found, _hash_of_cached(found, expected))
    offer = _look(files, revision, endpoint)
    found = _download(offer, revision, endpoint, cache_dir, progress=progress)
    return _record(offer.file, found, _hash_of_new(found, expected or offer.sha256, offer.address))


def _formats(file: HubFile, pinned: WeightsFile | None) -> list[HubFile]:
    """List the names that the file can have, best first; what an index recorded had one of them."""
    names = [file.filename, *([file.alternative] if file.alternative else [])]
    recorded = [name for name in names if pinned and Path(pinned.path).as_posix().endswith(f"/{name}")]
    return [replace(file, filename=name, alternative=None) for name in recorded or names]


def _record(file: HubFile, found: Path, sha256: str) -> WeightsFile:
    status = found.stat()
    return WeightsFile(
        path=str(found.absolute()),
        sha256=sha256,
        size=status.st_size,
        mtime_ns=status.st_mtime_ns,
        origin="hub",
        revision=_commit(found, file),
    )


def _unchanged(pinned: WeightsFile) -> bool:
    try:
        return pinned.describes(Path(pinned.path))
    except OSError:
        return False


def _cached(file: HubFile, revision: str, cache_dir: Path | None) -> Path | None:
    from huggingface_hub import try_to_load_from_cache

    found = try_to_load_from_cache(file.repo, file.filename, cache_dir=cache_dir, revision=revision)
    return Path(found) if isinstance(found, str) else None


def _hash_of_cached(found: Path, expected: str | None) -> str:
    blob = found.resolve().name
    sha256 = blob if is_sha256(blob) else _hash(found)
    if sha256 != (expected or sha256):
        raise WeightsError(
            f"{found} is not the file that was asked for (sha256 {sha256}, not {expected}). "
            "Pass the right one with --weights."
        )
    return sha256


def _hash_of_new(found: Path, expected: str | None, address: str) -> str:
    sha256 = _hash(found)
    if sha256 != (expected or sha256):
        _remove(found)
        raise WeightsError(
            f"{address} came with other bytes than it should have (sha256 {sha256}, not {expected}), and was deleted. "
            "Try again, or pass a file of yours with --weights."
        )
    return sha256


class _Offer(NamedTuple):
    """A file that the hub says it has."""

    file: HubFile
    address: str
    sha256: str | None
    """What the hub says that its hash is, if it does."""


def _look(files: Sequence[HubFile], revision: str, endpoint: str | None) -> _Offer:
    """Find the first of the files that the hub has. The library, left alone, tries an absent server for a minute."""
    from huggingface_hub import get_hf_file_metadata

    for file in files:
        address = _address(file, revision, endpoint)
        try:
            etag = get_hf_file_metadata(address, timeout=_PATIENCE).etag or ""
        except Exception as error:  # the HTTP library below changes, and its errors with it
            if file != files[-1] and _status(error) == _ABSENT:
                continue
            raise _refused(file, address, error) from error
        else:
            return _Offer(file, address, etag if is_sha256(etag) else None)
    raise ValueError("No file was asked for.")


def _download(offer: _Offer, revision: str, endpoint: str | None, cache_dir: Path | None, *, progress: bool) -> Path:
    """Return where the file now lies."""
    from huggingface_hub import hf_hub_download

    file = offer.file
    try:
        with _bars(shown=progress):
            found = hf_hub_download(file.repo, file.filename, revision=revision, endpoint=endpoint, cache_dir=cache_dir)
    except Exception as error:  # as above
        raise _refused(file, offer.address, error) from error
    return Path(found)


def _refused(file: HubFile, address: str, error: Exception) -> MsclipError:
    """Say why a file did not come."""
    if isinstance(error, OSError) and error.errno in _DISK:
        return StorageError(
            f"{file.filename} cannot be written to the cache of the model hub ({error.strerror}). "
            "Make room, or set HF_HOME to a folder that has some and is yours."
        )
    return WeightsError(
        f"{file.filename} cannot be downloaded: {_reason(error)}. "
        f"Get {address} by other means and pass the file with --weights."
    )


def _reason(error: Exception) -> str:
    from huggingface_hub.errors import OfflineModeIsEnabled

    if isinstance(error, OfflineModeIsEnabled):
        return "the hub's offline mode is on (HF_HUB_OFFLINE)"
    status = _status(error)
    if status is None:
        return f"the hub cannot be reached ({type(error).__name__})"
    return _REASONS.get(status, f"the hub answers with status {status}")


def _status(error: Exception) -> int | None:
    status = getattr(getattr(error, "response", None), "status_code", None)
    return status if isinstance(status, int) else None


def _address(file: HubFile, revision: str, endpoint: str | None) -> str:
    from huggingface_hub import hf_hub_url

    return hf_hub_url(file.repo, file.filename, revision=revision, endpoint=endpoint)


@contextmanager
def _bars(*, shown: bool) -> Iterator[None]:
    from huggingface_hub.utils.tqdm import (
        are_progress_bars_disabled,
        disable_progress_bars,
        enable_progress_bars,
    )

    if shown or are_progress_bars_disabled():
        yield
        return
    disable_progress_bars()
    try:
        yield
    finally:
        enable_progress_bars()


def _hash(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _remove(found: Path) -> None:
    """Remove a file from the cache: its name in the snapshot, and the blob that the name points to."""
    blob = found.parent / found.readlink() if found.is_symlink() else found
    found.unlink()
    blob.unlink(missing_ok=True)


def _commit(found: Path, file: HubFile) -> str:
    """Read the commit from where the cache keeps the file: snapshots/COMMIT/path/in/repository."""
    return found.parents[len(PurePosixPath(file.filename).parts) - 1].name
