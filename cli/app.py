"""The program: `msclip-search`."""

import gc
from typing import Annotated

import typer

from msclip_search.cli import bench_data as bench_data  # noqa: PLC0414 - enters its commands into `bench`
from msclip_search.cli.bench import bench
from msclip_search.cli.classify import classify
from msclip_search.cli.compact import compact
from msclip_search.cli.console import set_voice
from msclip_search.cli.export_index import export
from msclip_search.cli.imports import import_
from msclip_search.cli.index import index
from msclip_search.cli.info import info, models, verify
from msclip_search.cli.options import Quiet, Verbose
from msclip_search.cli.query import query
from msclip_search.cli.remove import remove
from msclip_search.cli.simulate import simulate
from msclip_search.cli.train import train

app = typer.Typer(
    name="msclip-search",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _version(wanted: bool) -> None:
    if wanted:
        import importlib.metadata

        typer.echo(f"msclip-search {importlib.metadata.version('msclip-search')}")
        raise typer.Exit


@app.callback()
def root(
    _version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version and leave.")
    ] = False,
    quiet: Quiet = False,
    verbose: Verbose = False,
) -> None:
    """Find places in Sentinel-2 archives by describing them.

    Index a folder of tiles once, then ask for what you look for.

        msclip-search index ./tiles

        msclip-search query "flooded farmland" --top-k 100
    """
    set_voice(quiet=quiet, verbose=verbose)


for command in (index, query, classify, info, verify, remove, compact, export, import_, models, simulate, train):
    app.command(command.__name__.rstrip("_"))(command)  # `import` is a word of Python's


app.add_typer(bench, name="bench")


def main() -> None:
    """Run the program."""
    # What a start loads stays: looking through it for garbage, as often as Python does by itself, is a 20th of a query.
    gc.set_threshold(10_000, 20, 20)
    app()


if __name__ == "__main__":
    main()
