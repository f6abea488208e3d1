"""How IVF-PQ is trained: with what vectors, and for how long."""

from typing import Any

import numpy as np

from msclip_search.indexes.base import Floats, Rows, Vectors
from msclip_search.indexes.exact import BLOCK_ROWS
from msclip_search.indexes.faiss_library import load_faiss
from msclip_search.indexes.plan import Plan

CODE_ROUNDS = 8
"""Rounds of k-means for the codes; FAISS's own 25 gain nothing that the re-ranking does not give back."""

CODE_POINTS = 39
"""Vectors for each of a code's centroids to learn from, at most."""

ROTATION_ROUNDS = 2
"""Rounds in which OPQ turns the vectors; FAISS's own 50 take most of the time of building, and find no more."""


def blank(plan: Plan, dimension: int, seed: int) -> Any:  # noqa: ANN401 - FAISS has no types
    """Make an index as planned, untrained, and set to train no longer than helps."""
    faiss = load_faiss()
    blank = faiss.index_factory(dimension, plan.factory, faiss.METRIC_INNER_PRODUCT)
    ivf = faiss.downcast_index(faiss.extract_index_ivf(blank))
    ivf.nprobe = plan.nprobe  # stored in the file, for `load`
    ivf.cp.seed = seed
    ivf.pq.cp.seed = seed
    ivf.pq.cp.niter = CODE_ROUNDS
    ivf.pq.cp.max_points_per_centroid = CODE_POINTS
    # Numbers the codes so that Hamming distances mean something, which nothing here looks at: a minute for nothing.
    ivf.do_polysemous_training = False
    if isinstance(blank, faiss.IndexPreTransform):
        rotation = faiss.downcast_VectorTransform(blank.chain.at(0))
        if isinstance(rotation, faiss.OPQMatrix):
            rotation.niter = ROTATION_ROUNDS
            rotation.niter_pq_0 = CODE_ROUNDS
            rotation.max_train_points = CODE_POINTS * ivf.pq.ksub
    return blank


def sample_of(vectors: Vectors, rows: Rows, size: int, seed: int) -> Floats:
    """float32 (size, dimension): vectors to train with, drawn without replacement."""
    if size < len(rows):
        rows = rows[np.sort(np.random.default_rng(seed).choice(len(rows), size, replace=False))]
    drawn = np.empty((size, vectors.shape[1]), dtype=np.float32)
    for start in range(0, size, BLOCK_ROWS):
        part = slice(start, start + BLOCK_ROWS)
        drawn[part] = vectors.take(rows[part])
    return drawn
