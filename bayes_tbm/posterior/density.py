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

from bayes_tbm.model import Cycle, Forcing, Regrowth, Trajectory
from bayes_tbm.native import Stacked
from bayes_tbm.parameters import AbstractPrior, Fixed, Parameters
from bayes_tbm.posterior import traced
from bayes_tbm.posterior.edcs import EDC
from bayes_tbm.posterior.traced import Parts, TracedDensity
from bayes_tbm.runtime.shared import shared
from bayes_tbm.streams import AbstractBoundStream

_YEARS = 25  # between lengths of regrowth


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
    def traced(self) -> TracedDensity:
        """The same with its numbers as leaves of a pytree, for JAX to trace."""
        stand, needed = self.regrowth, self._needed_years
        numbers = {name: prior.numbers for name, prior in self.priors.items()}
        with jax.ensure_compile_time_eval():  # numbers, also where a function of it is traced first
            cycle = Cycle.of(stand.climate, stand.years) if stand else None
            days = self.forcing.step_length.sum()
            return TracedDensity(
                weather=Stacked.of(self.forcing),
                streams=tuple(stream.ready for stream in self.streams),
                numbers=Stacked.of(numbers),
                stand=Cycle.of(stand.climate, needed) if stand and needed else None,
                whole_stand=cycle,
                instead=cycle.instead_of_record(stand.season, days) if stand and cycle else None,
                age=stand.age if stand else None,
                families=tuple((name, type(prior)) for name, prior in self.priors.items()),
                constraints=self.constraints,
            )

    @functools.cached_property
    def _needed_years(self) -> int:
        """Years of regrowth that streams or constraints see or the record starts from.

        Of a few lengths, so that stands of many ages are of one form.
        """
        start = (self.regrowth.age if self.regrowth else None) or 0.0
        seen = [*(s.oldest for s in self.streams), *(c.age for c in self.constraints)]
        return _YEARS * math.ceil(max([start, *seen]) / _YEARS)

    def values(self, z: jax.Array) -> dict[str, jax.Array]:
        """Values of all parameters by name for a latent vector, (dimension,)."""
        return self.traced.values(z)

    def latent(self, values: Mapping[str, jax.Array]) -> jax.Array:
        """Latent vector for values by name; the inverse of `values`."""
        return self.traced.latent(values)

    def run(
        self, values: Mapping[str, jax.Array], *, whole: bool = True
    ) -> tuple[Parameters, Trajectory]:
        """Parameters and trajectory for values by name.

        The stand regrows for as long as is reported; if not ``whole``, for as long as the density
        needs it.
        """
        return self.traced.run(values, whole=whole)

    def parts(self, z: jax.Array) -> Parts:
        """Log density of a latent vector in named parts."""
        values = self.values(z)
        return self.parts_of(values, *self.run(values))

    def parts_of(self, values: Mapping[str, jax.Array], p: Parameters, run: Trajectory) -> Parts:
        """Log density in named parts of a run and the values it was made with."""
        parts = self.traced.parts_of(values, p, run)
        stream = {s.name: s.of_points(parts.stream[s.name]) for s in self.streams}
        return dataclasses.replace(parts, stream=stream)

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
        return self.traced.log_density(z)

    @functools.cached_property
    def values_at(self) -> Callable[[jax.Array], dict[str, jax.Array]]:
        """`values`, compiled once for all densities of this form; NumPy's numbers."""
        by_family = self.shared(TracedDensity.values_by_family)
        return lambda z: self.traced.by_name(jax.device_get(by_family(z)))

    @functools.cached_property
    def value(self) -> Callable[[jax.Array], jax.Array]:
        """Value at a latent vector, (dimension,), compiled likewise."""
        return self.shared(TracedDensity.log_density)

    @functools.cached_property
    def value_and_gradient(self) -> Callable[[jax.Array], tuple[jax.Array, jax.Array]]:
        """Value and gradient at a latent vector, (dimension,), compiled likewise."""
        return self.shared(traced.value_and_gradient)

    def shared(self, function: Callable[..., Any]) -> Callable[..., Any]:
        """Return a function of the rest of its arguments, compiled once for all of this form.

        Parameters
        ----------
        function
            Of a `TracedDensity` and more, pure JAX, of a module.
        """
        return shared(function, self.traced)
