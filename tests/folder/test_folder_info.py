"""What an index says of itself."""

import datetime as dt
from pathlib import Path

import numpy as np
import pytest

from msclip_search import (
    SearchIndex,
)
from msclip_search.ingest.ann import build_ann
from msclip_search.store import open_writer
from tests.folder.making import (
    ENCODER,
    MODEL,
    NONE_DELETED,
    located,
    make_index,
    record,
    units,
)
from tests.folder.ranking import EVERY_LIST, delete


def test_info_counts(tmp_path: Path) -> None:
    moment = dt.datetime(2022, 2, 3, 4, 5, tzinfo=dt.UTC)
    root = tmp_path / "idx"
    writer = open_writer(root, model=MODEL, kind="auto")
    rows = [located(0, west=10, south=45), record(1, datetime=moment, labels=("a",)), located(2, west=50, south=-5)]
    writer.commit(rows, units(3), delete=NONE_DELETED)
    writer.commit([record(3, labels=("b",))], units(1), delete=np.array([2]))
    with SearchIndex.open(root) as index:
        info = index.info()
    named = [path for path in root.rglob("*") if path.suffix in {".parquet", ".npy"}]
    assert info.to_dict() | {"created": "", "software": ""} == {
        "path": str(root),
        "format": 1,
        "manifest": 2,
        "created": "",
        "software": "",
        "model": "untrained",
        "fingerprint": ENCODER.fingerprint,
        "weights": None,
        "dimension": 64,
        "tiles": 3,
        "deleted": 1,
        "segments": 2,
        "kind": "flat",
        "reason": "3 tiles: IVF-PQ needs at least 9,984 to train, so every query scans all of them exactly",
        "factory": None,
        "scanned": 3,
        "size": sum(path.stat().st_size for path in named),
        "located": 1,
        "bounds": info.bounds,
        "dated": 1,
        "first": "2022-02-03T04:05:00+00:00",
        "last": "2022-02-03T04:05:00+00:00",
        "labelled": 2,
    }
    assert info.bounds == pytest.approx((10, 45, 10.1, 45.1))
    assert info.created == writer.manifest.created


def test_info_does_not_claim_what_is_not_in_force(tmp_path: Path) -> None:
    root = tmp_path / "idx"
    writer = make_index(root, 10_100)
    with SearchIndex.open(root) as index:
        assert index.info().kind == "flat"
        assert "IVF-PQ is not built yet" in index.info().reason
    build_ann(writer, EVERY_LIST, progress=lambda *_: None)
    delete(writer, np.arange(5000))
    with SearchIndex.open(root) as index:
        info = index.info()
    assert (info.kind, info.tiles, info.scanned) == ("ivfpq", 5100, 0)
    assert info.reason.startswith("5,100 tiles: 16 lists, made over 10,100 tiles; candidates are re-ranked exactly")
