"""NEE alone, with independent daily errors and flat priors: a problem that others could not sample.

    python benchmarks/nee_alone.py --seed 0
    python benchmarks/nee_alone.py --warmup 60 --draws 60 --chains 2      a quick try

FI-Hyy, daily NEE with independent Gaussian errors of the file's random uncertainty and nothing
else: no structural error, none common to days, no ecological constraints; every parameter uniform
between the published DALEC bounds, and where there are none, within the model's own limits. A study
with PyMC's NUTS of this problem (2026) has R-hat 1.53 after 4 x 2000 transitions, chains in two
modes 3955 nats apart, and projects 7 to 28 hours. Prints the modes with their weights, and the
package's verdict.
"""

from __future__ import annotations

import argparse
import json
import time
import warnings
from typing import TYPE_CHECKING

from _measure import machine, prepare_environment

if TYPE_CHECKING:
    import bayes_tbm as bt

BOUNDS = {
    "labile_release_period": (30.4375, 100.0), "leaf_fall_period": (30.4375, 150.0),
    "leaf_onset_day": (-62.6, 302.6), "leaf_fall_day": (87.4, 452.6),
    "moisture_sensitivity": (0.01, 1.0), "underlying_water_use_efficiency": (0.5, 30.0),
    "radiative_evaporation": (0.01, 0.3), "wilting_fraction": (0.01, 0.5),
    "initial_lai": (0.01, 20.0), "initial_labile": (1.0, 2000.0), "initial_root": (1.0, 2000.0),
    "initial_wood": (1.0, 1e5), "initial_litter": (1.0, 2000.0), "initial_som": (1.0, 2e5),
}  # fmt: skip
"""Of DALEC's other parameters; days of the year run over the circle."""


def main() -> None:
    """Sample and print."""
    began = time.perf_counter()
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--site", default="FI-Hyy")
    parser.add_argument("--seed", type=int, default=0)
    for name in ("warmup", "draws", "chains", "starts"):
        parser.add_argument(f"--{name}", type=int, metavar="N", help="default: the package's")
    parser.add_argument("--sampler", help="default: the package's")
    parser.add_argument("--data", metavar="DIR", help="folder of site files")
    given = parser.parse_args()
    prepare_environment(given.data)
    import bayes_tbm as bt

    warnings.simplefilter("ignore")
    print(f"# NEE alone\n\n{machine()}\n", flush=True)
    options = ("seed", "warmup", "draws", "chains", "starts", "sampler")
    settings = {n: v for n in options if (v := getattr(given, n)) is not None}
    cal = problem(given.site)
    tree = cal.sample(progress=True, **settings)
    spent = time.perf_counter() - began
    gate = bt.check_convergence(tree)
    for mode in json.loads(tree.attrs["experiment"])["modes"]:
        print(f"mode: log density {mode['log_density']:.1f}, weight {mode['weight']:.3g}, "
              f"{mode['starts']} starts")  # fmt: skip
    print(f"{gate}\n{spent:.0f} s from the start, "
          f"{float(tree['sample_stats']['n_steps'].mean()):.0f} gradients a draw")  # fmt: skip


def problem(name: str) -> bt.Calibration:
    """Return the posterior that is sampled."""
    import bayes_tbm as bt
    from bayes_tbm.parameters import Fixed
    from bayes_tbm.studies.refits import DALEC_BOUNDS

    site = bt.open_site(name)
    nee = bt.STREAMS["nee"].with_errors(bt.Gaussian(structural=0.0))
    asked = {"constraints": False, "systematic": False}
    cal = bt.Calibration(site, [nee], **asked)
    bounds = DALEC_BOUNDS | BOUNDS
    priors = {
        name: bt.Uniform(*bounds.get(name, (row.lower, row.upper)))
        for name, row in bt.TABLE.items()
        if not isinstance(cal.density.priors[name], Fixed)
    }
    return bt.Calibration(site, [nee], priors=priors, **asked)


if __name__ == "__main__":
    main()
