"""The figure: as many bars as there are queries and models, as long as their values."""

import math
import re

import pytest

from msclip_search import QueryError
from msclip_search.evaluation import Summary
from msclip_search.evaluation.figure import draw
from msclip_search.metrics import Interval

pytest.importorskip("matplotlib")
NONE = Interval(math.nan, math.nan, math.nan)


def summary(model: str, *values: float) -> Summary:
    classes = tuple(
        (f"class {number}", Interval(value, value / 2, min(2 * value, 1))) for number, value in enumerate(values)
    )
    return Summary(
        data="made", model=model, accuracy=None, standard=Interval(0.5, 0.4, 0.6), torchmetrics=None, classes=classes
    )


def bars(svg: str) -> list[float]:
    """Widths of the bars, in drawing units: rectangles that are clipped to the axes."""
    shapes = re.findall(r'<path d="M ([\d.]+) [\d.]+ \nL ([\d.]+) [\d.]+ \n[^"]*z\n" clip-path', svg)
    return [abs(float(end) - float(start)) for start, end in shapes]


def test_bars_are_as_long_as_values() -> None:
    svg = draw([summary("one", 0.2, 0.8), summary("two", 0.4, math.nan)], "svg").decode()
    widths = bars(svg)
    assert len(widths) == 3
    assert [width / widths[0] for width in widths] == pytest.approx([1, 4, 2], rel=1e-3)


@pytest.mark.parametrize(("form", "start"), [("png", b"\x89PNG"), ("pdf", b"%PDF"), ("svg", b"<?xml")])
def test_every_form(form: str, start: bytes) -> None:
    assert draw([summary("one", 0.2)], form).startswith(start)  # type: ignore[arg-type]


def test_nothing_to_draw() -> None:
    with pytest.raises(QueryError, match="no query to draw"):
        draw([summary("one")], "png")
