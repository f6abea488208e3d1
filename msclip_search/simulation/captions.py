"""What people might write under a tile."""

import numpy as np

from msclip_search.simulation.places import Place
from msclip_search.simulation.scenes import SCENES
from msclip_search.simulation.vocabulary import WORDS

FRAMES = (
    "{a}",
    "a satellite image of {a}",
    "{a} seen from space",
    "a Sentinel-2 scene with {a}",
    "an aerial view of {a}",
    "this tile shows {a}",
)
"""How something is said to be seen."""
_JOINTS = ("{a} and {b}", "{a} next to {b}", "{a} with {b}", "{a}, {b} nearby", "{b} beside {a}")


def captions(
    random: np.random.Generator, tags: tuple[str, ...], scene: str, *, season: str, place: Place
) -> tuple[str, ...]:
    """Write four to six captions in different words.

    Parameters
    ----------
    random
        Where the choice of words comes from.
    tags
        What can be said, the largest share first; empty is possible under closed cloud or for mixed ground.
    scene
        What the scene is called; it is not named where clouds or another scene leave too little of it.
    season, place
        When and where.
    """

    def draw(options: tuple[str, ...]) -> str:
        return options[int(float(random.random()) * len(options))]

    def say(tag: str) -> str:
        return draw(WORDS[tag].phrases)

    shows = not tags or set(SCENES[scene].tags) & set(tags)
    written = [scene] if shows and "clouds" not in tags else []
    main = tags[:1] or ()
    written += [draw(FRAMES).format(a=say(tag)) for tag in (*main, *main, *tags[1:2])]
    if len(tags) > 1:
        other = tags[1 + int(float(random.random()) * (len(tags) - 1))]
        written.append(draw(_JOINTS).format(a=say(tags[0]), b=say(other)))
    if main:
        written.append(f"{say(main[0])} in {season}, {place.name}")
    return tuple(dict.fromkeys(written))
