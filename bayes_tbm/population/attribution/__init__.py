"""What drives the differences between sites, and whether there is a threshold."""

from bayes_tbm.population.attribution.attribution import MEANS, Attribution, attribution
from bayes_tbm.population.attribution.compare import compare
from bayes_tbm.population.attribution.power import power
from bayes_tbm.population.attribution.shares import driver_shares
from bayes_tbm.population.attribution.verdicts import verdict

__all__ = ["MEANS", "Attribution", "attribution", "compare", "driver_shares", "power", "verdict"]
