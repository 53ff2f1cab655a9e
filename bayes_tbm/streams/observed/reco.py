"""Ecosystem respiration: autotrophic and heterotrophic."""

from bayes_tbm.streams.definition import Stream
from bayes_tbm.streams.errors import BlockMeans

STREAM = Stream(
    name="reco",
    long_name="ecosystem respiration",
    unit="g C m-2 d-1",
    operator=lambda run, parameters: run.fluxes.ecosystem_respiration,
    errors=BlockMeans(),
    systematic=0.08,  # as of GPP, from which it differs by NEE
)
