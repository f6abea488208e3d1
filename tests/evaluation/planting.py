"""Indexes whose tiles lie where a test wants them."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from msclip_search.store import open_writer
from tests.folder.making import ENCODER, MODEL, NONE_DELETED, record


def plant(
    root: Path, labels: Sequence[Sequence[str]], *, towards: Sequence[str], noise: float, seed: int = 0
) -> NDArray[np.float64]:
    """Commit a tile for each entry: near the embeddings of its labels' words, give or take some noise.

    Parameters
    ----------
    root
        The index folder.
    labels
        Of each tile; each is a text whose embedding the tile lies near, if it is among `towards`.
    towards
        Texts that have a place.
    noise
        Length of the noise.

    Returns
    -------
    array
        The vectors as stored, (tiles, dimension).
    """
    random = np.random.default_rng(seed)
    places = dict(zip(towards, ENCODER.encode_texts(list(towards)).astype(np.float64), strict=True))
    rows = []
    for names in labels:
        draw = random.normal(size=64)
        row = noise * draw / np.linalg.norm(draw)
        for name in names:
            row = row + places.get(name, 0.0)
        rows.append(row)
    vectors = np.array(rows)
    vectors = (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float16)
    writer = open_writer(root, model=MODEL)
    records = [record(number, labels=tuple(names)) for number, names in enumerate(labels)]
    writer.commit(records, vectors, delete=NONE_DELETED)
    stored: NDArray[np.float64] = vectors.astype(np.float64)
    return stored
