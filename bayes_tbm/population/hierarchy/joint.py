"""A population and all parameters of its sites sampled together: what two stages approximate."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

import arviz as az
import jax
import numpy as np
import pandas as pd
import xarray as xr
from numpy.typing import NDArray

from bayes_tbm.calibration import Calibration
from bayes_tbm.errors import InputError
from bayes_tbm.plain import whole_at_least
from bayes_tbm.population.hierarchy.covariates import Covariates
from bayes_tbm.population.hierarchy.fit import DIMS, PopulationFit
from bayes_tbm.population.hierarchy.joint_coordinates import (
    FittedSite,
    fitted_site,
    joint_density,
    start,
)
from bayes_tbm.population.hierarchy.joint_density import JointDensity, Position
from bayes_tbm.population.hierarchy.joint_sampling import sample
from bayes_tbm.population.hierarchy.model import Form
from bayes_tbm.results.groups import group
from bayes_tbm.runtime.precision import use_double_precision
from bayes_tbm.runtime.promotion import lenient

Array = NDArray[np.float64]
MOST_SITES = 60
MOST_SHIFT, MOST_RATIO = 0.1, 0.1
"""Differences of means, in sds, beyond three Monte Carlo errors, and of sds, that are too large."""
_NOT_COMPARED = ("location", "factors", "correlation", "cell_z", "error_z", "phi")


@dataclasses.dataclass(frozen=True, eq=False)
class JointFit:
    """A population sampled together with its sites.

    Attributes
    ----------
    form, covariates
        Which model, and the surroundings of the sites: those of the two-stage fit.
    tree
        Groups posterior (variables of `PopulationFit`, and ``phi``: what sites share, unbounded,
        (site, coordinate)), sample_stats and diagnostics: of all parameters of each site the worst
        ``rhat`` and the least ``ess``.
    """

    form: Form
    covariates: Covariates
    tree: xr.DataTree

    def against(self, two_stage: PopulationFit) -> pd.DataFrame:
        """Compare the population with that of two stages.

        Parameters
        ----------
        two_stage
            Fitted to the same sites.

        Returns
        -------
        pandas.DataFrame
            A row a number: means and sds of both, ``shift`` of the means in sds of this fit and
            the ``allowed`` one (0.1 and three Monte Carlo errors), ``ratio`` of sds, ``rhat`` and
            ``ess`` of this fit, and whether both ``agree`` (the ratio within 10 %).
        """
        two, own = _summary(two_stage.tree), _summary(self.tree)
        table = pd.DataFrame(
            {
                "mean_two_stage": two["mean"], "mean_joint": own["mean"],
                "sd_two_stage": two["sd"], "sd_joint": own["sd"],
                "shift": (two["mean"] - own["mean"]) / own["sd"],
                "allowed": MOST_SHIFT
                + 3.0 * np.hypot(two["mcse_mean"], own["mcse_mean"]) / own["sd"],
                "ratio": two["sd"] / own["sd"], "rhat": own["r_hat"], "ess": own["ess_bulk"],
            }
        )  # fmt: skip
        near = table["shift"].abs() <= table["allowed"]
        table["agree"] = near & ((table["ratio"] - 1.0).abs() <= MOST_RATIO)
        return table


def _summary(tree: xr.DataTree) -> pd.DataFrame:
    """Means, sds, Monte Carlo errors, R-hat and ESS of what describes a population."""
    posterior = group(tree, "posterior").drop_vars(_NOT_COMPARED, errors="ignore")
    summary: pd.DataFrame = az.summary(posterior, kind="all", round_to="none")
    return summary


def fit_population_jointly(
    two_stage: PopulationFit,
    calibrations: Mapping[str, Calibration],
    posteriors: Mapping[str, xr.DataTree],
    seed: int = 0,
    *,
    chains: int = 4,
    warmup: int = 500,
    keep: int = 1000,
    progress: bool = True,
) -> JointFit:
    """Sample a population and all parameters of its sites together, exactly.

    NUTS moves through everything at once, with the model's own likelihood of every site in every
    step: a check of `bayes_tbm.fit_population`, whose target it shares, for a few sites. What two
    stages found shapes the coordinates (metric, partial centring) and nothing else. Chains begin
    at draws of the sites under their own priors; NUTS does not cross between modes of a site.

    Parameters
    ----------
    two_stage
        The population as `bayes_tbm.fit_population` fitted it; model, covariates and coordinates
        are its own.
    calibrations
        Of every site, by name, as they were fitted.
    posteriors
        Of every site, as `bayes_tbm.Calibration.sample` gives them.
    seed
        Of all random numbers.
    chains, warmup, keep
        Chains, and transitions of each to adapt and to keep.
    progress
        Whether to draw a progress bar.

    Returns
    -------
    JointFit
        The population and what sites share.

    Raises
    ------
    InputError
        A site has no calibration or posterior, these do not go together, a shared parameter is
        held fixed, or there are more than 60 sites.
    """
    use_double_precision()
    names = two_stage.draws.sites
    if len(names) > MOST_SITES:
        raise InputError(
            where="population", variable="sites", rule=f"must be {MOST_SITES} at most, jointly",
            found=len(names), remedy="use fit_population",
        )  # fmt: skip
    for label, given in (("calibrations", calibrations), ("posteriors", posteriors)):
        if missing := [name for name in names if name not in given]:
            raise InputError(
                where="population", variable=label, rule="must be given for every site",
                found=f"none of {', '.join(missing[:5])}",
            )  # fmt: skip
    coordinates = two_stage.draws.coordinates
    sites = [fitted_site(n, calibrations[n], posteriors[n], coordinates) for n in names]
    return sampled(
        two_stage, sites, seed=seed, chains=chains, warmup=warmup, keep=keep, progress=progress
    )


def sampled(
    two_stage: PopulationFit, sites: Sequence[FittedSite], *, seed: int, chains: int, warmup: int,
    keep: int, progress: bool,
) -> JointFit:  # fmt: skip
    """Sample sites of any kind with their population."""
    for name, value, least in (("chains", chains, 1), ("warmup", warmup, 20), ("keep", keep, 20)):
        whole_at_least(least, name, value, where="population")
    density, xs = joint_density(two_stage, sites, seed)
    starts = [start(density, xs, np.random.default_rng([seed, c])) for c in range(chains)]
    positions, statistics = sample(
        density, starts, warmup=warmup, draws=keep, seed=seed, progress=progress
    )
    values, phi, x = _read(density, positions)
    return JointFit(
        two_stage.form, two_stage.covariates,
        _tree(two_stage, density, {**values, "phi": phi}, statistics, x),
    )  # fmt: skip


@lenient
def _read(density: JointDensity, positions: Position) -> Any:
    """Values, phi and x of positions (chain, draw, ...)."""
    flat = jax.tree.map(lambda a: a.reshape(-1, *a.shape[2:]), positions)
    found = jax.jit(lambda density, at: jax.lax.map(density.read, at))(density, flat)
    shape = next(iter(positions.values())).shape[:2]
    return jax.tree.map(lambda a: np.asarray(a).reshape(*shape, *a.shape[1:]), found)


def _tree(
    two_stage: PopulationFit, density: JointDensity, posterior: Any, statistics: Any,
    x: Sequence[Array],
) -> xr.DataTree:  # fmt: skip
    known, draws = two_stage.covariates, two_stage.draws
    coords = {
        "site": list(draws.sites), "cell": list(known.cells),
        "coordinate": list(draws.coordinates), "other_coordinate": list(draws.coordinates[1:]),
        "driver": list(known.columns),
    }  # fmt: skip
    tree: xr.DataTree = az.from_dict(
        {"posterior": posterior, "sample_stats": statistics}, coords=coords,
        dims={**DIMS, "phi": ["site", "coordinate"]},
    )  # fmt: skip
    rhat, ess = np.zeros(len(draws.sites)), np.zeros(len(draws.sites))
    for own, values in zip(density.groups, x, strict=True):
        data = xr.Dataset({"x": (("chain", "draw", "site", "parameter"), values)})
        member = np.asarray(own.member)
        rhat[member] = az.rhat(data)["x"].max("parameter")
        ess[member] = az.ess(data)["x"].min("parameter")
    found = {"rhat": ("site", rhat), "ess": ("site", ess)}
    tree["diagnostics"] = xr.DataTree(xr.Dataset(found, {"site": coords["site"]}))
    return tree
