"""The latitude that a table's sunlight above the air tells, against the one that is stated."""

import warnings

import numpy as np

from bayes_tbm.errors import PlaceWarning
from bayes_tbm.formats.fluxnet.steps import Steps
from bayes_tbm.sites.doubts import above_the_air
from bayes_tbm.units import UNITS, check_unit

POTENTIAL = "SW_IN_POT"
"""Sunlight above the atmosphere at the tower [W m-2], which the product computes."""
_OFF = 5.0
"""Degrees that a latitude may be off that of the sunlight: within 1.1 at two towers."""
_SCATTER = 1.0
"""By how much sunlight may be off on average [MJ m-2 d-1]: 0.3 to 0.4 where it is the tower's."""
_GRID = np.arange(-89.75, 90.0, 0.5)
_FEW = 3


def doubt_potential(steps: Steps, latitude: float | None) -> None:
    """Warn of a latitude that is not that of the sunlight above the air: of a wrong sign, say.

    It tells the hemisphere close to the equator too, where clouds hide it from what is measured.

    Parameters
    ----------
    steps : Steps
        Days or longer.
    latitude : float or None
        Degrees north, stated or of a BIF.

    Warns
    -----
    PlaceWarning
        They are more than 5 degrees apart, and the season of the steps tells it.
    """
    known = np.isfinite(steps[POTENTIAL])
    if latitude is None or known.sum() < _FEW:
        return
    unit = check_unit("W m-2", UNITS["shortwave"], where=steps.where, variable=POTENTIAL)
    light, middle = unit(steps[POTENTIAL][known]), steps.middle[known]
    day = (middle - middle.astype("datetime64[Y]").astype("datetime64[ns]")) / np.timedelta64(
        1, "D"
    )

    def off(north: float) -> float:
        return float(np.sqrt(np.mean((above_the_air(north, day) - light) ** 2)))

    if off(latitude) <= _SCATTER:  # as nearly always: no other need be looked for
        return
    held = float(_GRID[np.argmin([off(north) for north in _GRID])])
    if abs(held - latitude) > _OFF and off(latitude) > _SCATTER + off(held):
        told = f"latitude {latitude:g}, but {POTENTIAL} is that of {held:.0f}: which one is right?"
        warnings.warn(f"{steps.where}: {told}", PlaceWarning, stacklevel=4)
