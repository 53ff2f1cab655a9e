"""Net biome exchange, positive to the air: NEE and carbon burnt."""

from bayes_tbm.streams.definition import Stream
from bayes_tbm.streams.errors import BlockMeans

STREAM = Stream(
    name="nbe",
    long_name="net biome exchange",
    unit="g C m-2 d-1",
    operator=lambda run, parameters: run.fluxes.nbe,
    errors=BlockMeans(),
)
