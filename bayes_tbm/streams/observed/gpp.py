"""Gross primary production."""

from bayes_tbm.streams.definition import Stream
from bayes_tbm.streams.errors import BlockMeans

STREAM = Stream(
    name="gpp",
    long_name="gross primary production",
    unit="g C m-2 d-1",
    operator=lambda run, parameters: run.fluxes.gpp,
    errors=BlockMeans(),
    # Of annual sums, between partitioning methods and u* thresholds: Desai et al. 2008,
    # doi 10.1016/j.agrformet.2007.11.012, and Papale et al. 2006, doi 10.5194/bg-3-571-2006.
    systematic=0.08,
)
