"""Grass, shrubs and trees."""

from msclip_search.simulation.covers.base import Cover, Stage, always

_TREES = ("forest",)

COVERS = {
    "pasture": Cover(
        stages=(
            Stage(0.0, "pasture", "grass_dry", 0.3),
            Stage(0.2, "grass_green", "pasture", 0.5),
            Stage(0.33, "grass_green", "pasture", 0.3),
            Stage(0.55, "grass_green", "pasture", 0.55),
            Stage(0.65, "pasture", "grass_dry", 0.15),
            Stage(0.75, "grass_green", "pasture", 0.5),
        ),
        tags=("pasture",),
        spread=0.3,
        patch=0.2,
        grain=0.02,
    ),
    "meadow": Cover(
        stages=(
            Stage(0.0, "grass_dry", "pasture", 0.4),
            Stage(0.25, "meadow_tall", "grass_green", 0.3),
            Stage(0.5, "meadow_tall", "grass_dry", 0.3),
            Stage(0.8, "pasture", "grass_dry", 0.4),
        ),
        tags=("grassland",),
        patch=0.15,
        clump=0.035,
    ),
    "steppe": Cover(
        stages=(
            Stage(0.0, "grass_dry", "soil_light", 0.3),
            Stage(0.27, "grass_dry", "grass_green", 0.45),
            Stage(0.45, "grass_dry", "soil_light", 0.25),
        ),
        tags=("grassland",),
        patch=0.2,
        clump=0.035,
    ),
    "lawn": Cover(
        stages=(
            Stage(0.0, "pasture", "grass_dry", 0.2),
            Stage(0.25, "grass_green", "pasture", 0.25),
            Stage(0.5, "grass_green", "grass_dry", 0.25),
        )
    ),
    "shrubs": Cover(
        stages=(
            Stage(0.0, "shrub_dry", "soil_light", 0.3),
            Stage(0.25, "shrub_green", "shrub_dry", 0.35),
            Stage(0.55, "shrub_dry", "shrub_green", 0.4),
        ),
        tags=("shrubland",),
        patch=0.25,
        clump=0.06,
        grain=0.06,
    ),
    "dry shrubs": Cover(
        stages=always("shrub_dry", "soil_light", 0.5), tags=("shrubland",), patch=0.25, clump=0.06, grain=0.06
    ),
    "heath": Cover(stages=always("heath", "grass_dry", 0.25), tags=("heathland",), patch=0.2, clump=0.08, grain=0.04),
    "tundra": Cover(
        stages=(
            Stage(0.0, "tundra", "moss", 0.3),
            Stage(0.45, "tundra", "grass_green", 0.2),
            Stage(0.68, "tundra", "shrub_dry", 0.3),
        ),
        tags=("tundra",),
        patch=0.25,
        clump=0.06,
    ),
    "savanna grass": Cover(
        stages=(
            Stage(0.0, "grass_green", "grass_dry", 0.4),
            Stage(0.3, "grass_dry", "soil_red", 0.25),
            Stage(0.8, "grass_dry", "grass_green", 0.5),
        ),
        tags=("savanna",),
        patch=0.2,
        clump=0.07,
    ),
    "conifers": Cover(
        stages=always("conifer", "conifer_dark", 0.4),
        tags=("conifer forest", *_TREES),
        spread=0.25,
        patch=0.1,
        clump=0.06,
        grain=0.17,
    ),
    "dark conifers": Cover(
        stages=always("conifer_dark", "conifer", 0.15),
        tags=("conifer forest", *_TREES),
        patch=0.15,
        clump=0.06,
        grain=0.17,
    ),
    "young conifers": Cover(
        stages=always("conifer", "broadleaf_summer", 0.35),
        tags=("conifer forest", *_TREES),
        patch=0.15,
        clump=0.08,
        grain=0.1,
    ),
    "broadleaf": Cover(
        stages=(
            Stage(0.0, "broadleaf_winter", "soil_dark", 0.2, ("leafless forest",)),
            Stage(0.28, "broadleaf_spring", "broadleaf_winter", 0.3),
            Stage(0.35, "broadleaf_spring", "broadleaf_summer", 0.5),
            Stage(0.42, "broadleaf_summer", "broadleaf_spring", 0.15),
            Stage(0.74, "broadleaf_autumn", "broadleaf_summer", 0.45, ("autumn forest",)),
            Stage(0.79, "broadleaf_autumn", "broadleaf_winter", 0.25, ("autumn forest",)),
            Stage(0.86, "broadleaf_winter", "broadleaf_autumn", 0.2, ("leafless forest",)),
        ),
        tags=("broadleaf forest", *_TREES),
        spread=0.15,
        patch=0.08,
        clump=0.06,
        grain=0.2,
    ),
    "rainforest": Cover(
        stages=always("rainforest", "broadleaf_summer", 0.25),
        tags=("rainforest", *_TREES),
        patch=0.15,
        clump=0.09,
        grain=0.1,
    ),
    "mangrove": Cover(
        stages=always("mangrove", "water_turbid", 0.1), tags=("mangrove", *_TREES), clump=0.06, grain=0.07
    ),
    "tree": Cover(
        stages=(
            Stage(0.0, "broadleaf_winter", "conifer", 0.25),
            Stage(0.28, "broadleaf_spring", "broadleaf_winter", 0.3),
            Stage(0.38, "broadleaf_summer", "broadleaf_spring", 0.3),
            Stage(0.75, "broadleaf_autumn", "broadleaf_summer", 0.4),
            Stage(0.86, "broadleaf_winter", "conifer", 0.25),
        ),
        spread=0.25,
        clump=0.1,
        grain=0.1,
    ),
    "evergreen tree": Cover(stages=always("broadleaf_summer", "shrub_green", 0.4), spread=0.3, grain=0.1),
    "felled": Cover(
        stages=always("soil_brown", "grass_dry", 0.45), tags=("clear-cut",), patch=0.25, clump=0.08, grain=0.06
    ),
    "burnt": Cover(
        stages=always("burnt_fresh", "burnt_old", 0.35),
        tags=("burn scar",),
        spread=0.25,
        patch=0.25,
        clump=0.08,
        grain=0.06,
    ),
}
