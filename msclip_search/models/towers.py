"""The two towers of an OpenCLIP model, each brought to its device when it is first used.

A query embeds a text and never touches the visual weights, which are the larger part of the file.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from threading import Lock
from typing import Any, Literal, TypeAlias

import open_clip
import torch
from torch import Tensor
from torch.nn import functional

from msclip_search.errors import ModelError
from msclip_search.models.checkpoint import check_shapes
from msclip_search.models.spec import ModelSpec

Tower: TypeAlias = Literal["image", "text"]

_VISUAL = "visual."  # begins the names of the image tower's tensors; all others are the text tower's
_COLOURS = 3  # channels that OpenCLIP's class is made for
_BYTES = 8  # more than a character ever becomes: four in UTF-8, and a little when it is cleaned and lowered


class Towers:
    """An OpenCLIP model of the plain kind. Safe to use from several threads.

    Parameters
    ----------
    spec
        What the model is.
    configuration
        What OpenCLIP's class is made with.
    tensors
        The weights under OpenCLIP's names. Memory-mapped ones are read when their tower is first used.
    path
        The file that they are from, for messages.
    device
        Where the towers run: on a GPU the image tower in bfloat16, all else in float32.

    Raises
    ------
    WeightsError
        The tensors are not those of the model.
    """

    def __init__(
        self,
        spec: ModelSpec,
        *,
        configuration: Mapping[str, Any],
        tensors: Mapping[str, Tensor],
        path: Path,
        device: torch.device,
    ) -> None:
        self._spec = spec
        self._device = device
        self._image_type = torch.bfloat16 if device.type == "cuda" else torch.float32
        self._model = _empty_model(configuration, channels=len(spec.bands))
        check_shapes(tensors, self._model.state_dict(), model=spec.name, path=path)
        self._tensors = tensors
        self._loaded: set[Tower] = set()
        self._lock = Lock()

    def load(self, tower: Tower) -> None:
        """Bring a tower's weights to the device, once.

        Raises
        ------
        ModelError
            The device has too little memory for them.
        """
        if tower in self._loaded:
            return
        with self._lock:
            if tower in self._loaded:
                return
            try:
                self._fill(tower)
            except torch.OutOfMemoryError as error:
                raise ModelError(
                    f"{self._device} has too little free memory to hold {self._spec.name}. "
                    "Free some, or use --device cpu."
                ) from error
            if self._device.type == "cuda":
                # Each thread computes on a stream of its own, and none may run ahead of this copy.
                torch.cuda.synchronize(self._device)
            self._loaded.add(tower)

    def images(self, inputs: Tensor) -> Tensor:
        """Embed preprocessed float32 (n, bands, size, size) as float32 (n, dimension) unit rows."""
        self.load("image")
        with torch.inference_mode():
            return functional.normalize(self._model.visual(inputs.to(self._image_type)).float(), dim=-1)

    def texts(self, texts: Sequence[str]) -> Tensor:
        """Embed texts as float32 (n, dimension) unit rows on the device."""
        self.load("text")
        tokens: Tensor = open_clip.tokenize(list(texts), self._spec.context)
        # A text is read off at its last token, which has the highest number, and by the causal mask sees none
        # of the padding behind it. Without that, a query takes half the time and fifty templates an eighth.
        ends = tokens.argmax(dim=-1)
        length = int(ends.max()) + 1
        model = self._model
        with torch.inference_mode():
            hidden = model.token_embedding(tokens[:, :length].to(self._device))
            hidden = hidden + model.positional_embedding[:length]
            hidden = model.transformer(hidden, attn_mask=model.attn_mask[:length, :length])
            last = model.ln_final(hidden)[torch.arange(len(tokens)), ends]
            return functional.normalize(last @ model.text_projection, dim=-1)

    def count_tokens(self, word: str) -> int:
        """Count the tokens of a word, those that begin and end a text left out."""
        room = _BYTES * len(word) + 2  # no token is shorter than a byte
        tokens: Tensor = open_clip.tokenize([word], room)
        return int(tokens.argmax()) - 1

    def _fill(self, tower: Tower) -> None:
        wanted = self._image_type if tower == "image" else torch.float32
        part = {
            name: tensor.to(self._device, wanted if tensor.is_floating_point() else tensor.dtype)
            for name, tensor in self._tensors.items()
            if name.startswith(_VISUAL) == (tower == "image")
        }
        self._model.load_state_dict(part, strict=False, assign=True)
        if tower == "text":
            # The one tensor that no checkpoint holds: each token sees itself and those before it.
            context = self._spec.context
            mask = torch.full((context, context), float("-inf"), device=self._device)
            self._model.attn_mask = mask.triu(1)


def _empty_model(configuration: Mapping[str, Any], *, channels: int) -> Any:  # noqa: ANN401 - OpenCLIP has no types
    """Make OpenCLIP's model without its weights, which takes .05 s where its own factory takes 1.6 s."""
    with torch.device("meta"):
        model = open_clip.CLIP(**configuration)
        if channels != _COLOURS:
            first = model.visual.conv1
            model.visual.conv1 = torch.nn.Conv2d(
                channels,
                first.out_channels,
                kernel_size=first.kernel_size,
                stride=first.stride,
                padding=first.padding,
                bias=first.bias is not None,
            )
    return model.eval().requires_grad_(requires_grad=False)
