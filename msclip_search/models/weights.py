"""A weights file on this disk: whether it is there, and what its hash is."""

import hashlib
from pathlib import Path

from msclip_search.errors import WeightsError
from msclip_search.models.base import WeightsFile

_WAY_OUT = "Pass the right file with --weights."


def identify(path: Path, *, known: WeightsFile | None = None) -> WeightsFile:
    """Look at a weights file and hash it, unless its hash is known already.

    Parameters
    ----------
    path
        The file.
    known
        What was recorded about it earlier. Its hash is taken over while size and time of change are still the
        same: hashing 600 MB takes a second, which a query would feel.

    Raises
    ------
    WeightsError
        There is no such file, it is a folder or empty, or it may not be read.
    """
    try:
        if path.is_dir():
            raise WeightsError(f"{path} is a folder, not a weights file. {_WAY_OUT}")
        status = path.stat()
        if status.st_size == 0:
            raise WeightsError(f"{path} is empty: copying or downloading it was cut short. {_WAY_OUT}")
        with path.open("rb") as file:  # opened even when the hash is known: what may not be read is said here
            same = known is not None and known.describes(path)
            sha256 = known.sha256 if known and same else hashlib.file_digest(file, "sha256").hexdigest()
    except FileNotFoundError as error:
        raise WeightsError(f"There is no weights file {path}. {_WAY_OUT}") from error
    except PermissionError as error:
        raise WeightsError(f"No permission to read the weights file {path}.") from error
    except OSError as error:
        raise WeightsError(f"The weights file {path} cannot be read: {error.strerror or error}.") from error
    return WeightsFile(
        path=str(path.absolute()),
        sha256=sha256,
        size=status.st_size,
        mtime_ns=status.st_mtime_ns,
        origin="file",
    )
