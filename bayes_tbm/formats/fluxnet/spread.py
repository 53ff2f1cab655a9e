"""Errors of the product that all steps share, which no number of days averages out."""

from typing import NamedTuple

import numpy as np

from bayes_tbm.formats.fluxnet.steps import Floats, Steps
from bayes_tbm.formats.fluxnet.uncertainty import half_spread
from bayes_tbm.formats.fluxnet.variants import Variant
from bayes_tbm.units import DAYS_PER_YEAR, LATENT_HEAT

WATER_FLUX = 0.0864 / LATENT_HEAT
"""1 W m-2 of latent heat in mm d-1."""


class Spread(NamedTuple):
    """A systematic error of a flux.

    Attributes
    ----------
    size : float
        Standard deviation of the mean over the record, in g C m-2 d-1 or mm d-1.
    share : float
        The same over the absolute mean.
    how : str
        Where it comes from.
    """

    size: float
    share: float
    how: str


def spreads(steps: Steps, variant: Variant | None, *, closure: bool) -> dict[str, Spread]:
    """Return the systematic error of each flux for which the file tells it.

    The spread over thresholds of u* is taken as shared by all days, which bounds it from above:
    the product's percentiles are those of each day.

    Parameters
    ----------
    steps : Steps
        Daily or longer, those that are filled included.
    variant : Variant or None
        Of the carbon fluxes.
    closure : bool
        Whether latent heat is that corrected for closure.

    Returns
    -------
    dict of str to Spread
        By stream: nee, gpp, reco, et.
    """
    found: dict[str, Spread | None] = {}
    if variant is not None:
        spread = half_spread(steps, variant.stem("NEE"))
        found["nee"] = _spread(steps[variant.nee], [spread])
        for name, flux in (("gpp", "GPP"), ("reco", "RECO")):
            night, day = steps[variant.parted(flux, "NT")], steps[variant.parted(flux, "DT")]
            ustar = half_spread(steps, variant.stem(flux, "NT"))
            value = night if np.isfinite(night).any() else day
            found[name] = _spread(value, [ustar, ((night - day) / 2, "(NT - DT)/2")])
    latent = steps["LE_CORR" if closure else "LE_F_MDS"]
    unclosed = (steps["LE_CORR"] - steps["LE_F_MDS"], "LE_CORR - LE_F_MDS")
    part = half_spread(steps, "LE_CORR") if closure else unclosed
    found["et"] = _spread(latent, [part], WATER_FLUX)
    return {name: spread for name, spread in found.items() if spread is not None}


def spread_note(name: str, spread: Spread) -> str:
    """Say in a line what a systematic error makes of a year."""
    unit = "mm" if name == "et" else "g C m-2"
    return (
        f"{name}: systematic error of a year's sum about {spread.size * DAYS_PER_YEAR:.3g} {unit}"
        f" ({spread.share:.0%}), {spread.how}: all steps share it, no averaging lessens it"
    )


def _spread(value: Floats, parts: list[tuple[Floats, str]], factor: float = 1.0) -> Spread | None:
    """Add means of errors in quadrature; none if nothing is known."""
    means = [(_mean(error), how) for error, how in parts if np.isfinite(error).any()]
    mean = abs(_mean(value)) if np.isfinite(value).any() else 0.0
    if not means or mean == 0.0:
        return None
    size = float(np.sqrt(sum(error**2 for error, _ in means)))
    return Spread(size * factor, size / mean, " and ".join(how for _, how in means))


def _mean(values: Floats) -> float:
    return float(np.nanmean(values))
