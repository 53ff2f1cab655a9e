"""The log density as JAX traces it: its numbers are arguments, only its form is compiled in.

The form is which parameters are sampled under which families, which streams with which error
models, which constraints, and how many steps and points there are. Posteriors of one form, of one
site or of many, share all that is traced and compiled (`bayes_tbm.runtime.shared`).
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping, Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from bayes_tbm import native
from bayes_tbm.model import (
    Cycle,
    Forcing,
    Pools,
    Run,
    RunSummary,
    Sums,
    Trajectory,
    not_stacked,
    regrow_stacked,
    simulate_stacked,
    summary_of,
)  # fmt: skip
from bayes_tbm.model.derived import mean_of_year
from bayes_tbm.model.regrowth import start_at_age
from bayes_tbm.parameters import TABLE, AbstractPrior, Fixed, Parameters
from bayes_tbm.posterior.edcs import EDC
from bayes_tbm.streams import AbstractBoundStream

_TILE = 8  # rows of a batch that a processor works on together
Families = tuple[tuple[str, type[AbstractPrior]], ...]


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


@jax.tree_util.register_dataclass
@dataclasses.dataclass(frozen=True, kw_only=True)
class TracedDensity:
    """A log density, with numbers that JAX may trace.

    Attributes
    ----------
    weather
        Forcing of the record, stacked.
    streams
        Likelihoods, `AbstractBoundStream.ready`.
    numbers
        What priors are made of, by parameter, stacked.
    stand, whole_stand
        Weather of the stand's life for as long as the density needs it, and for as long as is
        reported; None where that is not run.
    instead
        Forcing of the stand's life for as long as the record is, from the season it begins in.
    age
        Of the stand at the start of the record, yr; None where that is not tied to the regrowth.
    families
        Every parameter and the family of its prior.
    constraints
        Ecological constraints that are switched on.
    """

    weather: native.Stacked
    streams: tuple[AbstractBoundStream, ...]
    numbers: native.Stacked
    stand: Cycle | None
    whole_stand: Cycle | None
    instead: native.Stacked | None
    age: Any | None
    families: Families = dataclasses.field(metadata={"static": True})
    constraints: tuple[EDC, ...] = dataclasses.field(metadata={"static": True})

    @property
    def forcing(self) -> Forcing:
        """Forcing of the record."""
        forcing: Forcing = self.weather.tree
        return forcing

    @property
    def sampled(self) -> tuple[str, ...]:
        """Names of the sampled parameters, in the order of the latent vector."""
        return tuple(name for name, family in self.families if family is not Fixed)

    def _names(self) -> dict[type[AbstractPrior], list[str]]:
        """Names of parameters by family."""
        groups: dict[type[AbstractPrior], list[str]] = {}
        for name, family in self.families:
            groups.setdefault(family, []).append(name)
        return groups

    def _by_family(self) -> list[tuple[list[str], AbstractPrior]]:
        """Parameters by family, with one prior of arrays each: one operation for all of them."""
        places = self.numbers.unflatten(range(len(self.numbers.array)))
        groups = self._names()
        rows = {family: np.array([places[n] for n in names]).T for family, names in groups.items()}
        return [
            (names, family.of_numbers(list(self.numbers.array[rows[family]])))
            for family, names in groups.items()
        ]

    def values(self, z: jax.Array) -> dict[str, jax.Array]:
        """Values of all parameters by name for a latent vector, (dimension,)."""
        return self.by_name(self.values_by_family(z))

    def values_by_family(self, z: jax.Array) -> list[jax.Array]:
        """Values of all parameters likewise, in one array for each family."""
        place = {name: i for i, name in enumerate(self.sampled)}
        padded = jnp.append(z, jnp.zeros((), z.dtype))  # what is fixed takes the last
        return [
            prior.from_normal(padded[np.array([place.get(name, -1) for name in names])])
            for names, prior in self._by_family()
        ]

    def value(self, name: str, z: jax.Array) -> jax.Array:
        """Value of one sampled parameter for its entry of the latent vector, of shape ()."""
        places = self.numbers.unflatten(range(len(self.numbers.array)))[name]
        prior = dict(self.families)[name].of_numbers([self.numbers.array[i] for i in places])
        return prior.from_normal(z)

    def prior_by_family(self, values: Sequence[jax.Array]) -> list[jax.Array]:
        """Log density of all parameters' values, both in one array for each family."""
        priors = (prior for _, prior in self._by_family())
        return [
            jnp.zeros_like(group) if isinstance(prior, Fixed) else prior.log_density(group)
            for prior, group in zip(priors, values, strict=True)
        ]

    def by_name(self, groups: Sequence[Any]) -> dict[str, Any]:
        """Return by parameter what is in one array, (..., parameter), for each family.

        Of JAX's arrays or of NumPy's: in machine code each name would be a piece of its own.
        """
        found = {
            name: group[..., i]
            for names, group in zip(self._names().values(), groups, strict=True)
            for i, name in enumerate(names)
        }
        return {name: found[name] for name, _ in self.families}

    def latent(self, values: Mapping[str, jax.Array]) -> jax.Array:
        """Latent vector for values by name; the inverse of `values`."""
        found = self._of_sampled(values, "to_normal")
        return jnp.stack([found[name] for name in self.sampled])

    def _of_sampled(self, values: Mapping[str, jax.Array], method: str) -> dict[str, jax.Array]:
        """Call a method of each sampled parameter's prior on its value."""
        found: dict[str, jax.Array] = {}
        for names, prior in self._by_family():
            if isinstance(prior, Fixed):
                continue
            given = jnp.stack([jnp.asarray(values[name], float) for name in names])
            result = getattr(prior, method)(given)
            found |= {name: result[i] for i, name in enumerate(names)}
        return {name: found[name] for name in self.sampled}

    def run(
        self, values: Mapping[str, jax.Array], *, whole: bool = True
    ) -> tuple[Parameters, Trajectory]:
        """Parameters and trajectory for values by name.

        The stand regrows for as long as is reported; if not ``whole``, for as long as the density
        needs it.
        """
        p = Parameters.from_mapping({name: values[name] for name in TABLE})
        stacked = native.Stacked.of(p)
        run = self._run(stacked, whole).trajectory
        if whole and self.instead is not None:
            other = simulate_stacked(stacked, self.instead, start=run.first).trajectory
            mean = mean_of_year(other.fluxes.gpp, self.instead.tree)
            run = dataclasses.replace(run, regrowth_gpp=mean)
        return p, run

    def _run(self, p: native.Stacked, whole: bool) -> Run:
        cycle = self.whole_stand if whole else self.stand
        stand = None if cycle is None else regrow_stacked(p, cycle)
        start = None
        if stand is not None and self.age is not None:
            start = start_at_age(p.tree, stand, self.age)
        run = simulate_stacked(p, self.weather, start=start)
        return run._replace(trajectory=dataclasses.replace(run.trajectory, regrowth=stand))

    def parts_of(self, values: Mapping[str, jax.Array], p: Parameters, run: Trajectory) -> Parts:
        """Log density in named parts of a run and the values it was made with."""
        constraint, stream = self.parts_of_run(values, p, run)
        prior = self._of_sampled(values, "log_density")
        return Parts(prior=prior, constraint=constraint, stream=stream)

    def parts_of_run(
        self, values: Mapping[str, jax.Array], p: Parameters, run: Trajectory
    ) -> tuple[dict[str, jax.Array], dict[str, jax.Array]]:
        """Those that a run is needed for: of constraints and of streams, by name."""
        seen = summary_of(run, self.forcing)
        constraint = {c.name: c.of_summary(p, seen) for c in self.constraints}
        return constraint, {
            s.name: s.log_likelihood(s.series(run, p), values) for s in self.streams
        }

    def log_density(self, z: jax.Array) -> jax.Array:
        """Log density with respect to ``dz`` of a latent vector, or of a batch of them."""
        if z.ndim == 2 and len(z) > _TILE and jax.default_backend() == "cpu":
            return _in_tiles(self, z)
        value: jax.Array = _swept(self, z)
        return value

    def together(self, z: jax.Array) -> jax.Array:
        """Log density of a vector, or of a batch in one sweep."""
        dimension = z.shape[-1]
        prior = -0.5 * jnp.sum(z**2, axis=-1) - 0.5 * dimension * math.log(2.0 * math.pi)
        latent = native.Stacked(jnp.moveaxis(z, -1, 0), jax.tree.structure([0] * dimension))
        p, errors = native.fused(self._by_kind, latent, held=self.numbers)
        run = self._run(p, whole=False)  # time first, batch last
        total: jax.Array = prior + self._constrained(p, run)
        for s in self.streams:
            expected = s.expected(s.series(run.trajectory, p.tree))
            total = total + s.log_density_of(expected, errors.tree)
        return total

    def _by_kind(
        self, z: list[jax.Array], numbers: dict[str, Any]
    ) -> tuple[Parameters, dict[str, jax.Array]]:
        """Parameters of the model and of the errors for the numbers of a latent vector."""
        latent = dict(zip(self.sampled, z, strict=True))
        priors = {name: family.of_numbers(numbers[name]) for name, family in self.families}
        values = {n: prior.from_normal(latent.get(n, 0.0)) for n, prior in priors.items()}
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


def value_and_gradient(density: TracedDensity, z: jax.Array) -> tuple[jax.Array, jax.Array]:
    """Log density of a latent vector, (dimension,), and its gradient."""
    found: tuple[jax.Array, jax.Array] = jax.value_and_grad(density.log_density)(z)
    return found


@jax.jit  # what calls it again, compiled or not, takes the trace that there is
def _swept(density: TracedDensity, z: jax.Array) -> jax.Array:
    return density.together(z)


@jax.custom_vjp
def _in_tiles(density: TracedDensity, z: jax.Array) -> jax.Array:
    """Log density of a batch, a few rows at a time, so that their work stays in the cache."""
    values: jax.Array = _map_tiles(lambda rows: _swept(density, rows), z)
    return values


def _values_and_gradients(density: TracedDensity, z: jax.Array) -> tuple[jax.Array, jax.Array]:
    def tile(rows: jax.Array) -> tuple[jax.Array, jax.Array]:
        values, pull = jax.vjp(lambda rows: _swept(density, rows), rows)
        return values, pull(jnp.ones_like(values))[0]  # rows know nothing of each other

    found: tuple[jax.Array, jax.Array] = _map_tiles(tile, z)
    return found


def _map_tiles(function: Any, z: jax.Array) -> Any:
    surplus = -len(z) % _TILE
    padded = jnp.concatenate([z, jnp.broadcast_to(z[:1], (surplus, z.shape[1]))])
    found = jax.lax.map(function, padded.reshape(-1, _TILE, z.shape[1]))
    return jax.tree.map(lambda x: x.reshape(-1, *x.shape[2:])[: len(z)], found)


def _from_gradients(gradients: jax.Array, cotangent: jax.Array) -> tuple[None, jax.Array]:
    return None, cotangent[:, None] * gradients


_in_tiles.defvjp(_values_and_gradients, _from_gradients)
