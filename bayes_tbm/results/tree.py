"""One DataTree per run, in ArviZ's schema, with units, names and provenance on everything."""

from __future__ import annotations

import json
import platform
from collections.abc import Mapping, Sequence
from importlib.metadata import version
from typing import Any

import arviz as az
import jax
import numpy as np
import numpyro
import xarray as xr
from numpy.typing import NDArray

from bayes_tbm.errors import InputError
from bayes_tbm.model.derived import derived_with
from bayes_tbm.parameters import TABLE
from bayes_tbm.plain import told
from bayes_tbm.posterior.density import LogDensity
from bayes_tbm.posterior.evaluate import QUANTILES, Evaluation
from bayes_tbm.results.groups import group
from bayes_tbm.sites.observations import STOCKS
from bayes_tbm.sites.schema import DRIVERS
from bayes_tbm.sites.site import Site
from bayes_tbm.sites.summary import hash_numbers
from bayes_tbm.sites.time_axis import step_bounds
from bayes_tbm.streams import AbstractBoundStream, BoundStream
from bayes_tbm.units import dry_matter_per_hectare
from bayes_tbm.version import __version__

Group = dict[str, NDArray[Any]]
_NEEDED = ("posterior", "prior", "observed_data", "simulation")
WINDOW = "window_start", "window_end"
"""Attributes of the group simulation: between them lies what was fitted of the record."""
CLIMATE = "mean_temperature", "mean_precipitation"
"""Attributes: means of the fitted record, degC and mm d-1, which decomposition refers to."""
_ERROR_UNITS = {
    "memory": "d", "structural_log_sd": "1", "error_length": "yr", "error_common": "1",
}  # fmt: skip


def build_tree(
    site: Site,
    density: LogDensity,
    *,
    posterior: Evaluation,
    sample_stats: Mapping[str, NDArray[Any]],
    prior: Evaluation | None,
    experiment: Mapping[str, Any],
) -> xr.DataTree:
    """Assemble a result.

    Parameters
    ----------
    site, density
        What was sampled.
    posterior, prior
        Draws of the posterior, (chain, draw), and of the prior, (1, draw).
    sample_stats
        Sampler statistics, (chain, draw).
    experiment
        The resolved experiment, stored as JSON in the root attributes.

    Returns
    -------
    xarray.DataTree
        Groups posterior, sample_stats, log_likelihood, log_prior, posterior_predictive, prior,
        prior_predictive, observed_data, constant_data and simulation (quantiles of each stream's
        model counterpart at the data's own step, with the data).
    """
    groups: dict[str, Group] = {
        "posterior": posterior.values,
        "sample_stats": dict(sample_stats),
        "log_likelihood": posterior.log_likelihood,
        "log_prior": posterior.log_prior,
        "posterior_predictive": posterior.predictive,
        "observed_data": {s.name: s.data.value for s in density.streams},
        "constant_data": _constant_data(density),
    }
    if prior is not None:
        groups |= {"prior": prior.values, "prior_predictive": prior.predictive}
    names = [s.name for s in density.streams]
    points = {name: [f"{name}_point"] for name in names}
    constant = {k: [f"{k.removesuffix('_measurement_sd')}_point"] for k in groups["constant_data"]}
    coords = {f"{s.name}_point": s.point for s in density.streams}
    tree: xr.DataTree = az.from_dict(
        groups, dims=points | constant, coords=coords, attrs={"/": _attributes(site, experiment)}
    )
    tree["simulation"] = xr.DataTree(_simulation(site, density, posterior))
    if density.regrowth is not None:
        tree["regrowth"] = xr.DataTree(_regrowth(posterior, prior))
    _describe(tree, density)
    return tree


def _constant_data(density: LogDensity) -> Group:
    return {f"{s.name}_measurement_sd": s.data.measurement_sd for s in density.streams}


def _simulation(site: Site, density: LogDensity, posterior: Evaluation) -> xr.Dataset:
    """Model and data at the data's step, means of several in one; NaN where nothing was seen."""
    time = site.drivers.time.values
    out = xr.Dataset(coords={"time": time, "quantile": list(QUANTILES)}, attrs=_window(site))
    for stream in density.streams:
        attrs = {"units": stream.stream.unit, "long_name": stream.stream.long_name}
        series = posterior.series[stream.name]
        if isinstance(stream, BoundStream):
            dim, seen = "time", at_steps(stream, series.shape[-1])
            early = len(stream.earlier)
            if early:
                _add_earlier(out, stream, series[:, :early], attrs)
            series, seen = series[:, early:], seen[early:]
        else:
            dim, seen = f"{stream.name}_point", stream.data.value
            out.coords[dim] = stream.point
        out[stream.name] = ("quantile", dim), series, attrs
        out[f"{stream.name}_observed"] = dim, seen, attrs
    return out


def _window(site: Site) -> dict[str, str]:
    """Instants between which lie the middles of all steps, and all that was observed in them."""
    time, bounds = site.drivers["time"].values, step_bounds(site.drivers)
    seen = [one.time for name, one in site.observations.items() if name not in STOCKS]
    known = np.concatenate([time, *seen])
    inside = known[(known >= bounds[0, 0]) & (known <= bounds[-1, 1])]
    return dict(zip(WINDOW, map(str, (inside.min(), inside.max())), strict=True))


def at_steps(stream: BoundStream, places: int) -> NDArray[np.float64]:
    """Return the mean of the values at every place of a stream's series, NaN where none is."""
    sums, counts = (np.bincount(stream.step, one, places) for one in (stream.value, None))
    none: NDArray[np.float64] = np.full(places, np.nan)
    return np.divide(sums, counts, out=none, where=counts > 0)


def equal_points(fitted: NDArray[Any], points: NDArray[Any]) -> bool:
    """Whether points, or their errors, are those that were fitted."""
    return fitted.shape == points.shape and np.allclose(fitted, points, rtol=1e-9)


def other_points(
    tree: xr.DataTree, streams: Sequence[AbstractBoundStream]
) -> tuple[list[str], list[str]]:
    """Return the streams whose points are not those of a result, and those whose errors are not."""

    def differ(part: str, suffix: str, field: str) -> list[str]:
        held = group(tree, part) if part in tree.children else xr.Dataset()
        return [
            s.name
            for s in streams
            if (key := s.name + suffix) in held
            and not equal_points(held[key].values, getattr(s.data, field))
        ]

    of_values = differ("observed_data", "", "value")
    return of_values, differ("constant_data", "_measurement_sd", "measurement_sd")


def _add_earlier(
    out: xr.Dataset, stream: BoundStream, series: NDArray[Any], attrs: dict[str, str]
) -> None:
    """Model and data of a stock seen before the record, ``<stream>_earlier``."""
    name, count = f"{stream.name}_earlier", len(stream.earlier)
    out.coords[f"{name}_point"] = stream.time[:count]
    out.coords[f"{name}_age"] = f"{name}_point", stream.earlier, {"units": "yr"}
    out[name] = ("quantile", f"{name}_point"), series, attrs
    out[f"{name}_observed"] = f"{name}_point", stream.value[:count], attrs


def _regrowth(posterior: Evaluation, prior: Evaluation | None) -> xr.Dataset:
    """Regrowth by age: quantiles of the posterior and, as ``*_prior``, of the prior."""
    years = posterior.series["regrowth_wood"].shape[-1]
    out = xr.Dataset(coords={"age": np.arange(years), "quantile": list(QUANTILES)})
    out["age"].attrs = {"units": "yr", "long_name": "years since disturbance"}
    for name, text in (("live_biomass", "live biomass carbon"), ("wood", "wood carbon")):
        attrs = {"units": "g C m-2", "long_name": f"{text} of the stand that regrows"}
        out[name] = ("quantile", "age"), posterior.series[f"regrowth_{name}"], attrs
        if prior is not None:
            out[f"{name}_prior"] = ("quantile", "age"), prior.series[f"regrowth_{name}"], attrs
    dry = {"units": "Mg ha-1", "long_name": "live dry biomass (carbon fraction 0.47)"}
    out["live_biomass_dry"] = ("quantile", "age"), dry_matter_per_hectare(out["live_biomass"]), dry
    return out


def drivers_hash(site: Site) -> str:
    """Hash the drivers of a site by themselves, whatever was observed there."""
    return hash_numbers({name: site.drivers[name].values for name in DRIVERS})


def check_result(tree: object, where: str) -> None:
    """Refuse what is no result of a fit.

    Raises
    ------
    InputError
        It is something else, as the path of a run folder, or lacks groups that a result has.
    """
    found = told(tree)
    if isinstance(tree, xr.DataTree):
        lacking = [name for name in _NEEDED if name not in tree.children]
        lacking += [] if "experiment" in tree.attrs else ["attribute experiment"]
        if not lacking:
            return
        found = f"a DataTree without {', '.join(lacking)}"
    raise InputError(
        where=where, variable="tree", rule="must be a result of bayes_tbm.Calibration.sample",
        found=found, remedy="read that of a run folder: bayes_tbm.report.load_run('run')",
    )  # fmt: skip


def _attributes(site: Site, experiment: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "title": f"bayes_tbm posterior, {site.name}",
        "site": site.name,
        "latitude": site.latitude,
        **{name: getattr(site, name) for name in CLIMATE},
        "step": site.step_name,
        "data_sha256": site.data_hash(),
        "drivers_sha256": drivers_hash(site),
        "source": site.source,
        "site_notes": "\n".join(site.notes),
        "experiment": json.dumps(experiment),
        "bayes_tbm_version": __version__,
        "inference_library": "numpyro",
        "inference_library_version": numpyro.__version__,
        "jax_version": jax.__version__,
        "blackjax_version": version("blackjax"),
        "arviz_version": az.__version__,
        "python_version": platform.python_version(),
        "platform": f"{platform.machine()} {jax.default_backend()}",
    }


def _describe(tree: xr.DataTree, density: LogDensity) -> None:
    """Units and long names on every variable."""
    known = {row.name: (row.unit, row.meaning) for row in TABLE.values()}
    stand = density.regrowth
    derived = derived_with(regrowth=stand is not None, tied=bool(stand and stand.age is not None))
    known |= {d.name: (d.unit, d.meaning) for d in derived}
    stream_text = {s.name: (s.stream.unit, s.stream.long_name) for s in density.streams}
    for stream in density.streams:
        unit, name = stream_text[stream.name]
        for error in stream.priors:
            suffix = error.removeprefix(f"{stream.name}_")
            own = _ERROR_UNITS.get(suffix, unit)
            known[error] = own, f"{suffix.replace('_', ' ')} of {name}"
        known[f"{stream.name}_measurement_sd"] = unit, f"measurement standard deviation of {name}"
    known |= {c.name: ("1", c.rule) for c in density.constraints}
    for part, node in tree.children.items():
        for key, variable in node.data_vars.items():
            name = str(key)
            unit, text = (known | stream_text).get(name, ("1", name.replace("_", " ")))
            if part.startswith("log_"):
                unit, text = "nat", f"log density: {text}"
            variable.attrs.setdefault("units", unit)
            variable.attrs.setdefault("long_name", text)
