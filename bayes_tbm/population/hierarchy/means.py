"""How ln residence time may depend on the coldest month: five mean functions and their priors."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import jax
import jax.numpy as jnp
import numpyro
import numpyro.distributions as dist
from numpyro.contrib.hsgp.laplacian import eigenfunctions
from numpyro.contrib.hsgp.spectral_densities import diag_spectral_density_matern

from bayes_tbm.errors import InputError, did_you_mean

Values = Mapping[str, jax.Array]
SLOPE_SD = 0.5
STEP_SD = 1.0
PLACED = ("hinge", "step")
"""Mean functions with a threshold, which has a place among the sites' temperatures."""
GP_FUNCTIONS, GP_BOUNDARY, GP_SMOOTHNESS = 15, 1.5, 2.5


def _nothing(values: Values) -> dict[str, jax.Array]:
    return {}


def _linear(values: Values) -> dict[str, jax.Array]:
    return {"slope": numpyro.sample("slope", dist.Normal(0.0, SLOPE_SD))}


def _place(values: Values) -> dict[str, jax.Array]:
    """Where a change is, degC, and how wide, K."""
    low, high = values["range"]
    return {
        "threshold": numpyro.sample("threshold", dist.Uniform(low, high)),
        "width": numpyro.sample("width", dist.LogNormal(jnp.log(2.0), 0.7)),
    }


def _hinge(values: Values) -> dict[str, jax.Array]:
    bend = numpyro.sample("bend", dist.Normal(0.0, SLOPE_SD))
    return {**_linear(values), "bend": bend, **_place(values)}


def _step(values: Values) -> dict[str, jax.Array]:
    # the slopes' width scales the step's too, which Bayes factors need
    return {"step": numpyro.sample("step", dist.Normal(0.0, STEP_SD)), **_place(values)}


def _smooth(values: Values) -> dict[str, jax.Array]:
    weights = dist.Normal(0.0, 1.0).expand([GP_FUNCTIONS]).to_event(1)
    return {
        "amplitude": numpyro.sample("amplitude", dist.HalfNormal(0.5)),
        "length": numpyro.sample("length", dist.LogNormal(0.0, 0.5)),
        "weights": numpyro.sample("weights", weights),
    }


def _at_constant(values: Values, t: jax.Array) -> jax.Array:
    return jnp.zeros_like(t)


def _at_linear(values: Values, t: jax.Array) -> jax.Array:
    return values["slope"] * (t - values["centre"]) / values["scale"]


def _at_hinge(values: Values, t: jax.Array) -> jax.Array:
    width = values["width"]
    beyond = width * jax.nn.softplus((t - values["threshold"]) / width)
    return _at_linear(values, t) + values["bend"] * beyond / values["scale"]


def _at_step(values: Values, t: jax.Array) -> jax.Array:
    return values["step"] * jax.nn.sigmoid((t - values["threshold"]) / values["width"])


def _at_smooth(values: Values, t: jax.Array) -> jax.Array:
    """Evaluate a Gaussian process, Matern 5/2, by functions on 1.5 times the half-range or more.

    They are nil at their ends: errors of temperatures must not reach beyond.
    """
    low, high = values["extent"]
    half = 0.5 * (high - low)
    unit = jnp.maximum(half, (half + values["reach"]) / GP_BOUNDARY)
    x = (t - 0.5 * (low + high)) / unit
    basis = eigenfunctions(x, GP_BOUNDARY, GP_FUNCTIONS)
    density = diag_spectral_density_matern(
        nu=GP_SMOOTHNESS, alpha=values["amplitude"] ** 2, length=values["length"] * half / unit,
        ell=GP_BOUNDARY, m=GP_FUNCTIONS, dim=1,
    )  # fmt: skip
    found: jax.Array = basis @ (jnp.sqrt(density) * values["weights"])
    return found


MEANS: dict[str, tuple[Callable[[Values], dict[str, jax.Array]], Callable[..., jax.Array]]] = {
    "constant": (_nothing, _at_constant),
    "linear": (_linear, _at_linear),
    "hinge": (_hinge, _at_hinge),
    "step": (_step, _at_step),
    "smooth": (_smooth, _at_smooth),
}
"""By name: what samples the parameters, and the function of them and of temperature, degC."""


def check_mean(mean: Any, where: str = "population") -> str:
    """Refuse a mean function that there is not.

    Raises
    ------
    InputError
        It is none of `MEANS`.
    """
    if not isinstance(mean, str) or mean not in MEANS:
        raise InputError(
            where=where, variable="mean", rule="no such mean function", found=str(mean),
            remedy=did_you_mean(str(mean), MEANS),
        )  # fmt: skip
    return mean


def departure(mean: str, values: Values, coldest: jax.Array) -> jax.Array:
    """Departure of ln residence time from the intercept at temperatures of the coldest month, degC.

    Parameters
    ----------
    mean
        Name of the function.
    values
        Its parameters, with ``centre`` (degC) and ``scale`` (K) of the sites, and ``extent``, the
        coldest and the warmest of them, and ``reach`` (K), what their errors come to at most.
    coldest
        Any shape of one dimension.
    """
    return MEANS[mean][1](values, coldest)
