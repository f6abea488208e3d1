"""CLIP models of OpenCLIP's architectures: the multispectral one, and those of true-colour pictures."""

import logging
import threading
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import torch
from torch import Tensor

from msclip_search.errors import ModelError
from msclip_search.models.base import Embeddings, Pixels, WeightsFile
from msclip_search.models.checkpoint import open_checkpoint
from msclip_search.models.device import choose_device
from msclip_search.models.pixels import checked
from msclip_search.models.preprocess import Preprocess
from msclip_search.models.spec import ModelSpec
from msclip_search.models.towers import Tower, Towers

_LOG = logging.getLogger(__name__)

_TILES_ON_GPU = 128
_TILES_ON_CPU = 8  # more are no faster, and a run is interrupted between batches
_TEXTS = 64
_ENDS = 2  # tokens that begin and end every text


class _Towers(Protocol):
    """What the encoder asks of the network."""

    def load(self, tower: Tower) -> None: ...

    def images(self, inputs: Tensor) -> Tensor: ...

    def texts(self, texts: Sequence[str]) -> Tensor: ...

    def count_tokens(self, word: str) -> int: ...


class ClipEncoder:
    """An `Encoder` of two towers.

    Parameters
    ----------
    spec
        What the model is.
    weights
        The weights in the towers.
    towers
        The network.
    device
        Where it runs.
    batch
        Tiles at once, to begin with; None takes what suits the device.
    """

    def __init__(
        self,
        spec: ModelSpec,
        *,
        weights: WeightsFile,
        towers: _Towers,
        device: torch.device,
        batch: int | None = None,
    ) -> None:
        on_gpu = device.type == "cuda"
        self.spec = spec
        self.weights = weights
        self.fingerprint = spec.fingerprint(weights.sha256)
        self.trained_on: frozenset[str] | None = None
        self.concurrency = 2 if on_gpu else 1  # on a GPU, one batch is copied while another is computed
        self._batch = batch or (_TILES_ON_GPU if on_gpu else _TILES_ON_CPU)
        self._towers = towers
        self._device = device
        self._preprocess = Preprocess(spec, device=device)
        self._lock = threading.Lock()
        self._streams = threading.local()

    @property
    def batch(self) -> int:
        """Tiles that are best given at once; fewer after the device ran out of memory."""
        return self._batch

    def encode_tiles(self, pixels: Pixels) -> Embeddings:
        """Embed tiles: see `Encoder.encode_tiles`."""
        pixels = checked(pixels, self.spec)
        self._towers.load("image")
        rows = np.empty((len(pixels), self.spec.dimension), np.float32)
        start = 0
        while start < len(pixels):
            part = pixels[start : start + self._batch]
            done = self._embed(part)
            if done is None:
                self._shrink(len(part))
                continue
            rows[start : start + len(part)] = done
            start += len(part)
        return rows

    def encode_texts(self, texts: Sequence[str]) -> Embeddings:
        """Embed texts: see `Encoder.encode_texts`."""
        rows = np.empty((len(texts), self.spec.dimension), np.float32)
        for start in range(0, len(texts), _TEXTS):
            part = texts[start : start + _TEXTS]
            try:
                with self._stream():
                    rows[start : start + len(part)] = self._towers.texts(part).cpu().numpy()
            except torch.OutOfMemoryError as error:
                raise ModelError(self._too_little("texts")) from error
        return rows

    def first_word_cut(self, text: str) -> tuple[int, str] | None:
        """Say where a text is cut: see `Encoder.first_word_cut`."""
        room = self.spec.context - _ENDS
        used = 0
        for position, word in enumerate(text.split(), start=1):
            used += self._towers.count_tokens(word)
            if used > room:
                return position, word
        return None

    def _embed(self, pixels: Pixels) -> Embeddings | None:
        """Embed tiles that fit the device at once; None where they do not."""
        try:
            with torch.inference_mode(), self._stream():
                rows: Embeddings = self._towers.images(self._preprocess(pixels)).cpu().numpy()
        except torch.OutOfMemoryError as error:
            if len(pixels) == 1:
                raise ModelError(self._too_little("a single tile")) from error
            return None
        return rows

    def _shrink(self, tried: int) -> None:
        """Remember that so many tiles were too many. Two threads may find out at once; one says so."""
        if self._device.type == "cuda":
            torch.cuda.empty_cache()
        with self._lock:
            smaller = tried // 2
            if smaller < self._batch:
                self._batch = smaller
                _LOG.warning(
                    "%s ran out of memory with %d tiles at once; going on with %d.",
                    self._device,
                    tried,
                    smaller,
                )

    def _stream(self) -> AbstractContextManager[object]:
        """Enter a CUDA stream of the calling thread's own, so that threads do not wait for each other."""
        if self._device.type != "cuda":
            return nullcontext()
        stream = getattr(self._streams, "stream", None)
        if stream is None:
            stream = torch.cuda.Stream(self._device)  # type: ignore[no-untyped-call]
            self._streams.stream = stream
        return torch.cuda.stream(stream)

    def _too_little(self, what: str) -> str:
        return (
            f"{self._device} has too little free memory for {what} of {self.spec.name}. Free some, or use --device cpu."
        )


def load(
    spec: ModelSpec, *, configuration: Mapping[str, Any], weights: WeightsFile, device: str = "auto"
) -> ClipEncoder:
    """Load a CLIP model; its weights are read when they are first used.

    Parameters
    ----------
    spec
        What the model is.
    configuration
        What OpenCLIP's class is made with.
    weights
        The weights file.
    device
        auto, cpu, cuda or cuda:N.

    Raises
    ------
    WeightsError
        The file is no checkpoint, is damaged, or is another model's.
    ModelError
        There is no such device.
    """
    place = choose_device(device)
    path = Path(weights.path)
    towers = Towers(spec, configuration=configuration, tensors=open_checkpoint(path), path=path, device=place)
    return ClipEncoder(spec, weights=weights, towers=towers, device=place)
