"""Fields and permanent crops.

Sowing and harvest after the crop calendars of the FAO and the USDA for the temperate zone, rounded.
"""

from msclip_search.simulation.covers.base import Cover, Stage, always

_GREEN = ("green crops",)
_BARE = ("bare fields",)
_RIPE = ("ripe crops",)

COVERS = {
    "winter cereals": Cover(
        stages=(
            Stage(0.0, "soil_brown", "wheat_green", 0.35, _BARE),
            Stage(0.2, "wheat_green", "soil_brown", 0.25, _GREEN),
            Stage(0.3, "wheat_green", "soil_dark", 0.06, _GREEN),
            Stage(0.44, "wheat_green", "wheat_ripe", 0.5, _GREEN),
            Stage(0.49, "wheat_ripe", "soil_light", 0.12, _RIPE),
            Stage(0.57, "stubble", "soil_light", 0.3, _BARE),
            Stage(0.68, "soil_brown", "stubble", 0.25, _BARE),
            Stage(0.84, "soil_brown", "wheat_green", 0.25, _BARE),
        ),
        tags=("cropland",),
    ),
    "maize": Cover(
        stages=(
            Stage(0.0, "soil_brown", "stubble", 0.25, _BARE),
            Stage(0.27, "soil_brown", "soil_light", 0.3, _BARE),
            Stage(0.4, "soil_brown", "maize_young", 0.5, _BARE),
            Stage(0.47, "maize_green", "soil_brown", 0.2, _GREEN),
            Stage(0.53, "maize_green", "maize_young", 0.1, _GREEN),
            Stage(0.69, "maize_green", "stubble", 0.55, _RIPE),
            Stage(0.78, "stubble", "soil_dark", 0.3, _BARE),
        ),
        tags=("cropland",),
    ),
    "roots": Cover(
        stages=(
            Stage(0.0, "soil_dark", "soil_brown", 0.4, _BARE),
            Stage(0.36, "soil_brown", "maize_young", 0.3, _BARE),
            Stage(0.45, "maize_green", "soil_dark", 0.2, _GREEN),
            Stage(0.76, "soil_wet", "soil_dark", 0.5, _BARE),
        ),
        tags=("cropland",),
    ),
    "rapeseed": Cover(
        stages=(
            Stage(0.0, "wheat_green", "soil_brown", 0.35, _GREEN),
            Stage(0.28, "rapeseed_flower", "wheat_green", 0.2, ("rapeseed in flower",)),
            Stage(0.4, "wheat_green", "wheat_ripe", 0.2, _GREEN),
            Stage(0.5, "wheat_ripe", "stubble", 0.4, _RIPE),
            Stage(0.58, "stubble", "soil_brown", 0.4, _BARE),
            Stage(0.72, "soil_brown", "wheat_green", 0.4, _BARE),
        ),
        tags=("cropland",),
    ),
    "sunflower": Cover(
        stages=(
            Stage(0.0, "soil_light", "soil_brown", 0.4, _BARE),
            Stage(0.42, "soil_brown", "maize_young", 0.5, _BARE),
            Stage(0.5, "sunflower", "soil_brown", 0.2, _GREEN),
            Stage(0.64, "wheat_ripe", "soil_dark", 0.4, _RIPE),
            Stage(0.75, "soil_brown", "stubble", 0.3, _BARE),
        ),
        tags=("cropland",),
    ),
    "cotton": Cover(
        stages=(
            Stage(0.0, "soil_light", "soil_brown", 0.4, _BARE),
            Stage(0.4, "cotton", "soil_light", 0.45, _GREEN),
            Stage(0.5, "cotton", "soil_brown", 0.15, _GREEN),
            Stage(0.72, "cotton", "stubble", 0.5, _RIPE),
            Stage(0.85, "soil_light", "stubble", 0.3, _BARE),
        ),
        tags=("cropland",),
    ),
    "alfalfa": Cover(
        stages=(
            Stage(0.0, "stubble", "grass_green", 0.4, _BARE),
            Stage(0.22, "grass_green", "wheat_green", 0.5, _GREEN),
            Stage(0.86, "grass_green", "stubble", 0.5, _GREEN),
        ),
        tags=("cropland",),
        spread=0.2,
    ),
    "sugarcane": Cover(
        stages=(
            Stage(0.0, "sugarcane", "maize_green", 0.3, _GREEN),
            Stage(0.45, "sugarcane", "wheat_ripe", 0.25, _GREEN),
            Stage(0.7, "soil_red", "stubble", 0.35, _BARE),
            Stage(0.85, "soil_red", "sugarcane", 0.5, _GREEN),
        ),
        tags=("cropland",),
    ),
    "fallow": Cover(
        stages=always("soil_light", "soil_brown", 0.4), tags=("cropland", "bare fields"), spread=0.3, patch=0.15
    ),
    "ploughed": Cover(
        stages=always("soil_brown", "soil_dark", 0.4), tags=("cropland", "bare fields"), spread=0.3, patch=0.12
    ),
    "red soil": Cover(
        stages=always("soil_red", "soil_light", 0.3), tags=("cropland", "bare fields"), spread=0.25, patch=0.12
    ),
    "rice": Cover(
        stages=(
            Stage(0.0, "soil_wet", "stubble", 0.45, ("bare fields", "cropland")),
            Stage(0.33, "flood_water", "rice_young", 0.3, ("rice paddies", "flooded fields")),
            Stage(0.43, "rice_young", "rice_green", 0.4, ("rice paddies",)),
            Stage(0.52, "rice_green", "rice_young", 0.12, ("rice paddies",)),
            Stage(0.7, "rice_ripe", "rice_green", 0.25, ("rice paddies",)),
            Stage(0.8, "stubble", "soil_wet", 0.5, ("bare fields", "cropland")),
        ),
        spread=0.15,
    ),
    "orchard row": Cover(stages=always("orchard_canopy", "grass_green", 0.2), tags=("orchard",), clump=0.1),
    "vine row": Cover(
        stages=(
            Stage(0.0, "soil_light", "soil_brown", 0.5),
            Stage(0.36, "vine_canopy", "soil_light", 0.45),
            Stage(0.5, "vine_canopy", "soil_light", 0.3),
            Stage(0.78, "vine_canopy", "wheat_ripe", 0.5),
            Stage(0.88, "soil_light", "soil_brown", 0.5),
        ),
        tags=("vineyard",),
        clump=0.08,
    ),
    "vines": Cover(
        stages=(
            Stage(0.0, "soil_light", "soil_brown", 0.5),
            Stage(0.34, "soil_light", "vine_canopy", 0.35),
            Stage(0.45, "vine_canopy", "soil_brown", 0.5),
            Stage(0.78, "soil_brown", "grass_dry", 0.5),
        ),
        tags=("vineyard",),
        spread=0.2,
        patch=0.12,
        clump=0.035,
    ),
    "grassed vines": Cover(
        stages=(
            Stage(0.0, "grass_dry", "soil_brown", 0.4),
            Stage(0.25, "grass_green", "soil_brown", 0.45),
            Stage(0.42, "vine_canopy", "grass_dry", 0.35),
            Stage(0.8, "grass_dry", "grass_green", 0.4),
        ),
        tags=("vineyard",),
        spread=0.2,
        patch=0.12,
        clump=0.035,
    ),
    "orchard trees": Cover(
        stages=(
            Stage(0.0, "grass_dry", "soil_dark", 0.4),
            Stage(0.28, "grass_green", "orchard_canopy", 0.4),
            Stage(0.4, "orchard_canopy", "grass_green", 0.35),
            Stage(0.82, "grass_dry", "orchard_canopy", 0.35),
        ),
        tags=("orchard",),
        spread=0.2,
        patch=0.12,
        clump=0.06,
        grain=0.05,
    ),
    "open orchard": Cover(
        stages=always("orchard_canopy", "soil_brown", 0.5),
        tags=("orchard",),
        spread=0.2,
        patch=0.12,
        clump=0.06,
        grain=0.05,
    ),
    "olive trees": Cover(
        stages=always("olive_canopy", "soil_brown", 0.4),
        tags=("olive grove",),
        spread=0.2,
        patch=0.15,
        clump=0.07,
        grain=0.06,
    ),
    "open olives": Cover(
        stages=always("soil_light", "olive_canopy", 0.45),
        tags=("olive grove",),
        spread=0.2,
        patch=0.15,
        clump=0.07,
        grain=0.06,
    ),
    "olive row": Cover(stages=always("olive_canopy", "soil_light", 0.3), tags=("olive grove",), clump=0.12),
    "palm row": Cover(stages=always("palm_canopy", "soil_dark", 0.15), tags=("palm plantation",), clump=0.1),
    "alley grass": Cover(
        stages=(
            Stage(0.0, "grass_dry", "soil_brown", 0.4),
            Stage(0.2, "grass_green", "grass_dry", 0.3),
            Stage(0.48, "grass_dry", "grass_green", 0.4),
            Stage(0.8, "grass_green", "grass_dry", 0.45),
        )
    ),
    "alley soil": Cover(stages=always("soil_light", "soil_brown", 0.4), spread=0.25, patch=0.1),
    "alley red soil": Cover(stages=always("soil_red", "soil_light", 0.4), spread=0.25, patch=0.1),
}
