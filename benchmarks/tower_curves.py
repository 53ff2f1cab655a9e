"""What a growth curve of its own stands adds to a tower: residence time and allocation of wood.

Turkey Point's plantations (Peichl & Arain 2006) and Hyytiala's age sequence (Luyssaert et al. 2007)
are fitted with the first half of the record of the tower that stands in them, CA-TP4 and FI-Hyy,
tied to its stand's age: fluxes and leaf area alone, with the tower's inventory, and with the curve,
of which the inventory is a point.
"""

from __future__ import annotations

import argparse
import warnings
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from _measure import Table, interval, machine, prepare_environment

if TYPE_CHECKING:
    import bayes_tbm as bt

_EPILOG = """
  python benchmarks/tower_curves.py --out curves --growth ../shared/data/population/growth

Fits are kept in the folder.
"""
STREAMS = ("gpp", "nbe", "et", "lai")
CURVES = {"CA-TP4": "curve_CA-TP.csv", "FI-Hyy": "curve_FI-Hyy_total.csv"}
QUANTITIES = ("wood_residence_time", "allocation_wood", "biomass_at_150", "gpp_annual")


def main() -> int:
    """Fit, and tell what each set says of wood."""
    layout = argparse.RawDescriptionHelpFormatter
    parser = argparse.ArgumentParser(description=__doc__, epilog=_EPILOG, formatter_class=layout)
    parser.add_argument("--out", type=Path, required=True, help="folder of fits")
    parser.add_argument("--growth", type=Path, required=True, help="folder of growth data")
    parser.add_argument("--data", help="folder of site data (default: fetched)")
    for name in ("warmup", "draws", "chains"):
        parser.add_argument(f"--{name}", type=int, metavar="N", help="default: the package's")
    given = parser.parse_args()
    prepare_environment(given.data)
    import bayes_tbm as bt

    for category in (bt.DataWarning, bt.ConvergenceWarning):
        warnings.simplefilter("ignore", category)
    print(f"# Growth curves of towers' own stands\n\n{machine()}\n", flush=True)
    made: dict[str, bt.Calibration] = {}
    for tower, curve in CURVES.items():
        made |= calibrations(tower, bt.GrowthCurve.from_csv(given.growth / curve))
    settings = {n: v for n in ("warmup", "draws", "chains") if (v := getattr(given, n)) is not None}
    found = bt.fit_many(made, folder=given.out, executor="serial", progress=False, **settings)
    print(found.table[["state", "seconds", "rhat", "ess", "divergences"]].to_string(), "\n")
    table = Table("fit", "sd of ln residence time", *QUANTITIES)
    for name in made:
        posterior = found.load(name)["posterior"]
        spread = float(np.log(posterior["wood_residence_time"]).std())
        levels = [np.quantile(posterior[q], [0.05, 0.5, 0.95]) for q in QUANTITIES]
        table.row(name, spread, *map(interval, levels))
    return 0


def calibrations(tower: str, curve: bt.GrowthCurve) -> dict[str, bt.Calibration]:
    """Return calibrations of a tower to three sets of streams."""
    import bayes_tbm as bt

    site, stand = bt.open_site(f"fluxval:{tower}"), bt.fluxval_stand(tower)
    added = {"fluxes": [], "inventory": [stand.stock], "curve": [curve]}
    return {
        f"{tower} {name}": bt.Calibration(site, [*STREAMS, *more], stand_age=stand.age)
        for name, more in added.items()
    }


if __name__ == "__main__":
    raise SystemExit(main())
