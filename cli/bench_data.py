"""`msclip-search bench DATASET`: the labelled data sets of the field."""

import os
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Literal

import typer

from msclip_search.cli.bench import (
    SUFFIXES,
    Depth,
    Exact,
    Form,
    Output,
    Plot,
    Seed,
    Templates,
    bench,
    check_targets,
    without_none,
    write_report,
)
from msclip_search.cli.console import handled, say, set_voice, show_progress
from msclip_search.cli.options import Device, Model, Quiet, Verbose, Weights, choose_format
from msclip_search.cli.progress import Display, interruptible

DATA = (
    "eurosat-ms", "eurosat-rgb", "bigearthnet", "meter-ml", "meter-ml-naip", "forestnet", "resisc45", "aid", "folder",
)  # fmt: skip
"""Names of the data sets, written out so that `--help` need not load what reads them."""


def _command(name: str) -> Callable[..., None]:
    @handled
    def command(
        root: Annotated[
            Path, typer.Option(metavar="FOLDER", help="Where the data set was unpacked.", show_default=False)
        ],
        split: Annotated[
            str | None,
            typer.Option(metavar="NAME", help="train, validation or test; all by default.", show_default=False),
        ] = None,
        bands: Annotated[
            str | None,
            typer.Option(
                metavar="ORDER", help="Bands of files that do not name them: see `index`.", show_default=False
            ),
        ] = None,
        cache: Annotated[
            Path | None,
            typer.Option(
                metavar="FOLDER", help="Where embeddings are kept; by default the user's cache.", show_default=False
            ),
        ] = None,
        depth: Depth = 100,
        templates: Templates = "msclip",
        exact: Exact = False,
        kind: Annotated[
            Literal["auto", "ivfpq", "flat"] | None,
            typer.Option(metavar="auto|ivfpq|flat", help="What searches use: see `index`.", show_default=False),
        ] = None,
        seed: Seed = 0,
        seen: Annotated[
            Path | None,
            typer.Option(
                metavar="FILE.txt",
                help="sha256 of the tiles that the model was trained on, one a line: those among these are counted.",
                show_default=False,
            ),
        ] = None,
        form: Form = None,
        output: Output = None,
        plot: Plot = None,
        model: Model = None,
        weights: Weights = None,
        device: Device = "auto",
        quiet: Quiet = False,
        verbose: Verbose = False,
    ) -> None:
        set_voice(quiet=quiet, verbose=verbose)
        chosen = choose_format(form, output, SUFFIXES)
        check_targets(output, plot)
        from msclip_search import models
        from msclip_search.datasets import data_set
        from msclip_search.errors import ArchiveError
        from msclip_search.evaluation import bench as measure
        from msclip_search.evaluation import read_hashes

        stop, received = threading.Event(), list[int]()
        display = Display(
            stop, opening="Loading the model.", stopping="Stopping after a commit (Ctrl-C again: at once)"
        )
        try:
            with display, interruptible(stop, display) as received:
                found = measure(
                    data_set(name),
                    root,
                    cache=cache or _user_cache(),
                    model=model or models.DEFAULT,
                    weights=weights,
                    device=device,
                    split=split,
                    bands=bands,
                    k=depth,
                    templates=without_none(templates),
                    exact=exact,
                    kind=kind,
                    seed=seed,
                    seen=read_hashes(seen) if seen else None,
                    stop=stop,
                    progress=display.show,
                    show_download=show_progress(),
                )
        except ArchiveError as error:
            if not received:
                raise
            say(str(error))
            raise typer.Exit(128 + received[0]) from None
        for note in found.notes:
            say(note)
        write_report(found.report, chosen, output, plot)

    command.__doc__ = f"""Measure a model on {name}.

    Its tiles are embedded once and kept; other prompts take seconds.

        msclip-search bench {name} --root FOLDER --model llama3-ms-clip-base --weights weights.pt

        msclip-search bench {name} --root FOLDER --templates clip --output clip.json
    """
    return command


def _user_cache() -> Path:
    """Return the folder of this program in the user's cache, as the system has it."""
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Caches" / "msclip-search"
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "msclip-search"


for _name in DATA:
    bench.command(_name)(_command(_name))
