"""Soil organic carbon."""

from bayes_tbm.streams.definition import Stream, over_step
from bayes_tbm.streams.errors import LogNormalErrors

STREAM = Stream(
    name="som",
    long_name="soil organic carbon",
    unit="g C m-2",
    operator=lambda run, parameters: over_step(run.pools.som),
    errors=LogNormalErrors(),
    systematic=0.1,  # of bulk density and stoniness, which all inventories of a site share
)
