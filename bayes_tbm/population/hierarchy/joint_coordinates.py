"""Coordinates in which a population and its sites are sampled, from what two stages found."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import xarray as xr
from numpy.typing import NDArray
from numpyro import handlers
from numpyro.infer.util import unconstrain_fn

from bayes_tbm.calibration import Calibration
from bayes_tbm.errors import InputError
from bayes_tbm.population.draws import SiteDraws, evenly
from bayes_tbm.population.hierarchy.fit import PopulationFit
from bayes_tbm.population.hierarchy.joint_density import (
    POPULATION,
    CalibratedSite,
    Group,
    JointDensity,
    Position,
    Site,
    name_of,
    prior_model,
)
from bayes_tbm.population.hierarchy.pooled import pooled
from bayes_tbm.population.hierarchy.weights import Parameters
from bayes_tbm.population.runs import LOGIT, coordinate_of
from bayes_tbm.posterior.density import LogDensity
from bayes_tbm.posterior.traced import TracedDensity
from bayes_tbm.results.groups import group
from bayes_tbm.runtime.promotion import lenient
from bayes_tbm.runtime.shared import shared
from bayes_tbm.sampling.coordinates import Coordinates, TracedCoordinates

Array = NDArray[np.float64]
_ROWS = 2000
"""Draws of each site, and of the population, that shape the coordinates."""
_WIDER = 2.0
"""Sds of the population that chains start within, over those of its posterior."""


@dataclasses.dataclass(frozen=True, eq=False)
class FittedSite:
    """A site, and what its own fit found.

    Attributes
    ----------
    site
        Its likelihood.
    x
        Draws under its own prior, (draw, dimension).
    places
        Of what is shared in x.
    """

    site: Site
    x: Array
    places: tuple[int, ...]


def fitted_site(
    name: str, calibration: Calibration, posterior: xr.DataTree, coordinates: Sequence[str]
) -> FittedSite:
    """Site of a calibration and its posterior.

    Raises
    ------
    InputError
        The posterior is of other parameters, or a shared one is not sampled.
    """
    density, draws = calibration.density, group(posterior, "posterior")
    if missing := [n for n in density.sampled if n not in draws]:
        raise InputError(
            where=name, variable=missing[0], rule="must be in the posterior of its calibration"
        )
    if fixed := [n for n in coordinates if n not in density.sampled]:
        raise InputError(where=name, variable=fixed[0], rule="must be free at every site")
    z = _latent(density, draws)
    whole = Coordinates(density, jnp.asarray(z.mean(axis=0))).traced
    shears = tuple(s for s in whole.shears if s.name not in coordinates)
    shares = tuple(coordinate_of(n) is LOGIT for n in coordinates)
    site = CalibratedSite(dataclasses.replace(whole, shears=shears), tuple(coordinates), shares)
    x = np.asarray(shared(_from_latent, site.map)(jnp.asarray(z)))
    return FittedSite(site, x, tuple(site.places))


def _latent(density: LogDensity, draws: xr.Dataset) -> Array:
    """Latent vectors of draws, evenly spaced (draw, dimension)."""
    values = {name: draws[name].values.ravel().astype(float) for name in density.sampled}
    count = len(next(iter(values.values())))
    rows = evenly(count, _ROWS)
    chosen = {name: jnp.asarray(x[rows]) for name, x in values.items()}
    return np.asarray(density.shared(_to_latent)(chosen))


def _to_latent(density: TracedDensity, values: Parameters) -> jax.Array:
    z: jax.Array = jax.vmap(density.latent)(values)
    return z


def _from_latent(map_: TracedCoordinates, z: jax.Array) -> jax.Array:
    x: jax.Array = jax.vmap(map_.from_latent)(z)
    return x


def grouped(sites: Sequence[FittedSite]) -> list[list[int]]:
    """Places of sites whose pytrees are of one form, which one call evaluates together."""
    forms: dict[Any, list[int]] = {}
    for place, own in enumerate(sites):
        leaves, form = jax.tree.flatten(own.site)
        forms.setdefault((form, tuple(map(np.shape, leaves)), own.places), []).append(place)
    return list(forms.values())


@lenient
def joint_density(
    two_stage: PopulationFit, sites: Sequence[FittedSite], seed: int
) -> tuple[JointDensity, list[Array]]:
    """Build the density in coordinates that suit it, and draws of x by group (site, draw, place).

    Draws of the population, each with a draw of every site by its weight there, are draws of
    all together, as far as two stages are right: their covariances are the metric, a block a
    site and one for the population. The posterior is the same whatever the metric.
    """
    count = min(len(own.x) for own in sites)
    members = grouped(sites)
    xs = [np.stack([sites[n].x[:count] for n in places]) for places in members]
    groups = [
        _unwhitened([sites[n] for n in places], places, x.shape[2])
        for places, x in zip(members, xs, strict=True)
    ]
    draws = _site_draws(two_stage, groups, xs)
    chosen = pooled(two_stage, draws, np.random.default_rng(seed), _ROWS)
    values = two_stage.parameters(_ROWS)
    shapes, own = _unbounded(two_stage, values)
    center, scale = _moments(own)
    density = JointDensity(
        tuple(groups), two_stage.data(), jnp.asarray(center), jnp.asarray(scale), shapes,
        two_stage.form,
    )  # fmt: skip
    mean, sd = jax.jit(jax.vmap(density.mean_and_sd))(values)
    shaped = [_shaped(g, x, chosen, mean, sd) for g, x in zip(groups, xs, strict=True)]
    return dataclasses.replace(density, groups=tuple(shaped)), xs


def _unwhitened(members: Sequence[FittedSite], places: Sequence[int], dimension: int) -> Group:
    """Stack sites of one form, in coordinates that nothing has shaped yet."""
    own = [member.site for member in members]
    sites = jax.tree.map(lambda *leaf: jnp.stack([jnp.asarray(x) for x in leaf]), *own)
    zero = jnp.zeros((len(own), dimension))
    middle, log_slope = jax.jit(jax.vmap(lambda site, x: site.shared(x)))(sites, zero)
    eye = jnp.broadcast_to(jnp.eye(dimension), (len(own), dimension, dimension))
    return Group(
        sites, jnp.asarray(places), middle, jnp.exp(log_slope), jnp.ones_like(middle), zero, eye,
        members[0].places,
    )  # fmt: skip


def _site_draws(
    two_stage: PopulationFit, groups: Sequence[Group], xs: Sequence[Array]
) -> SiteDraws:
    """Draws as the population weighs them: phi, and its density under each site's own prior."""
    sites, count = len(two_stage.draws.sites), xs[0].shape[1]
    phi = np.zeros((sites, count, len(two_stage.draws.coordinates)))
    log_prior = np.zeros((sites, count))
    for own, x in zip(groups, xs, strict=True):
        of_draws = jax.jit(jax.vmap(lambda site, x: jax.vmap(site.shared)(x)))
        found, log_slope = of_draws(own.sites, jnp.asarray(x))
        member = np.asarray(own.member)
        z = x[..., list(own.places)]
        phi[member] = found
        log_prior[member] = np.sum(-0.5 * z**2 - log_slope, axis=2)
    effective = np.minimum(two_stage.draws.effective, count)
    return SiteDraws(two_stage.draws.sites, two_stage.draws.coordinates, phi, log_prior, effective)


def _unbounded(two_stage: PopulationFit, values: Parameters) -> tuple[Any, Array]:
    """Names and shapes of the population's unbounded parameters, and draws (draw, parameter)."""
    data, form = two_stage.data(), two_stage.form
    trace = handlers.trace(handlers.seed(prior_model, 0)).get_trace(form, data)
    names = sorted(name for name, site in trace.items() if site["type"] == "sample")
    own = {name: values[name] for name in names if np.size(values[name])}
    unbounded = jax.vmap(lambda v: unconstrain_fn(prior_model, (form, data), {}, v))
    found = jax.jit(unbounded)(own)
    shapes = tuple((name, tuple(found[name].shape[1:])) for name in own)
    flat = [np.reshape(found[name], (len(found[name]), -1)) for name in own]
    return shapes, np.concatenate(flat, axis=1)


def _shaped(
    own: Group, x: Array, chosen: NDArray[np.int_], mean: jax.Array, sd: jax.Array
) -> Group:
    """Group partly centred, and whitened by the draws of all together."""
    member = np.asarray(own.member)
    variance = jnp.asarray(x[..., list(own.places)].var(axis=1))
    precision = jnp.maximum(1.0 / variance - 1.0, 0.0)  # the own prior of z has variance 1
    t = sd.mean(axis=0)[own.member] / own.slope
    own = dataclasses.replace(own, centred=t**2 * precision / (t**2 * precision + 1.0))
    to_y = jax.jit(jax.vmap(own.from_sites))
    at = x[np.arange(len(member)), chosen[:, member]]
    prior = x[:, np.arange(len(chosen)) % x.shape[1]].swapaxes(0, 1)
    y, wide = (np.asarray(to_y(jnp.asarray(v), mean, sd)) for v in (at, prior))
    count, dimension = y.shape[0], y.shape[2]
    center = y.mean(axis=0)
    # where few draws have all the weight, those under the own prior count as one a dimension
    covariance = [
        (count * np.cov(y[:, n].T) + dimension * np.cov(wide[:, n].T)) / (count + dimension)
        for n in range(len(member))
    ]
    return dataclasses.replace(
        own, center=jnp.asarray(center), scale=jnp.linalg.cholesky(jnp.asarray(covariance))
    )


def _moments(draws: Array) -> tuple[Array, Array]:
    """Mean and a root of the covariance, with variances that count as one draw a parameter."""
    count, dimension = draws.shape
    covariance = np.atleast_2d(np.cov(draws.T))
    shrunk = count * covariance + dimension * np.diag(np.diag(covariance))
    return draws.mean(axis=0), np.linalg.cholesky(shrunk / (count + dimension))


@lenient
def start(density: JointDensity, xs: Sequence[Array], rng: np.random.Generator) -> Position:
    """Position wider than the posterior: a draw of each site under its own prior.

    The population's parameters scatter twice as far as theirs.
    """
    v = jnp.asarray(_WIDER * rng.standard_normal(len(density.center)))
    mean, sd = jax.jit(lambda v: density.mean_and_sd(density.population(v)[1]))(v)
    position = {POPULATION: v}
    for number, (own, x) in enumerate(zip(density.groups, xs, strict=True)):
        rows = rng.integers(x.shape[1], size=len(x))
        y = own.from_sites(jnp.asarray(x[np.arange(len(x)), rows]), mean, sd)
        w = jnp.linalg.solve(own.scale, (y - own.center)[..., None])[..., 0]
        position[name_of(number)] = w
    return position
