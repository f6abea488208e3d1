"""`msclip-search remove`: taking tiles out of an index."""

import sys
from typing import TYPE_CHECKING, Annotated

import typer

from msclip_search.cli import filters
from msclip_search.cli.console import err, fail, handled, out, say, set_voice
from msclip_search.cli.interrupts import check, holding_back, noticing
from msclip_search.cli.options import INDEX, BreakLock, IndexPath, Quiet, Verbose

if TYPE_CHECKING:
    from msclip_search.maintenance import Removal


@handled
@filters.with_filters
def remove(
    index: IndexPath = INDEX,
    within: filters.Within = filters.EVERYTHING,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would be removed, and leave it.")] = False,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Remove without asking.")] = False,
    break_lock: BreakLock = False,
    quiet: Quiet = False,
    verbose: Verbose = False,
) -> None:
    """Take the tiles that fit a filter out of an index.

    They are no longer found from then on. The files they came from
    stay, and a later run over an archive that holds them puts them
    in again. `compact` drops their rows.

        msclip-search remove --where "product_id = 'S2A_MSIL2A_…'" --dry-run

        msclip-search remove --where "cloud > 80"

        msclip-search remove --datetime ../2019-12-31 --yes
    """
    set_voice(quiet=quiet, verbose=verbose)
    wanted = within.read()
    if wanted is None:
        raise typer.BadParameter(
            "Say which tiles to remove by one of the filters. To remove all of an index, delete its folder.",
            param_hint="filters",
        )
    from msclip_search.maintenance import remove_tiles

    asked = sys.stdin.isatty() and not yes and not dry_run
    if not (asked or yes or dry_run):
        raise typer.BadParameter("There is nobody to ask: give --yes, or --dry-run to look first.", param_hint="--yes")
    say("; ".join(wanted.echo()))
    with holding_back() as received:

        def confirm(removal: "Removal") -> bool:
            check(received)
            return _ask(removal) if asked else True

        removal = remove_tiles(index, within=wanted, dry_run=dry_run, confirm=confirm, break_lock=break_lock)
        if not removal.done:
            check(received)
    if not removal.matched:
        out().print(f"Nothing to remove: the index keeps its {_tiles(removal.tiles)}.")
    elif removal.done:
        out().print(
            f"Removed {_tiles(removal.matched)}; {removal.tiles:,} left. `msclip-search compact` drops the rows."
        )
    elif dry_run:
        _show(removal)
        out().print(f"Would remove {_tiles(removal.matched)}; {removal.tiles:,} would be left.")
    else:
        fail("Nothing was removed.")


def _ask(removal: "Removal") -> bool:
    _show(removal)
    with noticing() as received:
        try:
            return typer.confirm(f"Remove {_tiles(removal.matched)}, and keep {removal.tiles:,}?", err=True)
        except typer.Abort as error:
            err().print()  # the line of the question has not ended
            check(received)
            if isinstance(error.__context__, EOFError):
                return False  # the end of input is no yes
            raise


def _show(removal: "Removal") -> None:
    """Name the first tiles."""
    for source in removal.sources:
        say(f"  {source}")
    if removal.matched > len(removal.sources):
        say(f"  … and {removal.matched - len(removal.sources):,} more")


def _tiles(number: int) -> str:
    return f"{number:,} tile{'s' * (number != 1)}"
