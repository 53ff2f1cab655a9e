"""Leaf area index."""

from bayes_tbm.streams.definition import Stream, over_step
from bayes_tbm.streams.errors import Gaussian

STREAM = Stream(
    name="lai",
    long_name="leaf area index",
    unit="m2 m-2",
    operator=lambda run, parameters: over_step(run.pools.foliage) / parameters.leaf_carbon_per_area,
    errors=Gaussian(),
)
