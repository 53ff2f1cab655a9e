"""Leaf area index."""

from bayes_tbm.streams.definition import Stream
from bayes_tbm.streams.errors import Gaussian

STREAM = Stream(
    name="lai",
    long_name="leaf area index",
    unit="m2 m-2",
    operator=lambda run, parameters: run.fluxes.mean_lai,
    errors=Gaussian(),
    systematic=0.1,  # of products and of clumping, against plots
)
