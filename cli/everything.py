"""Options for hits that lie apart or reach a bound, and for all tiles instead of the best few."""

import sys
import threading
from collections.abc import Generator, Iterator, Mapping, Sequence
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TypeAlias, TypedDict

import typer

from msclip_search.cli.console import say
from msclip_search.cli.progress import Display
from msclip_search.cli.questions import found
from msclip_search.cli.streaming import check_terminal

if TYPE_CHECKING:
    from msclip_search.filters import Selection
    from msclip_search.search import Hits, Question, SearchIndex
    from msclip_search.search.above import Pages

_PANEL = "Which hits: the best, those that lie apart, or all"
LONGEST_TABLE = 10_000
"""Hits."""

Apart: TypeAlias = Annotated[
    str | None,
    typer.Option(
        "--apart",
        metavar="DISTANCE",
        help="Of hits nearer to one another than this, only the best: 500m, 2km, between the tiles' middles.",
        show_default=False,
        rich_help_panel=_PANEL,
    ),
]
Every: TypeAlias = Annotated[
    bool,
    typer.Option(
        "--all",
        help="Every tile that fits instead of --top-k, scored exactly and written as it comes.",
        rich_help_panel=_PANEL,
    ),
]
MinPercentile: TypeAlias = Annotated[
    float | None,
    typer.Option(
        "--min-percentile",
        metavar="PERCENT",
        help="Only hits at or above a percentile, 0 to 100.",
        show_default=False,
        rich_help_panel=_PANEL,
    ),
]
MinScore: TypeAlias = Annotated[
    float | None,
    typer.Option(
        "--min-score",
        metavar="COSINE",
        help="Only hits at or above a score, -1 to 1.",
        show_default=False,
        rich_help_panel=_PANEL,
    ),
]


class Given(TypedDict):
    """The limits as `SearchIndex.search` takes them."""

    apart: float | None
    min_percentile: float | None
    min_score: float | None


def read_limits(apart: str | None, min_percentile: float | None, min_score: float | None) -> Given:
    """Read the options as `SearchIndex.search` takes them; checked, before anything is loaded for a search.

    Raises
    ------
    QueryError
        One of them cannot be understood, or is out of range.
    """
    given: Given = {"apart": None, "min_percentile": min_percentile, "min_score": min_score}
    if apart is not None:
        from msclip_search.filters import read_distance

        given["apart"] = read_distance(apart)
    if any(value is not None for value in given.values()):
        from msclip_search.search.limits import Limits

        Limits.of(**given)
    return given


def check_all(*, every: bool, top_k: int | None, form: str, output: Path | None, **few: object) -> None:
    """Refuse what does not go with --all.

    Parameters
    ----------
    every
        Whether it is given.
    top_k
        What was given; None: nothing.
    form
        How the hits are to be written.
    output
        Where; None: standard output.
    few
        What can be had of the best few only, by the name of its option: true where it is asked for.
    """
    if not every:
        return
    if top_k is not None:
        raise typer.BadParameter(
            "--top-k asks for the best few and --all for every tile: give one.", param_hint="--all"
        )
    for name, asked in few.items():
        if asked:
            raise typer.BadParameter(f"--{name} is for the best few: give --top-k instead.", param_hint="--all")
    check_terminal(form, output)


def write_all(
    index: "SearchIndex",
    asked: "Sequence[Question]",
    form: str,
    *,
    output: Path | None,
    head: Mapping[str, Any],
    templates: str | None,
    within: "Selection | None",
    limits: Given,
) -> None:
    """Find and write every tile that fits, page by page; none where a table would be too long.

    Parameters
    ----------
    index
        What is searched.
    asked
        The queries; each is searched for when the hits of the one before have been written.
    form
        "table", "json", "csv", "geojson" or "parquet".
    output
        File to write; it appears whole or not at all. None: standard output.
    head
        What JSON and GeoJSON say of the whole.
    templates, within, limits
        See `SearchIndex.search_all`.
    """
    from msclip_search.cli.render import write_results
    from msclip_search.cli.streaming import stream, write

    def search(question: "Question") -> "Pages":
        with Display(threading.Event()) as display:
            pages = index.search_all(
                question,
                templates=templates,
                within=within,
                progress=lambda done, total: display.update("Scoring", done=done, total=total),
                **limits,
            )
        for line in found([pages.title]):
            say(line)
        return pages

    searches = map(search, asked)
    if form == "table":
        write_results([_listed(pages) for pages in searches], form, output=output, head=head)
        return
    show = output is not None or not sys.stdout.isatty()
    with closing(_results(searches, show=show)) as results:
        write(stream(form, results, head), output)


def _listed(pages: "Pages") -> "Hits":
    """Return all hits of a query, where they are few enough for a table."""
    if pages.total > LONGEST_TABLE:
        raise typer.BadParameter(
            f"{pages.total:,} tiles fit, and a table has {LONGEST_TABLE:,} lines at most: "
            "give --output FILE.geojson, .csv, .json or .parquet, or raise --min-percentile.",
            param_hint="--all",
        )
    return next(pages)


def _results(searches: "Iterator[Pages]", *, show: bool) -> "Generator[Iterator[Hits], None, None]":
    for pages in searches:
        with closing(_counted(pages, show=show)) as counted:
            yield counted


def _counted(pages: "Pages", *, show: bool) -> "Generator[Hits, None, None]":
    """Show how many hits have been written, but not on a terminal that the hits themselves are printed on."""
    done = 0
    with Display(threading.Event()) as display:
        for page in pages:
            yield page
            done += len(page)
            if show:
                display.update("Writing", done=done, total=pages.total, unit="hits")
