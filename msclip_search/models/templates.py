"""Named sets of sentences put around a text before it is embedded, each written as the grammar that makes it.

A class name alone is a poor query for a model that was trained on captions; the mean over many sentences
that say it is a better one.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from types import MappingProxyType

import numpy as np

from msclip_search.errors import QueryError
from msclip_search.models.base import Embeddings, Encoder


@dataclass(frozen=True, slots=True, kw_only=True)
class _Rule:
    """Sentences that differ in a phrase, an adjective and an article, which vary slowest to fastest."""

    phrases: tuple[str, ...]
    """With `{adjective}`, `{article}` and `{text}` in them."""
    adjectives: tuple[str, ...] = ("",)
    articles: tuple[str, ...] = ("",)

    def sentences(self, text: str) -> Iterator[str]:
        for phrase, adjective, article in product(self.phrases, self.adjectives, self.articles):
            yield phrase.format(adjective=adjective, article=article, text=text)


_ANY = ("", "a ", "the ")
_NAMED = ("the ", "a ")

_SETS: Mapping[str, tuple[_Rule, ...]] = MappingProxyType(
    {
        # The fifty of the published MS-CLIP evaluation, in its order.
        "msclip": (
            _Rule(
                phrases=(
                    "a satellite image showing {article}{text}.",
                    "The image is a satellite view showing {article}{text}.",
                ),
                articles=_ANY,
            ),
            _Rule(phrases=("The image shows {text}",)),
            _Rule(
                phrases=(
                    "a satellite image of {article}{text}.",
                    "the satellite image of {article}{text}.",
                    "a satellite view of {article}{text}.",
                ),
                articles=_ANY,
            ),
            _Rule(
                phrases=("a {adjective} satellite image of {article}{text}.",),
                adjectives=("low resolution", "bad", "cropped", "bright"),
                articles=_NAMED,
            ),
            _Rule(
                phrases=("a {adjective} aerial image of {article}{text}.",),
                adjectives=(
                    "cropped",
                    "bright",
                    "dark",
                    "close-up",
                    "black and white",
                    "jpeg corrupted",
                    "blurry",
                    "good",
                ),
                articles=_NAMED,
            ),
            _Rule(
                phrases=("an aerial image of {article}{adjective} {text}.",),
                adjectives=("large", "nice", "small", "weird", "cool"),
                articles=_NAMED,
            ),
        ),
    }
)


def names() -> tuple[str, ...]:
    """Names of the sets."""
    return tuple(sorted(_SETS))


def expand(set_name: str, text: str) -> list[str]:
    """Return the sentences of a set that say a text, in the set's order.

    Raises
    ------
    QueryError
        There is no set of this name.
    """
    if set_name not in _SETS:
        raise QueryError(f"There are no templates '{set_name}'. There are {', '.join(names())}.")
    return [sentence for rule in _SETS[set_name] for sentence in rule.sentences(text)]


def encode(encoder: Encoder, texts: Sequence[str], *, templates: str | None = None) -> Embeddings:
    """Embed texts, each through all sentences of a set.

    Parameters
    ----------
    encoder
        The model.
    texts
        What to say.
    templates
        Name of a set; None takes the texts as they are.

    Returns
    -------
    float32 (n, dimension)
        Unit rows: the mean of the sentences' unit embeddings, brought back to length 1.

    Raises
    ------
    QueryError
        There is no set of this name.
    """
    if templates is None:
        return encoder.encode_texts(texts)
    size = len(expand(templates, ""))
    rows = encoder.encode_texts([sentence for text in texts for sentence in expand(templates, text)])
    means = rows.reshape(len(texts), size, rows.shape[1]).mean(axis=1, dtype=np.float64)
    unit: Embeddings = (means / np.linalg.norm(means, axis=1, keepdims=True)).astype(np.float32)
    return unit
