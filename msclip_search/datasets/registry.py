"""The data sets by name."""

import difflib
from collections.abc import Mapping
from types import MappingProxyType

from msclip_search.datasets.base import DataSet
from msclip_search.datasets.bigearthnet import BIGEARTHNET
from msclip_search.datasets.eurosat import EUROSAT_MS, EUROSAT_RGB
from msclip_search.datasets.forestnet import FORESTNET
from msclip_search.datasets.scenes import AID, FOLDER, METER_ML, METER_ML_NAIP, RESISC45
from msclip_search.errors import ArchiveError

DATASETS: Mapping[str, DataSet] = MappingProxyType(
    {
        each.name: each
        for each in (
            EUROSAT_MS,
            EUROSAT_RGB,
            BIGEARTHNET,
            METER_ML,
            METER_ML_NAIP,
            FORESTNET,
            RESISC45,
            AID,
            FOLDER,
        )
    }
)


def data_set(name: str) -> DataSet:
    """Return the data set of a name.

    Raises
    ------
    ArchiveError
        There is none; the nearest names and all are given.
    """
    if found := DATASETS.get(name):
        return found
    near = difflib.get_close_matches(name.lower(), DATASETS, n=3, cutoff=0.5)
    meant = f" Did you mean {' or '.join(near)}?" if near else ""
    raise ArchiveError(f"There is no data set '{name}'.{meant} There are {', '.join(DATASETS)}.")
