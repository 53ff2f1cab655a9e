"""Reader of tables of the FLUXNET family: FLUXNET2015, ICOS, AmeriFlux FLUXNET, FLUXMET."""

from bayes_tbm.formats.fluxnet.bif import Place, is_bif, read_bif
from bayes_tbm.formats.fluxnet.layout import is_fluxnet
from bayes_tbm.formats.fluxnet.read import TAKES, read_fluxnet, systematic_spread
from bayes_tbm.formats.fluxnet.spread import Spread

__all__ = [
    "TAKES", "Place", "Spread", "is_bif", "is_fluxnet", "read_bif", "read_fluxnet",
    "systematic_spread",
]  # fmt: skip
