"""The captions that tiles are compared with, and for which of them each caption is true."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from msclip_search.models import Embeddings
from msclip_search.simulation.vocabulary import GROUPS, WORDS
from msclip_search.training.examples import MAIN, TRUE


@dataclass(frozen=True, slots=True, eq=False)
class Captions:
    """Every phrase of the vocabulary with its embedding, which stays as it is."""

    texts: tuple[str, ...]
    rows: Tensor
    """(captions, dimension), unit rows."""
    tags: Tensor
    """(tags, captions): 1 where a tag makes a caption true."""
    general: Tensor
    """(captions,): whether it is a general term."""

    def worth(self, tags: Tensor, *, incidental: float) -> Tensor:
        """Tell how much each caption counts for each tile, 0 to 1.

        What a tile is mainly about counts 1, other things that are true of it `incidental`. General terms are the
        names of classes, which are given for the main thing alone: see `open_to`.

        Parameters
        ----------
        tags
            uint8 (n, tags): 0, `TRUE` or `MAIN`.
        incidental
            What a caption counts that is true but not mainly.

        Returns
        -------
        float32 (n, captions)
        """
        mainly = ((tags == MAIN).float() @ self.tags).clamp_(max=1)
        also = ((tags >= TRUE).float() @ self.tags).clamp_(max=1) * torch.where(self.general, 0.0, incidental)
        return torch.maximum(mainly, also)

    def open_to(self, tags: Tensor) -> Tensor:
        """Tell which captions are neither right nor wrong: general terms of what is true of a tile, but not mainly.

        Parameters
        ----------
        tags
            uint8 (n, tags): 0, `TRUE` or `MAIN`.

        Returns
        -------
        bool (n, captions)
        """
        return self.general & ((tags >= TRUE).float() @ self.tags > 0) & ((tags == MAIN).float() @ self.tags == 0)


def captions(encode: Callable[[Sequence[str]], Embeddings]) -> Captions:
    """Gather all phrases, and the names of the tags, with their embeddings."""
    said: list[tuple[str, tuple[str, ...], bool]] = [
        (phrase, (tag,), False) for tag, word in WORDS.items() for phrase in dict.fromkeys((*word.phrases, tag))
    ]
    said += [(phrase, group.tags, True) for group in GROUPS.values() for phrase in group.phrases]
    texts = tuple(phrase for phrase, _, _ in said)
    order = {tag: place for place, tag in enumerate(WORDS)}
    tags = np.zeros((len(order), len(texts)), np.float32)
    for place, (_, needed, _) in enumerate(said):
        tags[[order[tag] for tag in needed], place] = 1
    general = torch.tensor([is_general for _, _, is_general in said])
    return Captions(texts, torch.from_numpy(encode(texts)), torch.from_numpy(tags), general)
