"""What a growth curve adds to fluxes: virtual boreal stands of known truth, three sets of streams.

Every stand of `bayes_tbm.synthetic.stands` (a climate on the ladder of winter cold, parameters
drawn from a stated population) is fitted three times: to its fluxes and leaf area alone, with a
single stock at its age besides, and with its growth curve instead. The assimilated curve is the
true one times errors of 10 % that are correlated along age. The stand's age is known to nothing
but the stock and the curve: initial pools are free. All of it once under the package's prior of
wood residence time and once under DALEC's bounds, uniform in the logarithm, so that what a curve
changes can be told from what a prior had put in its place.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from _measure import machine, prepare_environment

_EPILOG = """
  python benchmarks/growth_study.py --out growth-study     12 stands, both priors; hours
  python benchmarks/growth_study.py --out quick --stands 2 --draws 300      a try

Fits are kept in the folder by content and taken up again after an interruption; the tables are
written there as CSV. The line of a prior, `reduction NN.N %`, is by how much its RMSE of biomass
falls over stands from fluxes alone to fluxes and curve, as the seed study measured it: posterior
median against the assimilated curve at maturity (150 yr).
"""
FLUXES = ("gpp", "nee", "et", "lai")
SETS = ("flux", "stock", "curve")
AGES = np.arange(10.0, 151.0, 10.0)
MATURE = 150.0
ERROR, COMMON, LENGTH = 0.10, 0.5, 80.0
"""Errors of the curve: log sd; the share of variance that all ages have in common, as allometry and
a biomass map's bias are; years over which the rest is correlated."""
PAIR = ("allocation_wood", "wood_residence_time")
BOUNDS = (2.74, 109.5)
"""Of wood residence time in DALEC, uniform in its logarithm [yr]."""
PRIORS = ("package", "dalec")


def main() -> int:
    """Fit all stands and print the tables."""
    layout = argparse.RawDescriptionHelpFormatter
    parser = argparse.ArgumentParser(description=__doc__, epilog=_EPILOG, formatter_class=layout)
    parser.add_argument("--out", type=Path, required=True, help="folder of the study")
    parser.add_argument(
        "--prior", choices=PRIORS, nargs="+", default=[*PRIORS],
        help="of wood residence time: the package's, or DALEC's bounds; default both",
    )  # fmt: skip
    parser.add_argument("--stands", type=int, default=12, help="default 12, two a climate")
    parser.add_argument(
        "--part",
        default="1/1",
        metavar="I/N",
        help="fit every Nth stand only, "
        "to share the work among processes; run without it to see the tables",
    )
    for name, text in (("chains", "4"), ("warmup", "the package's"), ("draws", "the package's")):
        parser.add_argument(f"--{name}", type=int, metavar="N", help=f"default: {text}")
    arguments = parser.parse_args()
    prepare_environment(None)
    chosen = {n: getattr(arguments, n) for n in ("chains", "warmup", "draws")}
    settings = {name: value for name, value in chosen.items() if value is not None}
    print(f"# Growth study\n\n{machine()}\n")
    part, parts = map(int, arguments.part.split("/"))
    numbers = range(arguments.stands)[part - 1 :: parts]
    tables = {}
    for prior in arguments.prior:
        print(f"## Prior of wood residence time: {prior}\n", flush=True)
        folder = arguments.out / prior
        stands = [study(number, folder, prior, settings) for number in numbers]
        if parts == 1:
            tables[prior] = pd.concat(stands, ignore_index=True)
            report(tables[prior], folder)
    if tables:
        print(f"\n## What the curve changes, and the prior\n\n{changes(tables)}")
    return 0


def study(number: int, folder: Path, prior: str, settings: dict[str, Any]) -> pd.DataFrame:
    """Fit one stand to the three sets; a row a set."""
    import bayes_tbm as bt
    from bayes_tbm.studies.fits import content
    from bayes_tbm.synthetic.ladder import CLIMATES
    from bayes_tbm.synthetic.stands import virtual_stand

    climates = list(CLIMATES)
    stand = virtual_stand(climates[number % len(climates)], seed=number // len(climates))
    streams, curve = observed(stand, number)
    own_prior = {} if prior == "package" else {"wood_residence_time": bt.LogUniform(*BOUNDS)}
    calibrations = {
        name: bt.Calibration(stand.site, streams[name], priors=own_prior, regrowth=True)
        for name in SETS
    }  # fmt: skip
    own = folder / stand.site.name
    made_of = [content(c, bt.Settings(seed=number, **settings)) for c in calibrations.values()]
    kept = own / f"{'-'.join(made_of)}.csv"
    if kept.is_file():
        return told(pd.read_csv(kept))
    found = bt.compare(
        calibrations, folder=own, progress=sys.stderr.isatty(), pairs=[PAIR], seed=number,
        **settings,
    )  # fmt: skip
    if number == 0:
        found.save(own)
    rows = [{"stand": stand.site.name, "coldest": stand.coldest_month, "set": name,
             **measure(found, name, stand, curve)} for name in SETS]  # fmt: skip
    pd.DataFrame(rows).to_csv(kept, index=False)
    return told(pd.read_csv(kept))


def told(rows: pd.DataFrame) -> pd.DataFrame:
    """Print the rows of a stand."""
    for row in rows.to_dict("records"):
        text = ", ".join(f"{row[n]:.0f}" for n in ("mature", "assimilated", "true"))
        print(f"{row['stand']:18} {row['set']:6} mature biomass, assimilated, true: {text} Mg/ha; "
              f"R-hat {row['rhat']:.3f}, {'passed' if row['passed'] else 'NOT CONVERGED'}",
              flush=True)  # fmt: skip
    return rows


def observed(stand: Any, number: int) -> tuple[dict[str, list[Any]], Any]:
    """Streams of each set, and the curve as it is assimilated, at `AGES` [g C m-2]."""
    import bayes_tbm as bt

    rng = np.random.default_rng([number, 7])
    age = np.append(AGES, stand.age)
    gap = np.abs(np.subtract.outer(age, age))
    correlation = COMMON + (1.0 - COMMON) * np.exp(-gap / LENGTH)
    nugget = 1e-9 * (stand.age in AGES)  # where the stock is of an age of the curve
    factor = np.linalg.cholesky(correlation + nugget * np.eye(len(age)))
    seen = stand.biomass_at(age) * np.exp(ERROR * factor @ rng.standard_normal(len(age)))
    sd = seen * np.sqrt(np.expm1(ERROR**2))
    errors = bt.AlongAge(length=bt.Fixed(LENGTH), common=bt.Fixed(COMMON), structural=bt.Fixed(0.0))
    curve = bt.GrowthCurve(AGES, seen[:-1], sd[:-1], errors=errors)
    stock = bt.Stock(float(seen[-1]), float(sd[-1]), "g C m-2", age=stand.age)
    return {"flux": [*FLUXES], "stock": [*FLUXES, stock], "curve": [*FLUXES, curve]}, seen[:-1]


def measure(found: Any, name: str, stand: Any, curve: np.ndarray) -> dict[str, Any]:
    """All that the tables need of one fit; biomass in Mg ha-1."""
    from bayes_tbm.units import dry_matter_per_hectare

    tree, table, gate = found.posteriors[name], found.table.loc[name], found.gates[name]
    posterior = tree["posterior"].to_dataset()
    true = {**stand.truth.to_dict(), "mature_biomass":
            float(dry_matter_per_hectare(stand.biomass_at(MATURE)))}  # fmt: skip
    pair = " & ".join(PAIR)
    draws = np.stack([np.log(posterior["wood_residence_time"].values.ravel()),
                      posterior["allocation_wood"].values.ravel()])  # fmt: skip
    row = {
        "passed": gate.passed, "rhat": gate.rhat,
        "mature": float(posterior["mature_biomass"].median()),
        "assimilated": float(dry_matter_per_hectare(curve[-1])),
        "true": true["mature_biomass"],
        "pair_bits": table.loc[pair, "bits"], "pair_bits_mcse": table.loc[pair, "bits_mcse"],
        "pair_correlation": float(np.corrcoef(draws)[0, 1]),
        **{f"rmse_{s}": found.skill.loc[(name, s), "rmse"] for s in FLUXES},
    }  # fmt: skip
    for quantity in PAIR:
        row[f"{quantity}_median"] = float(posterior[quantity].median())
        row[f"{quantity}_true"] = float(true[quantity])
        for column in ("contraction", "contraction_mcse", "bits", "bits_mcse"):
            row[f"{quantity}_{column}"] = table.loc[quantity, column]
    return row | coverage(posterior, true)


def coverage(posterior: Any, true: dict[str, float]) -> dict[str, float]:
    """Share of known quantities inside the central 50 and 90 % intervals, and their number."""
    from bayes_tbm.parameters import TABLE, names_in

    unknown = names_in("departure", "fire")
    names = [n for n in (*TABLE, "mature_biomass") if n in posterior and n not in unknown]
    found: dict[str, float] = {"quantities": len(names)}
    for level in (50, 90):
        tail = (1.0 - level / 100.0) / 2.0
        inside = []
        for name in names:
            low, high = posterior[name].quantile([tail, 1.0 - tail]).values
            inside.append(bool(low <= true[name] <= high))
            if name in (*PAIR, "mature_biomass"):
                found[f"{name}_in_{level}"] = inside[-1]
        found[f"in_{level}"] = float(np.mean(inside))
    return found


def report(rows: pd.DataFrame, folder: Path) -> None:
    """Print the tables of the study."""
    rows.to_csv(folder / "stands.csv", index=False)
    by_set = {name: rows[rows["set"] == name].reset_index(drop=True) for name in SETS}
    count = len(by_set["flux"])
    converged = ", ".join(f"{name} {int(own.passed.sum())}" for name, own in by_set.items())
    print(f"\n{count} stands; all chains converged in {converged}\n")
    table = pd.DataFrame({name: summary(own) for name, own in by_set.items()}).T
    table.to_csv(folder / "sets.csv")
    print(table.to_string(float_format=lambda x: f"{x:.3g}"))
    print("\nRMSE of each flux over that of the set `flux` (bar: 1.02)")
    ratio = {n: {s: relative_rmse(by_set, n, s) for s in FLUXES} for n in ("stock", "curve")}
    print(pd.DataFrame(ratio).T.to_string(float_format=lambda x: f"{x:.4f}"))
    difference = by_set["curve"].pair_bits - by_set["stock"].pair_bits
    error = np.hypot(by_set["curve"].pair_bits_mcse, by_set["stock"].pair_bits_mcse)
    print(f"\njoint bits of {PAIR[0]} and {PAIR[1]}: curve {by_set['curve'].pair_bits.mean():.2f}, "
          f"stock {by_set['stock'].pair_bits.mean():.2f}, ratio "
          f"{by_set['curve'].pair_bits.mean() / by_set['stock'].pair_bits.mean():.2f}; difference "
          f"over its Monte Carlo error, mean over stands {(difference / error).mean():.1f}, "
          f"smallest {(difference / error).min():.1f}")  # fmt: skip
    for against in ("true", "assimilated"):
        low, middle, high = reduction(by_set, against)
        label = "" if against == "assimilated" else "against the truth: "
        print(f"{label}reduction {middle:.1f} %  (90 % of bootstraps over stands: {low:.1f} to "
              f"{high:.1f})")  # fmt: skip


def changes(tables: dict[str, pd.DataFrame]) -> str:
    """From fluxes alone to fluxes and curve: medians over those of the other set, in %.

    A mean over stands with 90 % of bootstraps over stands; the last rows hold what one prior
    changes more than the other, stand by stand.
    """
    found: dict[str, dict[str, pd.Series]] = {}
    for prior, rows in tables.items():
        one = {name: rows[rows["set"] == name].set_index("stand") for name in SETS}
        flux, curve = one["flux"], one["curve"]
        found[prior] = {
            "wood turnover": flux.wood_residence_time_median / curve.wood_residence_time_median,
            "wood share": curve.allocation_wood_median / flux.allocation_wood_median,
            "mature biomass": curve.mature / flux.mature,
            "turnover, flux over truth": flux.wood_residence_time_true
            / flux.wood_residence_time_median,
            "turnover, curve over truth": curve.wood_residence_time_true
            / curve.wood_residence_time_median,
        }
    table = {p: {n: interval(100.0 * (r - 1.0)) for n, r in q.items()} for p, q in found.items()}
    if len(found) == len(PRIORS):
        ours, other = (found[name] for name in PRIORS)
        table["dalec less package"] = {n: interval(100.0 * (other[n] - ours[n])) for n in ours}
    return pd.DataFrame(table).T.to_string()


def interval(values: pd.Series) -> str:
    """Return the mean over stands and 90 % of its bootstraps."""
    rng = np.random.default_rng(0)
    again = rng.integers(len(values), size=(4000, len(values)))
    low, high = np.quantile(values.to_numpy()[again].mean(axis=1), [0.05, 0.95])
    return f"{values.mean():+.1f} ({low:+.1f} to {high:+.1f})"


def summary(own: pd.DataFrame) -> dict[str, float]:
    """Return a row of the table of sets."""
    residence = np.log(own.wood_residence_time_median / own.wood_residence_time_true)
    wood = own.allocation_wood_median - own.allocation_wood_true
    return {
        "RMSE assimilated": rmse(own.mature - own.assimilated),
        "+-": bootstrap(own.mature - own.assimilated),
        "RMSE truth": rmse(own.mature - own.true),
        "+- ": bootstrap(own.mature - own.true),
        "residence, factor": float(np.exp(rmse(residence))),
        "residence, bias": float(np.exp(residence.mean())),
        "wood share, RMSE": rmse(wood), "wood share, bias": float(wood.mean()),
        "contraction residence": own.wood_residence_time_contraction.mean(),
        "contraction wood share": own.allocation_wood_contraction.mean(),
        "pair bits": own.pair_bits.mean(), "pair r": own.pair_correlation.mean(),
        "in 50 %": own.in_50.mean(), "in 90 %": own.in_90.mean(),
        "mature in 90 %": own.mature_biomass_in_90.mean(),
    }  # fmt: skip


def rmse(error: pd.Series) -> float:
    """Root mean square."""
    return float(np.sqrt(np.mean(np.square(error))))


def bootstrap(error: pd.Series) -> float:
    """Return the standard error of the RMSE over stands."""
    rng = np.random.default_rng(0)
    again = rng.integers(len(error), size=(4000, len(error)))
    return float(np.std(np.sqrt(np.mean(np.square(error.to_numpy()[again]), axis=1))))


def relative_rmse(by_set: dict[str, pd.DataFrame], name: str, stream: str) -> float:
    """Mean over stands of a flux's RMSE over that from fluxes alone."""
    return float((by_set[name][f"rmse_{stream}"] / by_set["flux"][f"rmse_{stream}"]).mean())


def reduction(by_set: dict[str, pd.DataFrame], against: str) -> np.ndarray:
    """By how much the RMSE falls from flux to curve, in %: 5 % quantile, estimate, 95 %."""
    errors = [(by_set[n].mature - by_set[n][against]).to_numpy() for n in ("flux", "curve")]
    rng = np.random.default_rng(0)
    again = rng.integers(len(errors[0]), size=(4000, len(errors[0])))
    flux, curve = (np.sqrt(np.mean(np.square(e[again]), axis=1)) for e in errors)
    low, high = np.quantile(100.0 * (1.0 - curve / flux), [0.05, 0.95])
    estimate = 100.0 * (1.0 - rmse(pd.Series(errors[1])) / rmse(pd.Series(errors[0])))
    return np.array([low, estimate, high])


if __name__ == "__main__":
    sys.exit(main())
