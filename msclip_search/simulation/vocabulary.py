"""What things are called: for each tag the words a person may use, and how much of a tile it takes to speak of it."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np

from msclip_search.simulation.canvas import Mask


@dataclass(frozen=True, slots=True)
class Word:
    """A tag in words."""

    phrases: tuple[str, ...]
    """Different ways to say it, the plainest first."""
    least: float = 0.08
    """Share of a tile from which on it is said: small for what is thin or small."""


def _words(*phrases: str, least: float = 0.08) -> Word:
    return Word(phrases, least)


WORDS: Mapping[str, Word] = MappingProxyType(
    {
        "cropland": _words("cropland", "farmland", "agricultural fields", "arable land", "cultivated parcels"),
        "green crops": _words("green crops", "fields of growing crops", "lush cultivated fields", "crops in leaf"),
        "ripe crops": _words("ripe crops", "golden grain fields", "crops ready for harvest", "yellow cereal fields"),
        "bare fields": _words("bare fields", "ploughed soil", "harvested fields", "brown tilled land"),
        "rapeseed in flower": _words("rapeseed in flower", "blooming yellow canola", "flowering oilseed rape"),
        "rice paddies": _words("rice paddies", "rice fields", "paddy cultivation"),
        "flooded fields": _words("flooded fields", "flooded farmland", "fields under water", "waterlogged crops"),
        "flood": _words("a flood", "flooding", "land under flood water", "an overflowing river"),
        "pivot irrigation": _words("pivot irrigation", "circular irrigated fields", "crop circles of center pivots"),
        "orchard": _words("an orchard", "fruit trees in rows", "a fruit plantation"),
        "vineyard": _words("a vineyard", "rows of grapevines", "wine-growing land"),
        "olive grove": _words("an olive grove", "olive trees", "an olive plantation"),
        "palm plantation": _words("a palm plantation", "oil palms", "an oil palm estate"),
        "greenhouses": _words("greenhouses", "plastic-covered horticulture", "glasshouses", least=0.1),
        "pasture": _words("pasture", "grazing land", "meadows for cattle", "green grazed fields"),
        "grassland": _words("grassland", "herbaceous vegetation", "open meadows", "grassy hills"),
        "shrubland": _words("shrubland", "bushes and scrub", "maquis", "scrubland"),
        "heathland": _words("heathland", "heather moor", "heath"),
        "savanna": _words("savanna", "dry grassland with scattered trees", "bushveld"),
        "tundra": _words("tundra", "arctic moss and sedge", "treeless polar land"),
        "forest": _words("forest", "woodland", "trees", "a wooded area"),
        "conifer forest": _words(
            "conifer forest", "needleleaf evergreen trees", "spruce and pine woods", "coniferous woodland"
        ),
        "broadleaf forest": _words("broadleaf forest", "deciduous trees", "beech and oak woods", "hardwood forest"),
        "mixed forest": _words("mixed forest", "conifers and deciduous trees together", "mixed woodland"),
        "autumn forest": _words("autumn forest", "trees in fall colours", "woods turning yellow"),
        "leafless forest": _words("leafless forest", "bare winter trees", "deciduous woods without leaves"),
        "rainforest": _words("rainforest", "tropical jungle", "dense tropical forest"),
        "mangrove": _words("mangrove", "mangrove swamp", "tidal forest"),
        "deforestation": _words("deforestation", "cleared rainforest", "forest cut for farming"),
        "clear-cut": _words("a clear-cut", "felled forest", "logged area", "timber harvest"),
        "burn scar": _words("a burn scar", "burnt land", "the trace of a wildfire", "charred vegetation"),
        "wetland": _words("wetland", "marsh", "swamp with reeds", "boggy ground"),
        "peat bog": _words("a peat bog", "mire", "peatland"),
        "river": _words("a river", "a river bend", "a watercourse", "flowing water", least=0.03),
        "stream": _words("a stream", "a small river", "a creek", least=0.01),
        "gravel banks": _words("gravel banks", "a braided river bed", "shingle bars"),
        "lake": _words("a lake", "an inland lake", "still fresh water"),
        "ponds": _words("ponds", "small lakes", "thermokarst pools", least=0.03),
        "reservoir": _words("a reservoir", "an artificial lake", "a dammed lake"),
        "dam": _words("a dam", "a barrage", "a concrete wall across a valley", least=0.01),
        "sea": _words("the sea", "open ocean", "sea water", "marine water"),
        "shallow water": _words("shallow water", "turquoise shallows", "a coral reef", "a sandy sea bed"),
        "coast": _words("a coast", "the shoreline", "the seashore"),
        "beach": _words("a beach", "a sandy shore", "sand along the water", least=0.03),
        "island": _words("an island", "an islet", "a small isle", least=0.02),
        "mudflat": _words("a mudflat", "tidal flats", "wet mud at low tide"),
        "algal bloom": _words("an algal bloom", "green scum on water", "cyanobacteria on a lake"),
        "fish ponds": _words("fish ponds", "aquaculture basins", "shrimp farms"),
        "sea ice": _words("sea ice", "ice floes", "frozen sea"),
        "ship": _words("a ship", "boats on the water", "a vessel", least=0.002),
        "harbour": _words("a harbour", "a port", "docks and quays"),
        "snow": _words("snow", "snow-covered land", "a white winter landscape"),
        "glacier": _words("a glacier", "glacier ice", "an ice tongue"),
        "mountains": _words("mountains", "steep mountain slopes", "alpine ridges"),
        "bare rock": _words("bare rock", "rocky ground", "exposed stone"),
        "desert": _words("desert", "arid barren land", "dry wasteland"),
        "sand dunes": _words("sand dunes", "desert sand", "dune waves"),
        "dry lake bed": _words("a dry lake bed", "a playa", "cracked clay"),
        "salt flat": _words("a salt flat", "a salt lake crust", "white evaporite plain"),
        "badlands": _words("badlands", "eroded gullies", "barren ravines"),
        "lava field": _words("a lava field", "black volcanic rock", "solidified lava"),
        "volcano": _words("a volcano", "a volcanic cone", "a crater", least=0.05),
        "residential area": _words("a residential area", "houses with gardens", "suburban housing", "a neighbourhood"),
        "city centre": _words("a city centre", "dense urban blocks", "downtown"),
        "village": _words("a village", "a hamlet", "a small settlement"),
        "park": _words("a park", "urban green space", "a city garden", least=0.02),
        "sports field": _words("a sports field", "a football pitch", "playing fields", least=0.01),
        "golf course": _words("a golf course", "fairways and greens", "golf links"),
        "industrial area": _words("an industrial area", "factories and warehouses", "large industrial halls"),
        "highway": _words("a highway", "a motorway", "a freeway", "a dual carriageway", least=0.02),
        "highway junction": _words("a highway junction", "a motorway interchange", "a cloverleaf", least=0.04),
        "railway": _words("a railway", "train tracks", "a marshalling yard", least=0.01),
        "airport": _words("an airport", "an airfield", "an aerodrome"),
        "runway": _words("a runway", "a landing strip", least=0.01),
        "solar park": _words("a solar park", "photovoltaic panels", "a solar farm", least=0.05),
        "quarry": _words("a quarry", "a stone pit", "excavated limestone", least=0.04),
        "open-pit mine": _words("an open-pit mine", "a surface mine", "an opencast pit", least=0.05),
        "tailings pond": _words("a tailings pond", "mine waste basin", "a sludge lagoon", least=0.05),
        "salt pans": _words("salt pans", "salt evaporation ponds", "salterns"),
        "landfill": _words("a landfill", "a rubbish dump", "a waste tip", least=0.04),
        "clouds": _words("clouds", "a cloudy sky", "cumulus clouds", least=0.1),
        "haze": _words("haze", "thin cirrus", "a veil of cloud", least=0.25),
        "cloud shadow": _words("cloud shadows", "shadows of clouds", least=0.1),
    }
)
"""All tags by name."""


def holds(masks: Mapping[str, Mask]) -> tuple[str, ...]:
    """Return the tags that can be said of a tile, the largest share first, of equal ones by name.

    Parameters
    ----------
    masks
        Where each tag holds, (height, width).
    """
    shares = {tag: np.count_nonzero(mask) / mask.size for tag, mask in masks.items()}
    said = [tag for tag, share in shares.items() if share >= WORDS[tag].least]
    return tuple(sorted(said, key=lambda tag: (-shares[tag], tag)))
