"""One figure: AP of each query with its interval, models side by side. The one door to matplotlib."""

import io
import math
from collections.abc import Sequence
from typing import Literal

from msclip_search.errors import QueryError
from msclip_search.evaluation.report import Summary
from msclip_search.metrics import Interval

_ROW = 0.28
"""Inches of a model's bar."""


def draw(rows: Sequence[Summary], form: Literal["png", "svg", "pdf"]) -> bytes:
    """Draw models on one data set.

    Parameters
    ----------
    rows
        Measured ones, all on one data set; those without single queries are left out.
    form
        Of the file.

    Raises
    ------
    QueryError
        matplotlib is not installed, or there is nothing to draw.
    """
    try:
        from matplotlib.figure import Figure
    except ImportError as error:
        raise QueryError('A figure needs matplotlib: pip install "msclip-search[plot]".') from error
    shown = [row for row in rows if row.classes]
    if not shown:
        raise QueryError("There is no query to draw.")
    names = list(dict.fromkeys(name for row in shown for name, _ in row.classes))
    figure = Figure(figsize=(8, 1.4 + _ROW * len(shown) * len(names) + 0.1 * len(names)), layout="constrained")
    axes = figure.subplots()
    high = 0.8 / len(shown)
    for number, row in enumerate(shown):
        found = [(place, interval) for place, interval in _placed(names, row) if not math.isnan(interval.value)]
        places = [place - 0.4 + high * (number + 0.5) for place, _ in found]
        values = [100 * interval.value for _, interval in found]
        errors = [
            [100 * max(interval.value - interval.low, 0) for _, interval in found],
            [100 * max(interval.high - interval.value, 0) for _, interval in found],
        ]
        label = f"{row.model}: mAP {100 * row.standard.value:.1f}"
        axes.barh(places, values, height=0.9 * high, xerr=errors, label=label, error_kw={"lw": 0.8, "capsize": 2})
    axes.set_yticks(range(len(names)), names)
    axes.invert_yaxis()
    axes.set_xlim(0, 100)
    axes.set_xlabel("average precision at k, standard, percent, with 95 % intervals")
    axes.set_title(shown[0].data, loc="left")
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)
    figure.legend(loc="outside lower center", frameon=False)
    sink = io.BytesIO()
    figure.savefig(sink, format=form, dpi=150)
    return sink.getvalue()


def _placed(names: list[str], row: Summary) -> list[tuple[int, Interval]]:
    return [(names.index(name), interval) for name, interval in row.classes]
