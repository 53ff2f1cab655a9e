"""Evapotranspiration."""

from bayes_tbm.streams.definition import Stream
from bayes_tbm.streams.errors import BlockMeans

STREAM = Stream(
    name="et",
    long_name="evapotranspiration",
    unit="mm d-1",
    operator=lambda run, parameters: run.fluxes.evapotranspiration,
    errors=BlockMeans(),
    systematic=0.1,  # half the energy that towers do not close: Stoy et al. 2013,
    # doi 10.1016/j.agrformet.2012.11.004
)
