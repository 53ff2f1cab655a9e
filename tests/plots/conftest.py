"""A small made-up result: two dense streams with gaps, one stock seen once."""

import arviz as az
import numpy as np
import pytest
import xarray as xr

MONTHS = 48
QUANTILES = (0.025, 0.05, 0.25, 0.5, 0.75, 0.95, 0.975)
# name: unit, long name, observed steps, level
STREAMS = {
    "gpp": ("g C m-2 d-1", "gross primary production", np.arange(3, 40), 4.0),
    "lai": ("m2 m-2", "leaf area index", np.r_[0:10, 20:48], 2.0),
    "wood": ("g C m-2", "wood carbon", np.array([30]), 6000.0),
}
POSITIVE = {"wood_residence_time": "yr", "leaf_lifespan": "yr", "gpp_structural_sd": "g C m-2 d-1"}
DERIVED = {"nee_annual": "g C m-2 yr-1", "carbon_use_efficiency": "1"}


def make_tree(chains=4, draws=60):
    rng = np.random.default_rng(3)
    time = np.datetime64("2001-01-16", "ns") + np.arange(MONTHS) * np.timedelta64(730, "h")
    groups = {g: {} for g in ("posterior", "prior", "log_prior", "posterior_predictive")}
    groups |= {g: {} for g in ("observed_data", "constant_data", "sample_stats")}
    for i, name in enumerate(POSITIVE | DERIVED):
        for group, size, spread in (("prior", (1, 200), 1.0), ("posterior", (chains, draws), 0.4)):
            z = rng.normal(size=size) * spread
            groups[group][name] = 30.0 * np.exp(z) if name in POSITIVE else 100.0 * z - 20.0 * i
    groups["log_prior"] = {name: groups["posterior"][name] for name in POSITIVE}
    for group in ("prior", "posterior"):  # what follows from a fixed parameter
        groups[group]["carbon_use_efficiency"] = np.full_like(groups[group]["nee_annual"], 0.5)
    groups["sample_stats"]["diverging"] = rng.uniform(size=(chains, draws)) < 0.02
    simulation = xr.Dataset(coords={"time": time, "quantile": list(QUANTILES)})
    for name, (unit, text, step, level) in STREAMS.items():
        attrs = {"units": unit, "long_name": text}
        middle = level * (1 + 0.5 * np.sin(np.arange(MONTHS) * np.pi / 6))
        value = middle[step] + 0.1 * level * rng.normal(size=len(step))
        seen = np.full(MONTHS, np.nan)
        seen[step] = value
        spread = 0.2 * level * (np.array(QUANTILES) - 0.5)
        simulation[name] = ("quantile", "time"), middle + spread[:, None], attrs
        simulation[f"{name}_observed"] = "time", seen, attrs
        groups["observed_data"][name] = value
        groups["constant_data"][f"{name}_measurement_sd"] = np.full(len(step), 0.1 * level)
        noise = 0.1 * level * rng.normal(size=(chains, draws, len(step)))
        groups["posterior_predictive"][name] = middle[step] + noise
    points = {name: [f"{name}_point"] for name in STREAMS}
    tree = az.from_dict(
        groups,
        dims=points | {f"{name}_measurement_sd": dim for name, dim in points.items()},
        coords={f"{name}_point": time[step] for name, (_, _, step, _) in STREAMS.items()},
    )
    tree["simulation"] = xr.DataTree(simulation)
    for name, unit in (POSITIVE | DERIVED).items():
        tree["posterior"][name].attrs["units"] = unit
    return tree


@pytest.fixture(scope="session")
def tree():
    return make_tree()
