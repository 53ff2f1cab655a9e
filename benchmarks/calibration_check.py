"""Are posteriors calibrated? Simulation-based calibration of the whole model, and planted errors.

Parameters are drawn from the prior, ecological constraints included, and every stream is drawn
given them: fluxes, leaf area, stocks, a growth curve and a stock by age, under their default kinds
of error and the errors that their values share, from a stand whose age ties the record to its
regrowth. If all is right, the rank of the truth among the posterior's draws is uniform, for every
parameter and derived quantity (Talts et al. 2018, arXiv:1804.06788), and for each stream's log
likelihood, which sees what parameters do not (Modrak et al. 2023, doi 10.1214/23-BA1404). Then
errors are planted, one at a time, in the density that is fitted: each must be seen.
"""

from __future__ import annotations

import argparse
import dataclasses
import functools
import json
import sys
import time
import warnings
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from _funnel import funnel_pits
from _measure import machine, prepare_environment

if TYPE_CHECKING:
    import bayes_tbm as bt
    from bayes_tbm.posterior import LogDensity

_EPILOG = """
  python benchmarks/calibration_check.py --out sbc                          200 replicates, hours
  python benchmarks/calibration_check.py --out sbc --replicates 20 --years 3      the short form
  python benchmarks/calibration_check.py --out fluxes --streams gpp nee et lai --replicates 60 \
      --planted balance_sign no_jacobian      errors that a growth curve hides

Replicates are kept in the folder and taken up again. A quantity lies outside when its empirical
distribution leaves the envelope that holds 95 % of such sets of quantities (each at 5 % over their
number). `sbc.png` shows those that come nearest to it, `pit.nc` holds all as `az.plot_ecdf_pit`
wants them. The last line counts quantities outside and planted errors caught.
"""
SETTINGS = {"chains": 2, "warmup": 150, "draws": 300, "starts": 4, "extensions": 0}
SOUND = "sound"
CURVE, STOCK = "growth_curve", "stock"
STREAMS = ("gpp", "nee", "et", "lai", "wood", "som", CURVE, STOCK)
_POOR = 1.05  # R-hat above which a replicate is told of; it counts all the same


def main() -> int:
    """Run all replicates, print the table and the verdict."""
    layout = argparse.RawDescriptionHelpFormatter
    parser = argparse.ArgumentParser(description=__doc__, epilog=_EPILOG, formatter_class=layout)
    parser.add_argument("--out", type=Path, required=True, help="folder of the check")
    parser.add_argument("--replicates", type=int, default=200, help="default 200")
    parser.add_argument("--years", type=int, default=10, help="of the twin's record (default 10)")
    parser.add_argument(
        "--planted",
        nargs="*",
        metavar="NAME",
        help="errors to plant (default: all; none: only ours)",
    )
    parser.add_argument(
        "--streams", nargs="+", choices=STREAMS, default=STREAMS,
        help="what is observed (default: all); nothing regrows without growth_curve and stock",
    )  # fmt: skip
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    prepare_environment(None)
    import bayes_tbm as bt

    warnings.simplefilter("ignore", bt.DataWarning)
    print(f"# Calibration check\n\n{machine()}\n", flush=True)
    whole = calibration(arguments.years, arguments.streams)
    truth = drawn(whole, arguments.replicates, arguments.seed)
    chosen = list(PLANTED) if arguments.planted is None else arguments.planted
    claim(arguments)
    found = {}
    for name in (SOUND, *chosen):
        pits = [
            replicate(whole, truth, name, number, arguments.out / name)
            for number in range(arguments.replicates)
        ]
        found[name] = {q: np.array([pit[q] for pit in pits]) for q in pits[0]}
    funnels = (
        {} if arguments.planted == [] else funnel_pits(4 * arguments.replicates, arguments.seed)
    )
    return report(found, funnels, arguments.out)


def calibration(years: int, names: Sequence[str]) -> bt.Calibration:
    """Return the whole model on the embedded site, with explicit priors of all errors."""
    import bayes_tbm as bt

    site = bt.open_site("hyytiala-twin", end=str(2004 + years))
    short = bt.LogNormal(40.0, 0.3)  # days: neighbouring months are related
    errors = {
        "gpp": bt.BlockMeans(structural=bt.LogNormal(0.5, 0.4)),
        "nee": bt.BlockMeans(structural=bt.LogNormal(0.3, 0.4)),
        "et": bt.Autoregressive(structural=bt.LogNormal(0.2, 0.4), memory=short),
        "lai": bt.Gaussian(structural=bt.LogNormal(0.3, 0.4)),
        "wood": bt.LogNormalErrors(structural=bt.LogNormal(0.1, 0.4)),
        "som": bt.LogNormalErrors(),
    }
    curve = bt.GrowthCurve.from_points(
        [20.0, 40.0, 80.0, 140.0], [3e3, 5e3, 8e3, 1e4], [6e2, 8e2, 1e3, 1e3], "g C m-2",
        errors=bt.AlongAge(length=bt.LogNormal(40.0, 0.3), structural=bt.LogNormal(0.1, 0.4)),
    )  # fmt: skip
    stock = bt.Stock(6e3, 9e2, "g C m-2", age=60)
    every = {name: bt.STREAMS[name].with_errors(model) for name, model in errors.items()}
    every |= {CURVE: curve, STOCK: stock}
    age = 44.0 if {CURVE, STOCK} & set(names) else None
    return bt.Calibration(site, [every[name] for name in names], stand_age=age)


def drawn(whole: bt.Calibration, count: int, seed: int) -> Any:
    """Values and points of every replicate, from the prior with constraints."""
    from bayes_tbm.posterior.evaluate import Evaluator

    return Evaluator(whole.density).prior(count, seed=seed)


def claim(arguments: argparse.Namespace) -> None:
    """Keep what the folder is of; refuse one of something else."""
    made_of = {"years": arguments.years, "seed": arguments.seed, "settings": SETTINGS,
               "streams": list(arguments.streams)}  # fmt: skip
    arguments.out.mkdir(parents=True, exist_ok=True)
    kept = arguments.out / "check.json"
    if kept.exists() and json.loads(kept.read_text()) != made_of:
        sys.exit(f"{arguments.out}: must be a folder of {made_of}; found {kept.read_text()}")
    kept.write_text(json.dumps(made_of))


def replicate(
    whole: bt.Calibration, truth: Any, name: str, number: int, folder: Path
) -> dict[str, float]:
    """Place of the truth among the posterior's draws by quantity, of one replicate."""
    kept = folder / f"{number:04d}.json"
    if kept.exists():
        return dict(json.loads(kept.read_text()))
    begun = time.perf_counter()
    points = {stream: values[0, number] for stream, values in truth.predictive.items()}
    own = whole.with_points(points)
    density = own.density if name == SOUND else PLANTED[name](own.density)
    draws, worst = posterior(density, number)
    true = {quantity: float(values[0, number]) for quantity, values in truth.values.items()}
    true |= likelihoods_at(density, true)
    rng = np.random.default_rng([number, 23])
    pit = {quantity: place(found, true[quantity], rng) for quantity, found in draws.items()}
    folder.mkdir(parents=True, exist_ok=True)
    kept.write_text(json.dumps(pit))
    poor = "" if worst <= _POOR else f"; R-hat {worst:.2f}"
    print(f"{name} {number + 1}: {time.perf_counter() - begun:.1f} s{poor}", flush=True)
    return pit


def posterior(density: LogDensity, seed: int) -> tuple[dict[str, np.ndarray], float]:
    """Draws of every quantity and log likelihood, (chain, draw), and the worst R-hat."""
    import arviz as az
    import xarray as xr

    import bayes_tbm as bt
    from bayes_tbm.posterior.evaluate import Evaluator
    from bayes_tbm.sampling.engines import draw, transitions
    from bayes_tbm.sampling.mode_weights import weigh_modes
    from bayes_tbm.sampling.progress import Progress
    from bayes_tbm.sampling.search import find_modes

    settings = bt.Settings(seed=seed, **SETTINGS)
    with Progress("modes", settings.starts, show=False) as bar:
        modes = find_modes(
            density.value_and_gradient, density.dimension, starts=settings.starts, seed=seed,
            workers=2, progress=bar,
        )  # fmt: skip
    modes = weigh_modes(density, modes, seed=seed, workers=2)
    with Progress("sampling", transitions(settings), show=False) as bar:
        draws = draw(density, modes, settings, bar)
    found = Evaluator(density).posterior(draws.z, seed=seed)
    values = found.values | likelihoods(found)
    data = xr.Dataset({n: (("chain", "draw"), x) for n, x in values.items()})
    return values, float(max(az.rhat(data).max().to_array()))


def likelihoods(found: Any) -> dict[str, np.ndarray]:
    """Log likelihood of each stream, (chain, draw)."""
    return {
        f"log_likelihood_{stream}": terms.astype(float).sum(axis=-1)
        for stream, terms in found.log_likelihood.items()
    }


def likelihoods_at(density: LogDensity, true: dict[str, float]) -> dict[str, float]:
    """Log likelihood of each stream at the truth, under the density that was fitted."""
    import jax.numpy as jnp

    from bayes_tbm.posterior.evaluate import Evaluator

    z = density.latent({name: jnp.asarray(true[name]) for name in density.sampled})
    found = Evaluator(density).posterior(np.asarray(z)[None, None], seed=0)
    return {name: float(values[0, 0]) for name, values in likelihoods(found).items()}


def place(draws: np.ndarray, truth: float, rng: np.random.Generator) -> float:
    """Share of nearly independent draws below the truth, ties and ends at random."""
    import arviz as az

    ess = float(az.ess(draws))
    count = int(np.clip(ess, 10, draws.size)) if np.isfinite(ess) else 10
    thinned = draws.ravel()[np.linspace(0, draws.size - 1, count).astype(int)]
    return float(((thinned < truth).sum() + rng.uniform()) / (count + 1))


# Errors to plant


@functools.cache  # so that all replicates of an error are of one form, and share what is compiled
def wrong_models() -> dict[str, tuple[type, type]]:
    """Kind of error model that each error is planted in, and the wrong one."""
    import jax.numpy as jnp

    import bayes_tbm as bt

    class Widened(bt.BlockMeans):
        def _shared(self, data: Any, errors: Any) -> Any:
            return -super()._shared(data, errors)

    class Squared(bt.Gaussian):
        def rows(self, data: Any) -> np.ndarray:
            value, _, *rest = super().rows(data)
            sd = data.measurement_sd
            return np.array([value, sd, *rest])

    class Close(bt.Autoregressive):
        def _scale(self, data: Any, errors: Any) -> Any:
            day = 0.1 * jnp.asarray(data.day)
            return super()._scale(dataclasses.replace(data, day=day), errors)

    return {
        "balance_sign": (bt.BlockMeans, Widened), "sd_for_variance": (bt.Gaussian, Squared),
        "wrong_gap": (bt.Autoregressive, Close),
    }  # fmt: skip


@functools.cache
def slope() -> Any:
    """Term that a density of residence time has more than one of its logarithm."""
    import jax.numpy as jnp

    from bayes_tbm.posterior import EDC

    return EDC("slope", "", 1.0, default=False, term=lambda p, *_: jnp.log(p.wood_residence_time))


def _with_wrong_model(name: str, density: LogDensity) -> LogDensity:
    """Density in which error models of a kind are replaced by wrong ones with the same fields."""
    kind, wrong = wrong_models()[name]
    streams = []
    for bound in density.streams:
        model = bound.stream.errors
        if type(model) is kind:
            fields = {f.name: getattr(model, f.name) for f in dataclasses.fields(model)}
            stream = dataclasses.replace(bound.stream, errors=wrong(**fields))
            bound = dataclasses.replace(bound, stream=stream)
        streams.append(bound)
    return dataclasses.replace(density, streams=tuple(streams))


def twice(density: LogDensity) -> LogDensity:
    """Count every likelihood twice."""
    return dataclasses.replace(density, streams=density.streams * 2)


def balance_sign(density: LogDensity) -> LogDensity:
    """Let the balance of a year widen its mean instead of narrowing it."""
    return _with_wrong_model("balance_sign", density)


def sd_for_variance(density: LogDensity) -> LogDensity:
    """Take standard deviations of leaf area for variances."""
    return _with_wrong_model("sd_for_variance", density)


def wrong_gap(density: LogDensity) -> LogDensity:
    """Let correlation fall over a tenth of the days between points."""
    return _with_wrong_model("wrong_gap", density)


def no_jacobian(density: LogDensity) -> LogDensity:
    """Drop the slope of residence time's map: take a prior of it for one of its logarithm."""
    return dataclasses.replace(density, constraints=(*density.constraints, slope()))


def nothing_shared(density: LogDensity) -> LogDensity:
    """Leave out the errors that all values of a stream share."""
    streams = tuple(
        dataclasses.replace(
            bound, data=dataclasses.replace(bound.data, scale_sd=None, offset_sd=None)
        )
        for bound in density.streams
    )
    return dataclasses.replace(density, streams=streams)


PLANTED: dict[str, Callable[[LogDensity], LogDensity]] = {
    plant.__name__: plant
    for plant in (twice, balance_sign, sd_for_variance, no_jacobian, wrong_gap, nothing_shared)
}


# Verdict


def p_values(pits: np.ndarray, draws: int = 40_000) -> np.ndarray:
    """Share of uniform samples whose distribution leaves a narrower envelope, (quantity,).

    The envelope is pointwise binomial at as many places as there are replicates (Sailynoja et al.
    2022, doi 10.1007/s11222-022-10090-6).
    """
    count = pits.shape[1]
    places = np.arange(1, count) / count
    below = _tails(count, places)

    def narrowest(samples: np.ndarray) -> np.ndarray:
        number = (samples[:, :, None] <= places).sum(axis=1)
        return below[np.arange(len(places)), number].min(axis=1)

    rng = np.random.default_rng(1)
    blocks = [narrowest(rng.uniform(size=(500, count))) for _ in range(draws // 500)]
    null = np.sort(np.concatenate(blocks))
    return np.searchsorted(null, narrowest(pits), side="right") / len(null)


def _tails(count: int, places: np.ndarray) -> np.ndarray:
    """Smaller tail of each number of uniforms below each place, (place, number)."""
    from scipy.stats import binom

    number = np.arange(count + 1)
    lower = binom.cdf(number, count, places[:, None])
    upper = binom.sf(number - 1, count, places[:, None])
    return np.asarray(np.minimum(lower, upper))


def report(
    found: dict[str, dict[str, np.ndarray]], funnels: dict[str, np.ndarray], out: Path
) -> int:
    """Print a line for each kind of fit; tell whether all is well."""
    sound = found[SOUND]
    names = list(sound)
    p = p_values(np.stack([sound[name] for name in names]))
    outside = {n: x for n, x in zip(names, p, strict=True) if x < 0.05 / len(names)}
    inside = [np.mean([np.abs(sound[n] - 0.5) < half for n in names]) for half in (0.25, 0.45)]
    print(f"\n{len(next(iter(sound.values())))} replicates, {len(names)} quantities; "
          f"50 % intervals hold {inside[0]:.3f}, 90 % ones {inside[1]:.3f}")  # fmt: skip
    for name in sorted(names, key=lambda n: p[names.index(n)])[:8]:
        print(f"  {name:34} p {p[names.index(name)]:.4f}{' OUTSIDE' * (name in outside)}")
    caught = 0
    for plant in list(found)[1:]:
        wrong = p_values(np.stack([found[plant][name] for name in names]))
        seen = [n for n, x in zip(names, wrong, strict=True) if x < 0.05 / len(names)]
        caught += bool(seen)
        said = f"seen in {len(seen)}: {', '.join(seen[:4])}" if seen else "NOT SEEN"
        print(f"planted {plant:18} {said}")
    save(sound, names, p, out)
    planted = len(found) - 1
    for name, pits in funnels.items():  # the first is sampled as it should be
        seen = bool(p_values(pits[None])[0] < 0.05)
        kind = "planted" if planted_in(name) else "sound"
        print(f"{kind:7} {name:18} {'seen' if seen else 'not seen'}")
        if planted_in(name):
            planted, caught = planted + 1, caught + seen
        elif seen:
            outside[name] = 0.0
    print(f"outside the envelope: {len(outside)} of {len(names)} quantities; "
          f"planted errors caught: {caught} of {planted}")  # fmt: skip
    return 0 if not outside and caught == planted else 1


def planted_in(funnel: str) -> bool:
    """Whether a funnel is sampled as it should not be."""
    return "restarted" in funnel


def save(sound: dict[str, np.ndarray], names: list[str], p: np.ndarray, out: Path) -> None:
    """Write `pit.nc` and a figure of the quantities that come nearest to the envelope."""
    import arviz as az
    import matplotlib as mpl
    import xarray as xr

    mpl.use("Agg")
    data = xr.Dataset({n: (("chain", "draw"), x[None]) for n, x in sound.items()})
    tree = xr.DataTree.from_dict({"prior_sbc": data})
    tree.to_netcdf(out / "pit.nc")
    nearest = [names[i] for i in np.argsort(p)[:12]]
    az.plot_ecdf_pit(tree, group="prior_sbc", var_names=nearest).savefig(out / "sbc.png")


if __name__ == "__main__":
    sys.exit(main())
