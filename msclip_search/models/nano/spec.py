"""What the bundled model is."""

from msclip_search.models.spec import ModelSpec

SPEC = ModelSpec(
    name="s2-nano",
    summary="the bundled model: ten bands, tiles of any size, learnt from simulated and a few real tiles",
    bands=("B02", "B03", "B04", "B05", "B06", "B07", "B08", "B8A", "B11", "B12"),
    substitutes=(("B08", "B8A"), ("B8A", "B08")),  # the same part of the spectrum
    size=64,
    resampling="none",  # tiles of any size are described as they are
    mean=(0.0,) * 10,
    deviation=(10_000.0,) * 10,  # reflectance
    dimension=256,
    architecture="s2-nano-2",
    tokenizer="static-wordpiece-1",
    context=0,
    licence="Apache-2.0",
    citation="none",
)
