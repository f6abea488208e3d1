"""Measure what reading a tile costs, stage by stage, in CPU time of one thread.

Of several rounds over all tiles the fastest counts, since other work on the machine only makes one slower. The stages
overlap: the raster includes the checks, the place and the outline, and the whole includes all. Beside them stands what
rasterio takes alone, to open a file and read its pixels without a check of them.

python -m benchmarks.reading --count 1000 --size 64
python -m benchmarks.reading --folder EuroSAT_MS --bands eurosat
"""

import argparse
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import rasterio

from benchmarks.machine import file_results
from msclip_search import Simulation, radiometry, simulate_archive
from msclip_search.archives import ChipArchive, Reading
from msclip_search.archives.chips import Chip, make_tile
from msclip_search.archives.ids import content_id
from msclip_search.bands import LAYOUTS, parse_layout
from msclip_search.damage import check_tiff
from msclip_search.files import opened
from msclip_search.raster import read_raster
from msclip_search.raster.geokeys import plain_place

WIDTH = 28


def check(chip: Chip) -> object:
    """Open a file, check it, and find its place by its tags."""
    with opened(chip.found.path) as file:
        return plain_place(chip.found.path, file, check_tiff(file))


def rasterio_alone(chip: Chip) -> object:
    """Open a file and read its pixels, and nothing else."""
    with rasterio.open(chip.found.path) as dataset:
        return dataset.read()


def microseconds(work: Callable[[Any], object], things: Sequence[Any]) -> float:
    """CPU time that some work takes on each of some things."""
    begun = time.process_time()
    for thing in things:
        work(thing)
    return 1e6 * (time.process_time() - begun) / len(things)


def measure(chips: Sequence[Chip], rounds: int) -> dict[str, int]:
    """Microseconds a tile, by stage."""
    rasters = [read_raster(chip.found.path) for chip in chips]
    places = [place for chip in chips if (place := check(chip))]
    size = rasters[0].pixels.shape[1:]
    pairs = list(zip(chips, rasters, strict=True))

    def to_tile(pair: tuple[Chip, Any]) -> object:
        chip, raster = pair
        return make_tile(raster, chip.found.path, chip.reading, tile_id="", fingerprint="")

    stages: dict[str, tuple[Callable[[Any], object], Sequence[Any]]] = {
        "fingerprint": (lambda chip: chip.fingerprint, chips),
        "checks and place": (check, chips),
        "outline": (lambda place: place.outline(*size), places),
        "raster, all of it": (lambda chip: read_raster(chip.found.path), chips),
        "tile_id": (content_id, rasters),
        "nodata": (lambda raster: radiometry.nodata_mask(raster.pixels, declared=raster.nodata), rasters),
        "tile of a raster": (to_tile, pairs),
        "rasterio alone": (rasterio_alone, chips),
        "the whole": (lambda chip: chip.read(), chips),
    }
    found = {name: [microseconds(*stage) for _ in range(rounds)] for name, stage in stages.items() if stage[1]}
    return {name: round(min(times)) for name, times in found.items()}


def main() -> None:
    """Measure, print and file."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--folder", type=Path, help="of tiles; simulated ones without")
    parser.add_argument("--bands", type=parse_layout, help="of tiles that do not name theirs")
    parser.add_argument("--count", type=int, default=1000)
    parser.add_argument("--size", type=int, default=64)
    parser.add_argument("--rounds", type=int, default=5)
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory() as made:
        if not chosen.folder:
            simulate_archive(Simulation(size=chosen.size), Path(made), count=chosen.count)
        archive = ChipArchive((chosen.folder or made,), Reading(want=LAYOUTS["ten"], layout=chosen.bands))
        chips = list(archive.items())[: chosen.count]
        stages = measure(chips, chosen.rounds)
    for stage, time_ in stages.items():
        print(f"{stage:{WIDTH}}{time_:8} µs")
    numbers = {"tiles": len(chips), "rounds": chosen.rounds, "cpu_us_a_tile": stages}
    name = chosen.folder.name if chosen.folder else f"{chosen.size}px"
    print(f"filed in {file_results(f'reading-{name}', numbers)}")


if __name__ == "__main__":
    main()
