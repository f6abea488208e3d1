"""What the ground reflects: one spectrum of thirteen bands for each material that a simulated tile is painted with.

The numbers stand in `spectra.csv` beside this module, rounded to three decimals: surface reflectance as Sentinel-2 sees
it at 10 m, without an atmosphere. The column `origin` says how each came about, in these terms:

`USGS …`
    A record of the USGS Spectral Library Version 7, as its authors resampled it to Sentinel-2 (Kokaly et al. 2017, USGS
    Data Series 1035). The forests, grasses and shrubs of `YNP` were measured from the air, thus with gaps and shade.
`JHU soil …`
    A soil of Johns Hopkins University in the ECOSTRESS library (Baldridge et al. 2009; Meerdink et al. 2019), read off
    over the width of each band.
`PROSAIL (…)`
    A canopy by PROSPECT-D (Féret et al. 2017) and 4SAIL (Verhoef et al. 2007): leaf layers N, pigments Cab, Car, Ant
    and Cbrown, water Cw and dry matter Cm in g/cm², LAI, mean leaf angle in degrees, brightness/dryness of the soil
    below. Sun at 40°, view at nadir, averaged over the spectral responses of Sentinel-2A. `PROSAIL dry soil` and
    `PROSAIL wet soil` are the two soil spectra that come with it.
`water model (…)`
    Reflectance of water by Lee et al. (1999), with the bottom's share where a depth is given. Pure water absorbs as
    rounded after Pope and Fry (1997), beyond 727 nm after Segelstein (1981); chlorophyll in coarse steps after Bricaud
    et al. (1995). The coefficients of sediment are typical ones, and 0.004 of reflected sky is added; beyond 1 µm,
    where the sky is darker, 0.001.
`snow model (…)`
    Asymptotic theory of Kokhanovsky and Zege (2004) with an absorption length of 9.2 grain diameters and the absorption
    of ice of Warren and Brandt (2008); sun at 45°, view at nadir.
`… under a water film of …`
    Dimmed by twice the film's thickness of water, absorbing after Segelstein (1981).
`representative …`
    A rounded value from general knowledge, with no single source behind it.

Parts are mixed linearly. Where the factors add up to less than one, the rest is shade and roughness, which a sample in
a laboratory lacks; more than one is brighter than the samples. They were chosen so that a material falls among real
pixels of Sentinel-2 of its kind, as far as such were at hand: mostly land cover of Europe, few tropics and roofs.
"""

import csv
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.resources import files
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from msclip_search.bands import BANDS

_BRIGHTEST = 1.2  # snow seen from the side that the sun is on may reflect more than a white plate


@dataclass(frozen=True, slots=True)
class Material:
    """One material as Sentinel-2 sees it at 10 m, without an atmosphere.

    Raises
    ------
    ValueError
        When there is not one reflectance a band, or a number lies outside its range.
    """

    name: str
    """What `MATERIALS` and `spectrum` know it by."""
    reflectance: tuple[float, ...]
    """Surface reflectance in the order of `BANDS`; B10 is what the surface itself reflects at 1375 nm."""
    variation: float
    """Typical relative deviation of the brightness among real examples, between 0 and 1."""
    origin: str
    """Where the numbers come from, in the terms of this module's docstring."""

    def __post_init__(self) -> None:
        if len(self.reflectance) != len(BANDS):
            raise ValueError(f"{self.name} has {len(self.reflectance)} reflectances; {len(BANDS)} bands need one each.")
        if not all(0 <= value <= _BRIGHTEST for value in self.reflectance):
            raise ValueError(f"{self.name} has a reflectance outside 0 to {_BRIGHTEST}: {self.reflectance}.")
        if not 0 < self.variation < 1:
            raise ValueError(f"The variation of {self.name} has to lie between 0 and 1, but is {self.variation}.")


def spectrum(name: str) -> NDArray[np.float32]:
    """Return the surface reflectance of a material, shape (13,), in the order of `BANDS`.

    Raises
    ------
    KeyError
        When no material has that name.
    """
    if name not in MATERIALS:
        raise KeyError(f"No material is named {name!r}; there are {', '.join(sorted(MATERIALS))}.")
    return np.array(MATERIALS[name].reflectance, dtype=np.float32)


def _read() -> Mapping[str, Material]:
    """Return the table's rows by their names."""
    text = files("msclip_search.simulation").joinpath("spectra.csv").read_text(encoding="utf-8")
    materials: dict[str, Material] = {}
    for row in csv.DictReader(text.splitlines()):
        if row["name"] in materials:
            raise ValueError(f"spectra.csv names {row['name']} twice.")
        materials[row["name"]] = Material(
            name=row["name"],
            reflectance=tuple(float(row[band]) for band in BANDS),
            variation=float(row["variation"]),
            origin=row["origin"],
        )
    return MappingProxyType(materials)


MATERIALS: Mapping[str, Material] = _read()
"""Every material by its name."""
