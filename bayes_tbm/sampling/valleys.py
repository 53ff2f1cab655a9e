"""Where the other parameters put one, as far as a formula can say: the valleys of the posterior.

Mean leaf area is NPP times the canopy's share times leaf lifespan over LCMA; respiration of plants,
litter and soil together is what NEE and GPP leave; a stock is allocation times residence time.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from typing import Any

import jax
import jax.numpy as jnp
from jax.scipy.special import logit

from bayes_tbm.posterior.density import LogDensity
from bayes_tbm.posterior.traced import TracedDensity
from bayes_tbm.units import DAYS_PER_YEAR

Values = Mapping[str, jax.Array]
Numbers = dict[str, Any]
_FEW_AGES = 2  # at which a stand is seen, for allocation and residence time to trade freely


@dataclasses.dataclass(frozen=True)
class Rule:
    """Where the other parameters put one.

    Attributes
    ----------
    scale
        On which the parameter is shifted.
    fit
        Numbers that make the rule give, at a reference point, what the parameter is there; None
        where it has nothing to say.
    place
        Of the parameter on its scale, from values and such numbers.
    """

    scale: Callable[[jax.Array], jax.Array]
    fit: Callable[[LogDensity, Values], Numbers | None]
    place: Callable[[Values, Numbers], jax.Array]


def _fit_leaf_carbon(density: LogDensity, at: Values) -> Numbers:
    return {"reference": jnp.log(at["leaf_carbon_per_area"] / _foliage_per_gpp(at))}


def _leaf_carbon(v: Values, numbers: Numbers) -> jax.Array:
    """LCMA at which mean leaf area is that of the reference point."""
    place: jax.Array = numbers["reference"] + jnp.log(_foliage_per_gpp(v))
    return place


def _foliage_per_gpp(v: Values) -> jax.Array:
    """Mean foliage over GPP, up to a constant.

    Autumn leaves ``1 - 1 / L`` of the foliage, so a year's growth ``A`` ends in ``A (L - 1)`` after
    leaf fall; what grew this year is there for about 0.4 of it.
    """
    ratio = v["canopy_to_root_allocation"]
    npp = 1.0 - v["autotrophic_fraction"]
    return npp * (1.0 - v["allocation_wood"]) * ratio / (1.0 + ratio) * (v["leaf_lifespan"] - 0.6)


def _fit_initial_labile(density: LogDensity, at: Values) -> Numbers:
    return {"reference": jnp.log(at["initial_labile"] / at["leaf_carbon_per_area"])}


def _initial_labile(v: Values, numbers: Numbers) -> jax.Array:
    """Labile carbon that could grow at first the leaf area that it can at the reference point."""
    place: jax.Array = numbers["reference"] + jnp.log(v["leaf_carbon_per_area"])
    return place


def _mean_gpp(density: TracedDensity, at: Values) -> jax.Array:
    return density.run(at, whole=False)[1].fluxes.gpp.mean()


def _fit_autotrophic(density: LogDensity, at: Values) -> Numbers:
    numbers = {
        "gpp": density.shared(_mean_gpp)(dict(at)) * DAYS_PER_YEAR,
        "years": density.forcing.step_length.sum() / DAYS_PER_YEAR,
        "variance": jnp.var(density.forcing.warmth),
    }
    of_npp, of_pools = _shares_at(dict(at), numbers)
    numbers["total"] = at["autotrophic_fraction"] * (1.0 - of_npp) + of_npp + of_pools
    return numbers


def _autotrophic(v: Values, numbers: Numbers) -> jax.Array:
    """Autotrophic fraction at which ecosystem respiration over GPP is that of the reference point.

    Roots, wood, litter and soil respire a share of the NPP they get and something of what they
    held at first; with GPP as at the reference, both follow from a linear chain of pools.
    """
    of_npp, of_pools = _respired_shares(v, numbers)
    place: jax.Array = (numbers["total"] - of_npp - of_pools) / (1.0 - of_npp)
    return place


def _respired_shares(v: Values, numbers: Numbers) -> tuple[jax.Array, jax.Array]:
    """Heterotrophic respiration per unit of NPP, and that of the first pools per unit of GPP."""
    of_npp, of_pools = _respired(v, numbers["years"], numbers["variance"])
    return of_npp, of_pools / numbers["gpp"]


_shares_at = jax.jit(_respired_shares)  # a loop that runs alone would be compiled at each call


def _respired(v: Values, years: Any, variance: Any, steps: int = 24) -> jax.Array:
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


def _fit_allocation(density: LogDensity, at: Values) -> Numbers | None:
    """Look for a single stock: a curve fixes both allocation and residence time, and bends nothing.

    A stock fixes one combination of them, ``a tau (1 - exp(-t / tau))``: a bent ridge as long as
    the prior.
    """
    ages = [float(age) for stream in density.streams for age in stream.ages]
    if not ages or len(ages) > _FEW_AGES:
        return None
    age = sum(ages) / len(ages)
    reference = jnp.log(at["allocation_wood"]) + _log_stock_per_share(at, age)
    return {"age": age, "reference": reference}


def _log_stock_per_share(v: Values, age: Any) -> jax.Array:
    tau = v["wood_residence_time"]
    return jnp.log(tau) + jnp.log(-jnp.expm1(-age / tau))


def _allocation(v: Values, numbers: Numbers) -> jax.Array:
    """Wood's share of NPP at which a stand of the observed age holds what it does at the reference.

    It would be above one where residence is too short.
    """
    share = jnp.exp(numbers["reference"] - _log_stock_per_share(v, numbers["age"]))
    return logit(share * (1.0 + share**4) ** -0.25)


def _same(value: jax.Array) -> jax.Array:
    return value


# By parameter. Order matters: a rule may use parameters that no later entry shifts.
RULES: dict[str, Rule] = {
    "allocation_wood": Rule(logit, _fit_allocation, _allocation),
    "autotrophic_fraction": Rule(_same, _fit_autotrophic, _autotrophic),
    "leaf_carbon_per_area": Rule(jnp.log, _fit_leaf_carbon, _leaf_carbon),
    "initial_labile": Rule(jnp.log, _fit_initial_labile, _initial_labile),
}
