"""From questions to vectors: their texts and examples, each encoded or found once, and added up."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from msclip_search.models import Embeddings, Encoder
from msclip_search.search.question import Example, Question, Words, direction
from msclip_search.store import Snapshot


@dataclass(frozen=True, slots=True, eq=False)
class Directions:
    """Questions, and where they point."""

    questions: Sequence[Question]
    """With the tiles that their examples were found to be."""
    vectors: NDArray[np.float64]
    """(questions, dimension), unit length."""


def directions(
    snapshot: Snapshot,
    questions: Sequence[Question],
    *,
    texts: Callable[[Sequence[str]], Embeddings],
    encoder: Callable[[], Encoder],
) -> Directions:
    """Find out where questions point.

    Examples come first, since what is wrong with them can be said before a model is loaded. A question of tiles that
    stand in the index needs no model at all.

    Parameters
    ----------
    snapshot
        The index.
    questions
        What is asked.
    texts
        Embeds texts; asked only where there are some.
    encoder
        Gives the model; asked only where a tile has to be embedded.

    Raises
    ------
    QueryError
        An example names no tile, or the parts of a question cancel to nothing.
    ModelError
        The model is needed and cannot be loaded.
    """
    parts = [part for question in questions for part in question.parts]
    said = list(dict.fromkeys(part.text for part in parts if isinstance(part, Words)))
    shown = list(dict.fromkeys(part.tile for part in parts if isinstance(part, Example)))
    tile_ids: dict[str, str | None] = {}
    examples: Mapping[str, NDArray[np.float32]] = {}
    if shown:
        from msclip_search.search.examples import find_examples, vectors_of  # here: few questions have examples

        found = find_examples(snapshot, shown)
        tile_ids = {word: example.tile_id for word, example in found.items()}
        examples = vectors_of(snapshot, found, encoder)
    words = dict(zip(said, texts(said), strict=True)) if said else {}
    settled = [_settled(question, tile_ids) for question in questions]
    vectors = [
        direction(
            question, [words[part.text] if isinstance(part, Words) else examples[part.tile] for part in question.parts]
        )
        for question in settled
    ]
    return Directions(settled, np.stack(vectors) if vectors else np.empty((0, snapshot.dimension)))


def _settled(question: Question, tile_ids: dict[str, str | None]) -> Question:
    """Note which tiles of the index the examples are."""
    others = tuple(
        replace(part, tile_id=tile_ids[part.tile]) if isinstance(part, Example) else part for part in question.others
    )
    return replace(question, others=others)
