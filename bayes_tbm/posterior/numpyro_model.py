"""The same log density as a NumPyro model, for those who want to run it their own way."""

from __future__ import annotations

import math
from collections.abc import Callable

import jax
import numpyro
import numpyro.distributions as dist
from numpyro.distributions import constraints

from bayes_tbm.posterior.density import LogDensity
from bayes_tbm.streams import AbstractBoundStream


class StreamLikelihood(dist.Distribution):  # type: ignore[misc]  # NumPyro has no types
    """A stream's observed points as one NumPyro distribution with pointwise log density.

    Parameters
    ----------
    stream
        Bound stream.
    series
        Model counterpart at every step, (time,).
    errors
        Error parameters by full name.
    """

    support = constraints.real
    reparametrized_params: list[str] = []  # noqa: RUF012  (the base class declares it so)

    def __init__(
        self, stream: AbstractBoundStream, series: jax.Array, errors: dict[str, jax.Array]
    ) -> None:
        self._stream, self._series, self._errors = stream, series, errors
        super().__init__(batch_shape=(len(stream.data.value),), validate_args=False)

    def log_prob(self, value: jax.Array, intermediates: object = None) -> jax.Array:
        """Log density of every observed point given those before it; ``value`` is the data."""
        return self._stream.log_likelihood(self._series, self._errors)

    def sample(self, key: jax.Array, sample_shape: tuple[int, ...] = ()) -> jax.Array:
        """Draw synthetic points."""
        keys = jax.random.split(key, math.prod(sample_shape))
        draws = jax.vmap(lambda k: self._stream.sample(k, self._series, self._errors))(keys)
        return draws.reshape(*sample_shape, *self.batch_shape)


def numpyro_model(density: LogDensity) -> Callable[[], None]:
    """Return a NumPyro model whose joint density is ``density``, site by site.

    Every sampled parameter is a latent ``<name>_z ~ Normal(0, 1)`` with the value as a
    deterministic site ``<name>``; every constraint a ``factor``; every stream one observed site.
    """

    def model() -> None:
        latent = {n: numpyro.sample(f"{n}_z", dist.Normal()) for n in density.sampled}
        z = jax.numpy.stack([latent[name] for name in density.sampled])
        values = density.values(z)
        for name in density.sampled:
            numpyro.deterministic(name, values[name])
        p, run = density.run(values, whole=False)
        for constraint in density.constraints:
            numpyro.factor(constraint.name, constraint.log_density(p, run, density.forcing))
        for stream in density.streams:
            likelihood = StreamLikelihood(stream, stream.series(run, p), values)
            with numpyro.plate(f"{stream.name}_point", len(stream.data.value)):
                numpyro.sample(stream.name, likelihood, obs=stream.data.value)

    return model
