"""Net ecosystem exchange, positive to the air, without fire."""

from bayes_tbm.streams.definition import Stream
from bayes_tbm.streams.errors import BlockMeans

STREAM = Stream(
    name="nee",
    long_name="net ecosystem exchange",
    unit="g C m-2 d-1",
    operator=lambda run, parameters: run.fluxes.nee,
    errors=BlockMeans(),
    systematic=0.11,  # 40 g C m-2 yr-1: u* thresholds, gaps, advection: Papale et al. 2006,
    # doi 10.5194/bg-3-571-2006, and Baldocchi 2003, doi 10.1046/j.1365-2486.2003.00629.x
    is_offset=True,
)
