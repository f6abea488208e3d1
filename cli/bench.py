"""`msclip-search bench`: how good the ranking is, in numbers."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal, TypeAlias

import typer

from msclip_search.cli.bench_render import comparison, table
from msclip_search.cli.console import echo, handled, out, say, set_voice, show_progress
from msclip_search.cli.exports import check_target, write_file
from msclip_search.cli.options import INDEX, Device, IndexPath, Model, Quiet, Verbose, Weights, choose_format

if TYPE_CHECKING:
    from collections.abc import Sequence

    from msclip_search.evaluation import Report, Summary

bench = typer.Typer(no_args_is_help=True, help="Score rankings with mAP@100.")

_PLOTS: dict[str, Literal["png", "svg", "pdf"]] = {".png": "png", ".svg": "svg", ".pdf": "pdf"}
SUFFIXES = {".json": "json", ".csv": "csv", ".md": "markdown"}

Depth: TypeAlias = Annotated[int, typer.Option("--depth", "-k", min=1, metavar="NUMBER", help="k of mAP@k.")]
Templates: TypeAlias = Annotated[
    str | None,
    typer.Option(metavar="NAME|FILE.txt", help="Prompt templates around each text: msclip, clip, a file, or none."),
]
Exact: TypeAlias = Annotated[
    bool, typer.Option("--exact", help="Scan exactly only: leave the ANN index and its loss out.")
]
Seed: TypeAlias = Annotated[int, typer.Option(min=0, metavar="NUMBER", help="Of the bootstrap.")]
Form: TypeAlias = Annotated[
    Literal["table", "json", "csv", "markdown"] | None,
    typer.Option(
        "--format", metavar="FORMAT", help="table, json, csv or markdown; by default table, or as --output ends."
    ),
]
Plot: TypeAlias = Annotated[
    Path | None,
    typer.Option(
        metavar="FILE",
        help="Draw AP of each query with its interval: .png, .svg or .pdf (needs the extra `plot`).",
        show_default=False,
    ),
]
Output: TypeAlias = Annotated[
    Path | None,
    typer.Option("--output", "-o", metavar="FILE", help="Write to a file: .json, .csv or .md.", show_default=False),
]


@bench.command()
@handled
def run(
    queries: Annotated[
        Path,
        typer.Option(
            "--queries", metavar="FILE.yaml", help="A list 'queries' of {text, relevant}.", show_default=False
        ),
    ],
    index: IndexPath = INDEX,
    depth: Depth = 100,
    templates: Templates = None,
    exact: Exact = False,
    seed: Seed = 0,
    form: Form = None,
    output: Output = None,
    plot: Plot = None,
    model: Model = None,
    weights: Weights = None,
    device: Device = "auto",
    quiet: Quiet = False,
    verbose: Verbose = False,
) -> None:
    """Ask an index of labelled tiles what you know the answers to.

    Each query says which label is relevant: `{text: a forest, relevant: Forest}`;
    a list means any of them, {all: [...], none: [...]} is more exact.

        msclip-search bench run --index idx --queries queries.yaml

        msclip-search bench run --queries queries.yaml --output mine.json
    """
    set_voice(quiet=quiet, verbose=verbose)
    chosen = choose_format(form, output, SUFFIXES)
    check_targets(output, plot)
    from msclip_search.evaluation import evaluate, read_questions, report
    from msclip_search.search import SearchIndex

    questions = read_questions(queries)
    with SearchIndex.open(index, model=model, weights=weights, device=device, progress=show_progress()) as opened:
        named = without_none(templates)
        found = evaluate(opened, questions, k=depth, templates=named, exact=exact, seed=seed)
        made = report(opened, found, None, data=str(index.resolve()), templates=named, seed=seed)
    write_report(made, chosen, output, plot)


@bench.command()
@handled
def compare(
    results: Annotated[
        list[Path], typer.Argument(metavar="RESULTS.json…", help="What `bench … --output` wrote.", show_default=False)
    ],
    plot: Plot = None,
    quiet: Quiet = False,
    verbose: Verbose = False,
) -> None:
    """Set results side by side, with the published ones on the same data.

    Published numbers are marked as quoted: they were not measured here.

        msclip-search bench compare *.json

        msclip-search bench compare *.json --plot models.png
    """
    set_voice(quiet=quiet, verbose=verbose)
    check_targets(None, plot)
    from msclip_search.evaluation import Summary, published

    rows = [Summary.read(path) for path in results]
    for data in dict.fromkeys(row.data for row in rows):
        out().print(comparison(data, [*published(data), *(row for row in rows if row.data == data)]))
    if plot:
        if len({row.data for row in rows}) > 1:
            raise typer.BadParameter("These results are of several data sets: draw one at a time.", param_hint="--plot")
        _draw(rows, plot)


def without_none(templates: str | None) -> str | None:
    """Return the templates that are meant: `none` is a word for no templates."""
    return None if templates == "none" else templates


def check_targets(output: Path | None, plot: Path | None) -> None:
    """Refuse what could not be written, and a figure whose name does not say what it is, before anything is done."""
    if plot is not None and plot.suffix.lower() not in _PLOTS:
        raise typer.BadParameter(f"{plot} does not end in one of {', '.join(_PLOTS)}.", param_hint="--plot")
    for path in (output, plot):
        check_target(path)


def _draw(rows: "Sequence[Summary]", path: Path) -> None:
    from msclip_search.evaluation.figure import draw

    write_file(draw(rows, _PLOTS[path.suffix.lower()]), path)
    say(f"The figure is {path}.")


def write_report(made: "Report", form: str, output: Path | None, plot: Path | None) -> None:
    """Print a report, or write it to a file; draw it where that is asked for."""
    _write(made, form, output)
    if plot:
        from msclip_search.evaluation import Summary

        _draw([Summary.of(made)], plot)


def _write(made: "Report", form: str, output: Path | None) -> None:
    if form == "table":
        out().print(table(made))
        return
    text = {"json": made.to_json, "csv": made.to_csv, "markdown": made.to_markdown}[form]()
    if output is None:
        echo(text, end="")
        return
    write_file(text.encode(), output)
    found = made.retrieval
    say(
        f"mAP@{found.k} {found.mean('standard'):.4f} (standard), {found.mean('torchmetrics'):.4f} (torchmetrics); "
        f"written to {output}."
    )
