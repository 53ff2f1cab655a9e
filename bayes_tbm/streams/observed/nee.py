"""Net ecosystem exchange, positive to the air, without fire."""

from bayes_tbm.streams.definition import Stream
from bayes_tbm.streams.errors import BlockMeans

STREAM = Stream(
    name="nee",
    long_name="net ecosystem exchange",
    unit="g C m-2 d-1",
    operator=lambda run, parameters: run.fluxes.nee,
    errors=BlockMeans(),
)
