"""Live biomass carbon: labile, foliage, fine roots and wood."""

from bayes_tbm.model.regrowth import live_biomass
from bayes_tbm.streams.definition import Stream, over_step
from bayes_tbm.streams.errors import LogNormalErrors

STREAM = Stream(
    name="live_biomass",
    long_name="live biomass carbon",
    unit="g C m-2",
    operator=lambda run, parameters: over_step(live_biomass(run.pools)),
    errors=LogNormalErrors(),
    of_stand=live_biomass,
    systematic=0.1,  # of allometries and wood density, which all inventories of a stand share
)
