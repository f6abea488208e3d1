"""The machine and the versions that a measurement was made with, and where its numbers go."""

import importlib.metadata
import json
import os
import platform
import re
import subprocess
from pathlib import Path
from typing import Any

RESULTS = Path(__file__).parent / "results"
PACKAGES = (
    "msclip-search",
    "torch",
    "open_clip_torch",
    "faiss-cpu",
    "faiss-gpu",
    "numpy",
    "rasterio",
    "pyarrow",
    "typer",
    "scikit-learn",
)


def describe() -> dict[str, Any]:
    """Name processor, cores, memory, accelerator, system, commit and versions."""
    return {
        "processor": _processor(),
        "cores": os.cpu_count(),
        "memory_gb": round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1e9),
        "accelerator": _accelerator(),
        "system": platform.platform(terse=True),
        "python": platform.python_version(),
        "commit": _commit(),
        "versions": {name: version for name in PACKAGES if (version := _version(name))},
    }


def file_results(name: str, numbers: dict[str, Any]) -> Path:
    """Write numbers with their machine to `results/NAME.json`."""
    RESULTS.mkdir(exist_ok=True)
    path = RESULTS / f"{name}.json"
    path.write_text(json.dumps({"machine": describe(), **numbers}, indent=1) + "\n", encoding="utf-8")
    return path


def _processor() -> str:
    try:
        text = Path("/proc/cpuinfo").read_text(encoding="utf-8")
    except OSError:
        return platform.processor()
    found = re.search(r"model name\s*:\s*(.+)", text)
    return found.group(1) if found else platform.machine()


def _accelerator() -> str | None:
    import torch

    return torch.cuda.get_device_name() if torch.cuda.is_available() else None


def _commit() -> str:
    command = ["git", "describe", "--always", "--dirty"]
    return subprocess.run(command, capture_output=True, text=True, check=False).stdout.strip() or "unknown"


def _version(name: str) -> str | None:
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return None
