"""Is the hierarchy calibrated? Sites with Gaussian likelihoods, where the answer is known.

The mean and the sd between sites are drawn from their priors, sites from them, data from sites, and
exact draws of every site under a prior of its own. The rank of the truth among the draws of the
population is uniform if sums over draws stand well enough for integrals. It is shown with the
correction of the sums' bias, without it, and with the sites' own priors forgotten, which must be
seen; and how long a fit takes as sites become many.
"""

from __future__ import annotations

import argparse
import dataclasses
import time
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from _measure import Table, machine, prepare_environment, slope
from scipy.stats import kstest

if TYPE_CHECKING:
    import bayes_tbm as bt

_EPILOG = """
  python benchmarks/population_toy.py                      100 replicates of 100 sites, 20 minutes
  python benchmarks/population_toy.py --replicates 20 --sites 30 --scaling        the short form
"""
OWN = 4.1, 0.9
"""Mean and sd of every site's own prior, in ln years."""


def main() -> int:
    """Print the calibration of each way, then the times."""
    layout = argparse.RawDescriptionHelpFormatter
    parser = argparse.ArgumentParser(description=__doc__, epilog=_EPILOG, formatter_class=layout)
    parser.add_argument("--replicates", type=int, default=100, help="default 100; 0 for times only")
    parser.add_argument("--sites", type=int, default=100, help="default 100")
    parser.add_argument("--draws", type=int, default=400, help="of each site (default 400)")
    parser.add_argument("--sd", type=float, default=0.6, help="of a site's data (default 0.6)")
    parser.add_argument(
        "--scaling", type=int, nargs="*", default=[10, 50, 200, 800, 2000], metavar="SITES",
        help="numbers of sites to time a fit of (default 10 50 200 800 2000)",
    )  # fmt: skip
    parser.add_argument("--chains", type=int, default=4, help="of a fit that is timed (default 4)")
    parser.add_argument("--once", action="store_true", help="time no fit a second time")
    arguments = parser.parse_args()
    prepare_environment(None)
    print(f"# Population of Gaussian sites\n\n{machine()}\n", flush=True)
    if arguments.replicates:
        calibration(arguments.replicates, arguments.sites, arguments.draws, arguments.sd)
    if arguments.scaling:
        print()
        scaling(arguments.scaling, arguments.chains, 1 if arguments.once else 2)
    return 0


def sites(
    count: int, draws: int, sd: float, rng: np.random.Generator
) -> tuple[bt.SiteDraws, pd.DataFrame, tuple[float, float]]:
    """One replicate: draws of sites, covariates, and the truth (mean, sd between sites)."""
    import bayes_tbm as bt

    mean, beyond = np.log(60.0) + rng.normal(), abs(0.5 * rng.normal())
    between = np.hypot(beyond, 0.1)
    y = mean + np.hypot(between, sd) * rng.normal(size=count)
    variance = 1 / (1 / sd**2 + 1 / OWN[1] ** 2)
    centre = variance * (y / sd**2 + OWN[0] / OWN[1] ** 2)
    phi = centre[:, None] + np.sqrt(variance) * rng.normal(size=(count, draws))
    log_prior = -0.5 * ((phi - OWN[0]) / OWN[1]) ** 2 - np.log(OWN[1] * np.sqrt(2 * np.pi))
    names = [f"site {place}" for place in range(count)]
    table = {"coldest": rng.uniform(-30.0, 5.0, count), "cell": np.arange(count)}
    found = bt.SiteDraws(
        tuple(names), ("wood_residence_time",), phi[..., None], log_prior,
        np.full(count, float(draws)),
    )  # fmt: skip
    return found, pd.DataFrame(table, index=names), (mean, between)


def fitted(
    draws: bt.SiteDraws, covariates: pd.DataFrame, *, correct: bool, seed: int
) -> tuple[np.ndarray, np.ndarray]:
    """Draws of mean and sd between sites, by the sampler of the package."""
    from bayes_tbm.population.hierarchy.covariates import covariates_of
    from bayes_tbm.population.hierarchy.model import Form, data_of
    from bayes_tbm.population.hierarchy.sampling import sample
    from bayes_tbm.runtime.precision import use_double_precision

    use_double_precision()
    form = Form("constant", None, False, 0.0, 0.0)
    data = data_of(draws, covariates_of(covariates, draws.sites), correct)
    posterior, _ = sample(form, data, chains=2, warmup=200, draws=250, seed=seed)
    return posterior["intercept"].ravel(), posterior["sd"][..., 0].ravel()


def calibration(replicates: int, count: int, draws: int, sd: float) -> None:
    """Ranks of the truth for each way, against uniform ones."""
    table = Table("way", "parameter", "mean rank", "error", "KS p-value")
    ways = {
        "corrected": (True, False),
        "plain": (False, False),
        "own prior forgotten": (True, True),
    }
    ranks = {way: [] for way in ways}
    for seed in range(replicates):
        drawn, covariates, truth = sites(count, draws, sd, np.random.default_rng(seed))
        flat = dataclasses.replace(drawn, log_prior=np.zeros_like(drawn.log_prior))
        for way, (correct, forgotten) in ways.items():
            own = flat if forgotten else drawn
            found = fitted(own, covariates, correct=correct, seed=seed)
            ranks[way].append([np.mean(f < t) for f, t in zip(found, truth, strict=True)])
    for way, each in ranks.items():
        for name, values in zip(("mean", "sd"), np.transpose(each), strict=True):
            error = np.sqrt(1 / 12 / replicates)
            table.row(way, name, values.mean(), error, float(kstest(values, "uniform").pvalue))


def paired(drawn: bt.SiteDraws, rng: np.random.Generator) -> bt.SiteDraws:
    """Add a second coordinate, as real sites have."""
    centre = 0.4 * rng.normal(size=(len(drawn.sites), 1))
    other = centre + 0.4 * rng.normal(size=(len(drawn.sites), drawn.count))
    return dataclasses.replace(
        drawn, coordinates=(*drawn.coordinates, "allocation_wood"),
        phi=np.stack([drawn.phi[..., 0], other], axis=-1),
        log_prior=drawn.log_prior - 0.5 * (other / 0.8) ** 2,
    )  # fmt: skip


def scaling(counts: list[int], chains: int, repeats: int) -> None:
    """Time a fit of two coordinates under a step, and again when compiled, as sites become many.

    Of the processor too, since other work may share the cores.
    """
    import bayes_tbm as bt
    from bayes_tbm.results.groups import group

    table = Table("sites", "draws used", "fit", "s", "core s", "a site", "leapfrogs", "bits lost")
    times = []
    for count in counts:
        rng = np.random.default_rng(count)
        drawn, covariates, _ = sites(count, 2000, 0.4, rng)
        drawn = paired(drawn, rng)
        for seed, name in zip(range(repeats), ("first", "again"), strict=False):
            begin, core = time.perf_counter(), time.process_time()
            fit = bt.fit_population(drawn, covariates, "step", seed, chains=chains)
            wall, core = time.perf_counter() - begin, time.process_time() - core
            steps = float(group(fit.tree, "sample_stats")["n_steps"].mean())
            bits = float(group(fit.tree, "diagnostics")["error_bits"])
            table.row(count, fit.draws.count, name, wall, core, core / count, steps, bits)
        times.append(core)
    print(f"\ntime of the processor goes as sites to the {slope(counts, times):.2f}")


if __name__ == "__main__":
    raise SystemExit(main())
