"""What people have built or dug."""

from msclip_search.simulation.covers.base import Cover, always

COVERS = {
    "red roofs": Cover(stages=always("roof_tile_red", "bare_ground_urban", 0.35), spread=0.3, snowy=False),
    "brown roofs": Cover(stages=always("roof_tile_brown", "soil_brown", 0.4), spread=0.3, snowy=False),
    "grey roofs": Cover(stages=always("roof_slate", "soil_brown", 0.4), spread=0.3, snowy=False),
    "dark roofs": Cover(stages=always("roof_dark", "soil_brown", 0.3), spread=0.2, clump=0.04, snowy=False),
    "metal roofs": Cover(stages=always("roof_metal", "soil_light", 0.5), spread=0.3, clump=0.04, snowy=False),
    "white roofs": Cover(stages=always("roof_white", "bare_ground_urban", 0.4), spread=0.3, clump=0.03, snowy=False),
    "blue roofs": Cover(stages=always("roof_blue", "roof_metal", 0.35), spread=0.2, snowy=False),
    "green roofs": Cover(stages=always("roof_green_copper", "roof_slate", 0.4), spread=0.2, snowy=False),
    "asphalt": Cover(stages=always("asphalt_new", "pasture", 0.25), spread=0.12, clump=0.04, snowy=False),
    "concrete": Cover(stages=always("concrete", "pasture", 0.2), spread=0.15, clump=0.04, snowy=False),
    "paving": Cover(stages=always("paving", "pasture", 0.25), spread=0.15, clump=0.06, grain=0.05, snowy=False),
    "yard": Cover(stages=always("bare_ground_urban", "pasture", 0.35), spread=0.2, clump=0.06, snowy=False),
    "dirt track": Cover(stages=always("gravel", "soil_light", 0.45), spread=0.3),
    "runway": Cover(stages=always("runway", "asphalt_old", 0.35), tags=("runway",), spread=0.2, snowy=False),
    "rails": Cover(stages=always("railway_ballast", "soil_dark", 0.25), tags=("railway",), clump=0.05, snowy=False),
    "sports turf": Cover(stages=always("artificial_turf", "grass_green", 0.35), tags=("sports field",), spread=0.3),
    "tennis court": Cover(stages=always("tennis_clay", "paving", 0.2), tags=("sports field",)),
    "solar panels": Cover(
        stages=always("solar_panel", "grass_dry", 0.18), tags=("solar park",), clump=0.03, snowy=False
    ),
    "plastic tunnels": Cover(
        stages=always("plastic_greenhouse", "soil_light", 0.15),
        tags=("greenhouses",),
        spread=0.12,
        clump=0.04,
        snowy=False,
    ),
    "glasshouses": Cover(
        stages=always("glass_greenhouse", "maize_green", 0.25), tags=("greenhouses",), clump=0.06, snowy=False
    ),
    "containers": Cover(stages=always("container_mixed", "concrete", 0.35), clump=0.2, grain=0.15, snowy=False),
    "ship": Cover(stages=always("ship_deck", "container_mixed", 0.35), tags=("ship",), spread=0.3, snowy=False),
    "quarry face": Cover(
        stages=always("rock_limestone", "gravel", 0.4), tags=("quarry",), spread=0.3, patch=0.2, clump=0.09
    ),
    "mine bench": Cover(
        stages=always("soil_light", "rock_red", 0.35), tags=("open-pit mine",), spread=0.3, patch=0.2, clump=0.06
    ),
    "coal bench": Cover(
        stages=always("coal", "soil_dark", 0.3), tags=("open-pit mine",), spread=0.3, patch=0.2, clump=0.06
    ),
    "tailings": Cover(
        stages=always("tailings", "mud", 0.25), tags=("tailings pond",), spread=0.25, patch=0.2, grain=0.015
    ),
    "rubbish": Cover(
        stages=always("bare_ground_urban", "container_mixed", 0.45), tags=("landfill",), clump=0.2, grain=0.12
    ),
    "logs": Cover(stages=always("log_pile", "soil_brown", 0.3), clump=0.08),
}
