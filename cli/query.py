"""`msclip-search query`: the question."""

from pathlib import Path
from typing import Annotated, Literal

import typer

from msclip_search.cli import everything, filters, questions
from msclip_search.cli.console import handled, say, set_voice, show_progress
from msclip_search.cli.options import INDEX, Device, IndexPath, Model, Quiet, Verbose, Weights, choose_format

_TOP_K = 10
_SUFFIXES = {".json": "json", ".csv": "csv", ".geojson": "geojson", ".parquet": "parquet"}


@handled
@filters.with_filters
def query(
    text: Annotated[
        list[str] | None,
        typer.Argument(metavar="TEXT", help="What to look for; each text is a query of its own.", show_default=False),
    ] = None,
    top_k: Annotated[
        int | None,
        typer.Option(
            "--top-k", "-k", min=1, metavar="NUMBER", help="How many tiles to return.", show_default=str(_TOP_K)
        ),
    ] = None,
    index: IndexPath = INDEX,
    queries_file: Annotated[
        Path | None,
        typer.Option(
            "--queries-file",
            metavar="FILE",
            help="More queries: a .txt with one a line, or a .yaml with a list 'queries'.",
            show_default=False,
        ),
    ] = None,
    form: Annotated[
        Literal["table", "json", "csv", "geojson", "parquet"] | None,
        typer.Option(
            "--format",
            metavar="FORMAT",
            help="table, json, csv, geojson or parquet; by default table, or as --output ends.",
        ),
    ] = None,
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", metavar="FILE", help="Write to a file.", show_default=False),
    ] = None,
    gallery: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE.html",
            help="Also write the hits as one page of pictures and a map, which needs no network.",
            show_default=False,
        ),
    ] = None,
    chips: Annotated[
        Path | None,
        typer.Option(
            metavar="FOLDER",
            help="Also write the pixels of each hit, as GeoTIFF with all bands and as PNG in true colour.",
            show_default=False,
        ),
    ] = None,
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Let --chips replace files in a folder that is not empty.")
    ] = False,
    templates: Annotated[
        str | None,
        typer.Option(
            metavar="NAME|FILE.txt",
            help="Put a set of prompt templates around each text: msclip (50), clip (3), "
            "or a .txt with one sentence a line and {} in it where the text goes.",
            show_default=False,
        ),
    ] = None,
    relevant: Annotated[
        list[str] | None,
        typer.Option(
            metavar="LABEL",
            help="Also print AP@k of each query, where tiles with this label are right; several: any of them.",
            show_default=False,
        ),
    ] = None,
    like: questions.Like = None,
    unlike: questions.Unlike = None,
    plus: questions.Plus = None,
    minus: questions.Minus = None,
    every: everything.Every = False,
    apart: everything.Apart = None,
    min_percentile: everything.MinPercentile = None,
    min_score: everything.MinScore = None,
    within: filters.Within = filters.EVERYTHING,
    model: Model = None,
    weights: Weights = None,
    device: Device = "auto",
    quiet: Quiet = False,
    verbose: Verbose = False,
) -> None:
    """Rank the tiles of an index by what they show.

    The score is the cosine between tile and text.
    The percentile says how many percent of the index score lower;
    above 8,192 tiles it is estimated from a sample of as many.
    Parts of a query are added up by their weights into one vector of length 1,
    what is not wanted is subtracted; the examples themselves are among the hits.

        msclip-search query "flooded farmland" --top-k 100

        msclip-search query "harbour" "open-pit mine" --output sites.geojson

        msclip-search query "harbour" --like tile.tif --plus "ships:0.5" --minus "clouds"

        msclip-search query --like 7.98,46.53 --unlike cloudy.tif

        msclip-search query "glacier" --near 7.98,46.53 --radius 50km --apart 500m

        msclip-search query "solar park" --all --min-percentile 99.9 --output sites.geojson

        msclip-search query "ripe crops" --datetime 2023-05/2023-10 --max-cloud 10

        msclip-search query --queries-file queries.txt --format csv

        msclip-search query "conifer forest" --gallery gallery.html --chips out

        msclip-search query "a forest" --top-k 100 --relevant Forest
    """
    set_voice(quiet=quiet, verbose=verbose)
    texts = list(text or [])
    if not (texts or plus or minus or like or unlike or queries_file):
        raise typer.BadParameter(
            "Give a text, a file of them with --queries-file, or an example with --like.", param_hint="TEXT"
        )
    chosen = choose_format(form, output, _SUFFIXES, table_in_file=True)
    everything.check_all(
        every=every, top_k=top_k, form=chosen, output=output, gallery=gallery, chips=chips, relevant=relevant
    )
    limits = everything.read_limits(apart, min_percentile, min_score)
    wanted = within.read()
    from msclip_search.cli import exports
    from msclip_search.cli.render import write_results
    from msclip_search.models import templates as prompts
    from msclip_search.search import SearchIndex, read_queries

    if templates is not None:
        prompts.find(templates)  # a wrong word or file is said before a model is loaded
    exports.check_target(output)
    exports.check_targets(gallery=gallery, chips=chips, overwrite=overwrite)
    texts += read_queries(queries_file) if queries_file else []
    asked = questions.questions_of(texts, plus=plus, minus=minus, like=like, unlike=unlike)
    with SearchIndex.open(index, model=model, weights=weights, device=device, progress=show_progress()) as opened:
        if wanted:
            say("; ".join(wanted.echo()))
        selection = opened.select(wanted) if wanted else None
        named_model = opened.model
        head = {"index": str(index), "model": named_model, **({"filter": wanted.echo()} if wanted else {})}
        if every:
            everything.write_all(
                opened, asked, chosen, output=output, head=head, templates=templates, within=selection, limits=limits
            )
            return
        results = opened.search_many(asked, k=top_k or _TOP_K, templates=templates, within=selection, **limits)
        verdict = exports.judged(opened, results, relevant, within=selection) if relevant else exports.Verdict()
    for line in questions.found(results):
        say(line)
    write_results(results, chosen, output=output, head=head)
    exports.print_verdict(verdict, beside_table=chosen == "table")
    if gallery is not None:
        exports.write_gallery(results, gallery, index=str(index), model=named_model)
    if chips is not None:
        exports.write_tiles(results, chips, overwrite=overwrite)
