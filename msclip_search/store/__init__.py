"""The index folder on the disk: manifests, segments, deletions, generations of the ANN index."""

from msclip_search.store.durable import storage_errors
from msclip_search.store.folder import require_folder
from msclip_search.store.folding import is_folded, plan_folds
from msclip_search.store.generation import AnnFiles
from msclip_search.store.layout import Layout
from msclip_search.store.lock import hold, require_unlocked, writing
from msclip_search.store.manifest import VERSION as FORMAT_VERSION
from msclip_search.store.manifest import AnnEntry, Manifest
from msclip_search.store.methods import Method, method
from msclip_search.store.positions import covered, positions, read_sample, sample_rows, to_runs
from msclip_search.store.snapshot import Origin, Snapshot, open_snapshot, take_snapshot
from msclip_search.store.succession import newest_or_raise
from msclip_search.store.sweep import sweep
from msclip_search.store.verification import Verification, verify
from msclip_search.store.writer import Writer, open_writer

__all__ = [
    "FORMAT_VERSION",
    "AnnEntry",
    "AnnFiles",
    "Layout",
    "Manifest",
    "Method",
    "Origin",
    "Snapshot",
    "Verification",
    "Writer",
    "covered",
    "hold",
    "is_folded",
    "method",
    "newest_or_raise",
    "open_snapshot",
    "open_writer",
    "plan_folds",
    "positions",
    "read_sample",
    "require_folder",
    "require_unlocked",
    "sample_rows",
    "storage_errors",
    "sweep",
    "take_snapshot",
    "to_runs",
    "verify",
    "writing",
]
