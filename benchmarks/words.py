"""Whether the text tower knows what unseen wordings mean, measured on text alone.

Each phrase of the vocabulary is left out in turn. A tag is the mean of its other phrases; the 83 tags are ranked by
their cosine to the phrase that was left out. Hard are the phrases that share no content word with the others of their
tag. General terms (`GROUPS`) are asked for too: average precision of the tags they stand for.

python -m benchmarks.words FOLDER
python -m benchmarks.words FOLDER --file
"""

import argparse
import re
import timeit
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from benchmarks.machine import file_results
from msclip_search.models.nano.text import StaticText
from msclip_search.simulation.captions import FRAMES
from msclip_search.simulation.vocabulary import GROUPS, WORDS
from msclip_search.training.text import Recipe, build, shift_of, vectors_of

EMPTY = frozenset(("a", "an", "the", "of", "in", "on", "at", "with", "and", "or", "to", "from", "by", "for", "where"))
"""Words that are no content."""
CHOSEN = Recipe()
VARIANTS = {
    "chosen": CHOSEN,
    **{f"dimension {number}": replace(CHOSEN, dimension=number) for number in (128, 192, 256, 384)},
    **{f"strength {number:g}": replace(CHOSEN, strength=number) for number in (1e-2, 1e-3, 3e-4, 1e-4, 3e-5, 1e-5)},
    **{f"share {number:g}": replace(CHOSEN, share=number) for number in (0, 0.5, 0.8, 0.9, 1.0)},
    **{f"whitening {number:g}": replace(CHOSEN, whitening=number) for number in (0, 0.25, 0.5, 1)},
    "no lexicon": replace(CHOSEN, lexicon=False),
}

Rows = NDArray[np.float64]


def content(phrase: str) -> set[str]:
    """Return the words that say something, without the s of a plural."""
    return {word.removesuffix("s") for word in re.findall(r"[a-z]+", phrase.lower())} - EMPTY


def measure(text: StaticText) -> dict[str, float]:
    """Return mean reciprocal ranks and shares of first ranks, in all phrases and in the hard ones."""
    rows = {tag: text.encode(word.phrases).astype(np.float64) for tag, word in WORDS.items()}
    ranks, hard = [], []
    for tag, word in WORDS.items():
        for number, phrase in enumerate(word.phrases):
            others = [other for other in word.phrases if other != phrase]
            ranks.append(rank(rows, tag, number))
            hard.append(not content(phrase) & set().union(*map(content, others)))
    inverse, first, is_hard = 1 / np.array(ranks), np.array(ranks) == 1, np.array(hard)
    return {
        "mrr": round(float(inverse.mean()), 4),
        "first": round(float(first.mean()), 4),
        "hard mrr": round(float(inverse[is_hard].mean()), 4),
        "hard first": round(float(first[is_hard].mean()), 4),
        "general ap": round(float(np.mean(list(general(text, rows)))), 4),
        "frames": round(frames(text), 4),
        "phrases": len(ranks),
        "hard phrases": int(is_hard.sum()),
    }


def rank(rows: dict[str, Rows], tag: str, number: int) -> int:
    """Return the rank of the right tag for a phrase that is left out of it."""
    phrase = rows[tag][number]
    seen = rows | {tag: np.delete(rows[tag], number, axis=0)}
    scores = {name: unit(found.mean(axis=0)) @ phrase for name, found in seen.items()}
    # Whatever is not clearly below the right one stands before it: a tie, or no number at all.
    return 1 + sum(not score < scores[tag] for name, score in scores.items() if name != tag)


def general(text: StaticText, rows: dict[str, Rows]) -> Iterator[float]:
    """Yield the average precision of each general term."""
    tags = list(rows)
    means = np.array([unit(found.mean(axis=0)) for found in rows.values()])
    for group in GROUPS.values():
        for phrase in text.encode(group.phrases):
            right = np.array([tags[place] in group.tags for place in np.argsort(-(means @ phrase))])
            yield float((np.cumsum(right) / np.arange(1, len(tags) + 1))[right].mean())


def frames(text: StaticText) -> float:
    """Return the least cosine between a tag's name and its caption in any frame."""
    names = [word.phrases[0] for word in WORDS.values()]
    plain = text.encode(names)
    framed = [text.encode([frame.format(a=name) for name in names]) for frame in FRAMES]
    return min(float((plain * other).sum(axis=1).min()) for other in framed)


def unit(vector: Rows) -> Rows:
    """Return a vector of length 1."""
    return vector / np.linalg.norm(vector)


def unrounded(folder: Path, recipe: Recipe) -> StaticText:
    """Make the tower with float32 vectors."""
    tokenizer, rows = vectors_of(folder, recipe)
    vectors, scales = rows.astype(np.float32), np.ones(len(rows), np.float32)
    bare = StaticText(tokenizer, vectors, scales, np.zeros(recipe.dimension, np.float32))
    return StaticText(tokenizer, vectors, scales, shift_of(bare, recipe))


def main() -> None:
    """Print a line a variant, and the time of a query."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, help="tokenizer.json and token_vectors.npy")
    parser.add_argument("--file", action="store_true", help="file the numbers in results/words.json")
    asked = parser.parse_args()
    found = {}
    for name, recipe in VARIANTS.items():
        found[name] = measure(text_of(asked.folder, recipe))
        report(name, found[name])
    found["float32"] = measure(unrounded(asked.folder, CHOSEN))
    report("float32", found["float32"])
    text = text_of(asked.folder, CHOSEN)
    took = min(timeit.repeat(lambda: text.encode(["a satellite image of flooded farmland"]), number=100)) / 100
    print(f"{1e6 * took:.0f} µs a query")
    if asked.file:
        print(file_results("words", {"variants": found, "query_microseconds": round(1e6 * took)}))


def text_of(folder: Path, recipe: Recipe) -> StaticText:
    """Make the tower."""
    tower = build(folder, recipe)
    return StaticText(tower.tokenizer, tower.vectors, tower.scales, tower.shift)


def report(name: str, numbers: dict[str, float]) -> None:
    """Print a line of the table."""
    print(f"{name:16}", *(f"{key} {value:g}".ljust(16) for key, value in numbers.items()), flush=True)


if __name__ == "__main__":
    main()
