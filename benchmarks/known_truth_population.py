"""Does a population find the threshold that its stands were made with? Virtual stands say.

Stands lie along the ladder of winter cold of `bayes_tbm.synthetic`. Their wood residence time is
drawn from the population model: it steps with the coldest month, or not at all, and scatters.
Each stand is observed by monthly fluxes and leaf area for three years, and by a growth curve with
errors of 10 % that are correlated along age, and is fitted alone; the coldest month is told with
the errors that the population model takes it to have. Stands after stands make populations.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import time
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from _measure import Table, machine, pin, prepare_environment
from _virtual_stands import CURVE, FLUXES, Fits, Study, mean_of, name_of, planned

if TYPE_CHECKING:
    import bayes_tbm as bt

_EPILOG = """
  python benchmarks/known_truth_population.py --out known --populations 10 --stands 16
  python benchmarks/known_truth_population.py --out known --populations 4 --stands 40   same fits
  python benchmarks/known_truth_population.py --out known --stands 40 --pool 160        same fits
  python benchmarks/known_truth_population.py --out known --truth constant
  python benchmarks/known_truth_population.py --out known --streams gpp nee et lai      fluxes alone

  python benchmarks/known_truth_population.py --sd 0.3        no fits: stands of normal likelihoods

Fits are kept in the folder and never made twice: the command goes on after an interruption, and
more populations add to what is there. Verdicts are kept as well, in CSV.
"""
COVARIATE_SD, OFFSET_SD = 1.5, 2.0
"""Errors of the coldest month: of each stand, and of all stands of a population [K]."""
MEANS = ("constant", "linear", "step")
POPULATION = {"chains": 2, "warmup": 300, "keep": 500, "replicates": 60}


def main() -> int:
    """Fit all stands, or go on; then judge every population."""
    layout = argparse.RawDescriptionHelpFormatter
    parser = argparse.ArgumentParser(description=__doc__, epilog=_EPILOG, formatter_class=layout)
    parser.add_argument("--out", type=Path, help="folder of fits and tables")
    parser.add_argument("--populations", type=int, default=10, help="default 10")
    parser.add_argument("--stands", type=int, default=16, help="of a population (default 16)")
    parser.add_argument(
        "--pool", type=int,
        help="stands that populations are drawn from, so that some are in several (default: as "
        "many as make every population of stands of its own)",
    )  # fmt: skip
    parser.add_argument("--streams", nargs="+", default=[*FLUXES, CURVE], metavar="STREAM")
    parser.add_argument("--truth", choices=("step", "constant"), default="step")
    parser.add_argument("--sd", type=float, help="fit nothing: stands known to such an sd [ln yr]")
    parser.add_argument(
        "--sizes", type=int, nargs="*", default=[16, 40, 80, 160],
        help="stands of populations of normal likelihoods (default 16 40 80 160)",
    )  # fmt: skip
    parser.add_argument(
        "--part", metavar="I/N",
        help="only fit every Nth block of stands, to share the work among processes; run without "
        "it to see the tables",
    )  # fmt: skip
    arguments = parser.parse_args()
    if (arguments.sd is None) == (arguments.out is None):
        parser.error("give --out, or --sd to fit nothing")
    prepare_environment(None)
    if arguments.sd is not None:
        normal_stands(np.array([arguments.sd]), arguments.truth, arguments.sizes)
        return 0
    os.environ["JAX_COMPILATION_CACHE_DIR"] = str(arguments.out / "compiled")
    pinned = pin(1)
    import bayes_tbm as bt

    for category in (bt.DataWarning, bt.ConvergenceWarning):
        warnings.simplefilter("ignore", category)
    streams, truth = arguments.streams, arguments.truth
    print(f"# Known truth: {truth}, {', '.join(streams)}\n\n{machine()}, {pinned}\n", flush=True)
    study = Study(arguments.out / f"{truth}-{'-'.join(streams)}", truth, tuple(streams))
    own = arguments.populations * arguments.stands
    count = arguments.pool or own
    if arguments.part:
        study.fit(count, *map(int, arguments.part.split("/")))
        return 0
    fits = study.fits(count)
    fits.tell()
    found = [
        judged(study, fits, n, members(n, arguments.stands, arguments.pool))
        for n in range(arguments.populations)
    ]
    report(pd.DataFrame(found), truth)
    if arguments.pool:
        print(f"each stand is in {own / count:.1f} populations on average: errors are larger")
    normal_stands(fits.draws.summary()[1], truth, arguments.sizes)
    return 0


def members(number: int, stands: int, pool: int | None) -> list[int]:
    """Stands of a population: some of its own, or some of a pool."""
    if pool is None:
        return list(range(number * stands, (number + 1) * stands))
    rng = np.random.default_rng([number, stands, pool, 29])
    return sorted(int(n) for n in rng.choice(pool, stands, replace=False))


def judged(study: Study, fits: Fits, number: int, numbers: list[int]) -> dict[str, Any]:
    """Fit a population under every mean function; what it says, beside the truth."""
    import bayes_tbm as bt

    names, stands = [name_of(n) for n in numbers], len(numbers)
    told = hashlib.sha256(" ".join(names).encode()).hexdigest()[:8]
    kept = study.folder / f"population-{number}-of-{stands}-{told}.csv"
    if kept.is_file():
        return pd.read_csv(kept).iloc[0].to_dict()
    begin = time.perf_counter()
    rng = np.random.default_rng([number, stands, 13])
    seen = fits.table.loc[names, "coldest"] + OFFSET_SD * rng.standard_normal()
    seen = seen + COVARIATE_SD * rng.standard_normal(stands)
    covariates = pd.DataFrame({"coldest": seen, "cell": names}, index=names)
    draws = fits.draws.of(names)
    found = bt.attribution(draws, covariates, means=MEANS, seed=number, **POPULATION)
    diagnostics = found.fits["step"].tree["diagnostics"]
    row: dict[str, Any] = {"population": number, "verdict": found.verdict}
    for name, values in drawn(found).items():
        low, middle, high = np.quantile(values, [0.05, 0.5, 0.95])
        row |= {f"{name}_05": low, f"{name}_50": middle, f"{name}_95": high}
    row["bits"] = float(diagnostics["error_bits"])
    row["claimed_if_shuffled"] = shuffled(draws, covariates, rng)
    row["seconds"] = time.perf_counter() - begin
    pd.DataFrame([row]).to_csv(kept, index=False)
    print(f"population {number}: {row['seconds']:.0f} s; {found.verdict}", flush=True)
    return row


def drawn(found: bt.Attribution) -> dict[str, np.ndarray]:
    """Draws of what is known of the population."""
    step, constant = (found.fits[name].tree["posterior"] for name in ("step", "constant"))

    def scatter(posterior: Any) -> np.ndarray:  # each stand is alone in its cell
        own = np.hypot(posterior["sd"].values[..., 0], posterior["cell_sd"].values)
        return np.asarray(own.ravel())

    return {
        "threshold": step["threshold"].values.ravel(), "step": step["step"].values.ravel(),
        "scatter": scatter(step), "scatter_if_constant": scatter(constant),
    }  # fmt: skip


def shuffled(
    draws: bt.SiteDraws, covariates: pd.DataFrame, rng: np.random.Generator, times: int = 40
) -> float:
    """Share of shuffled coldest months with which a threshold would be claimed."""
    from bayes_tbm.population.attribution.gaussian import GaussianPopulation
    from bayes_tbm.population.attribution.verdicts import step_test
    from bayes_tbm.population.hierarchy.covariates import covariates_of

    y, sd = draws.summary()
    claims = []
    for _ in range(times):
        again = covariates.assign(coldest=rng.permutation(covariates["coldest"]))
        known = covariates_of(again, draws.sites)
        test = step_test(GaussianPopulation(known, sd, covariate_sd=COVARIATE_SD), y)
        claims.append(bool(test.claimed[0]))
    return float(np.mean(claims))


def normal_stands(sds: np.ndarray, truth: str, sizes: list[int], populations: int = 400) -> None:
    """Print what many populations would say whose stands have normal likelihoods of such sds.

    By the closed form behind verdicts, in a second: it shows what more stands would do. An error
    of the coldest month that all stands share is left out, as verdicts do.
    """
    from bayes_tbm.population.attribution.gaussian import GaussianPopulation
    from bayes_tbm.population.attribution.verdicts import step_test
    from bayes_tbm.population.hierarchy.covariates import covariates_of
    from bayes_tbm.synthetic import stands

    rng = np.random.default_rng(1)
    print(f"\n{populations} populations of stands with normal likelihoods, truth {truth}\n")
    table = Table("stands", "claimed", "threshold in 90 %", "step in 90 %", "sd of threshold, K")
    for size in sizes:
        names = [name_of(number) for number in range(size)]
        seen = np.array([planned(number, truth)["coldest"] for number in range(size)])
        known = covariates_of(pd.DataFrame({"coldest": seen, "cell": names}, index=names), names)
        sd, shape = rng.choice(sds, size), (populations, size)
        mean = mean_of(seen + COVARIATE_SD * rng.standard_normal(shape), truth)
        y = mean + np.hypot(sd, stands.RESIDENCE_LOG_SD) * rng.standard_normal(shape)
        test = step_test(GaussianPopulation(known, sd, covariate_sd=COVARIATE_SD), y)
        inside = ["", ""]
        if truth == "step":
            (low, high), (step, error) = test.step.interval().T, test.step.effect.T
            there = (low <= stands.THRESHOLD) & (high >= stands.THRESHOLD)
            right = np.abs(step + np.log1p(stands.MILD_FACTOR)) < 1.645 * error
            inside = [f"{there.mean():.2f}", f"{right.mean():.2f}"]
        located = float(np.median(test.step.threshold_sd()))
        table.row(size, float(test.claimed.mean()), *inside, located)


def true_values(truth: str) -> dict[str, float]:
    """Return what the population was made with."""
    from bayes_tbm.synthetic import stands

    if truth == "constant":
        return {"scatter_if_constant": stands.RESIDENCE_LOG_SD}
    return {
        "threshold": stands.THRESHOLD, "step": -float(np.log1p(stands.MILD_FACTOR)),
        "scatter": stands.RESIDENCE_LOG_SD,
    }  # fmt: skip


def report(found: pd.DataFrame, truth: str) -> None:
    """Print what was found beside the truth, and how often it lies inside."""
    count = len(found)
    error = np.sqrt(0.9 * 0.1 / count)
    print(f"\n{count} populations; a share of 0.90 has a Monte Carlo error of {error:.2f}\n")
    table = Table("quantity", "truth", "mean median", "width of 90 %", "inside 90 %")
    for name, value in true_values(truth).items():
        low, middle, high = (found[f"{name}_{q}"] for q in ("05", "50", "95"))
        inside = ((low <= value) & (value <= high)).sum()
        table.row(name, value, middle.mean(), (high - low).mean(), f"{inside} of {count}")
    verdict = found["verdict"].str.split(r" near|[:;]| where", regex=True).str[0]
    print(f"\nverdicts: {verdict.value_counts().to_dict()}")
    claims = found["claimed_if_shuffled"].mean()
    print(f"thresholds claimed where coldest months are shuffled: {claims:.1%}")
    print(f"bits lost by sums over draws: {found['bits'].max():.2f} at most")


if __name__ == "__main__":
    raise SystemExit(main())
