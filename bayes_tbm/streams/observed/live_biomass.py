"""Live biomass carbon: labile, foliage, fine roots and wood."""

from bayes_tbm.streams.definition import Stream, over_step
from bayes_tbm.streams.errors import LogNormalErrors

STREAM = Stream(
    name="live_biomass",
    long_name="live biomass carbon",
    unit="g C m-2",
    operator=lambda run, parameters: over_step(
        run.pools.labile + run.pools.foliage + run.pools.root + run.pools.wood
    ),
    errors=LogNormalErrors(),
)
