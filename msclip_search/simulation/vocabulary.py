"""What things are called: for each tag the words a person may use, and how much of a tile it takes to speak of it.

The words stand in `vocabulary.toml` beside this module. No phrase is said of two tags.
"""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.resources import files
from types import MappingProxyType
from typing import Any

import numpy as np

from msclip_search.simulation.canvas import Mask


@dataclass(frozen=True, slots=True)
class Word:
    """A tag in words."""

    phrases: tuple[str, ...]
    """Different ways to say it, the plainest first."""
    least: float = 0.08
    """Share of a tile from which on it is said: small for what is thin or small."""


@dataclass(frozen=True, slots=True)
class Group:
    """A general term: it holds where any of its tags holds."""

    tags: tuple[str, ...]
    """What it stands for."""
    phrases: tuple[str, ...]
    """Different ways to say it, the plainest first."""


def _read() -> tuple[Mapping[str, Word], Mapping[str, Group]]:
    text = files("msclip_search.simulation").joinpath("vocabulary.toml").read_text(encoding="utf-8")
    tables = tomllib.loads(text)
    words = {tag: Word(**_tuples(table)) for tag, table in tables["words"].items()}
    groups = {name: Group(**_tuples(table)) for name, table in tables["groups"].items()}
    return MappingProxyType(words), MappingProxyType(groups)


def _tuples(table: Mapping[str, Any]) -> dict[str, Any]:
    return {key: tuple(value) if isinstance(value, list) else value for key, value in table.items()}


WORDS, GROUPS = _read()
"""All tags, and all general terms, by name."""


def holds(masks: Mapping[str, Mask]) -> tuple[str, ...]:
    """Return the tags that can be said of a tile, the largest share first, of equal ones by name.

    Parameters
    ----------
    masks
        Where each tag holds, (height, width).
    """
    shares = {tag: np.count_nonzero(mask) / mask.size for tag, mask in masks.items()}
    said = [tag for tag, share in shares.items() if share >= WORDS[tag].least]
    return tuple(sorted(said, key=lambda tag: (-shares[tag], tag)))
