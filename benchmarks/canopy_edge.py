"""How near are stands to the edge beyond which their canopy dies? A stand tied to its age.

The mode of the posterior of a FLUXVAL tower whose stand's age and inventory are published; leaf
area by age along the lifespan of labile carbon; and how many stands die among draws of the normal
at the mode, which chains begin from, and among draws of the priors (constraints left out).
"""

from __future__ import annotations

import argparse
import warnings
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np
from _measure import Table, machine, prepare_environment

if TYPE_CHECKING:
    import bayes_tbm as bt

_EPILOG = """
  python benchmarks/canopy_edge.py --tower CA-NS2
"""
STREAMS = ("gpp", "nbe", "et", "lai")
AGES = (5, 20, 50, 150)
DEAD = 50.0
"""GPP over the record below which a stand is dead [g C m-2 yr-1]."""
PARAMETER = "labile_lifespan"


def main() -> int:
    """Find the mode, and look around it."""
    layout = argparse.RawDescriptionHelpFormatter
    parser = argparse.ArgumentParser(description=__doc__, epilog=_EPILOG, formatter_class=layout)
    parser.add_argument("--tower", default="CA-NS2", help="default CA-NS2")
    parser.add_argument("--data", help="folder of site data (default: fetched)")
    parser.add_argument("--draws", type=int, default=200, help="default 200")
    arguments = parser.parse_args()
    prepare_environment(arguments.data)
    import bayes_tbm as bt

    warnings.simplefilter("ignore", bt.DataWarning)
    print(f"# Edge of the canopy, {arguments.tower}\n\n{machine()}\n", flush=True)
    stand = bt.fluxval_stand(arguments.tower)
    streams = [*STREAMS, *([stand.stock] if stand.stock else [])]
    site = bt.open_site(f"fluxval:{arguments.tower}")
    calibration = bt.Calibration(site, streams, stand_age=stand.age)
    mode = calibration.modes(bt.Settings(starts=4), progress=False)[0]
    look = looker(calibration)
    along(calibration, mode.position, look)
    rng = np.random.default_rng(0)
    z = rng.standard_normal((2, arguments.draws, calibration.density.dimension))
    for name, draws in {"normal at the mode": mode.position + z[0] @ mode.scale.T,
                        "priors": z[1]}.items():  # fmt: skip
        dead = sum(look(draw)[1] < DEAD for draw in draws)
        print(f"of {len(draws)} draws of the {name}, dead: {dead}", flush=True)
    return 0


def looker(calibration: bt.Calibration) -> Callable[[Any], tuple[np.ndarray, float]]:
    """Return a function of a latent vector: leaf area at `AGES`, and GPP [g C m-2 yr-1]."""
    import jax
    import jax.numpy as jnp

    from bayes_tbm.model.regrowth import MONTHS
    from bayes_tbm.units import DAYS_PER_YEAR

    traced = calibration.density.traced

    @jax.jit
    def of(z: Any) -> tuple[Any, Any]:
        p, run = traced.run(traced.values(z), whole=True)
        lai = run.regrowth.foliage / p.leaf_carbon_per_area
        years = [lai[(age - 1) * MONTHS : age * MONTHS].mean() for age in AGES]
        return jnp.stack(years), run.fluxes.gpp.mean() * DAYS_PER_YEAR

    return lambda z: jax.device_get(of(jnp.asarray(z)))


def along(calibration: bt.Calibration, position: np.ndarray, look: Callable[[Any], Any]) -> None:
    """Print leaf area by age, GPP and the log density along one parameter from the mode."""
    import jax.numpy as jnp

    density = calibration.density
    place = density.sampled.index(PARAMETER)
    table = Table(f"{PARAMETER}, yr", *(f"LAI at {age} yr" for age in AGES), "GPP", "log density")
    for step in np.arange(-1.0, 4.1, 0.5):
        z = position.copy()
        z[place] += step
        lai, gpp = look(z)
        value = float(density.values(jnp.asarray(z))[PARAMETER])
        log = float(density.value_and_gradient(jnp.asarray(z))[0])
        table.row(f"{value:.2f}", *(float(x) for x in lai), float(gpp), log)
    print()


if __name__ == "__main__":
    raise SystemExit(main())
