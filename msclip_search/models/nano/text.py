"""The text tower: tokenise, look up, add. There is no network, so a query costs a fraction of a millisecond.

A text is the direction of the sum of its tokens' vectors, and nothing else. **The order of words and negation are not
understood**: "a field beside a forest" is "a forest beside a field", and "no clouds" is about clouds. How much a word
counts lies in the length of its vector: see `msclip_search.training.text`.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from tokenizers import Tokenizer

from msclip_search.models.base import Embeddings


class StaticText:
    """A text tower of static token vectors. Its methods may be called from several threads at once.

    Parameters
    ----------
    tokenizer
        JSON of the `tokenizers` package. Its ids are rows of `vectors`.
    vectors
        Of each token, (tokens, dimension): int8 in units of `scales`. float32 is taken too, for measuring what
        rounding costs.
    scales
        Of each row, (tokens,). A row of scale 0 says nothing.
    shift
        What is subtracted from each text's direction, (dimension,): what all of them have in common. A text that
        says nothing is given its direction.

    Raises
    ------
    ValueError
        The arrays do not fit the tokenizer or each other, or the JSON is no tokenizer's.
    """

    def __init__(
        self,
        tokenizer: bytes,
        vectors: NDArray[np.int8] | NDArray[np.float32],
        scales: NDArray[np.float16] | NDArray[np.float32],
        shift: NDArray[np.float32],
    ) -> None:
        try:
            self._tokenizer = Tokenizer.from_str(tokenizer.decode())
        except Exception as error:  # the library raises this very class
            raise ValueError(f"This is no tokenizer ({error}).") from error
        tokens = self._tokenizer.get_vocab_size()
        if vectors.ndim != 2 or scales.shape != (tokens,) or (*scales.shape, *shift.shape) != vectors.shape:
            raise ValueError(
                f"{tokens} tokens have vectors (tokens, dimension), scales (tokens,) and a shift (dimension,), "
                f"got {vectors.shape}, {scales.shape} and {shift.shape}."
            )
        self._vectors, self._scales, self._shift = vectors, scales, shift
        nothing = shift.astype(np.float64)
        if not nothing.any():
            nothing[0] = 1
        self._nothing = nothing / np.linalg.norm(nothing)

    @property
    def dimension(self) -> int:
        """Numbers in an embedding."""
        return len(self._shift)

    def encode(self, texts: Sequence[str]) -> Embeddings:
        """Embed texts of any length.

        Returns
        -------
        float32 (n, dimension)
            Rows of length 1.
        """
        rows = np.empty((len(texts), self.dimension), np.float64)
        for row, text in zip(rows, texts, strict=True):
            row[:] = self._embed(text)
        return rows.astype(np.float32)

    def _embed(self, text: str) -> NDArray[np.float64]:
        # Half a surrogate pair has no UTF-8, which the tokenizer is written for.
        readable = text.encode("utf-8", "replace").decode()
        ids = self._tokenizer.encode(readable, add_special_tokens=False).ids
        # Each token once, so that even a book needs no more memory than the table.
        tokens, counts = np.unique(np.array(ids, np.int64), return_counts=True)
        total = (counts * self._scales[tokens].astype(np.float64)) @ self._vectors[tokens].astype(np.float64)
        length = np.linalg.norm(total)
        if length == 0:
            return self._nothing
        apart = total / length - self._shift
        length = np.linalg.norm(apart)
        return apart / length if length > 0 else self._nothing
