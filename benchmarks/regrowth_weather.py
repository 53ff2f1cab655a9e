"""Productivity under the weather that a stand regrows under, over that of the record.

Fluxes see the record, a growth curve the regrowth, and one set of parameters serves both: what the
two weathers make of the same parameters must not differ. For each site and each choice of weather:
the ratio of GPP at the prior's centre, its median and spread over draws of the prior, and the root
mean square of its logarithm, which is the error that `bayes_tbm.model.regrowth.WEATHERS` states.

    python benchmarks/regrowth_weather.py --data DIR
"""

from __future__ import annotations

import argparse
import os
import warnings

import numpy as np
from _measure import machine

import bayes_tbm as bt
from bayes_tbm.posterior.evaluate import Evaluator

SITES = ("FI-Hyy", "DE-Hai", "US-Ha1", "fluxval:CA-NS2", "hyytiala-twin-daily", "hyytiala-twin")
LINE = "{:20} {:10} {:>9} {:>9} {:>9} {:>9}"


def ratios(name: str, weather: str, draws: int) -> tuple[float, np.ndarray]:
    """Ratio at the prior's centre, and over draws of the prior."""
    site = bt.open_site(name)
    stream = next(s for s in ("lai", "nbe", "gpp") if s in site.observations)
    calibration = bt.Calibration(site, [stream], regrowth=weather)
    free = np.zeros(calibration.density.dimension)
    evaluated = Evaluator(calibration.density).posterior(free[None, None], seed=0)
    over = calibration.prior(draws, seed=1)["prior"]["regrowth_productivity"].values.ravel()
    return float(evaluated.values["regrowth_productivity"].squeeze()), over


def main() -> None:
    """Print a line for each site and weather."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", metavar="DIR", help="folder of site files")
    parser.add_argument("--sites", nargs="+", default=SITES, metavar="SITE")
    parser.add_argument("--draws", type=int, default=200, help="of the prior (default 200)")
    arguments = parser.parse_args()
    if arguments.data:
        os.environ["BAYES_TBM_DATA"] = arguments.data
    warnings.simplefilter("ignore", bt.DataWarning)
    print(f"{machine()}; {arguments.draws} draws of the prior; GPP ratio less one, %\n")
    print(LINE.format("site", "weather", "centre", "median", "sd", "rms of ln"))
    logs: dict[str, list[np.ndarray]] = {}
    for name in arguments.sites:
        for weather in ("record", "mean year"):
            centre, over = ratios(name, weather, arguments.draws)
            logs.setdefault(weather, []).append(np.log(over))
            shown = [centre - 1.0, np.median(over) - 1.0, over.std()]
            rms = np.sqrt(np.mean(np.log(over) ** 2))
            print(LINE.format(name, weather, *(f"{100 * x:+.1f}" for x in shown), f"{rms:.3f}"))
    for weather, found in logs.items():
        print(f"{weather}: rms of ln over all {np.sqrt(np.mean(np.concatenate(found) ** 2)):.3f}")


if __name__ == "__main__":
    main()
