"""Sites: drivers and observations, read from the field's formats, checked, with units known."""

from bayes_tbm.sites.observations import Observations
from bayes_tbm.sites.site import Site

__all__ = ["Observations", "Site"]
