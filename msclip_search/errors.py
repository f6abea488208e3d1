"""The errors a user can meet, each a sentence or two: what is wrong, with what, and the way out.

::

    MsclipError
    ├── ArchiveError        the archive as a whole: missing, empty, nothing readable
    ├── TileError           one tile cannot be read or understood; a run goes on without it
    │   └── BandsError      its bands are unknown, or some that the model needs are missing
    ├── ModelError          a model that is unknown, or cannot be loaded
    │   ├── WeightsError    its weights: missing, wrong, damaged, or not to be had
    │   └── ModelMismatch   not the model that the index was made with
    ├── IndexFolderError    the index folder
    │   ├── IndexMissing    there is none at this path
    │   ├── IndexTooNew     of a format that this version does not know
    │   ├── IndexDamaged    a file of it is missing, truncated or altered
    │   ├── IndexConflict   another process committed to it meanwhile
    │   ├── IndexLocked     another process writes to it
    │   └── IndexOutdated   it has gone on, and files of the state that was opened are gone
    ├── StorageError        the disk: full, read-only, not permitted
    ├── QueryError          a query that cannot be answered
    ├── SimulationError     a simulation that cannot be made as it was asked for
    └── TrainingError       a training that cannot be begun or go on

The floor below has one of its own, `msclip_search.indexes.FaissUnavailable`: FAISS is not installed, or twice.
"""


class MsclipError(Exception):
    """Base of every error that msclip-search raises on purpose."""


class ArchiveError(MsclipError):
    """The archive is missing, empty, or holds nothing that can be read."""


class TileError(MsclipError):
    """One tile cannot be read or understood."""


class BandsError(TileError):
    """The bands of a tile are unknown, or lack some that the model needs."""


class ModelError(MsclipError):
    """A model is unknown or cannot be loaded."""


class WeightsError(ModelError):
    """The weights of a model are missing, wrong, damaged, or cannot be had."""


class ModelMismatch(ModelError):  # noqa: N818 - reads as what it says
    """The model at hand is not the one that the index was made with."""


class IndexFolderError(MsclipError):
    """Something is wrong with an index folder."""


class IndexMissing(IndexFolderError):  # noqa: N818
    """There is no index at the path."""


class IndexTooNew(IndexFolderError):  # noqa: N818
    """The index has a format that this version does not know."""


class IndexDamaged(IndexFolderError):  # noqa: N818
    """A file of the index is missing, truncated or altered."""


class IndexConflict(IndexFolderError):  # noqa: N818
    """Another process committed to the index at the same time."""


class IndexLocked(IndexFolderError):  # noqa: N818
    """Another process writes to the index, or another thread of this one."""


class IndexOutdated(IndexFolderError):  # noqa: N818
    """The index has gone on since it was opened, and files of that state have gone after their time of grace."""


class StorageError(MsclipError):
    """The disk is full, read-only, or refuses permission."""


class QueryError(MsclipError):
    """A query cannot be answered as it was asked."""


class SimulationError(MsclipError):
    """A simulation cannot be made as it was asked for."""


class TrainingError(MsclipError):
    """A training cannot be begun as it was asked for, or cannot go on."""
