"""Coordinates in which the posterior is easier to walk: shears that change no volume.

Data speak of products and balances. Mean leaf area is NPP times the canopy's share times leaf
lifespan over LCMA; respiration of plants, litter and soil together is what NEE and GPP leave. In
the prior's own coordinates each of these is a narrow, curved valley. Measuring a parameter from
where the others put it, ``z_i = x_i + shift(others)``, straightens the valley. The determinant of
such a map is one, so the density needs no correction, and the posterior is the same whatever the
shift.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import jax
import jax.numpy as jnp
import numpy as np
from jax.scipy.special import logit
from numpy.typing import NDArray

from bayes_tbm.parameters import Fixed
from bayes_tbm.posterior.density import LogDensity
from bayes_tbm.sampling.adaptation import Metric
from bayes_tbm.units import DAYS_PER_YEAR

Array = NDArray[np.float64]
Values = Mapping[str, jax.Array]
Rule = Callable[[Values], jax.Array]
_FEW_AGES = 2  # at which a stand is seen, for allocation and residence time to trade freely


def _leaf_carbon_per_area(density: LogDensity, at: Values) -> Rule:
    """LCMA at which mean leaf area is that of the reference point."""
    reference = float(jnp.log(at["leaf_carbon_per_area"] / _foliage_per_gpp(at)))
    return lambda v: reference + jnp.log(_foliage_per_gpp(v))


def _foliage_per_gpp(v: Values) -> jax.Array:
    """Mean foliage over GPP, up to a constant.

    Autumn leaves ``1 - 1 / L`` of the foliage, so a year's growth ``A`` ends in ``A (L - 1)`` after
    leaf fall; what grew this year is there for about 0.4 of it.
    """
    ratio = v["canopy_to_root_allocation"]
    npp = 1.0 - v["autotrophic_fraction"]
    return npp * (1.0 - v["allocation_wood"]) * ratio / (1.0 + ratio) * (v["leaf_lifespan"] - 0.6)


def _initial_labile(density: LogDensity, at: Values) -> Rule:
    """Labile carbon that could grow at first the leaf area that it can at the reference point."""
    reference = float(jnp.log(at["initial_labile"] / at["leaf_carbon_per_area"]))
    return lambda v: reference + jnp.log(v["leaf_carbon_per_area"])


def _autotrophic_fraction(density: LogDensity, at: Values) -> Rule:
    """Autotrophic fraction at which ecosystem respiration over GPP is that of the reference point.

    Roots, wood, litter and soil respire a share of the NPP they get and something of what they
    held at first; with GPP as at the reference, both follow from a linear chain of pools.
    """
    mean_gpp = jax.jit(lambda at: density.run(at, whole=False)[1].fluxes.gpp.mean())
    gpp = float(mean_gpp(dict(at))) * DAYS_PER_YEAR
    years = float(density.forcing.step_length.sum()) / DAYS_PER_YEAR
    variance = float(jnp.var(density.forcing.warmth))

    def shares(v: Values) -> tuple[jax.Array, jax.Array]:
        of_npp, of_pools = _respired(v, years, variance)
        return of_npp, of_pools / gpp

    of_npp, of_pools = shares(at)
    total = float(at["autotrophic_fraction"] * (1.0 - of_npp) + of_npp + of_pools)

    def rule(v: Values) -> jax.Array:
        of_npp, of_pools = shares(v)
        return (total - of_npp - of_pools) / (1.0 - of_npp)

    return rule


def _respired(v: Values, years: float, variance: float, steps: int = 24) -> jax.Array:
    """Mean heterotrophic respiration per unit of NPP, and that of the first pools, per year; (2,).

    Implicit steps through the linear pools under the mean climate: good enough to say where a
    parameter should be, and cheap beside a run.
    """
    climate = jnp.exp(0.5 * v["temperature_sensitivity"] ** 2 * variance)
    root_lost, wood_lost = 1.0 / v["root_residence_time"], 1.0 / v["wood_residence_time"]
    litter_respired = climate / v["litter_residence_time"]
    decomposed = climate / v["litter_decomposition_time"]
    som_respired = climate / v["som_residence_time"]
    ratio, rest = v["canopy_to_root_allocation"], 1.0 - v["allocation_wood"]
    npp, dt = jnp.array([1.0, 0.0]), years / steps
    to_wood, to_root = npp * v["allocation_wood"], npp * rest / (1.0 + ratio)
    to_litter = npp * rest - to_root
    held = jnp.array([0.0, 1.0])
    first = tuple(held * v[f"initial_{pool}"] for pool in ("root", "wood", "litter", "som"))

    def body(pools: tuple[jax.Array, ...], _: None) -> tuple[tuple[jax.Array, ...], jax.Array]:
        root, wood, litter, som = pools
        root = (root + dt * to_root) / (1.0 + dt * root_lost)
        wood = (wood + dt * to_wood) / (1.0 + dt * wood_lost)
        fallen = to_litter + root * root_lost
        litter = (litter + dt * fallen) / (1.0 + dt * (litter_respired + decomposed))
        passed = wood * wood_lost + litter * decomposed
        som = (som + dt * passed) / (1.0 + dt * som_respired)
        return (root, wood, litter, som), litter * litter_respired + som * som_respired

    _, respired = jax.lax.scan(body, first, None, length=steps)
    return respired.mean(axis=0)


def _allocation_wood(density: LogDensity, at: Values) -> Rule | None:
    """Wood's share of NPP at which a stand of the observed age holds what it does at the reference.

    A single stock fixes one combination of allocation and residence time, ``a tau (1 - exp(-t /
    tau))``: a bent ridge as long as the prior. A curve fixes both, and bends nothing.
    """
    ages = [float(age) for stream in density.streams for age in stream.ages]
    if not ages or len(ages) > _FEW_AGES:
        return None
    age = sum(ages) / len(ages)

    def per_share(v: Values) -> jax.Array:
        tau = v["wood_residence_time"]
        return jnp.log(tau) + jnp.log(-jnp.expm1(-age / tau))

    reference = float(jnp.log(at["allocation_wood"]) + per_share(at))

    def rule(v: Values) -> jax.Array:
        share = jnp.exp(reference - per_share(v))  # above one where residence is too short
        return logit(share * (1.0 + share**4) ** -0.25)

    return rule


def _same(value: jax.Array) -> jax.Array:
    return value


# By parameter: the scale on which it is shifted, and the rule for where to, on that scale.
# Order matters: a rule may use parameters that no later entry shifts.
# A rule may find that it has nothing to say.
_RULES: dict[str, tuple[Callable[[jax.Array], jax.Array], Callable[..., Rule | None]]] = {
    "allocation_wood": (logit, _allocation_wood),
    "autotrophic_fraction": (_same, _autotrophic_fraction),
    "leaf_carbon_per_area": (jnp.log, _leaf_carbon_per_area),
    "initial_labile": (jnp.log, _initial_labile),
}


class Coordinates:
    """Map from the sampler's coordinates to the latent space of a density.

    Parameters
    ----------
    density
        Whose latent space is mapped.
    reference
        Latent vector, such as a mode, near which the map should fit; it maps to itself.
    """

    def __init__(self, density: LogDensity, reference: jax.Array) -> None:
        self._density = density
        self._shears = []
        at = density.values_at(reference)
        for name, (scale, make) in _RULES.items():
            prior = density.priors[name]
            if isinstance(prior, Fixed):
                continue
            rule = make(density, at)
            if rule is None:
                continue
            index = density.sampled.index(name)
            on_scale = lambda z, p=prior, s=scale: s(p.from_normal(z))  # noqa: E731
            slope = float(jax.grad(on_scale)(reference[index]))
            self._shears.append((index, rule, float(scale(at[name])), slope))

        self._to_latent = jax.jit(self.to_latent)
        self._with_slope = jax.jit(lambda z: (self.from_latent(z), jax.jacfwd(self.from_latent)(z)))
        self._pull = jax.jit(lambda x, gradient: jax.vjp(self.to_latent, x)[1](gradient)[0])

    def to_latent(self, x: jax.Array) -> jax.Array:
        """Latent vector at sampler coordinates, (dimension,)."""
        for index, rule, reference, slope in self._shears:
            shift = (rule(self._density.values(x)) - reference) / slope
            x = x.at[index].add(shift)
        return x

    def from_latent(self, z: jax.Array) -> jax.Array:
        """Sampler coordinates of a latent vector; the inverse of `to_latent`."""
        for index, rule, reference, slope in reversed(self._shears):
            shift = (rule(self._density.values(z)) - reference) / slope
            z = z.at[index].add(-shift)
        return z

    def laplace(self, position: Array, scale: Array) -> Metric:
        """Turn a normal approximation at a latent vector with the map's own slope there."""
        center, slope = self._with_slope(jnp.asarray(position))
        return Metric(np.asarray(center), np.asarray(slope) @ scale)

    def value_and_gradient(self, x: jax.Array) -> tuple[jax.Array, jax.Array]:
        """Log density and its gradient, from what the density has compiled already."""
        value, gradient = self._density.value_and_gradient(self._to_latent(x))
        return value, self._pull(x, gradient)

    def log_density(self, x: jax.Array) -> jax.Array:
        """Log density with respect to ``dx``."""
        return self._density(self.to_latent(x))
