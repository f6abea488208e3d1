"""Make tiles out of nothing but numbers, to try the machinery on: they resemble no real place.

python -m benchmarks.made_tiles FOLDER --count 60 --size 64
"""

import argparse
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from msclip_search.bands import LAYOUTS
from msclip_search.raster import write_chip

BANDS = LAYOUTS["l2a"]
PIXEL = 10
CRS = "EPSG:32632"
WEST, NORTH = 600_000, 5_350_000
COLUMNS = 20

# Reflectance × 10000 in the twelve bands of L2A, drawn by hand after what such covers roughly look like.
COVERS = {
    "water": (620, 560, 480, 330, 300, 280, 270, 250, 240, 230, 160, 120),
    "forest": (260, 300, 460, 330, 700, 1900, 2400, 2500, 2700, 2750, 1300, 620),
    "crops": (420, 500, 820, 560, 1250, 3100, 3900, 4100, 4300, 4350, 2100, 1150),
    "soil": (900, 1100, 1500, 1950, 2250, 2450, 2600, 2750, 2900, 2950, 3500, 3000),
    "town": (1300, 1450, 1600, 1750, 1900, 2050, 2150, 2250, 2300, 2350, 2500, 2300),
}


def made_tile(seed: int, *, size: int) -> NDArray[np.uint16]:
    """Make one tile: cells of one cover each around random points, with noise of a few percent.

    Returns
    -------
    NDArray[np.uint16]
        (12, size, size), reflectance × 10000.
    """
    random = np.random.default_rng(seed)
    cells = random.uniform(0, size, (int(random.integers(2, 12)), 2))
    covers = random.choice(list(COVERS.values()), len(cells))
    rows, columns = np.mgrid[0:size, 0:size]
    distance = (rows[..., None] - cells[:, 0]) ** 2 + (columns[..., None] - cells[:, 1]) ** 2
    cover = covers[distance.argmin(axis=-1)].transpose(2, 0, 1)
    noise = random.normal(1, 0.06, (1, size, size)) * random.normal(1, 0.02, (len(BANDS), size, size))
    pixels: NDArray[np.uint16] = np.clip(cover * noise, 1, 10_000).astype(np.uint16)
    return pixels


def make_tiles(folder: Path, *, count: int, size: int) -> None:
    """Write tiles as GeoTIFF, side by side on a grid, with a date in each name."""
    folder.mkdir(parents=True, exist_ok=True)
    for number in range(count):
        row, column = divmod(number, COLUMNS)
        write_chip(
            folder / f"made_{number:06d}_202306{number % 28 + 1:02d}.tif",
            made_tile(number, size=size),
            bands=BANDS,
            crs=CRS,
            west=WEST + column * size * PIXEL,
            north=NORTH - row * size * PIXEL,
        )


def main() -> None:
    """Make tiles from the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--count", type=int, default=60)
    parser.add_argument("--size", type=int, default=64, help="pixels a side")
    chosen = parser.parse_args()
    make_tiles(chosen.folder, count=chosen.count, size=chosen.size)


if __name__ == "__main__":
    main()
