"""Which steps of a flux are measured, or filled well, so that they may count as observed."""

import numpy as np
from numpy.typing import NDArray

from bayes_tbm.errors import InputError
from bayes_tbm.formats.fluxnet.steps import Steps


def measured(steps: Steps, name: str, least: float) -> tuple[NDArray[np.bool_], str, str]:
    """Tell which steps have enough measured values.

    Parameters
    ----------
    steps : Steps
        Daily or longer ones, whose quality is a share.
    name : str
        The quality column, such as ``NEE_VUT_REF_QC``.
    least : float
        Least share of a step's half-hours that must be measured, or filled well.

    Returns
    -------
    keep : numpy.ndarray
        Boolean, shape (n,).
    note : str
        What was kept.
    lack : str
        Why nothing may be kept, or nothing.

    Raises
    ------
    InputError
        If the quality is no share.
    """
    share = steps[name]
    if not np.isfinite(share).any():
        if least <= 0:
            return np.ones(share.shape, dtype=bool), f"measured or filled: {name} is absent", ""
        lack = (
            f"no {name}, which tells measured from filled values: left out; give the whole file, "
            "or take every value with quality=0"
        )
        return np.zeros(share.shape, dtype=bool), "", lack
    odd = np.flatnonzero((share < 0) | (share > 1 + 1e-6))
    if odd.size:
        raise InputError(
            where=steps.where, variable=name, rule="must be a share within 0 to 1",
            found=f"{share[odd[0]]:g} on {str(steps.start[odd[0]])[:10]}",
            remedy="is it a half-hourly flag, or a percentage?",
        )  # fmt: skip
    keep = np.nan_to_num(share, nan=-1.0) >= least
    return keep, f"{name} >= {least:g} (share measured or filled well)", ""


def filled_share(steps: Steps, name: str) -> str:
    """Say which share of a driver's values was filled less than well, or from reanalysis."""
    share = steps[f"{name}_QC"]
    if not np.isfinite(share).any():
        return f"{name} unknown"
    return f"{name} {1 - float(np.nanmean(share)):.0%}"
