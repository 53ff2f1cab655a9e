"""Running the model forward once, as labelled data."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

import jax
import numpy as np
import xarray as xr
from jax.typing import ArrayLike

from bayes_tbm.errors import InputError
from bayes_tbm.model import Fluxes, Pools, prepare
from bayes_tbm.model import simulate as run_model
from bayes_tbm.parameters import DALEC_NAMES, TABLE, Parameters, from_dalec
from bayes_tbm.plain import check_kind, finite_number
from bayes_tbm.runtime.precision import use_double_precision
from bayes_tbm.sites.site import Site
from bayes_tbm.sites.to_model import Climate, drivers_of

_UNITLESS = {"lai": "m2 m-2", "water_stress": "1", "decomposition_climate": "1"}
_WATER = ("evapotranspiration", "drainage")
_SUMS = {
    "npp": "net primary production",
    "heterotrophic_respiration": "heterotrophic respiration",
    "ecosystem_respiration": "ecosystem respiration",
    "nee": "net ecosystem exchange, positive to the air, without fire",
    "combustion": "carbon burnt",
    "nbe": "net biome exchange, positive to the air, with fire",
}


def simulate(
    parameters: Parameters | Mapping[str, ArrayLike],
    drivers: Site | xr.Dataset,
    *,
    climate: Sequence[float] | None = None,
) -> xr.Dataset:
    """Run the model forward.

    Parameters
    ----------
    parameters
        `Parameters`, a mapping of their names (every one, or start from ``Parameters.default()``),
        or a mapping of DALEC993 names (sequential fractions, daily rates, see `from_dalec`).
    drivers
        A site, or drivers as `Site.drivers` holds them with an attribute ``latitude``.
    climate
        Mean temperature [degC] and precipitation [mm d-1] that decomposition refers to: of
        parameters that were fitted, those of the fitted record, which a result holds as attributes
        ``mean_temperature`` and ``mean_precipitation``. By default those of the drivers.

    Returns
    -------
    xarray.Dataset
        Fluxes and diagnostics over ``time`` (middle of the step), pools over ``edge`` (the start of
        every step and the end of the last), each with its unit.

    Raises
    ------
    InputError
        Parameters missing, unknown or outside their bounds; drivers that fail the checks of a site;
        a climate that is none.

    Examples
    --------
    >>> import bayes_tbm as bt
    >>> run = bt.simulate(bt.Parameters.default(), bt.open_site("hyytiala-twin"))
    >>> run.gpp.units, run.wood.units
    ('g C m-2 d-1', 'g C m-2')
    """
    _check_kinds(parameters, drivers)
    use_double_precision()
    site = drivers if isinstance(drivers, Site) else _as_site(drivers)
    forcing = prepare(drivers_of(site, None if climate is None else _climate(climate)))
    if not isinstance(parameters, Parameters):
        parameters = _from_names(parameters, float(site.drivers.step_length.median()))
    parameters.check_bounds()
    run = jax.jit(run_model)(parameters, forcing)
    time = site.drivers.time.values
    half = (site.drivers.step_length.values * 43200e9).astype("timedelta64[ns]")
    edge = np.concatenate([time - half, time[-1:] + half[-1:]])
    out = xr.Dataset(coords={"time": time, "edge": edge})
    for field in dataclasses.fields(Fluxes):
        unit = _UNITLESS.get(field.name, "mm d-1" if field.name in _WATER else "g C m-2 d-1")
        attrs = {"units": unit, "long_name": field.name.replace("_", " ")}
        out[field.name] = "time", np.asarray(getattr(run.fluxes, field.name)), attrs
    for name, text in _SUMS.items():
        attrs = {"units": "g C m-2 d-1", "long_name": text}
        out[name] = "time", np.asarray(getattr(run.fluxes, name)), attrs
    for field in dataclasses.fields(Pools):
        unit = "mm" if field.name == "water" else "g C m-2"
        attrs = {"units": unit, "long_name": f"{field.name} pool"}
        out[field.name] = "edge", np.asarray(getattr(run.pools, field.name)), attrs
    return out.assign_attrs(site=site.name, latitude=site.latitude)


def _check_kinds(parameters: object, drivers: object) -> None:
    """Refuse what is neither parameters nor drivers, such as a path in place of what it holds."""
    for name, given, kinds, rule, remedy in (
        ("parameters", parameters, Parameters | Mapping,
         "must be bayes_tbm.Parameters or a mapping of names to numbers",
         "take bayes_tbm.Parameters.default() for prior medians"),
        ("drivers", drivers, Site | xr.Dataset, "must be a bayes_tbm.Site or its drivers",
         "open it: bayes_tbm.open_site(...)"),
    ):  # fmt: skip
        check_kind(given, kinds, rule, where="simulate", variable=name, remedy=remedy)


def _climate(given: Any) -> Climate:
    """Return the two numbers that make a climate."""
    numbers = [finite_number(x) for x in given] if isinstance(given, Sequence | np.ndarray) else []
    match numbers:
        case [float(temperature), float(precipitation)] if precipitation >= 0.0:
            return Climate(temperature, precipitation)
    raise InputError(
        where="simulate", variable="climate", found=repr(given),
        rule="must be a mean temperature [degC] and precipitation [mm d-1]",
        remedy="as in climate=(site.mean_temperature, site.mean_precipitation)",
    )  # fmt: skip


def _from_names(values: Mapping[str, ArrayLike], step_length: float) -> Parameters:
    """Parameters from our names or from DALEC's, told apart by names that are DALEC's alone."""
    if any(name in values for name in DALEC_NAMES if name not in TABLE):
        return from_dalec(values, step_length=step_length)
    return Parameters.from_mapping(values)


def _as_site(drivers: xr.Dataset) -> Site:
    """Site without observations from drivers alone, so that they pass the same checks."""
    if "latitude" not in drivers.attrs:
        raise InputError(
            where="drivers", variable="latitude", rule="must be an attribute, in degrees north",
            found=f"attributes {list(drivers.attrs) or 'none'}",
            remedy="drivers.assign_attrs(latitude=61.8), or give a site",
        )  # fmt: skip
    return Site("drivers", float(drivers.attrs["latitude"]), None, drivers, {}, source="drivers")
