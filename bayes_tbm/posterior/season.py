"""Default priors of days of the year at a latitude: the table's are those of the north."""

from __future__ import annotations

from bayes_tbm.parameters import TABLE, AbstractPrior, Normal
from bayes_tbm.units import DAYS_PER_YEAR

DAYS_OF_YEAR = ("leaf_onset_day", "leaf_fall_day")
TROPIC = 23.44
"""Latitude up to which the sun stands overhead some day of the year [degrees]."""
WIDE = 60.0
"""Standard deviation of a day in the tropics [d]: three of them reach round half the year."""


def seasonal_priors(latitude: float) -> dict[str, AbstractPrior]:
    """Return the default priors of days of the year that differ from the table's.

    South of the equator they stand half a year on. Within the tropics, where leaves follow rain
    rather than light, they are `WIDE` besides.

    Parameters
    ----------
    latitude
        Degrees north.
    """
    tropical, southern = abs(latitude) < TROPIC, latitude < 0.0
    if not (tropical or southern):
        return {}
    priors: dict[str, AbstractPrior] = {}
    for name in DAYS_OF_YEAR:
        north = TABLE[name].prior
        assert isinstance(north, Normal)  # the table's own
        day = (north.mean + DAYS_PER_YEAR / 2 * southern) % DAYS_PER_YEAR
        priors[name] = Normal(day, WIDE if tropical else north.sd)
    return priors


def seasonal_note(priors: dict[str, AbstractPrior], latitude: float) -> str:
    """Say which of the priors in use are the default ones of the site's latitude, if any."""
    own = seasonal_priors(latitude)
    used = [name for name, prior in own.items() if priors.get(name) == prior]
    if not used:
        return ""
    where = "half a year on, south of the equator" if latitude < 0.0 else "those of the north"
    wide = f", and {WIDE:g} d wide within the tropics: state your own" * (abs(latitude) < TROPIC)
    return f"default priors of {' and '.join(used)} are {where}{wide}"
