"""The log density of a population and all parameters of all its sites, as one function.

    log p(psi) + sum_i [ log L_i(theta_i) + log p(phi_i | psi, x_i) + log q(eta_i) + log C_i ]

with psi the population, phi_i what sites share, eta_i the rest of a site's parameters under their
own priors q, and C_i the site's ecological constraints, a part of its likelihood here as in
`bayes_tbm.fit_population`. Bounds of phi are those of each site's own prior: its likelihood is nil
beyond them, and the population is not normalised within, as no sum over draws does it either.
"""

from __future__ import annotations

import dataclasses
import functools
import math
from typing import Any, Protocol

import jax
import jax.numpy as jnp
import numpyro
import numpyro.distributions as dist
from jax.scipy.special import logit
from numpyro.infer.util import constrain_fn, potential_energy

from bayes_tbm.population.hierarchy.model import Data, Form, hyperparameters, location
from bayes_tbm.population.hierarchy.weights import population_mean
from bayes_tbm.sampling.coordinates import TracedCoordinates

Position = dict[str, jax.Array]
POPULATION = "population"


class Site(Protocol):
    """A site, as a pytree; ``x`` (dimension,) holds standard normals, but for shears among eta."""

    def log_likelihood(self, x: jax.Array) -> jax.Array:
        """Log likelihood, constraints, and prior of all but what is shared, with respect to dx."""

    def shared(self, x: jax.Array) -> tuple[jax.Array, jax.Array]:
        """Return phi, unbounded (coordinate,), and log slopes of each in its place of x."""


@jax.tree_util.register_dataclass
@dataclasses.dataclass(frozen=True)
class CalibratedSite:
    """A calibration as a site of a population.

    Attributes
    ----------
    map
        Coordinates whose shears leave what is shared alone.
    names
        Of the shared parameters.
    shares
        Which of them are shares, whose logit is taken, and not their logarithm.
    """

    map: TracedCoordinates
    names: tuple[str, ...] = dataclasses.field(metadata={"static": True})
    shares: tuple[bool, ...] = dataclasses.field(metadata={"static": True})

    @property
    def places(self) -> list[int]:
        """Of what is shared in a latent vector."""
        return [self.map.density.sampled.index(name) for name in self.names]

    def log_likelihood(self, x: jax.Array) -> jax.Array:
        """Log density without the interim prior of what is shared."""
        shared = x[jnp.asarray(self.places)]
        return self.map(x) - jnp.sum(_log_normal(shared))

    def shared(self, x: jax.Array) -> tuple[jax.Array, jax.Array]:
        """Phi, and the logarithm of its slope by the latent coordinate."""
        place = jnp.asarray(self.places)

        def phi(z: jax.Array) -> jax.Array:
            values = self.map.density.values(x.at[place].set(z))
            each = zip(self.names, self.shares, strict=True)
            return jnp.stack([(logit if s else jnp.log)(values[n]) for n, s in each])

        z = x[place]
        found, slope = jax.jvp(phi, (z,), (jnp.ones_like(z),))  # each depends on its own alone
        return found, jnp.log(slope)


def _log_normal(z: jax.Array) -> jax.Array:
    return -0.5 * z**2 - 0.5 * math.log(2.0 * math.pi)


@jax.tree_util.register_dataclass
@dataclasses.dataclass(frozen=True)
class Group:
    """Sites of one form, stacked, and the coordinates in which they are sampled.

    A position w is whitened: y = center + scale w. Of y, what is shared is partly centred,
    z = m + t^(1 - l) (u - l m), with m and t the population's mean and sd at the site in units of
    the latent coordinate near its middle; the rest is x as it is. Any m and t make a bijection.

    Attributes
    ----------
    sites
        Pytree, leaves (site, ...).
    member
        Place of each among all sites, (site,).
    middle, slope
        Phi and its slope where the latent coordinate is zero, (site, coordinate).
    centred
        l, from 0 (offsets from the population are sampled) to 1 (phi itself), (site, coordinate).
    center, scale
        Of y, (site, dimension) and (site, dimension, dimension).
    places
        Of what is shared in x.
    """

    sites: Any
    member: jax.Array
    middle: jax.Array
    slope: jax.Array
    centred: jax.Array
    center: jax.Array
    scale: jax.Array
    places: tuple[int, ...] = dataclasses.field(metadata={"static": True})

    def units(self, mean: jax.Array, sd: jax.Array) -> tuple[jax.Array, jax.Array]:
        """Return m and t from mean and sd of the population at all sites."""
        m = (mean[self.member] - self.middle) / self.slope
        return m, sd[self.member] / self.slope

    def to_sites(self, w: jax.Array, mean: jax.Array, sd: jax.Array) -> tuple[jax.Array, jax.Array]:
        """Sites' x (site, dimension), and the log slope of z by u (site,)."""
        y = self.center + jnp.einsum("nij,nj->ni", self.scale, w)
        place = jnp.asarray(self.places)
        m, t = self.units(mean, sd)
        z = m + t ** (1.0 - self.centred) * (y[:, place] - self.centred * m)
        return y.at[:, place].set(z), self.log_stretch(t)

    def log_stretch(self, t: jax.Array) -> jax.Array:
        """Log slope of z by u, summed over coordinates, (site,)."""
        return jnp.sum((1.0 - self.centred) * jnp.log(t), axis=1)

    def from_sites(self, x: jax.Array, mean: jax.Array, sd: jax.Array) -> jax.Array:
        """Y of sites' x, (site, dimension): the inverse but for the whitening."""
        place = jnp.asarray(self.places)
        m, t = self.units(mean, sd)
        u = self.centred * m + (x[:, place] - m) * t ** (self.centred - 1.0)
        return x.at[:, place].set(u)


@jax.tree_util.register_dataclass
@dataclasses.dataclass(frozen=True)
class JointDensity:
    """Log density of a whitened position: of the population, and of each group of sites.

    Attributes
    ----------
    groups
        Sites, by form.
    data
        What the population's model is a function of.
    center, scale
        Of its unbounded parameters, (parameter,) and (parameter, parameter).
    shapes
        Names and shapes of these, in their order.
    form
        Which population.
    """

    groups: tuple[Group, ...]
    data: Data
    center: jax.Array
    scale: jax.Array
    shapes: tuple[tuple[str, tuple[int, ...]], ...] = dataclasses.field(metadata={"static": True})
    form: Form = dataclasses.field(metadata={"static": True})

    def __call__(self, position: Position) -> jax.Array:
        """Log density with respect to the position, up to a constant."""
        total, values = self.population(position[POPULATION])
        mean, factors = self.at_sites(values)
        sd = jnp.sqrt(jnp.sum(factors**2, axis=2))
        for number, group in enumerate(self.groups):
            x, stretch = group.to_sites(position[name_of(number)], mean, sd)
            likelihood = jax.vmap(lambda site, x: site.log_likelihood(x))(group.sites, x)
            phi, log_slope = jax.vmap(lambda site, x: site.shared(x))(group.sites, x)
            prior = self._log_prior(phi, mean[group.member], factors[group.member])
            total = total + jnp.sum(likelihood + prior + jnp.sum(log_slope, axis=1) + stretch)
        return total

    def population(self, v: jax.Array) -> tuple[jax.Array, dict[str, jax.Array]]:
        """Log prior of the population's whitened parameters, and their values by name."""
        own = split(self.center + self.scale @ v, self.shapes)
        model = functools.partial(prior_model, self.form)
        values = constrain_fn(model, (self.data,), {}, own, return_deterministic=True)
        return -potential_energy(model, (self.data,), {}, own), values

    def at_sites(self, values: dict[str, jax.Array]) -> tuple[jax.Array, jax.Array]:
        """Mean (site, coordinate) and Cholesky factor of the covariance of each site."""
        known = {"means": jnp.zeros(0), **values}
        mean = population_mean(known, values["location"])
        return mean, values["factors"][self.data["alone"]]

    def mean_and_sd(self, values: dict[str, jax.Array]) -> tuple[jax.Array, jax.Array]:
        """Mean and sd of the population at each site, (site, coordinate)."""
        mean, factors = self.at_sites(values)
        return mean, jnp.sqrt(jnp.sum(factors**2, axis=2))

    def _log_prior(self, phi: jax.Array, mean: jax.Array, factors: jax.Array) -> jax.Array:
        freedom = self.form.freedom
        if freedom is None:
            population = dist.MultivariateNormal(mean, scale_tril=factors)
        else:
            population = dist.MultivariateStudentT(freedom, mean, factors)
        found: jax.Array = population.log_prob(phi)
        return found

    def read(self, position: Position) -> tuple[dict[str, jax.Array], jax.Array, list[jax.Array]]:
        """Values of the population, phi (site, coordinate) of all sites, x of each group."""
        values = self.population(position[POPULATION])[1]
        mean, sd = self.mean_and_sd(values)
        phi, found = jnp.zeros_like(mean), []
        for number, group in enumerate(self.groups):
            x = group.to_sites(position[name_of(number)], mean, sd)[0]
            own = jax.vmap(lambda site, x: site.shared(x)[0])(group.sites, x)
            phi = phi.at[group.member].set(own)
            found.append(x)
        return values, phi, found


def name_of(group: int) -> str:
    """Name of a group's part of a position."""
    return f"sites_{group}"


def prior_model(form: Form, data: Data) -> None:
    """Prior of the population's parameters, and its mean at every site."""
    values = hyperparameters(form, data)
    numpyro.deterministic("location", location(form, values, data, values))


def split(vector: jax.Array, shapes: tuple[tuple[str, tuple[int, ...]], ...]) -> Position:
    """Arrays by name of one vector."""
    found, first = {}, 0
    for name, shape in shapes:
        size = math.prod(shape)
        found[name] = vector[first : first + size].reshape(shape)
        first += size
    return found
