"""Reader of the old CARDAMOM binary format (``.cbf``), as in CARDAMOM-FLUXVAL.

Little-endian float64: 100 header values ([1] latitude, [2] steps, [3] met fields, [4] observed
fields), 50 parameter priors, 50 their uncertainty, 50 other priors, 50 their uncertainty, then
for each step the met fields and the observed fields. -9999 is missing. The format holds no
uncertainty for single values: `ASSUMED_SD` stands in, and each note says so.
"""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from bayes_tbm.errors import InputError
from bayes_tbm.formats.common import collect
from bayes_tbm.formats.uncertainty import (
    ABSOLUTE,
    LOG_FACTOR,
    absolute_sd,
    mend_sd,
)
from bayes_tbm.sites.drivers import make_drivers
from bayes_tbm.sites.missing import MISSING, marks_note, missing_to_nan
from bayes_tbm.sites.observations import STOCKS, Observations, join_notes
from bayes_tbm.sites.site import Site
from bayes_tbm.sites.time_axis import time_from_days
from bayes_tbm.units import UNITS

HEADER, PRIORS = 100, 200
MET = (
    "days", "t_min", "t_max", "shortwave", "co2", "day_of_year", "burned_fraction", "vpd",
    "precipitation",
)  # fmt: skip
OBSERVED_FIELDS = {"gpp": 0, "lai": 1, "nbe": 2, "live_biomass": 3, "et": 4, "som": 10}
OBSERVED_WIDTH = 11
INITIAL_SOM = 22
OPTIONS = 8
"""Place in the header from which it holds options of the likelihood."""
ASSUMED_SD: dict[str, tuple[float, int, float]] = {
    "gpp": (1.0, ABSOLUTE, 0.0),
    "nbe": (1.0, ABSOLUTE, 0.0),
    "nee": (1.0, ABSOLUTE, 0.0),
    "et": (0.5, ABSOLUTE, 0.0),
    "lai": (1.5, LOG_FACTOR, 0.1),
    "live_biomass": (3.0, LOG_FACTOR, 0.0),
    "som": (1.5, LOG_FACTOR, 0.0),
}
"""Uncertainty, kind and threshold where the format gives none (units of the variable).

Live biomass is that of a map: at 33 forest towers with an inventory, map over inventory has median
0.43 and sd of the logarithm 1.56, in stands of 40 years or more 0.41 and 1.04, about ln 3.
"""
_MAP = "a map's: at 33 towers its median is 0.43 of the inventory"


def looks_like_cbf(path: Path) -> bool:
    """Return whether the header reads as that of a binary CARDAMOM file."""
    header = np.fromfile(path, dtype="<f8", count=5)
    return header.size == 5 and (header[3], header[4]) == (len(MET), OBSERVED_WIDTH)


def read_cardamom_binary(path: str | Path) -> Site:
    """Read a binary CARDAMOM file.

    Parameters
    ----------
    path : str or pathlib.Path
        File ``NAME.cbf``.

    Returns
    -------
    Site

    Raises
    ------
    InputError
        If the size and the header disagree or a check fails.
    """
    path = Path(path)
    where = path.name
    header, priors, met, seen = _parts(path)
    time = time_from_days(np.where(met[:, 0] == MISSING, np.nan, met[:, 0]), where=where)
    columns = {name: missing_to_nan(met[:, i]) for i, name in enumerate(MET) if name != "days"}
    drivers = make_drivers(time, columns, where=where)
    series = [_observations(name, time, seen[:, i]) for name, i in OBSERVED_FIELDS.items()]
    used = set()
    if not len(series[-1]):
        series[-1] = _initial_som(time, priors)
        used.add(INITIAL_SOM)
    return Site(
        name=path.stem,
        latitude=float(header[1]),
        longitude=None,
        drivers=drivers,
        observations=collect(series, drivers["burned_fraction"].values),
        source=where,
        notes=(
            "the format holds no uncertainties: assumed ones are used, see each series",
            *_unused(header, priors, seen, used),
        ),
    )


def _parts(path: Path) -> tuple[NDArray[np.float64], ...]:
    """Return header (100,), priors (4, 50), met (n, 9) and observations (n, 11)."""
    size = path.stat().st_size
    numbers = np.fromfile(path, dtype="<f8")
    width = len(MET) + OBSERVED_WIDTH
    if not looks_like_cbf(path) or numbers.size < HEADER + PRIORS:
        fields = f"{len(MET)} met and {OBSERVED_WIDTH} observed fields"
        rule = f"is not a binary CARDAMOM file with {fields}"
        raise InputError(where=path.name, rule=rule, found=f"{size} bytes")
    steps = numbers[2]
    expected = 8 * (HEADER + PRIORS + width * steps)
    if size != expected:
        rule = f"size must be {expected:.0f} bytes for the {steps:g} steps of its header"
        remedy = "is the file cut short?" if size < expected else None
        raise InputError(where=path.name, rule=rule, found=f"{size} bytes", remedy=remedy)
    table = numbers[HEADER + PRIORS :].reshape(-1, width)
    priors = missing_to_nan(numbers[HEADER : HEADER + PRIORS]).reshape(4, 50)
    return numbers[:HEADER], priors, table[:, : len(MET)], table[:, len(MET) :]


def _unused(
    header: NDArray[np.float64],
    priors: NDArray[np.float64],
    seen: NDArray[np.float64],
    used: set[int],
) -> list[str]:
    """Return a note of every prior, option and series of the file that is not used."""
    notes = []
    for row, kind in ((0, "parameter prior"), (2, "other prior")):
        for place in np.flatnonzero(np.isfinite(priors[row])):
            if row == 0 and place in used:
                continue
            spread = priors[row + 1, place]
            by = f" (uncertainty {spread:g})" if np.isfinite(spread) else ""
            of = f"{kind} {place + 1} of model {header[0]:g}"
            notes.append(f"{of} = {priors[row, place]:g}{by} is not used")
    counts = np.isfinite(missing_to_nan(seen)).sum(axis=0)
    rest = [i for i in np.flatnonzero(counts) if i not in OBSERVED_FIELDS.values()]
    notes += [f"observed field {i + 1} ({counts[i]} values) is not used" for i in rest]
    options = [i for i in np.flatnonzero(header != MISSING) if i >= OPTIONS]
    stated = ", ".join(f"{i + 1} = {header[i]:g}" for i in options)
    return notes + [f"header values {stated}, options of CARDAMOM's, are not used"] * bool(stated)


def _observations(
    name: str, time: NDArray[np.datetime64], stated: NDArray[np.float64]
) -> Observations:
    value = missing_to_nan(stated)
    sd, how = assumed_sd(name, value)
    return Observations(name, UNITS[name], time, value, sd, join_notes([marks_note(stated), how]))


def assumed_sd(name: str, value: NDArray[np.float64]) -> tuple[NDArray[np.float64], str]:
    """Return the standard deviations of `ASSUMED_SD` of a series, shape (n,), and a note of them.

    Parameters
    ----------
    name : str
        Observed series.
    value : numpy.ndarray
        NaN where missing, shape (n,).
    """
    size, kind, threshold = ASSUMED_SD[name]
    given = absolute_sd(size, value, kind, threshold, of_logarithm=name in STOCKS)
    sd, mended = mend_sd(given, value)
    how = f"{size:g} {UNITS[name]}" if kind == ABSOLUTE else f"a factor of {size:g}"
    how += f", {_MAP}" * (name == "live_biomass")
    return sd, join_notes([f"sd assumed: {how}", mended])


def _initial_som(time: NDArray[np.datetime64], priors: NDArray[np.float64]) -> Observations:
    """Return the prior of initial soil carbon as an observation at the first step."""
    value, factor = priors[0, INITIAL_SOM : INITIAL_SOM + 1], priors[1, INITIAL_SOM]
    stated = bool(np.isfinite(factor) and factor > 1)
    note = "initial soil carbon, parameter prior 23; sd is a factor of "
    note += f"{factor:g}, as in the file" if stated else "1.5, assumed"
    sd = absolute_sd(factor if stated else 1.5, value, LOG_FACTOR, of_logarithm=True)
    return Observations("som", UNITS["som"], time[:1], value, sd, note)
