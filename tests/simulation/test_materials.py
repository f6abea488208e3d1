"""Spectra against what is known of the materials, and against pixels of Sentinel-2; each criterion names its source."""

import re
from pathlib import Path

import numpy as np
import pytest
import rasterio
from numpy.typing import NDArray

from msclip_search.bands import BANDS
from msclip_search.simulation.materials import MATERIALS, Material, spectrum


def names(text: str) -> list[str]:
    return text.split()


WATERS = names("water_clear water_turbid water_shallow water_green water_glacial flood_water")
FLOATING = names("algae_scum seafoam")
BROADLEAF = names("broadleaf_summer broadleaf_spring mangrove rainforest")
CONIFERS = names("conifer conifer_dark")
TREES = names("vine_canopy orchard_canopy olive_canopy palm_canopy")
CROPS = names("wheat_green maize_green rapeseed_flower rice_green sunflower cotton sugarcane")
GRASSES = names("grass_green pasture meadow_tall reed wetland_wet")
GREEN = [*BROADLEAF, *CONIFERS, *TREES, *CROPS, *GRASSES, "shrub_green"]
SPARSE = names("broadleaf_autumn heath moss tundra maize_young rice_young rice_ripe")
DRY = names("grass_dry wheat_ripe stubble shrub_dry broadleaf_winter")
SOILS = names("soil_dark soil_brown soil_red soil_light sand_desert sand_red")
BARE = [*SOILS, *names("soil_wet sand_beach gravel clay_dry mud rock_grey rock_limestone rock_dark rock_red scree")]
SNOWS = names("snow_fresh snow_old snow_wet ice_glacier sea_ice")
ROOFS = names("roof_tile_red roof_tile_brown roof_metal roof_white roof_dark roof_slate roof_blue roof_green_copper")
PAVED = names("asphalt_new asphalt_old concrete paving runway bare_ground_urban railway_ballast")
OTHER = names(
    "ice_debris artificial_turf tennis_clay swimming_pool solar_panel plastic_greenhouse glass_greenhouse"
    " burnt_fresh burnt_old salt salt_brine gypsum tailings coal lava peat log_pile container_mixed ship_deck"
)
NEEDED = [*WATERS, *FLOATING, *GREEN, *SPARSE, *DRY, *BARE, *SNOWS, *ROOFS, *PAVED, *OTHER]


def at(name: str, band: str) -> float:
    return MATERIALS[name].reflectance[BANDS.index(band)]


def ratio(name: str, first: str, second: str) -> float:
    """Return the normalized difference of two bands."""
    return (at(name, first) - at(name, second)) / (at(name, first) + at(name, second))


def ndvi(name: str) -> float:
    return ratio(name, "B08", "B04")


def ndsi(name: str) -> float:
    return ratio(name, "B03", "B11")


def nbr(name: str) -> float:
    return ratio(name, "B08", "B12")


def redness(name: str) -> float:
    return at(name, "B04") / at(name, "B02")


def test_every_material_is_there_with_its_origin() -> None:
    assert len(set(NEEDED)) == len(NEEDED) == 98
    assert set(MATERIALS) >= set(NEEDED)
    terms = re.compile("USGS|JHU soil|PROSAIL|water model|snow model|representative")
    for name, material in MATERIALS.items():
        assert material.name == name
        assert terms.search(material.origin) or any(other in material.origin for other in MATERIALS), name
        assert 0.05 <= material.variation <= 0.4


def test_spectra_are_handed_out_as_copies() -> None:
    got = spectrum("conifer")
    assert got.shape == (13,)
    assert got.dtype == np.float32
    np.testing.assert_allclose(got, MATERIALS["conifer"].reflectance, rtol=1e-6)
    got[:] = 0
    assert spectrum("conifer").min() > 0


def test_an_unknown_name_is_answered_with_the_known_ones() -> None:
    with pytest.raises(KeyError, match=r"No material is named 'lawn'; there are .*conifer"):
        spectrum("lawn")


def test_the_table_cannot_be_changed() -> None:
    with pytest.raises(TypeError):
        MATERIALS["conifer"] = MATERIALS["coal"]  # type: ignore[index]


@pytest.mark.parametrize(
    ("reflectance", "variation", "message"),
    [
        ((0.1,) * 12, 0.1, "has 12 reflectances"),
        ((0.1,) * 12 + (1.3,), 0.1, "outside 0 to 1.2"),
        ((0.1,) * 12 + (-0.1,), 0.1, "outside 0 to 1.2"),
        ((float("nan"),) * 13, 0.1, "outside 0 to 1.2"),
        ((0.1,) * 13, 0.0, "variation of mud"),
    ],
)
def test_what_is_no_spectrum_is_refused(reflectance: tuple[float, ...], variation: float, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Material(name="mud", reflectance=reflectance, variation=variation, origin="made up")


@pytest.mark.parametrize("name", [*WATERS, "swimming_pool"])
def test_water_swallows_the_infrared(name: str) -> None:
    # McFeeters 1996 (NDWI) and Xu 2006 (MNDWI) find water where green exceeds near and short-wave infrared.
    assert ratio(name, "B03", "B08") > 0
    assert ratio(name, "B03", "B11") > 0
    assert max(at(name, "B11"), at(name, "B12")) < 0.02


def test_what_is_in_the_water_shows() -> None:
    # Sediment: red and near infrared rise with the load (Nechad et al. 2010).
    for band in ("B04", "B08"):
        assert at("water_clear", band) < at("water_turbid", band) < at("flood_water", band)
    # Algae: much chlorophyll raises a peak at 700 nm above the trough at 665 nm (Gitelson 1992); clear water has none.
    assert at("water_green", "B05") > at("water_green", "B04")
    assert at("water_clear", "B05") < at("water_clear", "B04")
    # Floating algae: a near infrared above the line from red to short-wave infrared (FAI, Hu 2009).
    assert at("algae_scum", "B8A") > max(at("algae_scum", "B04"), at("algae_scum", "B11"))
    # Bright sand below raises blue and green; red is absorbed within metres (Pope and Fry 1997: 0.43/m at 665 nm).
    assert at("water_shallow", "B03") > 3 * at("water_clear", "B03")
    assert at("water_shallow", "B04") < at("water_shallow", "B03") / 3
    # Glacial flour scatters without absorbing: turquoise, blue and green well above red.
    assert min(at("water_glacial", "B02"), at("water_glacial", "B03")) > 2 * at("water_glacial", "B04")


@pytest.mark.parametrize("name", GREEN)
def test_green_leaves(name: str) -> None:
    assert ndvi(name) > 0.6  # closed green vegetation (Tucker 1979)
    edge = [at(name, band) for band in ("B04", "B05", "B06", "B07")]
    assert edge == sorted(edge)  # the red edge (Horler et al. 1983)
    assert at(name, "B02") < at(name, "B03")  # chlorophyll absorbs blue more than green
    assert at(name, "B8A") > at(name, "B11") > at(name, "B12")  # leaf water (Gao 1996; Tucker 1980)
    assert at(name, "B8A") > at(name, "B10") > at(name, "B12")
    assert 0.85 < at(name, "B08") / at(name, "B8A") < 1.02  # one plateau
    assert at(name, "B04") < 0.1


def test_kinds_of_vegetation_differ_as_they_should() -> None:
    # Needle-leaved forests are darker than broad-leaved ones in the near infrared (Rautiainen and Stenberg 2005).
    assert max(at(name, "B08") for name in CONIFERS) < min(at(name, "B08") for name in BROADLEAF)
    # Rape in flower is yellow: the highest (green - blue)/(green + blue) of the crops (NDYI, Sulik and Long 2016).
    assert max(CROPS, key=lambda name: ratio(name, "B03", "B02")) == "rapeseed_flower"
    # Autumn: chlorophyll goes first, so red rises and the edge flattens (Gitelson and Merzlyak 1994).
    assert at("broadleaf_autumn", "B04") > 2 * at("broadleaf_summer", "B04")
    assert ndvi("broadleaf_winter") < ndvi("broadleaf_autumn") < ndvi("broadleaf_summer")
    # Paddies are flooded when rice is young: LSWI + 0.05 > NDVI, and no longer once it closes (Xiao et al. 2005).
    assert ratio("rice_young", "B08", "B11") + 0.05 > ndvi("rice_young")
    assert ratio("rice_green", "B08", "B11") + 0.05 < ndvi("rice_green")
    assert ndvi("rice_young") < ndvi("rice_ripe") < ndvi("rice_green")
    # Plastic grass is green without a leaf's water: no fall from near to short-wave infrared.
    assert ratio("artificial_turf", "B8A", "B11") < 0.1 < ratio("grass_green", "B8A", "B11")


@pytest.mark.parametrize("name", DRY)
def test_dry_plants(name: str) -> None:
    assert ndvi(name) < 0.35  # senescent vegetation (Tucker 1979)
    assert ratio(name, "B8A", "B11") < 0.05  # no leaf water left (NDMI, Gao 1996)
    assert at(name, "B12") < at(name, "B11")  # cellulose and lignin at 2.1 and 2.3 µm (Elvidge 1990)


@pytest.mark.parametrize("name", SOILS)
def test_soils_rise_into_the_infrared(name: str) -> None:
    # Dry soils without much iron rise from blue through near to short-wave infrared (Stoner and Baumgardner 1981).
    bands = ("B01", "B02", "B03", "B04", "B05", "B07", "B8A", "B11")
    values = [at(name, band) for band in bands]
    assert values == sorted(values)
    assert 0.02 < ndvi(name) < 0.3
    assert ratio(name, "B11", "B8A") > 0  # bare soil index


def test_soils_differ_as_they_should() -> None:
    # Wetting darkens every band (Lekner and Dorf 1988), most where water absorbs, at 2.2 µm.
    assert all(wet < dry for wet, dry in zip(spectrum("soil_wet"), spectrum("soil_brown"), strict=True))
    assert at("soil_wet", "B12") / at("soil_brown", "B12") < at("soil_wet", "B04") / at("soil_brown", "B04")
    assert at("mud", "B12") < at("mud", "B11") < at("clay_dry", "B11")
    # Iron oxide absorbs blue and green (Torrent et al. 1983).
    for red, other in (("soil_red", "soil_brown"), ("sand_red", "sand_desert"), ("rock_red", "rock_grey")):
        assert redness(red) > redness(other)
    # Organic matter darkens (Baumgardner et al. 1985).
    assert at("peat", "B04") < at("soil_dark", "B04") < at("soil_brown", "B04") < at("soil_light", "B04")
    # Quartz and carbonates are bright, basalt, lava and coal dark.
    assert at("coal", "B08") < at("lava", "B08") < at("rock_dark", "B08") < at("rock_limestone", "B08")


@pytest.mark.parametrize("name", SNOWS)
def test_snow_and_ice(name: str) -> None:
    assert ndsi(name) > 0.4  # Dozier 1989; Hall et al. 1995
    assert at(name, "B11") < 0.25 * at(name, "B04")
    # Ice absorbs at 1.03 µm and ever more beyond (Warren and Brandt 2008), so reflectance falls from red on.
    falling = [at(name, band) for band in ("B04", "B07", "B8A", "B09", "B10")]
    assert falling == sorted(falling, reverse=True)


def test_ageing_snow_darkens() -> None:
    # Larger grains absorb more, most in the near infrared (Warren and Wiscombe 1980).
    for band in ("B08", "B8A", "B09"):
        fresh, old, wet, ice = (at(name, band) for name in ("snow_fresh", "snow_old", "snow_wet", "ice_glacier"))
        assert fresh > old > wet > ice
    assert at("snow_fresh", "B08") / at("ice_glacier", "B08") > at("snow_fresh", "B02") / at("ice_glacier", "B02")


@pytest.mark.parametrize("name", ["salt", "gypsum", "roof_white", "plastic_greenhouse", "sand_beach", "rock_limestone"])
def test_other_bright_things_are_not_snow(name: str) -> None:
    assert ndsi(name) < 0.2


def test_minerals() -> None:
    # Gypsum holds water, halite none: the one falls from 1.6 to 2.2 µm, the other hardly (Crowley 1991).
    assert at("gypsum", "B12") / at("gypsum", "B11") < 0.6 < at("salt", "B12") / at("salt", "B11")
    # Pigments of halobacteria and algae absorb blue and green: brine looks pink to red (Oren 2002).
    assert redness("salt_brine") > 1.2 > redness("salt")


def test_burnt_ground() -> None:
    # Key and Benson 2006: the normalized burn ratio falls below zero, least after years.
    assert nbr("burnt_fresh") < nbr("burnt_old") < 0
    assert min(nbr(name) for name in GREEN) > 0.3
    assert at("burnt_fresh", "B08") < at("burnt_old", "B08")


def test_built_things_have_their_colours() -> None:
    assert redness("roof_tile_red") > 2 > redness("roof_tile_brown") * 0.9  # iron oxide in fired clay
    assert at("roof_blue", "B02") > at("roof_blue", "B04")
    assert at("roof_green_copper", "B03") > 2 * at("roof_green_copper", "B04")  # copper absorbs red (Hunt et al. 1971)
    assert at("swimming_pool", "B02") > 5 * at("swimming_pool", "B04")
    for name in ("roof_dark", "roof_slate", "asphalt_new", "concrete", "paving"):
        visible = [at(name, band) for band in ("B02", "B03", "B04")]
        assert max(visible) < 1.4 * min(visible)  # grey
    # Asphalt brightens as its bitumen wears off, and concrete is brighter still (Herold and Roberts 2005).
    assert all(new < old for new, old in zip(spectrum("asphalt_new"), spectrum("asphalt_old"), strict=True))
    assert all(old < bright for old, bright in zip(spectrum("asphalt_old"), spectrum("concrete"), strict=True))
    # Polymers absorb at 2.3 µm (hydrocarbons; Kühn et al. 2004).
    for name in ("plastic_greenhouse", "roof_white"):
        assert at(name, "B12") < 0.85 * at(name, "B11")
    assert at("solar_panel", "B04") < 0.06  # cells are made to absorb


def real_pixels(shared: Path) -> NDArray[np.float64]:
    """Pixels of four L2A chips without offset, as reflectance, shape (pixels, 10): B02 … B8A, B11, B12."""
    found = []
    for path in sorted((shared / "data" / "terramesh_examples" / "S2L2A").glob("*.tif")):
        with rasterio.open(path) as dataset:
            pixels = dataset.read()[:, ::4, ::4] / 10_000
        if pixels.min() < 0.09:  # the fifth carries an offset of 0.1
            found.append(pixels[[1, 2, 3, 4, 5, 6, 7, 8, 10, 11]].reshape(10, -1).T)
    assert len(found) == 4
    return np.concatenate(found)


def test_sentinel_2_has_seen_such_pixels(shared: Path) -> None:
    pixels = real_pixels(shared)
    for name in (
        *CONIFERS,
        "pasture",
        "grass_dry",
        "shrub_dry",
        "shrub_green",
        "soil_brown",
        "rock_limestone",
        "sea_ice",
    ):
        wanted = np.delete(spectrum(name), [BANDS.index(band) for band in ("B01", "B09", "B10")])
        apart = np.sqrt(((pixels - wanted) ** 2).mean(axis=1)).min() / wanted.mean()
        assert apart < 0.15, f"{name}: the nearest pixel differs by {apart:.2f} of the mean reflectance"
