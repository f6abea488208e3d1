"""Building a generation of the ANN index over what has been committed."""

from collections.abc import Callable

import numpy as np

from msclip_search.indexes import IvfPqIndex, Plan
from msclip_search.store import AnnFiles, Manifest, Writer, sample_rows, to_runs

_SEED = 0


def build_ann(writer: Writer, plan: Plan, *, progress: Callable[[str], None]) -> Manifest:
    """Train IVF-PQ on the live rows of an index, add them, and put it in force.

    Parameters
    ----------
    writer
        Of the index.
    plan
        What to build.
    progress
        Told what is being done.
    """
    snapshot = writer.snapshot
    rows = snapshot.live_rows
    names = {"train": "training IVF-PQ", "add": "filling IVF-PQ"}
    index = IvfPqIndex.build(
        snapshot.vectors,
        rows,
        plan,
        seed=_SEED,
        progress=lambda stage, _done, _all: progress(names.get(stage, stage)),
    )
    progress("writing IVF-PQ")
    return writer.commit_ann(
        AnnFiles(
            kind=plan.kind,
            factory=plan.factory or "",
            nlist=plan.nlist,
            nprobe=plan.nprobe,
            runs=to_runs(snapshot, rows),
            sample=snapshot.vectors.take(sample_rows(rows)).astype(np.float16),
            save=index.save,
        )
    )
