"""What is asked of a labelled index, and which tiles would be right."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from msclip_search.errors import QueryError
from msclip_search.search import read_entries

_FORMS = "`relevant: Forest`, `relevant: [Forest, Pasture]` (any of them) or `relevant: {all: [...], none: [...]}`"


@dataclass(frozen=True, slots=True)
class Relevance:
    """Which labels make a tile a right answer."""

    any: tuple[str, ...] = ()
    """One of these at least."""
    all: tuple[str, ...] = ()
    """Each of these."""
    none: tuple[str, ...] = ()
    """None of these."""

    def __post_init__(self) -> None:
        """Refuse a condition that names no label."""
        if not (self.any or self.all or self.none):
            raise QueryError(f"What is relevant names no label: write {_FORMS}.")

    @property
    def labels(self) -> tuple[str, ...]:
        """Every label that is named."""
        return (*self.any, *self.all, *self.none)

    def holds(self, tiles: "LabelTable") -> NDArray[np.bool_]:
        """Tell which tiles are relevant, (tiles,)."""
        right = np.ones(tiles.count, np.bool_)
        if self.any:
            right &= np.logical_or.reduce([tiles.having(label) for label in self.any])
        for label in self.all:
            right &= tiles.having(label)
        for label in self.none:
            right &= ~tiles.having(label)
        return right


@dataclass(frozen=True, slots=True)
class LabelTable:
    """Which tile has which label."""

    count: int
    """Tiles."""
    tiles_of: Mapping[str, NDArray[np.int64]]
    """Numbers of the tiles of each label."""

    @classmethod
    def of(cls, labels: Sequence[Sequence[str]]) -> "LabelTable":
        """Make it of the labels of each tile."""
        found: dict[str, list[int]] = {}
        for number, names in enumerate(labels):
            for name in names:
                found.setdefault(name, []).append(number)
        return cls(len(labels), {name: np.array(numbers, np.int64) for name, numbers in sorted(found.items())})

    def having(self, label: str) -> NDArray[np.bool_]:
        """Tell which tiles have a label, (tiles,)."""
        flags = np.zeros(self.count, np.bool_)
        flags[self.tiles_of.get(label, np.empty(0, np.int64))] = True
        return flags


@dataclass(frozen=True, slots=True)
class Question:
    """A query with its right answers."""

    name: str
    """Of the class, or the text itself."""
    text: str
    """As it goes into the templates and the model."""
    relevant: Relevance


def of_classes(classes: Sequence[tuple[str, str]]) -> list[Question]:
    """Ask for classes: pairs of a label and the words for it.

    Raises
    ------
    QueryError
        A class is named twice.
    """
    names = [name for name, _ in classes]
    if twice := sorted({name for name in names if names.count(name) > 1}):
        raise QueryError(f"Classes are named twice: {', '.join(twice)}.")
    return [Question(name, words, Relevance(any=(name,))) for name, words in classes]


def read_questions(path: Path) -> list[Question]:
    """Read questions from a YAML file with a list `queries` of mappings with `text` and `relevant`.

    Raises
    ------
    QueryError
        The file cannot be read, or an entry is not of that shape.
    """
    questions = [_question(entry, f"{path}: query {number}") for number, entry in enumerate(read_entries(path), 1)]
    if not questions:
        raise QueryError(f"{path} holds no queries.")
    texts = [question.name for question in questions]
    if twice := sorted({text for text in texts if texts.count(text) > 1}):
        raise QueryError(f"{path} asks twice for {', '.join(twice)}.")
    return questions


def _question(entry: Any, where: str) -> Question:  # noqa: ANN401 - whatever YAML holds
    if not isinstance(entry, dict) or not isinstance(entry.get("text"), str) or not entry["text"].strip():
        raise QueryError(f"{where} has no text: write `- {{text: a forest, relevant: Forest}}`.")
    if unknown := sorted(set(entry) - {"text", "relevant", "name"}):
        raise QueryError(
            f"{where} has an unknown key, {', '.join(map(str, unknown))}: text, relevant and name are known."
        )
    return Question(
        str(entry.get("name") or entry["text"]), entry["text"], parse_relevance(entry.get("relevant"), where)
    )


def parse_relevance(said: Any, where: str) -> Relevance:  # noqa: ANN401 - whatever YAML holds
    """Read what is relevant: a label, a list of labels of which any will do, or a mapping of any, all and none."""
    if isinstance(said, str) and said.strip():
        return Relevance(any=(said.strip(),))
    if isinstance(said, list):
        return Relevance(any=_labels(said, where))
    if isinstance(said, dict) and said and not set(said) - {"any", "all", "none"}:
        return Relevance(**{key: _labels(labels, where) for key, labels in said.items()})
    raise QueryError(f"{where} does not say what is relevant: write {_FORMS}.")


def _labels(said: Any, where: str) -> tuple[str, ...]:  # noqa: ANN401
    labels = said if isinstance(said, list) else [said]
    if not labels or not all(isinstance(label, str) and label.strip() for label in labels):
        raise QueryError(f"{where}: labels are texts, got {said!r}.")
    return tuple(label.strip() for label in labels)
