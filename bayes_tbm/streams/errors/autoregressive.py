"""Gaussian errors with short memory: AR(1) in continuous time, so gaps are exact."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import ClassVar, override

import jax
import jax.numpy as jnp

from bayes_tbm.parameters import AbstractPrior, LogNormal, PriorLike, as_prior
from bayes_tbm.streams.errors.base import (
    STRUCTURAL_SD,
    AbstractErrorModel,
    ErrorData,
    ErrorParameter,
    structural_prior,
)
from bayes_tbm.streams.errors.common import drawn, has_common, pattern
from bayes_tbm.streams.errors.whitening import Whitening

_DAY_OR_TWO = LogNormal(1.5, 0.2)


@dataclasses.dataclass(frozen=True, kw_only=True)
class Autoregressive(AbstractErrorModel):
    """Errors whose correlation decays as ``exp(-gap / memory)``.

    The standardised error is a stationary Ornstein-Uhlenbeck process; a gap of any length weakens
    the correlation by exactly as much as the days in it.

    Attributes
    ----------
    structural
        Prior of the structural standard deviation; by default set from the spread of the data.
    memory
        Prior of the memory in days. Keep it short: memory of a season lets the errors explain
        away a wrong seasonal cycle.
    averaging
        Length in days of the blocks whose means are compared; 0, the default, compares every value.
    """

    parameters: ClassVar[Mapping[str, ErrorParameter]] = {
        "structural": STRUCTURAL_SD,
        "memory": ErrorParameter("memory", is_open=True),
    }
    structural: PriorLike | None = None
    memory: PriorLike = _DAY_OR_TWO

    @override
    def priors(self, data: ErrorData) -> dict[str, AbstractPrior]:
        return {
            "structural_sd": structural_prior(self.structural, data),
            "memory": as_prior("memory", self.memory),
        }

    def _scale(
        self, data: ErrorData, errors: Mapping[str, jax.Array]
    ) -> tuple[jax.Array, jax.Array]:
        sd = jnp.sqrt(data.measurement_sd**2 + errors["structural_sd"] ** 2)
        return sd, jnp.exp(-jnp.diff(data.day) / errors["memory"])

    @override
    def whitened(
        self, expected: jax.Array, data: ErrorData, errors: Mapping[str, jax.Array]
    ) -> Whitening:
        sd, correlation = self._scale(data, errors)
        spread = jnp.concatenate([jnp.ones(1), jnp.sqrt(1.0 - correlation**2)])

        def white(x: jax.Array) -> jax.Array:
            error = x / sd
            return (error - jnp.concatenate([jnp.zeros(1), correlation * error[:-1]])) / spread

        common = pattern(expected, data) if has_common(data) else None
        return Whitening(jnp.asarray(data.value) - expected, common, white, sd * spread)

    @override
    def sample(
        self, key: jax.Array, expected: jax.Array, data: ErrorData, errors: Mapping[str, jax.Array]
    ) -> jax.Array:
        sd, correlation = self._scale(data, errors)
        noise = jax.random.normal(key, expected.shape)
        first = noise[0]

        def body(error: jax.Array, now: tuple[jax.Array, jax.Array]) -> tuple[jax.Array, jax.Array]:
            phi, innovation = now
            error = phi * error + jnp.sqrt(1.0 - phi**2) * innovation
            return error, error

        _, rest = jax.lax.scan(body, first, (correlation, noise[1:]))
        noise = sd * jnp.concatenate([first[None], rest])
        return expected + noise + drawn(key, expected, data)
