"""Coordinates in which the posterior is easier to walk: shears that change no volume.

Data speak of products and balances. Mean leaf area is NPP times the canopy's share times leaf
lifespan over LCMA; respiration of plants, litter and soil together is what NEE and GPP leave. In
the prior's own coordinates each of these is a narrow, curved valley. Measuring a parameter from
where the others put it, ``z_i = x_i + shift(others)``, straightens the valley. The determinant of
such a map is one, so the density needs no correction, and the posterior is the same whatever the
shift.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from numpy.typing import NDArray

from bayes_tbm.parameters import Fixed
from bayes_tbm.posterior.density import LogDensity
from bayes_tbm.posterior.traced import TracedDensity
from bayes_tbm.runtime.shared import shared
from bayes_tbm.sampling.adaptation import Metric
from bayes_tbm.sampling.valleys import RULES, Numbers, Values

Array = NDArray[np.float64]
_BLOCK = 256  # draws that are mapped together: any number of them is mapped by the same code


@jax.tree_util.register_dataclass
@dataclasses.dataclass(frozen=True)
class _Shear:
    """How one parameter is shifted: by its rule, less what that gives at the reference point."""

    name: str = dataclasses.field(metadata={"static": True})
    numbers: Numbers
    reference: Any
    slope: Any

    def shift(self, values: Values) -> jax.Array:
        place = RULES[self.name].place(values, self.numbers)
        shift: jax.Array = (place - self.reference) / self.slope
        return shift


@jax.tree_util.register_dataclass
@dataclasses.dataclass(frozen=True)
class TracedCoordinates:
    """The map and the density behind it as JAX traces them; a function of a position."""

    density: TracedDensity
    shears: tuple[_Shear, ...]

    def to_latent(self, x: jax.Array) -> jax.Array:
        """Latent vector at sampler coordinates, (dimension,)."""
        return self._sheared(x, self.shears, 1.0)

    def from_latent(self, z: jax.Array) -> jax.Array:
        """Sampler coordinates of a latent vector; the inverse of `to_latent`."""
        return self._sheared(z, self.shears[::-1], -1.0)

    def _sheared(self, x: jax.Array, shears: Sequence[_Shear], sign: float) -> jax.Array:
        values = self.density.values(x) if shears else {}
        for shear in shears:
            index = self.density.sampled.index(shear.name)
            moved = x[index] + sign * shear.shift(values)
            x = x.at[index].set(moved)
            values[shear.name] = self.density.value(shear.name, moved)
        return x

    def __call__(self, x: jax.Array) -> jax.Array:
        """Log density with respect to ``dx``."""
        return self.density.log_density(self.to_latent(x))


def _pull(map_: TracedCoordinates, x: jax.Array, gradient: jax.Array) -> jax.Array:
    pulled: jax.Array = jax.vjp(map_.to_latent, x)[1](gradient)[0]
    return pulled


def _all_to_latent(map_: TracedCoordinates, x: jax.Array) -> jax.Array:
    z: jax.Array = jax.vmap(map_.to_latent)(x)
    return z


class Coordinates:
    """Map from the sampler's coordinates to the latent space of a density.

    Parameters
    ----------
    density
        Whose latent space is mapped.
    reference
        Latent vector, such as a mode, near which the map should fit; it maps to itself.

    Attributes
    ----------
    traced
        The log density as a function of a position, with its numbers as leaves of a pytree.
    """

    def __init__(self, density: LogDensity, reference: jax.Array) -> None:
        self._density = density
        at, shears = density.values_at(reference), []
        for name, rule in RULES.items():
            prior = density.priors[name]
            numbers = None if isinstance(prior, Fixed) else rule.fit(density, at)
            if numbers is None:
                continue
            on_scale = lambda z, p=prior, s=rule.scale: s(p.from_normal(z))  # noqa: E731
            slope = jax.grad(on_scale)(reference[density.sampled.index(name)])
            shears.append(_Shear(name, numbers, rule.scale(at[name]), slope))
        self.traced = TracedCoordinates(density.traced, tuple(shears))
        self._to_latent = shared(TracedCoordinates.to_latent, self.traced)
        self._from_latent = shared(TracedCoordinates.from_latent, self.traced)
        self._pull = shared(_pull, self.traced)

    def to_latent(self, x: jax.Array) -> jax.Array:
        """Latent vector at sampler coordinates, (dimension,)."""
        return self.traced.to_latent(x)

    def from_latent(self, z: jax.Array) -> jax.Array:
        """Sampler coordinates of a latent vector; the inverse of `to_latent`."""
        return self.traced.from_latent(z)

    def all_to_latent(self, x: Array) -> Array:
        """Latent vectors of draws, (chain, draw, dimension)."""
        rows = x.reshape(-1, x.shape[-1])
        surplus = -len(rows) % _BLOCK
        blocks = np.pad(rows, ((0, surplus), (0, 0)), "edge").reshape(-1, _BLOCK, x.shape[-1])
        to_latent = shared(_all_to_latent, self.traced)
        z = np.concatenate([to_latent(jnp.asarray(block)) for block in blocks])
        return z[: len(rows)].reshape(x.shape)

    def laplace(self, position: Array, scale: Array) -> Metric:
        """Turn a normal approximation at a latent vector with the map's own slope there."""
        center = self._from_latent(jnp.asarray(position))
        # Row by row from what is compiled anyway.
        slope = np.array([self._pull(center, row) for row in np.eye(len(position))])
        return Metric(np.asarray(center), np.linalg.solve(slope, scale))

    def value_and_gradient(self, x: jax.Array) -> tuple[jax.Array, jax.Array]:
        """Log density and its gradient, from what the density has compiled already."""
        value, gradient = self._density.value_and_gradient(self._to_latent(x))
        return value, self._pull(x, gradient)

    def log_density(self, x: jax.Array) -> jax.Array:
        """Log density with respect to ``dx``."""
        return self.traced(x)
