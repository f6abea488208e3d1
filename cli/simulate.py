"""`msclip-search simulate`: tiles out of nothing, with everything known about them."""

import threading
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from msclip_search.cli.console import INTERRUPTED, VOICE, handled, say, set_voice
from msclip_search.cli.exports import check_target, write_file
from msclip_search.cli.options import Quiet, Verbose
from msclip_search.cli.progress import Display, interruptible

if TYPE_CHECKING:
    from msclip_search.simulation import SimulatedArchive, Simulation


@handled
def simulate(
    folder: Annotated[Path, typer.Argument(metavar="FOLDER", help="Where the tiles are written.", show_default=False)],
    count: Annotated[
        int, typer.Option(metavar="NUMBER", help="Places: with --series there are that many times its dates.")
    ] = 200,
    seed: Annotated[int, typer.Option(metavar="NUMBER", help="The same seed gives the same tiles.")] = 0,
    size: Annotated[int, typer.Option(metavar="PIXELS", help="Side of a tile, in pixels of 10 m: 32 to 512.")] = 64,
    level: Annotated[
        Literal["L2A", "L1C"],
        typer.Option(metavar="L2A|L1C", help="Reflectance of the ground (12 bands), or above the air (13)."),
    ] = "L2A",
    offset: Annotated[
        bool, typer.Option("--offset", help="Store the values with the offset of 1000 of baseline 04.00.")
    ] = False,
    scenes: Annotated[
        str | None,
        typer.Option(
            metavar="NAMES",
            help="Only these scenes, joined by commas; a wrong name prints the list.",
            show_default=False,
        ),
    ] = None,
    series: Annotated[int, typer.Option(metavar="NUMBER", help="Dates of each place.")] = 1,
    event: Annotated[
        Literal["flood", "fire", "felling", "building"] | None,
        typer.Option(
            metavar="NAME",
            help="What happens between two dates of a series: flood, fire, felling, building.",
            show_default=False,
        ),
    ] = None,
    cloudy: Annotated[
        float, typer.Option(metavar="SHARE", help="Share of the tiles with clouds or haze, 0 to 1.")
    ] = 0.2,
    place: Annotated[
        str | None,
        typer.Option(
            metavar="LON,LAT",
            help="Lay the tiles edge to edge around a place, with the scenes of its climate.",
            show_default=False,
        ),
    ] = None,
    sheet: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE.png", help="Draw up to 60 tiles in true and false colour.", show_default=False, dir_okay=False
        ),
    ] = None,
    processes: Annotated[
        int | None,
        typer.Option(metavar="NUMBER", min=1, help="How many work at it; one a core by default.", show_default=False),
    ] = None,
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Replace an earlier simulation in the folder.")
    ] = False,
    quiet: Quiet = False,
    verbose: Verbose = False,
) -> None:
    """Make Sentinel-2 tiles from physics and geometry.

    Each tile is a GeoTIFF with its bands by name and a scene classification.
    tiles.csv says what it shows, where and when, and masks.parquet which pixels.
    Nothing in them is real.

        msclip-search simulate ./tiles --count 2000 --seed 7

        msclip-search simulate ./tiles --scenes "flooded farmland,conifer forest"

        msclip-search simulate ./tiles --place 11.6,48.2 --series 2 --event flood

        msclip-search index ./tiles --labels ./tiles/tiles.csv
    """
    set_voice(quiet=quiet, verbose=verbose)
    _check_sheet(sheet, folder)
    from msclip_search.simulation import Simulation, simulate_archive

    simulation = Simulation(
        seed=seed,
        size=size,
        level=level,
        offset=offset,
        scenes=tuple(name.strip() for name in scenes.split(",") if name.strip()) if scenes is not None else (),
        series=series,
        event=event,
        cloudy=cloudy,
        place=_place(place),
    )
    stop = threading.Event()
    display = Display(stop, opening="Starting.", stopping="Finishing what is begun (Ctrl-C again: at once)")
    with display, interruptible(stop, display) as received:
        made = simulate_archive(
            simulation,
            folder,
            count=count,
            overwrite=overwrite,
            processes=processes,
            stop=stop,
            progress=lambda done: display.update("Simulating", done=done, total=count * series),
        )
    if made.interrupted:
        say(f"Interrupted after {made.tiles:,} of {count * series:,} tiles; those in {folder} are complete.")
        raise typer.Exit(128 + received[0] if received else INTERRUPTED)
    if sheet:
        try:
            _draw(simulation, count, sheet)
        except (Exception, KeyboardInterrupt):
            say(f"The {made.tiles:,} simulated tiles in {made.folder} are complete, but the sheet was not drawn.")
            raise
    if not VOICE.quiet:
        _summary(made, sheet, offset=offset)


def _check_sheet(sheet: Path | None, folder: Path) -> None:
    """Refuse a sheet that could not be written, before anything is made."""
    if sheet is None:
        return
    if sheet.suffix.lower() != ".png":
        raise typer.BadParameter(f"{sheet} does not end in .png.", param_hint="--sheet")
    made = folder.resolve()
    if folder.exists() or sheet.resolve().parent not in {made, *made.parents}:  # these will be there by then
        check_target(sheet)


def _place(text: str | None) -> tuple[float, float] | None:
    if text is None:
        return None
    try:
        longitude, latitude = (float(part) for part in text.split(","))
    except ValueError:
        raise typer.BadParameter(
            f"'{text}' is no LON,LAT, such as 11.6,48.2 or -70.1,-15.5.", param_hint="--place"
        ) from None
    return longitude, latitude


def _draw(simulation: "Simulation", count: int, path: Path) -> None:
    from msclip_search.pictures import encode
    from msclip_search.simulation import contact_sheet

    write_file(encode(contact_sheet(simulation, count), "png"), path)


def _summary(made: "SimulatedArchive", sheet: Path | None, *, offset: bool) -> None:
    say(f"{made.tiles:,} simulated tiles are in {made.folder}, what they show in {made.folder / 'tiles.csv'}.")
    if sheet:
        say(f"The sheet is {sheet}.")
    remove = " --offset -1000" if offset else ""
    say(f"Next: msclip-search index {made.folder} --labels {made.folder / 'tiles.csv'}{remove}")
