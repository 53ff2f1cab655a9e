"""The same log density as a NumPyro model, for those who want to run it their own way."""

from __future__ import annotations

import math
from collections.abc import Callable

import jax
import jax.numpy as jnp
import numpyro
import numpyro.distributions as dist
from jax.typing import ArrayLike
from numpyro.distributions import constraints

from bayes_tbm.errors import InputError
from bayes_tbm.posterior.density import LogDensity
from bayes_tbm.streams import AbstractBoundStream


class StreamLikelihood(dist.Distribution):  # type: ignore[misc]  # NumPyro has no types
    """A stream's points as one NumPyro distribution with pointwise log density.

    Points of a stream may depend on one another: each has the density that it has given those
    before it, and the sum is that of all together.

    Parameters
    ----------
    stream
        Bound stream.
    series
        Model counterpart at every step, (time,).
    errors
        Error parameters by full name.
    """

    reparametrized_params: list[str] = []  # noqa: RUF012  (the base class declares it so)

    def __init__(
        self, stream: AbstractBoundStream, series: jax.Array, errors: dict[str, jax.Array]
    ) -> None:
        self._stream, self._series, self._errors = stream, series, errors
        super().__init__(batch_shape=(len(stream.data.value),), validate_args=False)

    @constraints.dependent_property(is_discrete=False, event_dim=0)  # type: ignore[untyped-decorator]  # NumPyro has no types
    def support(self) -> constraints.Constraint:
        """Where a point can lie."""
        return constraints.positive if self._is_positive else constraints.real

    @property
    def _is_positive(self) -> bool:
        return self._stream.stream.errors.positive

    def log_prob(self, value: ArrayLike, intermediates: object = None) -> jax.Array:
        """Log density of every point given those before it.

        Parameters
        ----------
        value
            Points, (..., point): observed or not. Measurement errors are those of the observed
            points.
        intermediates
            Not used.

        Returns
        -------
        jax.Array
            (..., point).
        """
        points = jnp.asarray(value, dtype=self._series.dtype)

        def of_one(row: jax.Array) -> jax.Array:
            return self._stream.log_likelihood(self._series, self._errors, row)

        possible = points > 0.0 if self._is_positive else jnp.full(points.shape, True)
        rows = jnp.where(possible, points, 1.0).reshape(-1, points.shape[-1])
        density = jax.vmap(of_one)(rows).reshape(points.shape)
        return jnp.where(possible, density, -jnp.inf)

    def sample(self, key: jax.Array, sample_shape: tuple[int, ...] = ()) -> jax.Array:
        """Draw synthetic points, (*sample_shape, point)."""
        keys = jax.random.split(key, math.prod(sample_shape))
        draws = jax.vmap(lambda k: self._stream.sample(k, self._series, self._errors))(keys)
        return draws.reshape(*sample_shape, *self.batch_shape)


def numpyro_model(density: LogDensity) -> Callable[..., None]:
    """Return a NumPyro model whose joint density is ``density``, site by site.

    Every sampled parameter is a latent ``<name>_z ~ Normal(0, 1)`` with the value as a
    deterministic site ``<name>``; every constraint a ``factor``; every stream one site, observed
    unless its name is given to the model: with other points instead, or with None to draw them.

    Examples
    --------
    ``Predictive(model, num_samples=100)(key, gpp=None)`` draws ``gpp`` from the prior predictive,
    constraints left aside as NumPyro leaves all factors; so does `numpyro.handlers.uncondition`
    for all streams. `numpyro.handlers.condition` takes other points.
    """
    names = [stream.name for stream in density.streams]

    def model(**points: ArrayLike | None) -> None:
        if unknown := sorted(set(points) - set(names)):
            raise InputError(
                where="numpyro_model", variable=", ".join(unknown),
                rule=f"must be a stream of the model: {', '.join(names)}",
            )  # fmt: skip
        latent = {n: numpyro.sample(f"{n}_z", dist.Normal()) for n in density.sampled}
        z = jnp.stack([latent[name] for name in density.sampled])
        values = density.values(z)
        for name in density.sampled:
            numpyro.deterministic(name, values[name])
        p, run = density.run(values, whole=False)
        for constraint in density.constraints:
            numpyro.factor(constraint.name, constraint.log_density(p, run, density.forcing))
        for stream in density.streams:
            likelihood = StreamLikelihood(stream, stream.series(run, p), values)
            seen = points.get(stream.name, stream.data.value)
            with numpyro.plate(f"{stream.name}_point", len(stream.data.value)):
                numpyro.sample(stream.name, likelihood, obs=seen)

    return model
