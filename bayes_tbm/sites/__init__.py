"""Sites: drivers and observations, read from the field's formats, checked, with units known."""

from bayes_tbm.sites.inventories import hyytiala_stand_age, hyytiala_wood
from bayes_tbm.sites.observations import Observations
from bayes_tbm.sites.open import open_site, read_site, site_names
from bayes_tbm.sites.site import Site

__all__ = [
    "Observations",
    "Site",
    "hyytiala_stand_age",
    "hyytiala_wood",
    "open_site",
    "read_site",
    "site_names",
]
