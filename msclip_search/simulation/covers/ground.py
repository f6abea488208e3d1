"""Water, wet and bare ground, snow and ice."""

from msclip_search.simulation.covers.base import Cover, Stage, always

COVERS = {
    "marsh": Cover(
        stages=(
            Stage(0.0, "reed", "wetland_wet", 0.4),
            Stage(0.33, "wetland_wet", "reed", 0.4),
            Stage(0.75, "reed", "wetland_wet", 0.3),
        ),
        tags=("wetland",),
        spread=0.2,
        patch=0.3,
        clump=0.06,
    ),
    "reeds": Cover(stages=always("reed", "wetland_wet", 0.25), tags=("wetland",), patch=0.2, clump=0.05),
    "bog": Cover(stages=always("moss", "peat", 0.3), tags=("peat bog", "wetland"), spread=0.2, patch=0.3, clump=0.05),
    "cut peat": Cover(stages=always("peat", "soil_dark", 0.2), tags=("peat bog",), patch=0.1),
    "flood": Cover(
        stages=always("flood_water", "water_turbid", 0.35),
        tags=("flood",),
        spread=0.25,
        patch=0.12,
        clump=0.02,
        grain=0.012,
        snowy=False,
    ),
    "shallow flood": Cover(
        stages=always("flood_water", "soil_wet", 0.35),
        tags=("flood",),
        spread=0.2,
        patch=0.2,
        clump=0.03,
        snowy=False,
    ),
    "lake water": Cover(
        stages=always("water_clear", "water_green", 0.3), spread=0.3, patch=0.02, clump=0.0, grain=0.0, snowy=False
    ),
    "turbid water": Cover(
        stages=always("water_turbid", "water_clear", 0.35),
        spread=0.3,
        patch=0.03,
        clump=0.0,
        grain=0.0,
        snowy=False,
    ),
    "green water": Cover(
        stages=always("water_green", "water_turbid", 0.25),
        spread=0.3,
        patch=0.03,
        clump=0.0,
        grain=0.0,
        snowy=False,
    ),
    "glacial water": Cover(
        stages=always("water_glacial", "water_clear", 0.3),
        spread=0.25,
        patch=0.03,
        clump=0.0,
        grain=0.0,
        snowy=False,
    ),
    "sea water": Cover(
        stages=always("water_clear", "water_turbid", 0.15),
        spread=0.25,
        patch=0.015,
        clump=0.005,
        grain=0.005,
        snowy=False,
    ),
    "shallow water": Cover(
        stages=always("water_shallow", "water_clear", 0.35),
        tags=("shallow water",),
        spread=0.25,
        patch=0.25,
        clump=0.02,
        grain=0.01,
        snowy=False,
    ),
    "scum": Cover(
        stages=always("algae_scum", "water_green", 0.45),
        tags=("algal bloom",),
        spread=0.2,
        patch=0.3,
        clump=0.08,
        snowy=False,
    ),
    "surf": Cover(stages=always("seafoam", "water_shallow", 0.45), spread=0.2, clump=0.15, snowy=False),
    "mud": Cover(stages=always("mud", "water_turbid", 0.25), tags=("mudflat",), patch=0.2, snowy=False),
    "pool": Cover(stages=always("swimming_pool", "paving", 0.3), snowy=False),
    "dunes": Cover(stages=always("sand_desert", "sand_red", 0.25), tags=("sand dunes",), patch=0.1, grain=0.012),
    "red dunes": Cover(stages=always("sand_red", "sand_desert", 0.3), tags=("sand dunes",), patch=0.1, grain=0.012),
    "beach": Cover(stages=always("sand_beach", "soil_wet", 0.12), tags=("beach",), patch=0.08),
    "gravel": Cover(stages=always("gravel", "sand_beach", 0.3), spread=0.25, patch=0.15, clump=0.05),
    "rock": Cover(
        stages=always("rock_grey", "scree", 0.35),
        tags=("bare rock",),
        spread=0.25,
        patch=0.2,
        clump=0.09,
        grain=0.07,
    ),
    "limestone": Cover(
        stages=always("rock_limestone", "scree", 0.4),
        tags=("bare rock",),
        spread=0.25,
        patch=0.2,
        clump=0.08,
        grain=0.06,
    ),
    "dark rock": Cover(
        stages=always("rock_dark", "gravel", 0.25), tags=("bare rock",), spread=0.2, patch=0.15, clump=0.08
    ),
    "red rock": Cover(
        stages=always("rock_red", "sand_red", 0.35), tags=("bare rock",), spread=0.25, patch=0.2, clump=0.08
    ),
    "desert plain": Cover(
        stages=always("soil_light", "gravel", 0.45), tags=("desert",), spread=0.3, patch=0.2, clump=0.03
    ),
    "clay pan": Cover(stages=always("clay_dry", "salt", 0.15), tags=("desert",), patch=0.12, grain=0.015),
    "lava": Cover(stages=always("lava", "rock_dark", 0.3), tags=("lava field",), patch=0.2, clump=0.07),
    "old lava": Cover(stages=always("lava", "moss", 0.3), tags=("lava field",), patch=0.3, clump=0.07),
    "salt crust": Cover(
        stages=always("salt", "clay_dry", 0.2),
        tags=("salt flat",),
        spread=0.15,
        patch=0.12,
        grain=0.012,
        snowy=False,
    ),
    "brine": Cover(stages=always("salt_brine", "water_shallow", 0.35), tags=("salt pans",), spread=0.3, snowy=False),
    "salt heap": Cover(stages=always("salt", "gypsum", 0.2), tags=("salt pans",), snowy=False),
    "snow": Cover(stages=always("snow_fresh", "snow_old", 0.35), tags=("snow",), spread=0.2, clump=0.02, grain=0.012),
    "old snow": Cover(stages=always("snow_old", "snow_wet", 0.35), tags=("snow",), spread=0.2, clump=0.03),
    "glacier ice": Cover(
        stages=always("ice_glacier", "snow_old", 0.25), tags=("glacier",), spread=0.2, patch=0.2, clump=0.05
    ),
    "debris ice": Cover(stages=always("ice_debris", "ice_glacier", 0.2), tags=("glacier",), patch=0.15, clump=0.06),
    "floe": Cover(stages=always("sea_ice", "snow_fresh", 0.35), tags=("sea ice",), spread=0.2, patch=0.12),
}
