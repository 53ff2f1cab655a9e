"""Inventories and origins of stands, small enough to be held as figures."""

import functools
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from bayes_tbm.catalogue.fluxval import packaged_rows
from bayes_tbm.sites.observations import Observations
from bayes_tbm.units import UNITS

HYYTIALA_PLANTED = 1962
"""Year the Scots pine stand of SMEAR II was planted [specnet.info/hyytiala]."""
_HYYTIALA = (
    ("2001-06-15", 39.5, 4610.0),
    ("2003-06-15", 41.5, 4860.0),
    ("2004-06-15", 42.5, 5455.0),
    ("2005-06-15", 43.5, 5485.0),
    ("2006-06-15", 44.5, 5925.0),
    ("2008-07-15", 46.5, 6395.0),
)
_HYYTIALA_SD = 858.6
"""Observation (663) and model error (545.5) in quadrature [g C m-2]."""


def hyytiala_wood() -> Observations:
    """Return six inventories of wood carbon at FI-Hyy, 2001 to 2008.

    Figures of the Edinburgh CARDAMOM example for FI-Hyy; dates are the middle of the month.

    Returns
    -------
    Observations
        Named ``wood`` [g C m-2], shape (6,).
    """
    time = np.array([date for date, _, _ in _HYYTIALA], dtype="datetime64[ns]")
    value = np.array([stock for _, _, stock in _HYYTIALA])
    note = "six inventories (Edinburgh CARDAMOM example); sd = observation and model error"
    return Observations("wood", UNITS["wood"], time, value, np.full(6, _HYYTIALA_SD), note)


def hyytiala_stand_age() -> NDArray[np.float64]:
    """Return the stand age [yr] at each inventory of `hyytiala_wood`, shape (6,)."""
    return np.array([age for _, age, _ in _HYYTIALA])


@dataclass(frozen=True)
class ForestInventory:
    """What publications tell of the stand at a tower; None where they do not.

    Attributes
    ----------
    site : str
        Of the tower.
    origin_year, year : int or None
        When the stand was planted or its predecessor burned, and when it was measured.
    live_biomass : float or None
        Carbon above and below ground [g C m-2].
    quality : str
        ``A``: measured in the tower's stand; ``B``: above ground only, with roots by a factor;
        ``C``: in stands nearby. Empty without an inventory.
    source, note : str
        Who found it, and what else to know.
    """

    site: str
    origin_year: int | None
    year: int | None
    live_biomass: float | None
    quality: str
    source: str
    note: str


@functools.cache
def forest_inventories() -> Mapping[str, ForestInventory]:
    """Return what is known of the stands at FLUXVAL's towers, by site.

    Figures of ForC (github.com/forc-db/ForC, May 2018, CC BY 4.0), GROA (forc-db/GROA, CC BY 4.0)
    and the publications that each row names.
    """
    found = (
        ForestInventory(
            one["site"], _whole(one["origin_year"]), _whole(one["inventory_year"]),
            float(one["live_biomass_gC_m2"]) if one["live_biomass_gC_m2"] else None,
            one["quality"], one["source"], one["note"],
        )
        for one in packaged_rows("forest_inventories.csv")
    )  # fmt: skip
    return MappingProxyType({one.site: one for one in found})


def _whole(text: str) -> int | None:
    return int(text) if text else None
