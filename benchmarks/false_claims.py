"""False claims of a threshold where what sites know is not normal, and true ones.

The verdict rests on a Gaussian summary of every site's likelihood of ln residence time. Here the
likelihoods are skewed, have heavy tails, or are bounds: a stand younger than its wood lives tells
only that it lives longer. Sites follow a constant or a line; a claim of a step is false.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path

import numpy as np
import pandas as pd
from _measure import Table, machine, prepare_environment
from scipy.special import log_ndtr
from scipy.stats import norm, skewnorm, t

_EPILOG = """
  python benchmarks/false_claims.py ../shared/data/population/sites.csv
  python benchmarks/false_claims.py ../shared/data/population/sites.csv --replicates 20   short
"""
OWN = 4.1, 0.9
"""Mean and sd of every site's own prior, in ln years."""
GRID = np.linspace(-0.5, 8.5, 451)
BETWEEN, CELLS, SKEW = 0.4, 0.2, 6.0


def main() -> int:
    """Print the share of false claims, and of true steps that are told, by kind of likelihood."""
    layout = argparse.RawDescriptionHelpFormatter
    parser = argparse.ArgumentParser(description=__doc__, epilog=_EPILOG, formatter_class=layout)
    parser.add_argument("table", type=Path, help="CSV with site, coldest and cell")
    parser.add_argument("--replicates", type=int, default=100, help="default 100")
    parser.add_argument("--draws", type=int, default=300, help="of each site (default 300)")
    arguments = parser.parse_args()
    prepare_environment(None)
    print(f"# False claims\n\n{machine()}\n", flush=True)
    sites = pd.read_csv(arguments.table, index_col="site")
    table = Table("likelihoods", "truth", "threshold claimed", "error", "core s")
    for kind in KINDS:
        for truth in ("constant", "line", "step of 3.9"):
            begin = time.process_time()
            told = [
                claimed(sites, kind, truth, n, arguments.draws) for n in range(arguments.replicates)
            ]
            share = float(np.mean(told))
            error = np.sqrt(max(share * (1.0 - share), 0.01) / len(told))
            table.row(kind, truth, share, error, time.process_time() - begin)
    return 0


def claimed(sites: pd.DataFrame, kind: str, truth: str, seed: int, count: int) -> bool:
    """Whether a threshold is claimed in one made-up population."""
    import bayes_tbm as bt
    from bayes_tbm.population.attribution.gaussian import GaussianPopulation
    from bayes_tbm.population.attribution.verdicts import step_test
    from bayes_tbm.population.hierarchy.covariates import covariates_of

    rng = np.random.default_rng(seed)
    known = covariates_of(sites, [str(site) for site in sites.index])
    x = (known.coldest - known.centre) / known.scale
    mean = {"constant": 0.0 * x, "line": 0.4 * x, "step of 3.9": np.log(3.9) * (known.coldest > -8)}
    cells = CELLS * rng.normal(size=len(known.cells))[known.cell]
    phi = OWN[0] + mean[truth] - mean[truth].mean() + cells + BETWEEN * rng.normal(size=len(x))
    sd = rng.uniform(0.2, 0.6, len(x))
    log = KINDS[kind](phi, sd, x, rng) + norm.logpdf(GRID, *OWN)
    below = np.cumsum(np.exp(log - log.max(axis=1, keepdims=True)), axis=1)
    places = (np.arange(count) + rng.uniform(size=count)) / count
    draws = np.stack([np.interp(places, each / each[-1], GRID) for each in below])
    found = bt.SiteDraws(
        tuple(map(str, sites.index)), ("wood_residence_time",), draws[..., None],
        norm.logpdf(draws, *OWN), np.full(len(x), float(count)),
    )  # fmt: skip
    y, error = found.summary()
    return bool(step_test(GaussianPopulation(known, error), y).claimed[0])


def _normal(phi: np.ndarray, sd: np.ndarray, x: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    y = phi + sd * rng.normal(size=len(phi))
    return norm.logpdf(y[:, None], GRID, sd[:, None])


def _skewed(phi: np.ndarray, sd: np.ndarray, x: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    scale = sd / skewnorm.std(SKEW)
    y = phi + scale * skewnorm.rvs(SKEW, size=len(phi), random_state=rng)
    return skewnorm.logpdf((y[:, None] - GRID) / scale[:, None], SKEW)


def _heavy(phi: np.ndarray, sd: np.ndarray, x: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    scale = sd / np.sqrt(3.0)
    y = phi + scale * rng.standard_t(3, size=len(phi))
    return t.logpdf((y[:, None] - GRID) / scale[:, None], 3)


def _bounds(phi: np.ndarray, sd: np.ndarray, x: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Give normal likelihoods, but nothing beyond a bound, the stand's age: older where warmer."""
    bound = OWN[0] + 0.3 * x + 0.5 * rng.normal(size=len(x))
    y = phi + sd * rng.normal(size=len(phi))
    beyond = log_ndtr((GRID - bound[:, None]) / sd[:, None])
    return np.where((y > bound)[:, None], beyond, norm.logpdf(y[:, None], GRID, sd[:, None]))


KINDS = {"normal": _normal, "skewed": _skewed, "heavy tails": _heavy, "bounds": _bounds}

if __name__ == "__main__":
    raise SystemExit(main())
