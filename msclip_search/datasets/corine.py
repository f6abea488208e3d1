"""The land-cover names of CORINE that BigEarthNet uses: 43 of level 3, and the 19 classes made of them.

The 19 are those of Sumbul et al., BigEarthNet-MM, IEEE Geoscience and Remote Sensing Magazine 9(3), 2021
(arXiv:2105.07921). Eleven names have no class: what they stand for cannot be told from a single image.
"""

from collections.abc import Iterable, Mapping
from types import MappingProxyType

_MIXED = "Land principally occupied by agriculture, with significant areas of natural vegetation"

GROUPS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "Urban fabric": ("Continuous urban fabric", "Discontinuous urban fabric"),
        "Industrial or commercial units": ("Industrial or commercial units",),
        "Arable land": ("Non-irrigated arable land", "Permanently irrigated land", "Rice fields"),
        "Permanent crops": (
            "Vineyards",
            "Fruit trees and berry plantations",
            "Olive groves",
            "Annual crops associated with permanent crops",
        ),
        "Pastures": ("Pastures",),
        "Complex cultivation patterns": ("Complex cultivation patterns",),
        _MIXED: (_MIXED,),
        "Agro-forestry areas": ("Agro-forestry areas",),
        "Broad-leaved forest": ("Broad-leaved forest",),
        "Coniferous forest": ("Coniferous forest",),
        "Mixed forest": ("Mixed forest",),
        "Natural grassland and sparsely vegetated areas": ("Natural grassland", "Sparsely vegetated areas"),
        "Moors, heathland and sclerophyllous vegetation": ("Moors and heathland", "Sclerophyllous vegetation"),
        "Transitional woodland, shrub": ("Transitional woodland/shrub",),
        "Beaches, dunes, sands": ("Beaches, dunes, sands",),
        "Inland wetlands": ("Inland marshes", "Peatbogs"),
        "Coastal wetlands": ("Salt marshes", "Salines"),
        "Inland waters": ("Water courses", "Water bodies"),
        "Marine waters": ("Coastal lagoons", "Estuaries", "Sea and ocean"),
    }
)
"""The 19 classes, and which of the 43 names each is made of."""

DROPPED = (
    "Road and rail networks and associated land",
    "Port areas",
    "Airports",
    "Mineral extraction sites",
    "Dump sites",
    "Construction sites",
    "Green urban areas",
    "Sport and leisure facilities",
    "Bare rock",
    "Burnt areas",
    "Intertidal flats",
)
"""Names without a class."""

_CLASS_OF: Mapping[str, str | None] = MappingProxyType(
    {name: group for group, names in GROUPS.items() for name in (*names, group)} | dict.fromkeys(DROPPED)
)


def to_classes(names: Iterable[str]) -> tuple[str, ...]:
    """Return the classes that names belong to, each once, in the order of the 19.

    Names of the 19 are taken as they are.

    Raises
    ------
    KeyError
        A name that is none of the 43 and none of the 19.
    """
    found = {_CLASS_OF[name] for name in names}
    return tuple(group for group in GROUPS if group in found)
