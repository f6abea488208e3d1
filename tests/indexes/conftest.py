"""An archive of vectors, and IVF-PQ over it."""

import numpy as np
import pytest

from msclip_search.indexes import IvfPqIndex, StackedVectors, choose
from tests.indexes.oracle import Archive, coned

ROWS, DIMENSION = 12_000, 48


@pytest.fixture(scope="package")
def archive() -> Archive:
    """Make 12,000 vectors in parts of uneven sizes, some of them the same; texts, images and one of the same."""
    rng = np.random.default_rng(7)
    images, texts = coned(rng, rows=ROWS, dimension=DIMENSION, queries=20)
    images[7_000:7_040] = images[100:140]
    images[300:420] = images[300]
    images[11_000:11_020] = images[300]
    stored = images.astype(np.float16)
    queries = np.concatenate([texts, images[[0, 100, 300, 5_000, 11_999]]]).astype(np.float32)
    return Archive(np.split(stored, [1, 1, 2_500, 2_507, 9_000]), queries)


@pytest.fixture(scope="package")
def vectors(archive: Archive) -> StackedVectors:
    """Stack the archive."""
    return StackedVectors(archive.parts)


@pytest.fixture(scope="package")
def built(vectors: StackedVectors) -> IvfPqIndex:
    """Build IVF-PQ over the whole archive, as planned."""
    return IvfPqIndex.build(vectors, np.arange(ROWS), choose("auto", rows=ROWS, dimension=DIMENSION))
