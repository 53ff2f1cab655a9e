"""One DataTree per run, in ArviZ's schema, with units, names and provenance on everything."""

from __future__ import annotations

import json
import platform
from collections.abc import Mapping
from importlib.metadata import version
from typing import Any

import arviz as az
import jax
import numpy as np
import numpyro
import xarray as xr
from numpy.typing import NDArray

from bayes_tbm import __version__
from bayes_tbm.inference.density import LogDensity
from bayes_tbm.inference.evaluate import QUANTILES, Evaluation
from bayes_tbm.model.derived import DERIVED
from bayes_tbm.parameters import TABLE
from bayes_tbm.sites.site import Site

Group = dict[str, NDArray[Any]]


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
    coords = {f"{s.name}_point": s.time for s in density.streams}
    tree: xr.DataTree = az.from_dict(
        groups, dims=points | constant, coords=coords, attrs={"/": _attributes(site, experiment)}
    )
    tree["simulation"] = xr.DataTree(_simulation(site, density, posterior))
    _describe(tree, density)
    return tree


def _constant_data(density: LogDensity) -> Group:
    return {f"{s.name}_measurement_sd": s.data.measurement_sd for s in density.streams}


def _simulation(site: Site, density: LogDensity, posterior: Evaluation) -> xr.Dataset:
    """Model and data at the data's step; NaN where nothing was observed."""
    time = site.drivers.time.values
    out = xr.Dataset(coords={"time": time, "quantile": list(QUANTILES)})
    for stream in density.streams:
        seen = np.full(len(time), np.nan)
        seen[stream.step] = stream.value
        attrs = {"units": stream.stream.unit, "long_name": stream.stream.long_name}
        out[stream.name] = ("quantile", "time"), posterior.series[stream.name], attrs
        out[f"{stream.name}_observed"] = "time", seen, attrs
    return out


def _attributes(site: Site, experiment: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "title": f"bayes_tbm posterior, {site.name}",
        "site": site.name,
        "latitude": site.latitude,
        "step": site.step_name,
        "data_sha256": site.data_hash(),
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
    known |= {d.name: (d.unit, d.meaning) for d in DERIVED}
    stream_text = {s.name: (s.stream.unit, s.stream.long_name) for s in density.streams}
    for stream in density.streams:
        unit, name = stream_text[stream.name]
        for error in stream.priors:
            suffix = error.removeprefix(f"{stream.name}_")
            own = {"memory": "d", "structural_log_sd": "1"}.get(suffix, unit)
            known[error] = own, f"{suffix.replace('_', ' ')} of {name}"
        known[f"{stream.name}_measurement_sd"] = unit, f"measurement standard deviation of {name}"
    known |= {c.name: ("1", c.rule) for c in density.constraints}
    for group, node in tree.children.items():
        for key, variable in node.data_vars.items():
            name = str(key)
            unit, text = (known | stream_text).get(name, ("1", name.replace("_", " ")))
            if group.startswith("log_"):
                unit, text = "nat", f"log density: {text}"
            variable.attrs.setdefault("units", unit)
            variable.attrs.setdefault("long_name", text)
