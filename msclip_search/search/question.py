"""What is asked of an index: a text, more texts and example tiles, each with a weight, some of them to be unlike."""

import math
import numbers
import os
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from msclip_search.errors import QueryError
from msclip_search.search.hits import Hit

_CANCELLED = 1e-6
_WEIGHT = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?|[+-]?(nan|inf|infinity)", re.ASCII | re.IGNORECASE)
_MINUS = "−"


@dataclass(frozen=True, slots=True)
class Words:
    """A text as a part of a question."""

    text: str
    weight: float = 1.0
    """Below 0 for what is not wanted."""

    def __post_init__(self) -> None:
        """Refuse a text that says nothing, and a weight that weighs nothing."""
        if not isinstance(self.text, str):
            raise QueryError(f"A text is wanted here, not {self.text!r}; an example goes with `like` or `unlike`.")
        if not self.text.strip():
            raise QueryError('The query is empty: say what to look for, as in "flooded farmland".')
        _check_weight(self.weight, self.text)

    def to_dict(self) -> dict[str, Any]:
        """Return what JSON can hold."""
        return {"text": self.text, "weight": self.weight}

    def __str__(self) -> str:
        return self.text


@dataclass(frozen=True, slots=True)
class Example:
    """A tile as a part of a question."""

    tile: str
    """As it was named: a file, a `tile_id` of the index or the beginning of one, or "LON,LAT"."""
    weight: float = 1.0
    """Below 0 for what is not wanted."""
    tile_id: str | None = None
    """The tile of the index that it was found to be; None before that, and where the index does not hold it."""

    def __post_init__(self) -> None:
        """Refuse a name that is none, and a weight that weighs nothing."""
        if not self.tile.strip():
            raise QueryError("The example is empty: name a file, the tile_id of a tile, or a place LON,LAT.")
        _check_weight(self.weight, self.tile)

    def to_dict(self) -> dict[str, Any]:
        """Return what JSON can hold."""
        return {"like": self.tile, "tile_id": self.tile_id, "weight": self.weight}

    def __str__(self) -> str:
        return f"like {self.tile}"


Part: TypeAlias = Words | Example
Place: TypeAlias = tuple[float, float]
"""longitude, latitude in degrees."""


@dataclass(frozen=True, slots=True)
class Question:
    """A text with more texts and example tiles: one direction to look in.

    Each part is a unit vector of the model's space, taken times its weight; what is not wanted is subtracted; the sum
    is brought to length 1. A question does not change: each method returns a new one.

    >>> harbour = Question("harbour").plus("ships", 0.5).minus("clouds")
    >>> print(harbour)
    harbour + 0.5 ships − clouds
    >>> print(harbour.like("tile.tif").unlike("9.95,53.53"))
    harbour + 0.5 ships − clouds + like tile.tif − like 9.95,53.53
    >>> print(Question().like("tile.tif"))
    like tile.tif

    Raises
    ------
    QueryError
        A text is empty, or a weight is not above 0.
    """

    text: str | None = None
    """What to look for, with the weight 1; None where there are only other parts."""
    others: tuple[Part, ...] = ()
    """The parts beside the text, in the order in which they came."""

    def __post_init__(self) -> None:
        """Refuse a text that says nothing."""
        if self.text is not None:
            Words(self.text)

    @property
    def parts(self) -> tuple[Part, ...]:
        """All parts, the text first."""
        return self.others if self.text is None else (Words(self.text), *self.others)

    def plus(self, text: str, weight: float = 1.0) -> "Question":
        """Ask for a text too."""
        return self._with(Words(text, _above_0(weight, text)))

    def minus(self, text: str, weight: float = 1.0) -> "Question":
        """Ask for what is unlike a text."""
        return self._with(Words(text, -_above_0(weight, text)))

    def like(self, tile: "str | os.PathLike[str] | Hit | Place", weight: float = 1.0) -> "Question":
        """Ask for what is like a tile.

        Parameters
        ----------
        tile
            A file; a `tile_id` of the index, or the first 8 or more characters of one; a place that the index covers,
            "LON,LAT" or two numbers in degrees; or a hit.
        weight
            Above 0.
        """
        named = _named(tile)
        return self._with(Example(named, _above_0(weight, named)))

    def unlike(self, tile: "str | os.PathLike[str] | Hit | Place", weight: float = 1.0) -> "Question":
        """Ask for what is unlike a tile: see `like`."""
        named = _named(tile)
        return self._with(Example(named, -_above_0(weight, named)))

    def __str__(self) -> str:
        if not self.parts:
            return "nothing"
        said = [_in_words(part) for part in self.parts]
        return " ".join((said[0].removeprefix("+ "), *said[1:]))

    def _with(self, part: Part) -> "Question":
        return replace(self, others=(*self.others, part))


def as_question(asked: str | Question) -> Question:
    """Take a text as the question that it is.

    Raises
    ------
    QueryError
        It asks for nothing.
    """
    question = asked if isinstance(asked, Question) else Question(asked)
    if not question.parts:
        raise QueryError("The question has no parts: give a text or an example.")
    return question


def split_weight(said: str) -> tuple[str, float]:
    """Split "ships:0.5" into what is meant and its weight; 1 where none stands behind the last colon.

    Only a number there is a weight: "Note: ships" is a text. A text that ends in a colon and a number is written with
    its weight behind it, "scale 1:2:1".

    Raises
    ------
    QueryError
        The number is not above 0, or too large.
    """
    what, colon, number = said.rpartition(":")
    if not colon or not _WEIGHT.fullmatch(number.strip()):
        return said, 1.0
    return what, _above_0(float(number), what)


def direction(question: Question, vectors: Sequence[NDArray[np.floating]]) -> NDArray[np.float64]:
    """Add up the parts of a question: a unit vector, (dimension,).

    Parameters
    ----------
    question
        What is asked.
    vectors
        (dimension,) for each of its parts, of any length above 0.

    Raises
    ------
    QueryError
        The parts cancel to nothing: what is left is no longer than 1e-6 of the sum of the weights. Parts are kept in
        float32 at best, which leaves up to some 1e-7 where nothing should be left, and that has no meaning.
    """
    weights = np.array([part.weight for part in question.parts], dtype=np.float64)
    weights /= np.abs(weights).max()
    units = np.stack([vector.astype(np.float64) for vector in vectors])
    total: NDArray[np.float64] = weights @ (units / np.linalg.norm(units, axis=1, keepdims=True))
    length = float(np.linalg.norm(total))
    if not length > _CANCELLED * float(np.abs(weights).sum()):
        raise QueryError(
            f'The parts of "{question}" cancel to nothing, so there is no direction to look in: change a weight, or '
            "leave a part out."
        )
    return total / length


def _in_words(part: Part) -> str:
    sign = _MINUS if part.weight < 0 else "+"
    size = abs(part.weight)
    return f"{sign} {part}" if size == 1 else f"{sign} {size:.10g} {part}"


def _named(tile: "str | os.PathLike[str] | Hit | Place") -> str:
    if isinstance(tile, Hit):
        return tile.tile_id
    if isinstance(tile, tuple):
        if len(tile) != 2 or not all(isinstance(value, numbers.Real) for value in tile):
            raise QueryError(f"A place is two numbers, longitude and latitude, not {tile!r}.")
        return ",".join(repr(float(value)) for value in tile)
    if not isinstance(tile, str | os.PathLike):
        raise QueryError(f"An example is a file, a tile_id, a place or a hit, not {tile!r}.")
    return str(tile)


def _above_0(weight: float, what: str) -> float:
    """Take a weight as users give it: the sign is in the word that it goes with."""
    _check_weight(weight, what)
    if weight < 0:
        raise QueryError(
            f"The weight of {what!r} is {weight:g}, and weights are above 0: `minus` and `unlike` take away."
        )
    return float(weight)


def _check_weight(weight: float, what: str) -> None:
    if isinstance(weight, bool) or not isinstance(weight, numbers.Real):
        raise QueryError(f"The weight of {what!r} is to be a number, not {weight!r}.")
    if not math.isfinite(weight):
        raise QueryError(f"The weight of {what!r} is {weight}: it is to be a finite number above 0.")
    if weight == 0:
        raise QueryError(f"The weight of {what!r} is 0: leave it out, or give it a weight above 0.")
