"""A small weights file of the bundled model's kind, out of random numbers: what it says means nothing."""

from pathlib import Path
from typing import Any

import numpy as np
import torch

from msclip_search.models.nano import cells, file
from msclip_search.models.nano.descriptor import NAMES
from msclip_search.models.nano.network import Network
from msclip_search.models.nano.spec import SPEC
from tests.models.test_models_nano_text import WORDS, tokenizer


def made_network(*, channels: int = 6, blocks: int = 2, width: int = 12, seed: int = 5) -> Network:
    """Make a network that expects about what reflectances look like."""
    torch.manual_seed(seed)
    network = Network(
        len(NAMES), len(cells.NAMES), channels=channels, blocks=blocks, width=width, dimension=SPEC.dimension
    )
    for mean, deviation in ((network.mean, network.deviation), (network.cell_mean, network.cell_deviation)):
        mean.normal_(-1, 0.5)
        deviation.uniform_(0.5, 2)
    return network.eval().requires_grad_(requires_grad=False)


def made_weights(path: Path, *, seed: int = 5) -> Path:
    """Write a weights file."""
    random = np.random.default_rng(seed)
    text: dict[str, np.ndarray[Any, np.dtype[np.generic]]] = {
        "tokenizer": np.frombuffer(tokenizer(*WORDS), np.uint8),
        "vectors": random.integers(-127, 128, (len(WORDS), SPEC.dimension)).astype(np.int8),
        "scales": random.uniform(0.01, 1, len(WORDS)).astype(np.float16),
        "shift": random.normal(0, 0.1, SPEC.dimension).astype(np.float32),
    }
    image = {name: value.numpy() for name, value in made_network(seed=seed).state_dict().items()}
    path.write_bytes(file.pack(text, image, about={"made": "of random numbers"}))
    return path
