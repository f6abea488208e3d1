"""Measure tiles a second of the ViT alone, with and without `torch.compile`, beside what the card could do.

python -m benchmarks.encode --device cuda --peak-tflops 790
python -m benchmarks.encode --device cpu --count 24
"""

import argparse
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
import open_clip
import torch

from benchmarks.machine import file_results
from msclip_search import models
from msclip_search.models.clip import ClipEncoder

GFLOP_A_TILE = 35.2
"""A ViT-B/16 on 224 px: 2 x 17.6 G multiplications and additions."""


def make_weights(path: Path) -> None:
    """Write a checkpoint of the right shapes and random numbers: speed does not depend on them."""
    clip = open_clip.create_model("ViT-B-16")
    first = clip.visual.conv1
    clip.visual.conv1 = torch.nn.Conv2d(10, first.out_channels, first.kernel_size, first.stride, bias=False)
    torch.save(clip.state_dict(), path)


def rate(work: Callable[[], Any], *, tiles: int, rounds: int) -> float:
    """Median tiles a second of some work."""
    work()
    seconds = []
    for _ in range(rounds):
        begun = time.perf_counter()
        work()
        seconds.append(time.perf_counter() - begun)
    return tiles / median(seconds)


def main() -> None:
    """Measure, print and file."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--device", default="auto")
    parser.add_argument("--weights", type=Path, help="default: random ones")
    parser.add_argument("--count", type=int, default=4096)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--peak-tflops", type=float, help="the card's limit in bf16, to compare with")
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        weights = chosen.weights or Path(folder) / "weights.pt"
        if chosen.weights is None:
            make_weights(weights)
        encoder = models.load("llama3-ms-clip-base", weights=weights, device=chosen.device)
        if not isinstance(encoder, ClipEncoder):
            raise TypeError("The published model is no longer a ClipEncoder.")
        pixels = np.random.default_rng(0).integers(1, 8000, (chosen.count, 10, 224, 224), dtype=np.uint16)
        numbers: dict[str, Any] = {"tiles": chosen.count, "batch": encoder.batch, "device": chosen.device}
        numbers["eager_tiles_s"] = round(
            rate(lambda: encoder.encode_tiles(pixels), tiles=chosen.count, rounds=chosen.rounds), 2
        )
        model = encoder._towers._model  # type: ignore[attr-defined]  # noqa: SLF001 - compiling is an experiment yet
        model.visual = torch.compile(model.visual)
        numbers["compiled_tiles_s"] = round(
            rate(lambda: encoder.encode_tiles(pixels), tiles=chosen.count, rounds=chosen.rounds), 2
        )
        if chosen.peak_tflops:
            limit = chosen.peak_tflops * 1e3 / GFLOP_A_TILE
            numbers["limit_tiles_s"] = round(limit)
            numbers["eager_share_of_limit"] = round(numbers["eager_tiles_s"] / limit, 3)
            numbers["compiled_share_of_limit"] = round(numbers["compiled_tiles_s"] / limit, 3)
    for key, value in numbers.items():
        print(f"{key:24}{value}")
    print(f"filed in {file_results(f'encode-{chosen.device}', numbers)}")


if __name__ == "__main__":
    main()
