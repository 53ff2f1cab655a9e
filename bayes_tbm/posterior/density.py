"""The log density in named parts, on a space where the whole prior is a standard normal.

Everything else is read off this one object: the sampler's target, the NumPyro model, the groups
``log_prior`` and ``log_likelihood`` of a result, and later tempering and bits.
"""

from __future__ import annotations

import dataclasses
import functools
import math
from collections.abc import Callable, Mapping
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from numpy.typing import NDArray

from bayes_tbm import native
from bayes_tbm.model import (
    Forcing,
    Pools,
    Regrowth,
    Run,
    RunSummary,
    Sums,
    Trajectory,
    not_stacked,
    regrow_stacked,
    simulate_stacked,
    summary_of,
)  # fmt: skip
from bayes_tbm.model.regrowth import start_at_age
from bayes_tbm.parameters import TABLE, AbstractPrior, Fixed, Parameters, stack_priors
from bayes_tbm.posterior.edcs import EDC
from bayes_tbm.streams import AbstractBoundStream

_TILE = 8  # rows of a batch that a processor works on together


@jax.tree_util.register_dataclass
@dataclasses.dataclass(frozen=True)
class Parts:
    """The log density of one point, in parts that add up to it.

    Attributes
    ----------
    prior
        By parameter, on the family's natural scale (see `AbstractPrior.log_density`).
    constraint
        By constraint, up to constants.
    stream
        By stream: every point given those before it, (point,).
    """

    prior: dict[str, jax.Array]
    constraint: dict[str, jax.Array]
    stream: dict[str, jax.Array]


@dataclasses.dataclass(frozen=True, eq=False)
class LogDensity:
    """Log density of a calibration.

    Attributes
    ----------
    forcing
        Weather of the site, as `bayes_tbm.model.prepare` made it.
    streams
        Likelihoods, bound to the site's observations.
    priors
        Every parameter's prior, held-fixed ones included.
    constraints
        Ecological constraints that are switched on; without a regrowth run, none that looks at it.
    regrowth
        How the stand's regrowth is run; None where nothing needs it.
    """

    forcing: Forcing
    streams: tuple[AbstractBoundStream, ...]
    priors: Mapping[str, AbstractPrior]
    constraints: tuple[EDC, ...]
    regrowth: Regrowth | None = None

    @functools.cached_property
    def sampled(self) -> tuple[str, ...]:
        """Names of the sampled parameters, in the order of the latent vector."""
        return tuple(n for n, prior in self.priors.items() if not isinstance(prior, Fixed))

    @property
    def dimension(self) -> int:
        """Length of the latent vector."""
        return len(self.sampled)

    @functools.cached_property
    def _families(self) -> list[tuple[tuple[str, ...], NDArray[np.int64], AbstractPrior]]:
        """Sampled parameters by family: names, places in the latent vector, stacked prior."""
        groups: dict[type[AbstractPrior], list[str]] = {}
        for name in self.sampled:
            groups.setdefault(type(self.priors[name]), []).append(name)
        return [
            (
                tuple(names),
                np.array([self.sampled.index(name) for name in names]),
                stack_priors([self.priors[name] for name in names]),
            )
            for names in groups.values()
        ]

    def values(self, z: jax.Array) -> dict[str, jax.Array]:
        """Values of all parameters by name for a latent vector, (dimension,)."""
        fixed = (n for n in self.priors if n not in self.sampled)
        found = {n: self.priors[n].from_normal(jnp.zeros((), z.dtype)) for n in fixed}
        for names, places, prior in self._families:  # one operation a family, not a parameter
            mapped = prior.from_normal(z[places])
            found |= {name: mapped[i] for i, name in enumerate(names)}
        return {name: found[name] for name in self.priors}

    def latent(self, values: Mapping[str, jax.Array]) -> jax.Array:
        """Latent vector for values by name; the inverse of `values`."""
        return jnp.stack([self.priors[name].to_normal(values[name]) for name in self.sampled])

    def run(
        self, values: Mapping[str, jax.Array], *, whole: bool = True
    ) -> tuple[Parameters, Trajectory]:
        """Parameters and trajectory for values by name.

        The stand regrows for as long as is reported; if not ``whole``, for as long as the density
        needs it.
        """
        p = Parameters.from_mapping({name: values[name] for name in TABLE})
        return p, self._run(native.Stacked.of(p), whole).trajectory

    def _run(self, p: native.Stacked, whole: bool) -> Run:
        stand = self._regrown(p, whole)
        start = None
        if self.regrowth and stand is not None and self.regrowth.age is not None:
            start = start_at_age(p.tree, stand, self.regrowth.age)
        run = simulate_stacked(p, self.forcing, start=start)
        return run._replace(trajectory=dataclasses.replace(run.trajectory, regrowth=stand))

    def _regrown(self, p: native.Stacked, whole: bool) -> Pools | None:
        if self.regrowth is None:
            return None
        years = self.regrowth.years if whole else self._needed_years
        return regrow_stacked(p, self.regrowth.climate, years) if years else None

    @functools.cached_property
    def _needed_years(self) -> int:
        """Years of regrowth that streams or constraints see or the record starts from."""
        start = (self.regrowth.age if self.regrowth else None) or 0.0
        seen = [*(s.oldest for s in self.streams), *(c.age for c in self.constraints)]
        return math.ceil(max([start, *seen]))

    def parts(self, z: jax.Array) -> Parts:
        """Log density of a latent vector in named parts."""
        values = self.values(z)
        return self.parts_of(values, *self.run(values))

    def parts_of(self, values: Mapping[str, jax.Array], p: Parameters, run: Trajectory) -> Parts:
        """Log density in named parts of a run and the values it was made with."""
        return Parts(
            prior={name: self.priors[name].log_density(values[name]) for name in self.sampled},
            constraint=self._constraint_terms(p, run),
            stream={s.name: s.log_likelihood(s.series(run, p), values) for s in self.streams},
        )

    def _constraint_terms(self, p: Parameters, run: Trajectory) -> dict[str, jax.Array]:
        seen = summary_of(run, self.forcing)
        return {c.name: c.of_summary(p, seen) for c in self.constraints}

    def __call__(self, z: jax.Array) -> jax.Array:
        """Log density with respect to ``dz``.

        Parameters
        ----------
        z
            Latent vector, (dimension,), or a batch of them, (batch, dimension): on one processor
            the fast way to evaluate several.

        Returns
        -------
        jax.Array
            (), or (batch,).
        """
        if z.ndim == 2 and len(z) > _TILE and jax.default_backend() == "cpu":
            return _in_tiles(self._swept, z)
        return self._swept(z)

    @functools.cached_property
    def values_at(self) -> Callable[[jax.Array], dict[str, jax.Array]]:
        """`values`, compiled once."""
        return jax.jit(self.values)

    @functools.cached_property
    def value(self) -> Callable[[jax.Array], jax.Array]:
        """Value at a latent vector, (dimension,), compiled once."""
        return jax.jit(self)

    @functools.cached_property
    def value_and_gradient(self) -> Callable[[jax.Array], tuple[jax.Array, jax.Array]]:
        """Value and gradient at a latent vector, (dimension,), compiled once."""
        return jax.jit(jax.value_and_grad(self))

    @functools.cached_property
    def _swept(self) -> Callable[[jax.Array], jax.Array]:
        # Compiled or not, what calls it again takes the trace that there is.
        return jax.jit(self._together)

    def _together(self, z: jax.Array) -> jax.Array:
        """Log density of a vector, or of a batch in one sweep."""
        prior = -0.5 * jnp.sum(z**2, axis=-1) - 0.5 * self.dimension * math.log(2.0 * math.pi)
        latent = native.Stacked(jnp.moveaxis(z, -1, 0), jax.tree.structure([0] * self.dimension))
        p, errors = native.fused(self._by_kind, latent)
        run = self._run(p, whole=False)  # time first, batch last
        total: jax.Array = prior + self._constrained(p, run)
        for s in self.streams:
            expected = s.expected(s.series(run.trajectory, p.tree))
            total = total + s.log_density_of(expected, errors.tree)
        return total

    def _by_kind(self, z: list[jax.Array]) -> tuple[Parameters, dict[str, jax.Array]]:
        """Parameters of the model and of the errors for the numbers of a latent vector."""
        latent = dict(zip(self.sampled, z, strict=True))
        values = {n: prior.from_normal(latent.get(n, 0.0)) for n, prior in self.priors.items()}
        p = Parameters.from_mapping({name: values.pop(name) for name in TABLE})
        return p, values

    def _constrained(self, p: native.Stacked, run: Run) -> jax.Array:
        """Sum of all constraints, of each parameter set."""
        rest = not_stacked(run.trajectory, self.forcing)
        stacked = [p, run.start, run.end, run.sums]
        stacked += [native.Stacked.of(rest)] if jax.tree.leaves(rest) else []

        def total(
            p: Parameters, first: Pools, last: Pools, sums: Sums, rest: dict[str, Any] = rest
        ) -> tuple[jax.Array]:
            seen = RunSummary(
                first=first, last=last, total=sums, steps=run.trajectory.steps, **rest
            )
            terms = (c.of_summary(p, seen) for c in self.constraints)
            return (sum(terms, start=jnp.zeros_like(sums.gpp)),)

        found: jax.Array = native.fused(total, *stacked)[0].tree
        return found


@functools.partial(jax.custom_vjp, nondiff_argnums=(0,))
def _in_tiles(function: Callable[[jax.Array], jax.Array], z: jax.Array) -> jax.Array:
    """Apply a function to a batch, a few rows at a time, so that their work stays in the cache."""
    values: jax.Array = _map_tiles(function, z)
    return values


def _values_and_gradients(
    function: Callable[[jax.Array], jax.Array], z: jax.Array
) -> tuple[jax.Array, jax.Array]:
    def tile(rows: jax.Array) -> tuple[jax.Array, jax.Array]:
        values, pull = jax.vjp(function, rows)
        return values, pull(jnp.ones_like(values))[0]  # rows know nothing of each other

    found: tuple[jax.Array, jax.Array] = _map_tiles(tile, z)
    return found


def _map_tiles(function: Callable[[jax.Array], Any], z: jax.Array) -> Any:
    surplus = -len(z) % _TILE
    padded = jnp.concatenate([z, jnp.broadcast_to(z[:1], (surplus, z.shape[1]))])
    found = jax.lax.map(function, padded.reshape(-1, _TILE, z.shape[1]))
    return jax.tree.map(lambda x: x.reshape(-1, *x.shape[2:])[: len(z)], found)


def _from_gradients(
    _: Callable[[jax.Array], jax.Array], gradients: jax.Array, cotangent: jax.Array
) -> tuple[jax.Array]:
    return (cotangent[:, None] * gradients,)


_in_tiles.defvjp(_values_and_gradients, _from_gradients)
