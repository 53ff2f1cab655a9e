"""Wood carbon, coarse roots included."""

from bayes_tbm.streams.definition import Stream, over_step
from bayes_tbm.streams.errors import LogNormalErrors

STREAM = Stream(
    name="wood",
    long_name="wood carbon",
    unit="g C m-2",
    operator=lambda run, parameters: over_step(run.pools.wood),
    errors=LogNormalErrors(),
    of_stand=lambda pools: pools.wood,
    systematic=0.1,  # of allometries and wood density, which all inventories of a stand share
)
