"""The bundled model, loaded. Texts need no PyTorch; tiles load it when the first ones come."""

import json
import os
from collections.abc import Sequence
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING

from msclip_search.errors import WeightsError
from msclip_search.models.base import Embeddings, Pixels, WeightsFile
from msclip_search.models.nano.file import check, read_text
from msclip_search.models.nano.spec import SPEC
from msclip_search.models.pixels import checked

if TYPE_CHECKING:
    from msclip_search.models.nano.image import ImageTower
    from msclip_search.models.nano.text import StaticText

_BATCH = 64
_MOST_AT_ONCE = 8


class NanoEncoder:
    """An `Encoder` of a static text tower and a small image tower, each read when it is first used.

    Parameters
    ----------
    path
        The weights file.
    weights
        What is recorded of it.
    device
        Where tiles are embedded: auto, cpu, cuda or cuda:N.

    Raises
    ------
    WeightsError
        The file is another model's, or of another version.
    """

    def __init__(self, path: Path, *, weights: WeightsFile, device: str = "auto") -> None:
        about = check(path)
        self.spec = SPEC
        self.weights = weights
        self.fingerprint = SPEC.fingerprint(weights.sha256)
        self.trained_on = _listed(path, about.get("trained_on"))
        self.batch = _BATCH
        # A batch is computed in one thread, so that those of several run beside each other.
        self.concurrency = min(_MOST_AT_ONCE, os.cpu_count() or 1)
        self._path = path
        self._device = device
        self._lock = Lock()
        self._text: StaticText | None = None
        self._image: ImageTower | None = None

    def encode_tiles(self, pixels: Pixels) -> Embeddings:
        """Embed tiles of any size: see `Encoder.encode_tiles`."""
        pixels = checked(pixels, SPEC)
        with self._lock:
            if self._image is None:
                from msclip_search.models.nano.image import ImageTower

                self._image = ImageTower(self._path, device=self._device)
        return self._image.embed(pixels)

    def encode_texts(self, texts: Sequence[str]) -> Embeddings:
        """Embed texts: see `Encoder.encode_texts`."""
        with self._lock:
            if self._text is None:
                self._text = read_text(self._path)
        return self._text.encode(texts)

    def first_word_cut(self, text: str) -> None:  # noqa: ARG002 - an `Encoder`'s
        """Cut nothing: a text may have any length."""
        return


def _listed(path: Path, hashes: str | None) -> frozenset[str] | None:
    """Read the list of tiles that weights were trained on; None where there is none."""
    if hashes is None:
        return None
    try:
        return frozenset[str](json.loads(hashes))
    except (ValueError, TypeError) as error:
        raise WeightsError(f"The weights {path} are damaged: their list of training tiles cannot be read.") from error
