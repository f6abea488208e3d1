"""Trees and vines that stand for many years: orchards, vineyards, groves."""

from msclip_search.simulation import shapes
from msclip_search.simulation.canvas import Canvas, Labels
from msclip_search.simulation.scenes import farm, furniture
from msclip_search.simulation.scenes.registry import scene


def _plots(canvas: Canvas) -> Labels:
    width = canvas.scale(25, 220)
    if canvas.chance(0.7):
        return shapes.strips(canvas, width=width, length=width * canvas.scale(1.5, 5), angle=canvas.angle(), uneven=0.7)
    return shapes.cells(canvas, width=width, length=1.8 * width, angle=canvas.angle(), wander=10)


def _planted(
    canvas: Canvas,
    *,
    plots: dict[str, float],
    ground: dict[str, float],
    tag: str,
    crown: str = "",
    spacing: float = 0,
    share: float = 0,
) -> None:
    """Plant most plots, some of them with rows or a grid of crowns wide enough to be seen."""
    numbers = _plots(canvas)
    canvas.paint_many(numbers, ground)
    which = numbers * 31 % 97
    chosen = which < 97 * canvas.between(0.65, 1.1)
    canvas.paint_many(numbers, plots, mask=chosen)
    for kind in range(2 if crown and canvas.chance(0.6) else 0):
        angle = canvas.angle()
        step = spacing * canvas.between(0.8, 1.3)
        full = share * canvas.between(0.75, 1.2)
        crowns = (
            shapes.rows(canvas, spacing=step, share=full, angle=angle)
            if canvas.chance(0.5)
            else shapes.dots(canvas, spacing=step, share=min(1.1, 1.2 * full), angle=angle)
        )
        canvas.paint(chosen & (which % 4 == kind) & crowns, crown)
    canvas.mark(tag, chosen)
    if canvas.chance(0.2):
        furniture.tracks(canvas, numbers, share=0.5)
    farm.dress(canvas, numbers)


@scene("orchard", tags=("orchard",), climates=("temperate", "mediterranean", "arid"))
def orchard(canvas: Canvas) -> None:
    """Draw fruit trees in rows over grass."""
    _planted(
        canvas,
        plots={"orchard trees": 3.0, "open orchard": canvas.scale(0.1, 30)},
        ground={"alley grass": 3.0, "alley soil": 1.0, "fallow": 0.5, "winter cereals": 1.0, "pasture": 1.0},
        tag="orchard",
        crown="orchard row",
        spacing=14,
        share=0.5,
    )


@scene("vineyard", tags=("vineyard",), climates=("temperate", "mediterranean"))
def vineyard(canvas: Canvas) -> None:
    """Draw vines, in rows too narrow to be seen, over soil or grass."""
    _planted(
        canvas,
        plots={"vines": canvas.scale(0.1, 30), "grassed vines": 2.0},
        ground={
            "alley soil": 1.0,
            "alley grass": 1.0,
            "fallow": 0.6,
            "winter cereals": 1.0,
            "pasture": 0.6,
            "tree": 0.4,
        },
        tag="vineyard",
    )
    if canvas.chance(0.5):
        furniture.slope(canvas, metres=600, height=canvas.between(10, 45), rough=0.4)


@scene("olive grove", tags=("olive grove",), climates=("mediterranean",))
def olives(canvas: Canvas) -> None:
    """Draw grey-green crowns in a wide grid over pale soil."""
    _planted(
        canvas,
        plots={"olive trees": 3.0, "open olives": canvas.scale(0.1, 30)},
        ground={"alley soil": 2.0, "alley red soil": 1.0, "alley grass": 1.5, "fallow": 0.5},
        tag="olive grove",
        crown="olive row",
        spacing=16,
        share=0.5,
    )
    if canvas.chance(0.5):
        furniture.slope(canvas, metres=700, height=canvas.between(10, 60), rough=0.4)


@scene("palm plantation", tags=("palm plantation",), climates=("tropical",))
def palms(canvas: Canvas) -> None:
    """Draw oil palms, closed crowns between a rectangle of tracks."""
    canvas.fill("palm row")
    angle = canvas.angle()
    canvas.paint(~shapes.dots(canvas, spacing=10, share=canvas.between(0.95, 1.15), angle=angle), "evergreen tree")
    blocks = shapes.strips(canvas, width=canvas.between(200, 350), length=900, angle=angle, uneven=0.1)
    canvas.paint(shapes.edges(blocks), "alley red soil")
    canvas.mark("palm plantation")
    if canvas.chance(0.4):
        with canvas.within(blocks % 7 == 3):
            canvas.fill("alley red soil")
            canvas.paint(shapes.dots(canvas, spacing=10, share=0.5, angle=angle), "palm row")
    if canvas.chance(0.3):
        furniture.copse(canvas, 0.2, cover="rainforest")
