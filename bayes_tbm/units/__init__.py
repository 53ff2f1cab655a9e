"""Canonical units, units as files state them, conversions, and physical constants."""

import numpy as np
from numpy.typing import ArrayLike, NDArray

from bayes_tbm.units.constants import (
    CARBON_FRACTION,
    CARBON_MOLAR_MASS,
    DAYS_PER_MONTH,
    DAYS_PER_YEAR,
    FLUX,
    GRAMS_PER_M2_IN_MEGAGRAMS_PER_HA,
    LATENT_HEAT,
    SECONDS_PER_DAY,
    STOCK,
    UNITS,
)
from bayes_tbm.units.conversion import Conversion, check_unit

__all__ = [
    "CARBON_FRACTION", "CARBON_MOLAR_MASS", "DAYS_PER_MONTH", "DAYS_PER_YEAR", "FLUX",
    "GRAMS_PER_M2_IN_MEGAGRAMS_PER_HA", "LATENT_HEAT", "SECONDS_PER_DAY", "STOCK", "UNITS",
    "Conversion", "carbon_per_square_metre", "check_unit", "dry_matter_per_hectare",
]  # fmt: skip


def dry_matter_per_hectare(
    carbon: ArrayLike, carbon_fraction: float = CARBON_FRACTION
) -> NDArray[np.float64]:
    """Convert carbon stocks [g C m-2] to dry matter [Mg ha-1]."""
    return np.asarray(carbon, dtype=np.float64) / (
        carbon_fraction * GRAMS_PER_M2_IN_MEGAGRAMS_PER_HA
    )


def carbon_per_square_metre(
    dry_matter: ArrayLike, carbon_fraction: float = CARBON_FRACTION
) -> NDArray[np.float64]:
    """Convert dry matter [Mg ha-1] to carbon stocks [g C m-2]."""
    return np.asarray(dry_matter, dtype=np.float64) * (
        carbon_fraction * GRAMS_PER_M2_IN_MEGAGRAMS_PER_HA
    )
