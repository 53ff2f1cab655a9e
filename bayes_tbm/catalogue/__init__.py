"""From a name or a path to a site: known sites, their files, inventories made there."""

from bayes_tbm.catalogue.inventories import hyytiala_stand_age, hyytiala_wood
from bayes_tbm.catalogue.open import open_site, site_names
from bayes_tbm.catalogue.second_halves import fluxval_validation

__all__ = [
    "fluxval_validation",
    "hyytiala_stand_age",
    "hyytiala_wood",
    "open_site",
    "site_names",
]
