"""Options that several commands share."""

from pathlib import Path
from typing import Annotated, Literal, TypeAlias

import typer

INDEX = Path("msclip-index")

IndexPath: TypeAlias = Annotated[
    Path, typer.Option("--index", metavar="FOLDER", envvar="MSCLIP_INDEX", help="The index folder.")
]
Model: TypeAlias = Annotated[
    str | None,
    typer.Option(
        "--model",
        metavar="NAME",
        help="Name of the model; `msclip-search models` lists them.",
        show_default=False,
    ),
]
Weights: TypeAlias = Annotated[
    Path | None,
    typer.Option("--weights", metavar="FILE", help="The model's weights: .pt or .safetensors.", show_default=False),
]
Device: TypeAlias = Annotated[str, typer.Option("--device", metavar="NAME", help="auto, cpu, cuda or cuda:N.")]
Quiet: TypeAlias = Annotated[bool, typer.Option("--quiet", "-q", help="Print results and errors only.")]
Verbose: TypeAlias = Annotated[bool, typer.Option("--verbose", "-v", help="Print details, and tracebacks of errors.")]
ListFormat: TypeAlias = Annotated[
    Literal["table", "json"], typer.Option("--format", metavar="table|json", help="How to print it.")
]
