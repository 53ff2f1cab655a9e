"""One set of parameters for seven stands: the burns of Thompson, Manitoba, and a tower there.

The growth curve of the chronosequence (Goulden et al. 2011, doi 10.1111/j.1365-2486.2010.02274.x)
and the fluxes and leaf area of one of its towers are fitted together: all ages, and those from 15
years on. The biomass of each age is predicted from the others: draws are weighted by one over the
density of its measurement given the others (Vehtari et al. 2017, doi 10.1007/s11222-016-9696-4),
or, with --refit, fitted again without it. Gross production by stand age, which no stream but the
tower's tells, is set beside what was published of these stands, and so is the share of it that is
respired.
"""

from __future__ import annotations

import argparse
import dataclasses
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from _measure import Table, interval, machine, prepare_environment

if TYPE_CHECKING:
    import bayes_tbm as bt

_EPILOG = """
  python benchmarks/chronosequence.py --out thompson --growth ../shared/data/population/growth
  python benchmarks/chronosequence.py --out thompson --growth DIR --refit 74 154
  python benchmarks/chronosequence.py --out thompson-ns2 --growth DIR --tower CA-NS2

The folder of growth holds curve_CA-NS.csv and goulden2011_chronosequence_forc.csv. Fits are kept.
"""
STREAMS = ("gpp", "nbe", "et", "lai")
ORIGIN = {"CA-NS1": 1850, "CA-NS2": 1930, "CA-NS3": 1964, "CA-NS5": 1981, "CA-NS6": 1989}
"""Years in which the stands at towers burned."""
GROWN = 15.0
"""Age from which the second fit takes the curve [yr]."""
COMMON, LENGTH = 0.36, 1.0
"""Errors along age: a log sd of 0.15 out of 0.25, from allometry, is common to all stands; what is
left is each stand's own."""
STRUCTURAL = 0.05
"""Log sd by which the model's growth departs from a curve, the package's."""
_LEVELS = [0.05, 0.5, 0.95]


def main() -> int:
    """Fit, and tell what is predicted."""
    layout = argparse.RawDescriptionHelpFormatter
    parser = argparse.ArgumentParser(description=__doc__, epilog=_EPILOG, formatter_class=layout)
    parser.add_argument("--out", type=Path, required=True, help="folder of fits")
    parser.add_argument("--growth", type=Path, required=True, help="folder of growth data")
    parser.add_argument("--data", help="folder of site data (default: fetched)")
    parser.add_argument("--tower", default="CA-NS1", choices=ORIGIN, help="default CA-NS1")
    parser.add_argument(
        "--refit", type=float, nargs="*", default=[], metavar="AGE",
        help="ages that are left out by fitting again",
    )  # fmt: skip
    arguments = parser.parse_args()
    prepare_environment(arguments.data)
    import bayes_tbm as bt

    for category in (bt.DataWarning, bt.ConvergenceWarning):
        warnings.simplefilter("ignore", category)
    print(f"# Chronosequence, tower {arguments.tower}\n\n{machine()}\n", flush=True)
    curve = bt.GrowthCurve.from_csv(
        arguments.growth / "curve_CA-NS.csv",
        errors=bt.AlongAge(length=bt.Fixed(LENGTH), common=bt.Fixed(COMMON)),
    )
    made = calibrations(arguments.tower, curve, arguments.refit)
    found = bt.fit_many(made, folder=arguments.out, executor="serial", progress=False)
    print(found.table[["state", "seconds", "rhat", "ess", "divergences"]].to_string())
    published = pd.read_csv(arguments.growth / "goulden2011_chronosequence_forc.csv")
    for name in ("all", "grown"):
        print(f"\n## {name}\n")
        predicted = left_out(name, made, found, curve)
        predicted.to_csv(arguments.out / f"left_out-{name}.csv", index=False)
        production(made[name], found.load(name), published)
    return 0


def calibrations(
    tower: str, curve: bt.GrowthCurve, refit: Sequence[float]
) -> dict[str, bt.Calibration]:
    """Calibrations to parts of the curve; the tower's stand is of known age."""
    import bayes_tbm as bt

    site = bt.open_site(f"fluxval:{tower}", start="2001-01-01", end="2005-12-31")
    parts = {"all": curve.age > 0.0, "grown": curve.age >= GROWN}
    for age in refit:
        parts |= {f"{name} without {age:g}": parts[name] & (curve.age != age) for name in parts
                  if " " not in name}  # fmt: skip
    curves = {
        name: dataclasses.replace(curve, age=curve.age[a], value=curve.value[a], sd=curve.sd[a])
        for name, a in parts.items()
    }
    age = 2001 - ORIGIN[tower] - 1  # fires are in summer
    return {
        name: bt.Calibration(site, [*STREAMS, own], stand_age=age) for name, own in curves.items()
    }


def left_out(name: str, made: dict[str, Any], found: Any, curve: bt.GrowthCurve) -> pd.DataFrame:
    """Predict the biomass of each age from the others; Mg C ha-1."""
    table = Table("age", "measured", "model, 90 %", "measurement, 90 %", "inside", "Pareto k")
    rng, rows = np.random.default_rng(0), []
    fitted = np.ones(len(curve.age), dtype=bool) if name == "all" else curve.age >= GROWN
    whole = by_age(made[name], found.load(name), curve.age)["biomass"]
    for place, age in enumerate(curve.age):
        own, biomass, weighted = f"{name} without {age:g}", whole, bool(fitted[place])
        if own in made:
            biomass = by_age(made[own], found.load(own), curve.age)["biomass"]
            weighted = False
        others = fitted & (curve.age != age)
        draws, k = chosen(np.log(biomass), curve, place, others, weighted=weighted, rng=rng)
        mean, sd = conditional(np.log(biomass[draws]), curve, place, others)
        seen = np.exp(mean + sd * rng.standard_normal(len(mean)))
        model, again = (np.quantile(x, _LEVELS) / 100 for x in (biomass[draws, place], seen))
        value = curve.value[place] / 100.0
        inside = bool(again[0] <= value <= again[2])
        table.row(f"{age:g}", value, interval(model), interval(again),
                  "yes" if inside else "NO", k)  # fmt: skip
        rows.append({"age": age, "measured": value, "inside": inside}
                    | dict(zip(("low", "middle", "high"), again, strict=True)))  # fmt: skip
    predicted = pd.DataFrame(rows)
    own = predicted[fitted]
    error = np.log(own["measured"] / own["middle"])
    print(
        f"\nof the ages fitted, inside 90 %: {own['inside'].sum()} of {len(own)}; measured over "
        f"predicted {np.exp(error.mean()):.2f}, ln rms {np.sqrt(np.mean(error**2)):.2f}\n",
        flush=True,
    )
    return predicted


def conditional(
    log_biomass: np.ndarray, curve: bt.GrowthCurve, place: int, others: np.ndarray
) -> tuple[np.ndarray, float]:
    """Mean (draw,) and sd of the logarithm of a measurement, given those of other ages."""
    from bayes_tbm.model.regrowth import WEATHERS

    log_sd = np.sqrt(np.log1p((curve.sd / curve.value) ** 2))
    gap = np.abs(np.subtract.outer(curve.age, curve.age))
    covariance = np.outer(log_sd, log_sd) * (COMMON + (1.0 - COMMON) * np.exp(-gap / LENGTH))
    covariance += WEATHERS["record"] ** 2 + STRUCTURAL**2 * np.eye(len(gap))
    weight = np.linalg.solve(covariance[np.ix_(others, others)], covariance[others, place])
    residual = np.log(curve.value[others]) - log_biomass[:, others]
    variance = covariance[place, place] - covariance[place, others] @ weight
    return log_biomass[:, place] + residual @ weight, float(np.sqrt(variance))


def chosen(
    log_biomass: np.ndarray, curve: bt.GrowthCurve, place: int, others: np.ndarray, *,
    weighted: bool, rng: np.random.Generator,
) -> tuple[np.ndarray, float]:  # fmt: skip
    """Draws as if one age had not been fitted, and Pareto k; all of them where it was not."""
    from scipy.special import softmax

    from bayes_tbm.population.hierarchy.diagnostics import smoothed

    every = np.arange(len(log_biomass))
    if not weighted:
        return every, float("nan")
    mean, sd = conditional(log_biomass, curve, place, others)
    log_weight, k = smoothed(0.5 * ((np.log(curve.value[place]) - mean) / sd)[None] ** 2)
    return rng.choice(every, size=len(every), p=softmax(log_weight[0])), float(k[0])


def by_age(
    calibration: bt.Calibration, tree: Any, ages: np.ndarray, most: int = 400
) -> dict[str, np.ndarray]:
    """Live biomass [g C m-2] and yearly GPP [g C m-2 yr-1] of stands of some ages, (draw, age)."""
    import jax

    from bayes_tbm.model.regrowth import at_age, live_biomass
    from bayes_tbm.units import DAYS_PER_YEAR

    density = calibration.density
    posterior = tree["posterior"].to_dataset().stack(sample=("chain", "draw"))
    rows = np.linspace(0, posterior.sizes["sample"] - 1, most).round().astype(int)
    as_told = {name: 0.0 for name in density.priors if name.endswith("_departure")}

    @jax.jit
    def one(values: dict[str, Any], age: Any) -> tuple[Any, Any]:
        traced = dataclasses.replace(density.traced, age=age)
        every = traced.values(density.latent(values)) | as_told
        _, run = traced.run(every, whole=True)
        gpp = (run.fluxes.gpp * density.forcing.step_length).sum()
        return (
            at_age(live_biomass(run.regrowth), age),
            gpp / density.forcing.step_length.sum() * DAYS_PER_YEAR,
        )

    draws = [{n: float(posterior[n].values[row]) for n in density.sampled} for row in rows]
    found = np.array([[jax.device_get(one(draw, float(a))) for a in ages] for draw in draws])
    return {"biomass": found[..., 0], "gpp": found[..., 1]}


def production(calibration: bt.Calibration, tree: Any, published: pd.DataFrame) -> None:
    """Print GPP by age, and the share of it that is respired, beside what was published."""
    stands = published.dropna(subset=["GPP_C"]).sort_values("age_2004")
    ages = stands["age_2004"].to_numpy(float)
    gpp = np.quantile(by_age(calibration, tree, ages)["gpp"] / 100.0, _LEVELS, axis=0)
    share = np.quantile(tree["posterior"]["autotrophic_fraction"].values, _LEVELS)
    table = Table("age", "GPP published", "GPP, 90 %", "Ra/GPP published", "Ra/GPP, 90 %")
    for place, row in enumerate(stands.to_dict("records")):
        table.row(
            f"{row['age_2004']:g}", row["GPP_C"], interval(gpp[:, place]), row["Ra_over_GPP"],
            interval(share),
        )  # fmt: skip
    print("\nMg C ha-1 yr-1; the model's share is one for all ages")


if __name__ == "__main__":
    raise SystemExit(main())
