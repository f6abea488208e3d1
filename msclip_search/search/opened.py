"""An index folder, open: its state, its model and what searches it, each loaded at first use."""

import logging
import os
import threading
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

import numpy as np
from numpy.typing import NDArray

from msclip_search import store
from msclip_search.indexes import Index
from msclip_search.models import Encoder
from msclip_search.models import templates as prompts
from msclip_search.pairing import check_name, load_recorded
from msclip_search.search.info import IndexInfo, describe
from msclip_search.search.searcher import open_searcher

logger = logging.getLogger(__name__)


class OpenIndex:
    """One state of an index folder, whatever a writer does meanwhile. Threads may share one."""

    def __init__(
        self,
        snapshot: store.Snapshot,
        *,
        weights: Path | None = None,
        device: str = "auto",
        progress: bool = False,
    ) -> None:
        self._snapshot = snapshot
        self._weights = weights
        self._device = device
        self._progress = progress
        self._lock = threading.Lock()
        self._encoder: Encoder | None = None
        self._searcher: Index | None = None
        self._drawn: NDArray[np.float32] | None = None

    @classmethod
    def open(
        cls,
        path: str | os.PathLike[str],
        *,
        model: str | None = None,
        weights: str | os.PathLike[str] | None = None,
        device: str = "auto",
        progress: bool = False,
    ) -> Self:
        """Open the newest state of an index folder.

        Neither the model nor FAISS is loaded before a search needs it.

        Parameters
        ----------
        path
            The index folder.
        model
            Name of the model that is expected; None takes whatever the index was made with.
        weights
            The model's weights; None finds those that the index was made with.
        device
            Where texts are encoded: "auto", "cpu" or "cuda".
        progress
            Whether a download of weights shows a bar.

        Raises
        ------
        IndexMissing, IndexTooNew, IndexDamaged
            There is no index, or it cannot be read.
        ModelMismatch
            It was made with another model than `model`.
        """
        snapshot = store.open_snapshot(Path(path))
        if model is not None:
            check_name(snapshot.manifest.model, model, Path(path))
        return cls(snapshot, weights=Path(weights) if weights else None, device=device, progress=progress)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Let go of the model and the files; searches under way end as they would have."""
        with self._lock:
            self._snapshot = store.take_snapshot(self._snapshot.layout, self._snapshot.manifest)
            self._encoder = self._searcher = self._drawn = None

    def __len__(self) -> int:
        """Tiles that can be found."""
        return self._snapshot.manifest.tiles

    @property
    def path(self) -> Path:
        """The index folder."""
        return self._snapshot.layout.root

    @property
    def model(self) -> str:
        """Name of the model that the index was made with."""
        return str(self._snapshot.manifest.model["spec"]["name"])

    def info(self) -> IndexInfo:
        """Describe the index."""
        return describe(self._snapshot)

    def encode(self, texts: Sequence[str], *, templates: str | None = None) -> NDArray[np.float32]:
        """Encode texts with the model of the index: (texts, dimension), unit length."""
        for text in texts:
            if cut := self.encoder.first_word_cut(text):
                logger.warning(
                    'The text "%.40s…" is longer than %s reads: it is cut at word %d, "%s".', text, self.model, *cut
                )
        return prompts.encode(self.encoder, texts, templates=templates)

    @property
    def encoder(self) -> Encoder:
        """The model of the index, loaded at first use, which may raise ModelError or ModelMismatch."""
        with self._lock:
            if self._encoder is None:
                self._encoder = load_recorded(
                    self._snapshot.manifest.model,
                    self.path,
                    weights=self._weights,
                    device=self._device,
                    progress=self._progress,
                )
            return self._encoder

    @property
    def _index(self) -> Index:
        """What searches."""
        with self._lock:
            if self._searcher is None:
                self._searcher = open_searcher(self._snapshot)
            return self._searcher

    @property
    def _sample(self) -> NDArray[np.float32]:
        """Vectors by which a score becomes a percentile: (vectors, dimension)."""
        with self._lock:
            if self._drawn is None:
                self._drawn = store.read_sample(self._snapshot)
            return self._drawn
