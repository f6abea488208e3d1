"""`msclip-search train`: the recipe of the bundled model, from nothing to weights."""

import threading
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from msclip_search.cli.console import INTERRUPTED, VOICE, handled, say, set_voice
from msclip_search.cli.options import Quiet, Verbose
from msclip_search.cli.progress import Display, interruptible

if TYPE_CHECKING:
    from msclip_search.training.loop import Point


@handled
def train(
    model: Annotated[Literal["s2-nano"], typer.Argument(metavar="MODEL", help="Which: s2-nano.", show_default=False)],
    out: Annotated[
        Path,
        typer.Option(
            metavar="FOLDER", help="Where weights and curves go; an interrupted training goes on.", show_default=False
        ),
    ],
    real: Annotated[
        Path | None,
        typer.Option(
            metavar="FOLDER",
            help="Learn from EuroSAT tiles too: 13 bands, a folder a class.",
            show_default=False,
        ),
    ] = None,
    token_vectors: Annotated[
        Path | None,
        typer.Option(
            metavar="FOLDER",
            help="Make the text tower from token_vectors.npy and tokenizer.json; else the bundled one is kept.",
            show_default=False,
        ),
    ] = None,
    seed: Annotated[int, typer.Option(metavar="NUMBER", min=0, help="The same seed gives the same weights.")] = 0,
    tiles: Annotated[
        str | None,
        typer.Option(
            metavar="SMALL,LARGE",
            help="Simulated tiles of 64 and of 224 pixels; 90000,8000 by default.",
            show_default=False,
        ),
    ] = None,
    steps: Annotated[
        int | None,
        typer.Option(
            metavar="NUMBER",
            min=1,
            help="Batches of simulated tiles; 8000 by default. With --real 400 of both follow.",
            show_default=False,
        ),
    ] = None,
    processes: Annotated[
        int | None,
        typer.Option(metavar="NUMBER", min=1, help="How many simulate; one a core by default.", show_default=False),
    ] = None,
    quiet: Quiet = False,
    verbose: Verbose = False,
) -> None:
    """Train the bundled model again, from simulated tiles and, with --real, labelled ones.

    The defaults are those of the weights in the package. Ctrl-C keeps what is
    done; the same command goes on.

        msclip-search train s2-nano --out weights/

        msclip-search train s2-nano --out weights/ --real eurosat_ms/ --token-vectors minilm/

        msclip-search train s2-nano --out try/ --tiles 4000,200 --steps 500

        msclip-search index ./tiles --weights weights/s2-nano.safetensors
    """
    set_voice(quiet=quiet, verbose=verbose)
    from msclip_search.training import Plan, train_nano

    assert model == "s2-nano"  # noqa: S101 - the only one there is
    asked: dict[str, int] = {"seed": seed}
    if tiles is not None:
        asked["small"], asked["large"] = _counts(tiles)
    if steps is not None:
        asked |= {"steps": steps, "every": min(Plan().every, steps)}
    stop = threading.Event()
    display = Display(stop, opening="Starting.", stopping="Finishing what is begun (Ctrl-C again: at once)")

    def tell(stage: str, done: int, total: int, point: "Point | None") -> None:
        said = stage
        if point:  # the last one, which may be of another step and another stage
            said += f": {point.stage} step {point.step}, loss {point.loss:.2f}, mAP {point.validation:.3f}"
        display.update(said, done=done, total=total, unit="steps" if stage == "Learning" else "tiles")

    with display, interruptible(stop, display) as received:
        trained = train_nano(
            out,
            plan=Plan(**asked),
            real=real,
            token_vectors=token_vectors,
            stop=stop,
            told=tell,
            processes=processes,
        )
    if trained.interrupted:
        say(f"Interrupted; what is done is kept in {out}. The same command goes on.")
        raise typer.Exit(128 + received[0] if received else INTERRUPTED)
    if not VOICE.quiet:
        say(f"The weights are {trained.weights}, their curve is in {out / 'curve.json'}.")
        say(f"Mean average precision of the tags over simulated tiles not learnt from: {trained.validation:.3f}.")
        say(f"Next: msclip-search index TILES --weights {trained.weights}")


def _counts(text: str) -> tuple[int, int]:
    try:
        small, large = (int(part) for part in text.split(","))
    except ValueError:
        raise typer.BadParameter(f"'{text}' is no SMALL,LARGE, such as 90000,8000.", param_hint="--tiles") from None
    return small, large
