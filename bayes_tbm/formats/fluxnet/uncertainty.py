"""Standard deviations of the product's fluxes, from what it tells of their errors."""

import numpy as np

from bayes_tbm.formats.fluxnet.steps import Floats, Steps, Times
from bayes_tbm.formats.fluxnet.variants import Variant

_QUARTILES = 1.349
"""Distance of the quartiles of a normal distribution in standard deviations."""
_SEASON = 15
"""Days on either side within which other years tell an uncertainty."""


def half_spread(steps: Steps, stem: str) -> tuple[Floats, str]:
    """Return half the spread over thresholds of u*, as one standard deviation, and how.

    Parameters
    ----------
    steps : Steps
        Daily or longer.
    stem : str
        What comes before the percentile: ``'NEE_VUT'``, ``'LE_CORR'``.
    """
    for low, high, width, how in (
        ("16", "84", 2.0, "({0}_84 - {0}_16)/2"),
        ("25", "75", _QUARTILES, "({0}_75 - {0}_25)/1.349"),
    ):
        spread = np.abs(steps[f"{stem}_{high}"] - steps[f"{stem}_{low}"]) / width
        if np.isfinite(spread).any():
            return spread, how.format(stem)
    return np.full(steps.start.shape, np.nan), ""


def in_quadrature(parts: list[tuple[Floats, str]]) -> tuple[Floats, str]:
    """Add the parts that are known at each step; NaN where none is.

    Returns
    -------
    sd : numpy.ndarray
        Shape (n,).
    note : str
        The formula.
    """
    held = [(values, how) for values, how in parts if np.isfinite(values).any()]
    if not held:
        return np.full(parts[0][0].shape, np.nan), ""
    squares = np.array([values**2 for values, _ in held])
    known = np.isfinite(squares).any(axis=0)
    sd = np.where(known, np.sqrt(np.nansum(squares, axis=0)), np.nan)
    names = [how for _, how in held]
    part = known & np.isnan(squares).any(axis=0)
    without = f" (less what is missing, on {part.sum()} steps)" if part.any() else ""
    formula = f"sd = {names[0]}" if len(names) == 1 else f"sd^2 = ({')^2 + ('.join(names)})^2"
    return sd, formula + without


def nee_sd(steps: Steps, variant: Variant) -> tuple[Floats, str]:
    """Return the joint uncertainty, else the random one with the spread over u*, and how."""
    joint, random = f"{variant.nee}_JOINTUNC", f"{variant.nee}_RANDUNC"
    if steps.holds(joint):
        sd = steps[joint]
        alone = np.isnan(sd) & np.isfinite(steps[random])
        return np.where(alone, steps[random], sd), f"sd = {joint}" + (
            f", {random} on {alone.sum()} steps without it" if alone.any() else ""
        )
    if not steps.holds(random):
        return np.full(steps.start.shape, np.nan), ""
    spread, how = half_spread(steps, variant.stem("NEE"))
    # Where nothing was measured there is no random error, and the spread alone is too small.
    spread = np.where(np.isfinite(steps[random]), spread, np.nan)
    return in_quadrature([(steps[random], random), (spread, how)])


def parted_sd(steps: Steps, variant: Variant, flux: str, method: str) -> tuple[Floats, str]:
    """Return the error of GPP or RECO: partitioning, u*, and the random error of NEE, and how.

    The product gives none: half the difference of the two ways of partitioning is the choice of
    ILAMB (Collier et al., 2018); each flux is NEE plus the other, and so has its random error.
    """
    night, day = variant.parted(flux, "NT"), variant.parted(flux, "DT")
    random = f"{variant.nee}_RANDUNC"
    apart = np.abs(steps[night] - steps[day]) / 2
    spread, how = half_spread(steps, variant.stem(flux, method))
    if steps.holds(random):
        # Without its random part an error is too small, and such steps would weigh most.
        known = np.isfinite(steps[random])
        apart, spread = np.where(known, apart, np.nan), np.where(known, spread, np.nan)
    return in_quadrature([(apart, f"({night} - {day})/2"), (spread, how), (steps[random], random)])


def latent_sd(steps: Steps, *, closure: bool) -> tuple[Floats, str]:
    """Return the error of latent heat [W m-2], corrected for closure or not, and how."""
    random = (steps["LE_RANDUNC"], "LE_RANDUNC")
    if not closure:
        return in_quadrature([random])
    if steps.holds("LE_CORR_JOINTUNC"):
        return steps["LE_CORR_JOINTUNC"], "sd = LE_CORR_JOINTUNC"
    spread, how = half_spread(steps, "LE_CORR")
    return in_quadrature([random, (np.where(np.isfinite(random[0]), spread, np.nan), how)])


def from_other_years(time: Times, sd: Floats) -> Floats:
    """Fill missing errors by the median of those known within 15 days of the season.

    Parameters
    ----------
    time : numpy.ndarray
        Middle of each step, shape (n,).
    sd : numpy.ndarray
        Shape (n,), NaN where missing.
    """
    day = ((time - time.astype("datetime64[Y]")) / np.timedelta64(1, "D")).astype(np.int64)
    known, filled = np.isfinite(sd), sd.copy()
    for of_year in np.unique(day[~known]):
        apart = np.abs(day - of_year)
        near = known & (np.minimum(apart, 365 - apart) <= _SEASON)
        if near.any():
            filled[~known & (day == of_year)] = np.median(sd[near])
    return filled
