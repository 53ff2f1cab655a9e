"""What the gradient benchmarks differentiate, by the package's own path and by a plain loop.

Import after `_measure.pin`: importing the package starts JAX's threads.
"""

from __future__ import annotations

import contextlib
import dataclasses
import os
import warnings
from collections.abc import Callable, Iterator
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from bayes_tbm import Calibration, InputError, Site, open_site
from bayes_tbm.model import Drivers, Trajectory, prepare, simulate, simulate_plainly
from bayes_tbm.parameters import TABLE, Parameters
from bayes_tbm.posterior.density import LogDensity
from bayes_tbm.sites.to_model import drivers_of

STREAMS = ("gpp", "nee", "et", "lai")
Function = Callable[[jax.Array], jax.Array]
_EMBEDDED = {"daily": "hyytiala-twin-daily", "monthly": "hyytiala-twin"}
_CLEARED = {  # what is left after the stand is gone; soil and litter stay
    "initial_lai": 0.1, "initial_labile": 5.0, "initial_root": 5.0, "initial_wood": 1.0,
}  # fmt: skip


def open_or_embedded(name: str, step: str) -> Site:
    """Open a site, or the embedded one of the same step, saying so, where its data are absent."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # on units and the like, of no matter here
            return open_site(name)
    except InputError as error:
        print(f"{_EMBEDDED[step]} in place of {name}: {error}\n")
        return open_site(_EMBEDDED[step])


@dataclasses.dataclass(frozen=True)
class Problem:
    """A scalar function of a latent vector, computed in two ways.

    Attributes
    ----------
    name
        For the table.
    steps, dimension
        Length of the record and of the vector.
    plain
        One loop over whole steps, differentiated as it stands; takes (dimension,).
    ours
        The package's own path; takes (dimension,) or (batch, dimension).
    """

    name: str
    steps: int
    dimension: int
    plain: Function
    ours: Function

    def points(self, batch: int) -> jax.Array:
        """Latent vectors to evaluate: one, (dimension,), or a batch, (batch, dimension)."""
        rng = np.random.default_rng(0)
        points = rng.normal(0.0, 0.3, (batch, self.dimension))
        return jnp.asarray(points[0] if batch == 1 else points)

    def graded(self, batch: int) -> dict[str, Callable[[jax.Array], Any]]:
        """Both ways' values and gradients, to be compiled by their first calls."""
        plain = jax.value_and_grad(self.plain)
        return {
            "plain": jax.jit(plain if batch == 1 else jax.vmap(plain)),
            "ours": value_and_gradient(self.ours),
        }


def value_and_gradient(function: Function) -> Callable[[jax.Array], tuple[jax.Array, jax.Array]]:
    """Return a compiled function for values and gradients of one vector or of a batch."""

    def total(z: jax.Array) -> tuple[jax.Array, jax.Array]:
        each = function(z)
        return each.sum(), each

    @jax.jit
    def graded(z: jax.Array) -> tuple[jax.Array, jax.Array]:
        (_, each), gradient = jax.value_and_grad(total, has_aux=True)(z)
        return each, gradient

    return graded


@contextlib.contextmanager
def precision(name: str) -> Iterator[None]:
    """Work in ``float32`` or ``float64``; whatever is traced inside is of that precision."""
    with jax.enable_x64(name == "float64"):
        yield


def _in_precision(drivers: Drivers) -> Drivers:
    """Return the drivers in the precision of the moment."""
    return jax.tree.map(lambda x: jnp.asarray(np.asarray(x)), drivers)


@contextlib.contextmanager
def _by_xla_alone() -> Iterator[None]:
    """Trace without machine code of our own."""
    before = os.environ.get("BAYES_TBM_COMPILE")
    os.environ["BAYES_TBM_COMPILE"] = "0"
    try:
        yield
    finally:
        os.environ.pop("BAYES_TBM_COMPILE")
        if before is not None:
            os.environ["BAYES_TBM_COMPILE"] = before


def _plain_density(density: LogDensity, drivers: Drivers) -> Function:
    """Return the same log density over the plain loop, all of it by XLA; vectors only."""

    def plain(z: jax.Array) -> jax.Array:
        with _by_xla_alone():
            values = density.values(z)
            p = Parameters.from_mapping({name: values[name] for name in TABLE})
            parts = density.parts_of(values, p, simulate_plainly(p, drivers))
            terms = [*parts.constraint.values(), *(x.sum() for x in parts.stream.values())]
            prior = -0.5 * jnp.sum(z**2) - 0.5 * density.dimension * np.log(2.0 * np.pi)
            return sum(terms, start=prior)

    return plain


def whole_density(site: Site, calibration: Calibration) -> Problem:
    """Log density of a site: priors, constraints and all streams."""
    drivers = _in_precision(drivers_of(site))
    ours = dataclasses.replace(calibration.density, forcing=prepare(drivers))
    plain = _plain_density(ours, drivers)
    return Problem(f"{site.name} {site.step_name}", site.steps, ours.dimension, plain, ours)


def regrowth(site: Site, calibration: Calibration, years: int = 150) -> Problem:
    """Live biomass of a stand that grows from nothing, mean of every tenth year, g C m-2."""
    drivers = _in_precision(_repeated(drivers_of(site), years))
    forcing, density = prepare(drivers), calibration.density

    def biomass(run: Callable[..., Trajectory], weather: Any, z: jax.Array) -> jax.Array:
        values = density.values(z) if z.ndim == 1 else jax.vmap(density.values)(z)
        young = {n: jnp.full_like(values[n], x) for n, x in _CLEARED.items()}
        pools = run(Parameters.from_mapping({n: (values | young)[n] for n in TABLE}), weather).pools
        live = pools.labile + pools.foliage + pools.root + pools.wood
        return live[120::120].mean(axis=0)

    def plain(z: jax.Array) -> jax.Array:
        return biomass(simulate_plainly, drivers, z)

    def ours(z: jax.Array) -> jax.Array:
        return biomass(simulate, forcing, z)

    return Problem(f"{years} yr regrowth", 12 * years, density.dimension, plain, ours)


def _repeated(drivers: Drivers, years: int) -> Drivers:
    """Repeat the mean year of a monthly record."""

    def repeated(series: jax.Array) -> jax.Array:
        if series.ndim == 0:
            return series
        whole = series[: len(series) // 12 * 12]
        return jnp.tile(whole.reshape(-1, 12).mean(axis=0), years)

    length = drivers.step_length.mean()
    days = drivers.days[0] + length * jnp.arange(12 * years)
    return dataclasses.replace(jax.tree.map(repeated, drivers), days=days)
