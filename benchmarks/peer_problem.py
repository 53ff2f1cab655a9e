"""The problem that CARDAMOM's C sampler was timed on, with its priors and errors.

    python benchmarks/peer_problem.py --seed 0                                        five minutes
    python benchmarks/peer_problem.py --sampler numpyro --chains 4 --warmup 300 --draws 1000

FI-Hyy in 108 steps of 30.4375 days: Gaussian errors of 1.0 g C m-2 d-1 for GPP and NBE and
0.5 mm d-1 for ET, a factor 1.5 for LAI (floor 0.1); log-uniform priors between DALEC's bounds;
ecological constraints as soft terms, steady states within a factor 2; days of year on the circle.
Prints R-hat, effective draws and effective draws a second a core of the worst parameter. The C
sampler made 0.12 to 0.5 (median 3) and did not converge.
"""

from __future__ import annotations

import argparse
import collections
import dataclasses
import math
import time
from collections.abc import Callable, Mapping

import arviz as az
import jax
import jax.numpy as jnp
import numpy as np
from jax.scipy.special import ndtr

import bayes_tbm as bt
from bayes_tbm.model import Drivers, prepare, simulate
from bayes_tbm.parameters import Fixed, from_dalec
from bayes_tbm.posterior import as_edcs
from bayes_tbm.sampling.engines import draw, transitions
from bayes_tbm.sampling.nuts import run as nuts
from bayes_tbm.sampling.progress import Progress
from bayes_tbm.sampling.search import find_modes
from bayes_tbm.sampling.settings import SAMPLERS, Settings

STEP = 30.4375
BOUNDS = {
    "decomposition_rate": (1e-5, 0.01), "f_gpp": (0.2, 0.8), "f_fol": (0.01, 0.5),
    "f_root": (0.01, 1.0), "leaf_lifespan": (1.001, 8.0), "tor_wood": (2.5e-5, 1e-3),
    "tor_root": (1e-4, 0.01), "tor_litter": (1e-4, 0.01), "tor_som": (1e-7, 1e-3),
    "Q10": (0.018, 0.08), "canopy_efficiency": (5.0, 50.0), "flab": (0.01, 0.5),
    "clab_release_period": (30.4375, 100.0), "leaf_fall_period": (30.4375, 150.0),
    "LCMA": (5.0, 200.0), "Clab": (1.0, 2000.0), "Cfol": (1.0, 2000.0), "Croot": (1.0, 2000.0),
    "Clitter": (1.0, 2000.0), "Cwood": (1.0, 1e5), "Csom": (1.0, 2e5),
    "runoff_focal_point": (1.0, 1e5), "field_capacity": (1.0, 1e4), "initial_water": (1.0, 1e4),
    "lab_lifespan": (1.001, 8.0), "moisture_factor": (0.01, 1.0), "uWUE": (0.5, 30.0),
    "boese_r": (0.01, 0.3), "wilting_point_frac": (0.01, 0.5),
}  # fmt: skip
CIRCLE = {"Bday": 120.0, "Fday": 270.0}  # uniform on the circle; the seam is half a year away
NAMES = (*BOUNDS, *CIRCLE)


@jax.tree_util.register_dataclass
@dataclasses.dataclass(frozen=True)
class Traced:
    """A log density as samplers trace it; nothing of it is a number."""

    log_density: Callable[[jax.Array], jax.Array] = dataclasses.field(metadata={"static": True})


class PeerDensity:
    """Log density of the problem on a space where every prior is a standard normal."""

    def __init__(self, site: bt.Site) -> None:
        drivers, self._observed = monthly(site)
        self.value_and_gradient = jax.jit(jax.value_and_grad(self))
        self.traced = Traced(self.__call__)
        self.forcing = prepare(drivers)
        self.priors = collections.defaultdict(lambda: Fixed(0.0))  # coordinates as they are
        always = (c for c in as_edcs(True) if not c.age)  # no stand regrows here
        self._constraints = (*always, *as_edcs(["steady_wood", "steady_som"]))

    def dalec(self, z: jax.Array) -> dict[str, jax.Array]:
        """DALEC parameters by name."""
        at = ndtr(z)
        share = {name: at[i] for i, name in enumerate(NAMES)}
        unused = dict.fromkeys(("foliar_cf", "ligneous_cf", "dom_cf", "resilience"), 0.5)
        values = {n: lo * (hi / lo) ** share[n] for n, (lo, hi) in BOUNDS.items()}
        return unused | values | {n: mid + 365.25 * (share[n] - 0.5) for n, mid in CIRCLE.items()}

    def values_at(self, z: jax.Array) -> Mapping[str, jax.Array]:
        """Nothing that any coordinate is measured from."""
        return collections.defaultdict(lambda: jnp.zeros(()))

    def __call__(self, z: jax.Array) -> jax.Array:
        """Log density of a latent vector; scalar."""
        p = from_dalec(self.dalec(z), step_length=STEP)
        run = simulate(p, self.forcing)
        f = run.fluxes
        series = {"gpp": f.gpp, "nee": f.nee, "et": f.evapotranspiration}
        total = -0.5 * jnp.sum(z**2)
        for name, sd in {"gpp": 1.0, "nee": 1.0, "et": 0.5}.items():
            seen, value = self._observed[name]
            total += -0.5 * jnp.sum(((series[name][seen] - value) / sd) ** 2)
        seen, value = self._observed["lai"]
        log_ratio = jnp.log(jnp.maximum(f.lai[seen], 0.1) / np.maximum(value, 0.1))
        total += -0.5 * jnp.sum((log_ratio / math.log(1.5)) ** 2)
        return total + sum(c.log_density(p, run, self.forcing) for c in self._constraints)


class Clock(Progress):
    """A progress bar that knows when warm-up was over."""

    def __init__(self, settings: Settings) -> None:
        total = transitions(settings)
        super().__init__("sampling", total, show=True)
        self._warmup, self._made = total - settings.chains * settings.draws, 0
        self.drawing_since = math.nan

    def advance(self, units: int, note: str | None = None) -> None:
        """Report work done."""
        self._made += units
        if self._made > self._warmup and math.isnan(self.drawing_since):
            self.drawing_since = time.perf_counter()
        super().advance(units, note)


def monthly(site: bt.Site) -> tuple[Drivers, dict[str, tuple[np.ndarray, np.ndarray]]]:
    """Means of drivers and observations over steps of 30.4375 days."""
    from bayes_tbm.sites.to_model import drivers_of

    daily = drivers_of(site)
    block = ((np.asarray(daily.days) - float(daily.days[0])) // STEP).astype(int)
    steps = block.max() + (np.bincount(block)[-1] > STEP / 2)
    inside = block < steps
    count = np.bincount(block[inside])
    changed = {
        name: jnp.asarray(np.bincount(block[inside], np.asarray(value)[inside]) / count)
        for name, value in vars(daily).items()
        if getattr(value, "ndim", 0) == 1
    }
    first = float(daily.days[0]) - 0.5
    changed["days"] = jnp.asarray(first + STEP * (np.arange(steps) + 0.5))
    changed["day_of_year"] = jnp.asarray((changed["days"] % 365.25) + 1.0)
    changed["step_length"] = jnp.full(steps, STEP)
    drivers = dataclasses.replace(daily, **changed, daily=False)
    observed = {}
    for name in ("gpp", "nee", "et", "lai"):
        seen = site.observations[name]
        day = (seen.time - np.datetime64("2001-01-01", "ns")) / np.timedelta64(1, "D")
        step = ((day - first) // STEP).astype(int)
        kept = step < steps
        number = np.bincount(step[kept], minlength=steps)
        mean = np.bincount(step[kept], seen.value[kept], minlength=steps) / np.maximum(number, 1)
        observed[name] = np.flatnonzero(number), mean[number > 0]
    return drivers, observed


def main() -> None:
    """Sample and print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--warmup", type=int, default=1600)
    parser.add_argument("--draws", type=int, default=5000)
    parser.add_argument("--target-accept", type=float, default=0.95)
    parser.add_argument("--starts", type=int, default=24)
    parser.add_argument("--chains", type=int, default=32)
    parser.add_argument("--sampler", choices=SAMPLERS, default="blackjax-flow")
    given = parser.parse_args()
    began = time.perf_counter()
    site = bt.open_site("FI-Hyy")
    jax.config.update("jax_enable_x64", True)
    density = PeerDensity(site)
    settings = Settings(
        chains=given.chains, seed=given.seed, warmup=given.warmup, draws=given.draws,
        starts=given.starts, target_accept=given.target_accept,
        sampler=given.sampler,
    )  # fmt: skip
    with Progress("finding modes", settings.starts, show=True) as bar:
        modes = find_modes(
            density.value_and_gradient, len(NAMES), starts=settings.starts, seed=settings.seed,
            workers=nuts.workers(), progress=bar,
        )  # fmt: skip
    print("modes:", [(round(m.log_density, 1), m.starts, round(m.weight, 4)) for m in modes])
    sampling = time.perf_counter()
    with Clock(settings) as bar:
        draws = draw(density, modes, settings, bar)
    now = time.perf_counter()
    values = jax.vmap(jax.vmap(density.dalec), out_axes=0)(jnp.asarray(draws.z))
    tree = az.from_dict({"posterior": {n: np.asarray(values[n]) for n in NAMES}})
    table = az.summary(tree, kind="diagnostics", round_to="none")
    worst = table["ess_bulk"].astype(float).idxmin()
    least = float(table["ess_bulk"].astype(float).min())
    cores = min(nuts.workers(), settings.chains)
    print(f"{now - began:.0f} s in all, {now - sampling:.0f} s sampling, {cores} cores")
    print(f"R-hat at most {table['r_hat'].astype(float).max():.4f}")
    print(f"divergences {int(draws.stats['diverging'].sum())}, "
          f"leapfrogs a draw {draws.stats['n_steps'].mean():.0f}")  # fmt: skip
    print(f"smallest bulk ESS {least:.0f} ({worst}), tail "
          f"{table['ess_tail'].astype(float).min():.0f}")  # fmt: skip
    rates = [least / (now - since) / cores for since in (bar.drawing_since, sampling, began)]
    print("effective draws a second a core: {:.1f} of the draws alone, {:.1f} with warm-up, "
          "{:.1f} from the start".format(*rates))  # fmt: skip


if __name__ == "__main__":
    main()
