"""Sets of sentences put around a text before it is embedded.

They have a name, and are written as the grammar that makes them, or are in a file of the user's own. A class name
alone is a poor query for a model that was trained on captions; the mean over many sentences that say it is a better
one.
"""

import codecs
import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from types import MappingProxyType

import numpy as np

from msclip_search.errors import QueryError
from msclip_search.models.base import Embeddings, Encoder

_GAP = "{}"  # where the text goes
_FILE = ".txt"
_COMMENT = "#"


@dataclass(frozen=True, slots=True, kw_only=True)
class Templates:
    """A set of sentences."""

    name: str
    """Of the set, or of the file that it is from."""
    sentences: tuple[str, ...]
    """Each with one `{}` where the text goes."""

    def __post_init__(self) -> None:
        """Refuse a set that does not say a text in each of its sentences, once."""
        if not self.sentences:
            raise ValueError(f"A set of templates has one sentence at least, and {self.name} has none.")
        if wrong := [sentence for sentence in self.sentences if sentence.count(_GAP) != 1]:
            raise ValueError(f"A template has one {_GAP} where the text goes, got '{wrong[0]}'.")

    @property
    def fingerprint(self) -> str:
        """Hash of the sentences in their order, 64 hexadecimal digits: SHA-256 of their JSON."""
        return hashlib.sha256(json.dumps(self.sentences).encode()).hexdigest()

    def expand(self, text: str) -> list[str]:
        """Return the sentences that say a text, in the set's order."""
        return [text.join(sentence.split(_GAP)) for sentence in self.sentences]


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
        # The three that the CLIP repository gives for EuroSAT.
        "clip": (_Rule(phrases=("a centered satellite photo of {article}{text}.",), articles=_ANY),),
    }
)


def names() -> tuple[str, ...]:
    """Names of the sets."""
    return tuple(sorted(_SETS))


def find(word: str) -> Templates:
    """Return the set of a name, or that of a file where the word ends in .txt.

    Raises
    ------
    QueryError
        There is no set of this name, or the file is none of templates.
    """
    if word.lower().endswith(_FILE):
        return read(Path(word))
    if word not in _SETS:
        raise QueryError(
            f"There are no templates '{word}'. There are {', '.join(names())}, or a {_FILE} file of your own: "
            f"one sentence a line, with {_GAP} where the text goes."
        )
    return Templates(name=word, sentences=tuple(sentence for rule in _SETS[word] for sentence in rule.sentences(_GAP)))


def read(path: Path) -> Templates:
    """Read a set from a UTF-8 file: one sentence a line, blank lines and those that begin with # passed over.

    Raises
    ------
    QueryError
        The file cannot be read or holds no sentences, or a line is not UTF-8 or has not one `{}`.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        raise QueryError(f"The templates {path} cannot be read: {error.strerror or error}.") from error
    sentences = []
    for number, raw in enumerate(content.removeprefix(codecs.BOM_UTF8).splitlines(), start=1):
        try:
            line = raw.decode("utf-8").strip()
        except UnicodeDecodeError as error:
            raise QueryError(f"{path}, line {number}: this is not UTF-8. Save the file as UTF-8.") from error
        if not line or line.startswith(_COMMENT):
            continue
        if (gaps := line.count(_GAP)) != 1:
            raise QueryError(
                f"{path}, line {number}: a template has one {_GAP} where the text goes; this one has {gaps or 'none'}."
            )
        sentences.append(line)
    if not sentences:
        raise QueryError(f"{path} holds no templates: write one sentence a line, with {_GAP} where the text goes.")
    return Templates(name=path.name, sentences=tuple(sentences))


def expand(set_name: str, text: str) -> list[str]:
    """Return the sentences of a set that say a text, in the set's order.

    Raises
    ------
    QueryError
        There is no such set: see `find`.
    """
    return find(set_name).expand(text)


def encode(encoder: Encoder, texts: Sequence[str], *, templates: Templates | str | None = None) -> Embeddings:
    """Embed texts, each through all sentences of a set.

    Parameters
    ----------
    encoder
        The model.
    texts
        What to say.
    templates
        A set, or what `find` knows it by; None takes the texts as they are.

    Returns
    -------
    float32 (n, dimension)
        Unit rows: the mean of the sentences' unit embeddings, brought back to length 1.

    Raises
    ------
    QueryError
        There is no such set: see `find`.
    """
    if templates is None:
        return encoder.encode_texts(texts)
    chosen = find(templates) if isinstance(templates, str) else templates
    rows = encoder.encode_texts([sentence for text in texts for sentence in chosen.expand(text)])
    means = rows.reshape(len(texts), len(chosen.sentences), rows.shape[1]).mean(axis=1, dtype=np.float64)
    unit: Embeddings = (means / np.linalg.norm(means, axis=1, keepdims=True)).astype(np.float32)
    return unit
