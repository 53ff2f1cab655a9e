"""What PLUMBER2 files observe: fluxes of days that were mostly measured, and leaf area."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd
import xarray as xr
from numpy.typing import NDArray

from bayes_tbm.errors import InputError
from bayes_tbm.formats.attributes import text
from bayes_tbm.formats.netcdf import column
from bayes_tbm.formats.packing import unpacked
from bayes_tbm.formats.reading import Reading
from bayes_tbm.formats.subdaily import Days
from bayes_tbm.formats.uncertainty import mend_sd
from bayes_tbm.sites.observations import Observations, join_notes
from bayes_tbm.units import UNITS

FLAGS = (0, 1, 2, 3, 4, 5, 101)
"""Measured, filled well to poorly, by reanalysis, by statistics, processed afterwards."""

NO_FLAGS = "tells what was measured: quality=0 (--quality 0) takes all"


@dataclass(frozen=True)
class Flux:
    """Variables of a flux: its values, its errors, and whose flags tell what was measured."""

    value: str
    error: str = ""
    flags: tuple[str, ...] = ()
    note: str = ""


FLUXES = {
    "nee": Flux("NEE", "NEE_uc", ("NEE",)),
    "gpp": Flux("GPP", "", ("GPP", "NEE"), "GPP_se is of the mean of u* thresholds: not used"),
    "reco": Flux("Resp", "", ("Resp", "NEE")),
    "et": Flux("Qle", "Qle_cor_uc", ("Qle",), "not corrected for closure"),
}
_CLOSED = Flux("Qle_cor", "Qle_cor_uc", ("Qle_cor", "Qle"), "corrected for closure")
_PRODUCTS = {"MODIS": (8, "2002-07-04"), "Copernicus": (10, "1999-01-01")}
"""Days of a composite, and when the product begins; before that it is a mean year."""


def variables_of(kinds: Mapping[str, Flux]) -> set[str]:
    """Return the variables that fluxes are read from."""
    return {name for one in kinds.values() for name in (one.value, one.error) if name}


def fluxes(data: xr.Dataset, days: Days, reading: Reading, where: str) -> list[Observations]:
    """Return the fluxes of a file as means of days.

    Parameters
    ----------
    data : xarray.Dataset
        Opened file.
    days : Days
        Of its records.
    reading : Reading
        ``quality`` and ``closure``.
    where : str
        File, for messages.

    Raises
    ------
    InputError
        If a unit or a flag is not known, or there is no latent heat as asked for.
    """
    kinds = FLUXES | ({"et": _CLOSED} if reading.closure else {})
    if reading.closure and "Qle" in data and "Qle_cor" not in data:
        rule, remedy = "latent heat corrected for closure is not in the file", "leave closure out"
        raise InputError(where=where, variable="Qle_cor", rule=rule, remedy=remedy)
    return [
        _flux(data, days, name, one, reading.quality, where)
        for name, one in kinds.items()
        if one.value in data
    ]


def _flux(
    data: xr.Dataset, days: Days, name: str, flux: Flux, quality: float, where: str
) -> Observations:
    read = column(data, flux.value, name, where, units_needed=True)
    value = days.mean(read.values)
    good, told = _good_days(data, days, flux, np.isfinite(read.values), quality, where)
    value = np.where(good, value, np.nan)
    if not np.isfinite(value).any():
        return Observations(name, UNITS[name], days.noon, value, np.full(value.shape, np.nan), told)
    sd, error = np.full(value.shape, np.nan), ""
    if flux.error in data:
        spread = column(data, flux.error, name, where, units_needed=True, like=read.conversion)
        sd = np.sqrt(days.mean(spread.values**2) / days.steps)
        error = f"sd from {flux.error}, as if independent between steps: likely too small"
    sd, mended = mend_sd(sd, value)
    note = join_notes([read.note, flux.note, told, error, mended])
    return Observations(name, UNITS[name], days.noon, value, sd, note)


def _good_days(
    data: xr.Dataset, days: Days, flux: Flux, seen: NDArray[np.bool_], quality: float, where: str
) -> tuple[NDArray[np.bool_], str]:
    """Return on which days enough steps were measured, and say so."""
    if quality <= 0:
        return np.ones(days.day.shape, dtype=bool), "filled steps count too, as stated"
    source = next((name for name in flux.flags if f"{name}_qc" in data), None)
    if source is None:
        none = np.zeros(days.day.shape, dtype=bool)
        return none, f"no {flux.flags[0]}_qc {NO_FLAGS}"
    measured = seen & (_flags(data, source, where) == 0)
    good = days.share(measured) >= quality
    return good, f"days with at least {quality:.0%} of their steps measured ({source}_qc 0)"


def _flags(data: xr.Dataset, variable: str, where: str) -> NDArray[np.float64]:
    flags = unpacked(data[f"{variable}_qc"], where, f"{variable}_qc")[0].reshape(-1)
    odd = flags[np.isfinite(flags) & ~np.isin(flags, (*FLAGS, -9999))]
    if odd.size:
        raise InputError(
            where=where, variable=f"{variable}_qc", rule=f"flags must be of {FLAGS}",
            found=f"{odd[0]:g} ({odd.size} of {flags.size} steps)",
        )  # fmt: skip
    return flags


def filled_share(data: xr.Dataset, variables: Collection[str], days: Days, where: str) -> str:
    """Return a note of how many steps of the drivers were not measured."""
    held = [name for name in variables if name in data and f"{name}_qc" in data]
    shares = {name: float(np.mean(_flags(data, name, where)[days.kept] != 0)) for name in held}
    said = ", ".join(f"{name} {share:.1%}" for name, share in shares.items())
    return f"steps not measured, filled by the provider: {said}" if said else ""


def leaf_area(data: xr.Dataset, days: Days, where: str) -> tuple[Observations, str]:
    """Return leaf area, a value for each composite of its product, and which product it is.

    The provider filled and smoothed it, and spread it over the steps: a day is no measurement.
    """
    nothing = np.zeros(0)
    empty = Observations("lai", UNITS["lai"], nothing.astype("datetime64[ns]"), nothing, nothing)
    if "LAI" not in data:
        return empty, ""
    product = _product(data, "LAI")
    if product is None:
        said = text(data["LAI"].attrs, "source")
        return empty, f"LAI is not used: its source is neither MODIS nor Copernicus, but {said!r}"
    length, begins = _PRODUCTS[product]
    read = column(data, "LAI", "lai", where, units_needed=True)
    means = _composites(days, days.mean(read.values), length, np.datetime64(begins))
    other = _product(data, "LAI_alternative") if "LAI_alternative" in data else None
    beside = f" (LAI_alternative, {other}, is not used)" if other else ""
    told = (
        f"lai: LAI of the file is {product} here{beside}, filled and smoothed by the provider: a "
        f"value each {length} days from {begins} on; no error given"
    )
    time, value = means["time"].to_numpy("datetime64[ns]"), means["value"].to_numpy(np.float64)
    note = join_notes([read.note, f"{product}, smoothed", "no uncertainty given"])
    return Observations("lai", UNITS["lai"], time, value, np.full(value.shape, np.nan), note), told


def _composites(
    days: Days, value: NDArray[np.float64], length: int, begins: np.datetime64
) -> pd.DataFrame:
    """Return means and middles over spans of some days, counted anew each year."""
    seen = np.isfinite(value) & (days.day >= begins)
    year = days.day.astype("datetime64[Y]")
    of_year = (days.day - year.astype("datetime64[D]")) // np.timedelta64(length, "D")
    frame = pd.DataFrame({"time": days.noon[seen], "value": value[seen]})
    return frame.groupby([year[seen].astype(int), of_year[seen]]).mean()


def _product(data: xr.Dataset, variable: str) -> str | None:
    """Return the product by the attributes: which is which differs from site to site."""
    said = text(data[variable].attrs, "source") or text(data[variable].attrs, "long_name")
    return next((name for name in _PRODUCTS if name.lower() in said.lower()), None)
