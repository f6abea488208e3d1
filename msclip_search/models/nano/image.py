"""The image tower on a device."""

from pathlib import Path
from threading import Lock

import numpy as np
import torch

from msclip_search.errors import ModelError, WeightsError
from msclip_search.models.base import Embeddings, Pixels
from msclip_search.models.device import choose_device
from msclip_search.models.nano import cells
from msclip_search.models.nano.descriptor import NAMES, Description, at_once, describe
from msclip_search.models.nano.file import read_image
from msclip_search.models.nano.network import Network
from msclip_search.models.nano.spec import SPEC
from msclip_search.models.preprocess import Preprocess


class ImageTower:
    """Embeds tiles of any size. Its method may be called from several threads at once.

    Parameters
    ----------
    path
        The weights file.
    device
        auto, cpu, cuda or cuda:N.

    Raises
    ------
    WeightsError
        The numbers in the file are not the network's.
    ModelError
        There is no such device.
    """

    def __init__(self, path: Path, *, device: str) -> None:
        self._device = choose_device(device)
        self._network = read_network(path).to(self._device)
        self._preprocess = Preprocess(SPEC, device=self._device)

    def embed(self, pixels: Pixels) -> Embeddings:
        """Embed tiles that `pixels.checked` let through, as float32 (n, dimension) unit rows.

        Raises
        ------
        ModelError
            The device has too little memory.
        """
        rows = self._embed(pixels)
        if rows is not None:
            return rows
        # Out here the failed attempt's memory is free again, which its error held.
        if self._device.type == "cuda":
            torch.cuda.empty_cache()
        half = len(pixels) // 2
        return np.concatenate([self.embed(pixels[:half]), self.embed(pixels[half:])])

    def _embed(self, pixels: Pixels) -> Embeddings | None:
        """Embed tiles that fit the device at once; None where they do not."""
        try:
            with torch.inference_mode(), _ALONE:
                rows: Embeddings = self._network(self._describe(pixels)).cpu().numpy()
        except torch.OutOfMemoryError as error:
            if len(pixels) == 1:
                raise ModelError(
                    f"{self._device} has too little free memory for a single tile of {SPEC.name}. Free some, or use "
                    "--device cpu."
                ) from error
            return None
        return rows

    def _describe(self, pixels: Pixels) -> Description:
        """Describe tiles a few at a time, so that the wide copy of a long call needs little memory."""
        step = at_once(pixels.shape[2] * pixels.shape[3], self._device)
        starts = range(0, max(1, len(pixels)), step)  # of no tiles too, the description is an array
        parts = [describe(self._preprocess(pixels[start : start + step])) for start in starts]
        return Description(*(torch.cat(part) for part in zip(*parts, strict=True)))


def read_network(path: Path) -> Network:
    """Read the network from a weights file.

    Raises
    ------
    WeightsError
        The numbers in the file are not the network's.
    """
    arrays = {name: torch.from_numpy(array.astype(np.float32)) for name, array in read_image(path).items()}
    try:
        network = Network(
            len(NAMES),
            len(cells.NAMES),
            channels=len(arrays["lift.weight"]),
            blocks=len({name.split(".")[1] for name in arrays if name.startswith("blocks.")}),
            width=len(arrays["head.0.weight"]),
            dimension=SPEC.dimension,
        )
        network.load_state_dict(arrays)
    except (KeyError, IndexError, RuntimeError) as error:
        raise WeightsError(f"The weights {path} are not those of {SPEC.name} ({error}).") from error
    return network.eval().requires_grad_(requires_grad=False)


class _Alone:
    """Lets each calling thread compute by itself: a tower's planes are too small to be divided among threads.

    The number is partly a thread's own and partly everyone's, so the first to come takes note of it for all.
    """

    def __init__(self) -> None:
        self._lock = Lock()
        self._inside = 0
        self._before = 1

    def __enter__(self) -> None:
        with self._lock:
            if not self._inside:
                self._before = torch.get_num_threads()
            self._inside += 1
            torch.set_num_threads(1)

    def __exit__(self, *_: object) -> None:
        with self._lock:
            self._inside -= 1
            torch.set_num_threads(self._before)


_ALONE = _Alone()
