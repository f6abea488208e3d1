"""Options that make a question of a text: more texts and example tiles, to be like or unlike, each with a weight."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, Any, TypeAlias

import typer

if TYPE_CHECKING:
    from msclip_search.search import Hits, Question

_PANEL = "Examples and negatives: added to each text, or a query of their own"


def _option(flag: str, metavar: str, said: str) -> Any:  # noqa: ANN401 - what Typer makes of it
    return typer.Option(flag, metavar=metavar, help=said, show_default=False, rich_help_panel=_PANEL)


Like: TypeAlias = Annotated[
    list[str] | None,
    _option(
        "--like",
        "TILE[:WEIGHT]",
        "Like a tile: a file, the tile_id of a hit, or LON,LAT of a place that the index covers.",
    ),
]
Unlike: TypeAlias = Annotated[list[str] | None, _option("--unlike", "TILE[:WEIGHT]", "Unlike a tile.")]
Plus: TypeAlias = Annotated[
    list[str] | None,
    _option("--plus", "TEXT[:WEIGHT]", 'More to look for, weighted against the text\'s 1, as in "ships:0.5".'),
]
Minus: TypeAlias = Annotated[list[str] | None, _option("--minus", "TEXT[:WEIGHT]", "What is not wanted.")]


def questions_of(
    texts: Sequence[str],
    *,
    plus: Sequence[str] | None,
    minus: Sequence[str] | None,
    like: Sequence[str] | None,
    unlike: Sequence[str] | None,
) -> "list[Question]":
    """Read the options: a question for each text, or one of the other parts alone; none where nothing is asked.

    Raises
    ------
    QueryError
        A text is empty, or a weight is not above 0.
    """
    from msclip_search.search import Question, split_weight

    added = Question()
    for add, words in (
        (Question.plus, plus),
        (Question.minus, minus),
        (Question.like, like),
        (Question.unlike, unlike),
    ):
        for word in words or ():
            added = add(added, *split_weight(word))
    return [Question(text, added.others) for text in texts] or [added] * bool(added.others)


def found(results: "Sequence[Hits]") -> list[str]:
    """Say which tile each example was found to be, a sentence each, unless it was named by all of its `tile_id`."""
    from msclip_search.search import Example

    examples = [part for hits in results for part in hits.parts if isinstance(part, Example)]
    return [
        f"{tile} is tile {tile_id} of the index." if tile_id else f"{tile} is not in the index, and was embedded."
        for tile, tile_id in dict.fromkeys((example.tile, example.tile_id) for example in examples)
        if tile != tile_id
    ]
