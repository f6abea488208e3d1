"""An index that several tests search."""

import numpy as np
import pytest

from msclip_search.ingest.ann import build_ann
from tests.folder.making import (
    make_index,
    stored_tiles,
)
from tests.folder.ranking import EVERY_LIST, Big, delete


@pytest.fixture(scope="session")
def big(tmp_path_factory: pytest.TempPathFactory) -> Big:
    root = tmp_path_factory.mktemp("big") / "idx"
    writer = make_index(root, 5000, 1, 6000, 499)
    draws = np.random.default_rng(1)
    delete(writer, draws.choice(11_500, 400, replace=False))
    build_ann(writer, EVERY_LIST, progress=lambda *_: None)
    writer = make_index(root, 300, first=20_000, seed=77)
    delete(writer, draws.choice(11_800, 300, replace=False))
    return Big(root, stored_tiles(root))
