"""The inverted lists of an IVF index: which of them are near a query, and in which a position lies."""

from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from msclip_search.indexes.base import Floats, Rows
from msclip_search.indexes.faiss_library import load_faiss

Homes: TypeAlias = NDArray[np.int32]
"""(positions,): the list that each position lies in."""


def homes_of(ivf: Any) -> Homes:  # noqa: ANN401 - FAISS has no types
    """Tell in which list each position of an IVF index lies."""
    faiss = load_faiss()
    homes = np.zeros(ivf.ntotal, dtype=np.int32)
    for number in range(ivf.nlist):
        if size := ivf.invlists.list_size(number):
            homes[faiss.rev_swig_ptr(ivf.invlists.get_ids(number), size)] = number
    return homes


def nearest_lists(index: Any, ivf: Any, queries: Floats, count: int) -> Rows:  # noqa: ANN401 - FAISS has no types
    """Name the lists that are looked into first: int64 (queries, count).

    Parameters
    ----------
    index, ivf
        The whole index, which may turn vectors first, and the IVF in it.
    queries
        float32 (queries, dimension).
    count
        How many lists.
    """
    faiss = load_faiss()
    if isinstance(index, faiss.IndexPreTransform):
        for number in range(index.chain.size()):
            queries = index.chain.at(number).apply(queries)
    _, lists = ivf.quantizer.search(queries, count)
    return np.asarray(lists, dtype=np.int64)


def share_elsewhere(homes: Homes, ids: Rows, lists: Rows, *, nlist: int) -> Floats:
    """Tell which share of some positions lies in other lists: float32 (queries,), 1 where there are no positions.

    Parameters
    ----------
    homes
        See `homes_of`.
    ids
        int64 (queries, n): positions, -1 where there is none.
    lists
        int64 (queries, lists), -1 where there is none.
    nlist
        Lists there are.
    """
    among = np.zeros(nlist + 1, dtype=np.bool_)
    shares = np.ones(len(ids), dtype=np.float32)
    for number, (own, at) in enumerate(zip(lists, ids, strict=True)):
        among[own] = True
        if len(known := at[at >= 0]):
            shares[number] = np.count_nonzero(~among[homes[known]]) / len(known)
        among[own] = False
    return shares
