"""Options that several commands share."""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Literal, TypeAlias

import typer

INDEX = Path("msclip-index")
PUBLISHED = "For the published multispectral CLIP: --model llama3-ms-clip-base (604 MB)"
"""What to say beside the name of the bundled model."""

IndexPath: TypeAlias = Annotated[
    Path, typer.Option("--index", metavar="FOLDER", envvar="MSCLIP_INDEX", help="The index folder.")
]
Model: TypeAlias = Annotated[
    str | None,
    typer.Option(
        "--model",
        metavar="NAME",
        help="Name of the model: that of the index, or s2-nano; `msclip-search models` lists them.",
        show_default=False,
    ),
]
Weights: TypeAlias = Annotated[
    Path | None,
    typer.Option("--weights", metavar="FILE", help="The model's weights: .pt or .safetensors.", show_default=False),
]
Device: TypeAlias = Annotated[str, typer.Option("--device", metavar="NAME", help="auto, cpu, cuda or cuda:N.")]
BreakLock: TypeAlias = Annotated[
    bool,
    typer.Option("--break-lock", help="Write although another process holds the index's lock: it is surely gone."),
]
Quiet: TypeAlias = Annotated[bool, typer.Option("--quiet", "-q", help="Print results and errors only.")]
Verbose: TypeAlias = Annotated[bool, typer.Option("--verbose", "-v", help="Print details, and tracebacks of errors.")]
ListFormat: TypeAlias = Annotated[
    Literal["table", "json"], typer.Option("--format", metavar="table|json", help="How to print it.")
]


def choose_format(
    form: str | None, output: Path | None, endings: Mapping[str, str], *, table_in_file: bool = False
) -> str:
    """Take the format as it is said, or from the name of the file to write; the two may not differ.

    Parameters
    ----------
    form
        What --format says; None where it is not given.
    output
        File to write; None: standard output, by default as a table.
    endings
        Ending of a file's name, with its dot, to format.
    table_in_file
        Whether a table may be written to a file.
    """
    if output is None:
        return form or "table"
    others = ", ".join(dict.fromkeys(endings.values()))
    if form == "table" and not table_in_file:
        raise typer.BadParameter(f"A table is not for files: give {others} with --output.", param_hint="--format")
    ending = endings.get(output.suffix.lower())
    if form and ending and form != ending:
        raise typer.BadParameter(
            f"{output} ends as {ending} does: give it, or name another file.", param_hint="--format"
        )
    if found := form or ending:
        return found
    raise typer.BadParameter(
        f"{output} does not end in one of {', '.join(endings)}: give --format.", param_hint="--output"
    )
