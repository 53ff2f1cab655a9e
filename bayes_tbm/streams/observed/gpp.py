"""Gross primary production."""

from bayes_tbm.streams.definition import Stream
from bayes_tbm.streams.errors import BlockMeans

STREAM = Stream(
    name="gpp",
    long_name="gross primary production",
    unit="g C m-2 d-1",
    operator=lambda run, parameters: run.fluxes.gpp,
    errors=BlockMeans(),
)
