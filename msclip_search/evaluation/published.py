"""Numbers that others have published, to stand beside measured ones, marked as quoted.

Zero-shot accuracy and text-to-image mAP@100 in percent, from the paper of Llama3-MS-CLIP (Marimo et al. 2025,
arXiv:2503.15969, its table and figure). Which average precision they are is not said there; the published code
averages as TorchMetrics does, with which the same weights are reported at 75.26 on EuroSAT, while the paper says 63.03.
"""

import math

from msclip_search.evaluation.report import Summary
from msclip_search.metrics import Interval

SOURCE = "Marimo et al. 2025, arXiv:2503.15969"
_DATA = ("eurosat-ms", "bigearthnet", "meter-ml")
_ROWS: tuple[tuple[str, tuple[float, float, float], tuple[float, float, float]], ...] = (
    ("OpenCLIP ViT-B/16 (RGB)", (39.3, 54.3, 38.4), (48.7, 26.9, 24.6)),
    ("OpenCLIP ViT-L/14 (RGB)", (46.90, 54.85, 42.3), (56.92, 28.6, 29.0)),
    ("RemoteCLIP (RGB)", (34.0, 52.3, 36.4), (34.3, 26.7, 20.1)),
    ("GeoRSCLIP (RGB)", (52.92, 58.80, 43.6), (51.36, 32.8, 22.4)),
    ("SkyCLIP (RGB)", (47.5, 52.9, 44.7), (53.9, 26.3, 28.4)),
    ("Llama3-RGB-CLIP (RGB)", (53.0, 55.2, 38.7), (52.6, 29.0, 25.6)),
    ("Llama3-MS-CLIP (10 bands)", (67.86, 59.63, 48.1), (63.03, 35.6, 29.7)),
)


def published(data: str) -> list[Summary]:
    """Return what is published on a data set; nothing for others than the three of the paper."""
    if data not in _DATA:
        return []
    column = _DATA.index(data)
    return [
        Summary(
            data=data,
            model=model,
            accuracy=accuracies[column] / 100,
            standard=Interval(means[column] / 100, math.nan, math.nan),
            torchmetrics=None,
            quoted=True,
        )
        for model, accuracies, means in _ROWS
    ]
