"""What cannot be simulated is refused in a sentence that gives the limit and what was got."""

import re
from typing import Any

import pytest

from msclip_search.errors import MsclipError, SimulationError
from msclip_search.simulation import EVENTS, LARGEST, LEVELS, SCENES, SMALLEST, Simulation

REFUSED: list[tuple[dict[str, Any], tuple[str, ...]]] = [
    ({"seed": -1}, ("0 or more", "-1")),
    ({"size": SMALLEST - 1}, (str(SMALLEST), str(LARGEST), str(SMALLEST - 1))),
    ({"size": LARGEST + 1}, (str(SMALLEST), str(LARGEST), str(LARGEST + 1))),
    ({"size": 0}, (str(SMALLEST), "not 0")),
    ({"level": "L2B"}, ("L2A", "L1C", "L2B")),
    ({"level": "l2a"}, ("L2A", "L1C", "l2a")),
    ({"series": 0}, ("1 to 64", "not 0")),
    ({"series": 65}, ("1 to 64", "65")),
    ({"event": "flood"}, ("series", "2 or more")),
    ({"cloudy": -0.01}, ("0 and 1", "-0.01")),
    ({"cloudy": 1.5}, ("0 and 1", "1.5")),
    ({"cloudy": float("nan")}, ("0 and 1", "nan")),
    ({"place": (181.0, 0.0)}, ("-180 to 180", "-78 to 78", "181,0")),
    ({"place": (10.0, 79.0)}, ("-180 to 180", "-78 to 78", "10,79")),
    ({"place": (10.0, -89.0)}, ("-78 to 78", "10,-89")),
    ({"place": (float("nan"), 0.0)}, ("-180 to 180", "nan")),
    ({"resampling": "bicubic"}, ("bicubic", "Did you mean 'cubic'", "nearest", "bilinear")),
    ({"event": "floods", "series": 2}, ("floods", "Did you mean 'flood'", *EVENTS)),
    ({"scenes": ("vinyard",)}, ("vinyard", "Did you mean 'vineyard'")),
    ({"scenes": ("airport", "qqqqqq")}, ("qqqqqq", *SCENES)),
]


@pytest.mark.parametrize(("wanted", "parts"), REFUSED)
def test_what_cannot_be_simulated_is_refused_in_a_sentence(wanted: dict[str, Any], parts: tuple[str, ...]) -> None:
    with pytest.raises(SimulationError) as refused:
        Simulation(**wanted)
    said = str(refused.value)
    assert isinstance(refused.value, MsclipError)
    for part in parts:
        assert part in said
    assert re.match(r"[A-Z].*\.$", said)


def test_a_wild_guess_is_answered_without_a_hint() -> None:
    with pytest.raises(SimulationError) as refused:
        Simulation(scenes=("qqqqqq",))
    assert "Did you mean" not in str(refused.value)


@pytest.mark.parametrize(
    "wanted",
    [
        {},
        {"size": SMALLEST},
        {"size": LARGEST},
        {"series": 64, "event": "fire"},
        {"cloudy": 0.0},
        {"cloudy": 1.0},
        {"place": (180.0, 78.0)},
        {"place": (-180.0, -78.0)},
        {"place": (0.0, 0.0)},
        *({"level": level} for level in LEVELS),
        *({"event": event, "series": 2} for event in EVENTS),
        {"scenes": tuple(SCENES)},
    ],
)
def test_limits_themselves_are_within(wanted: dict[str, Any]) -> None:
    simulation = Simulation(**wanted)
    for name, value in wanted.items():
        assert getattr(simulation, name) == value


def test_a_request_cannot_be_changed_and_equals_its_like() -> None:
    assert Simulation(seed=3) == Simulation(seed=3) != Simulation(seed=4)
    assert len({Simulation(seed=3), Simulation(seed=3)}) == 1
    with pytest.raises(AttributeError):
        Simulation().seed = 2  # type: ignore[misc]
