"""Evapotranspiration."""

from bayes_tbm.streams.definition import Stream
from bayes_tbm.streams.errors import BlockMeans

STREAM = Stream(
    name="et",
    long_name="evapotranspiration",
    unit="mm d-1",
    operator=lambda run, parameters: run.fluxes.evapotranspiration,
    errors=BlockMeans(),
)
