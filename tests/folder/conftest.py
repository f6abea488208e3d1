"""An index that several tests search, and an archive that several index."""

from pathlib import Path

import numpy as np
import pytest

from msclip_search.ingest.ann import build_ann
from tests.folder.making import (
    make_index,
    stored_tiles,
    write_tile,
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


@pytest.fixture
def archive(tmp_path: Path) -> Path:
    """Six GeoTIFFs in two folders."""
    for number in range(6):
        write_tile(tmp_path / "tiles" / f"f{number % 2}" / f"tile{number}_2023060{number + 1}.tif", number)
    return tmp_path / "tiles"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return tmp_path / "idx"
