"""Building a generation of the ANN index over what an index holds."""

from collections.abc import Callable
from typing import TypeAlias, get_args

import numpy as np

from msclip_search.errors import QueryError
from msclip_search.indexes import IvfPqIndex, Kind, Plan, choose, due
from msclip_search.store import AnnFiles, Manifest, Snapshot, Writer, covered, sample_rows, to_runs

Progress: TypeAlias = Callable[[str, int, int], None]
"""Told what is being done, the rows done and the rows to do."""

_SEED = 0
_STAGES = {"train": "training IVF-PQ", "add": "filling IVF-PQ"}


def check_kind(kind: str | None) -> None:
    """Refuse a kind of index that there is not.

    Raises
    ------
    QueryError
    """
    if kind is not None and kind not in get_args(Kind):
        raise QueryError(f"Searches use {', '.join(get_args(Kind))}, not {kind}.")


def plan_for(manifest: Manifest) -> Plan:
    """Choose what an index is to be searched by."""
    return choose(manifest.kind, rows=manifest.tiles, dimension=manifest.dimension)  # type: ignore[arg-type]


def train_ann(snapshot: Snapshot, plan: Plan, *, progress: Progress) -> AnnFiles:
    """Train IVF-PQ on the live rows of an index and add them; nothing is written yet.

    Parameters
    ----------
    snapshot
        The index.
    plan
        What to build: of kind "ivfpq".
    progress
        Told how far it is; what it raises ends the work.
    """
    rows = snapshot.live_rows
    index = IvfPqIndex.build(
        snapshot.vectors,
        rows,
        plan,
        seed=_SEED,
        progress=lambda stage, done, total: progress(_STAGES.get(stage, stage), done, total),
    )
    progress("writing IVF-PQ", len(rows), len(rows))
    return AnnFiles(
        kind=plan.kind,
        factory=plan.factory or "",
        nlist=plan.nlist,
        nprobe=plan.nprobe,
        runs=to_runs(snapshot, rows),
        sample=snapshot.vectors.take(sample_rows(rows)).astype(np.float16),
        save=index.save,
    )


def build_ann(writer: Writer, plan: Plan, *, progress: Progress) -> Manifest:
    """Build an ANN index over what has been committed, and put it in force: see `train_ann`."""
    return writer.commit_ann(train_ann(writer.snapshot, plan, progress=progress))


def bring_up_to_date(writer: Writer, *, progress: Progress) -> bool:
    """Build the ANN index anew where too many rows stand outside it, and drop it where none is wanted any more.

    Returns
    -------
    bool
        Whether one was built.
    """
    manifest = writer.manifest
    plan = plan_for(manifest)
    if plan.kind == "flat":
        if manifest.ann:
            writer.drop_ann()
        return False
    if not due(plan, rows=manifest.tiles, covered=covered(writer.snapshot)):
        return False
    build_ann(writer, plan, progress=progress)
    return True
