"""Whole fits, each in a fresh process: do they converge, how fast, in how much memory.

Default settings at every site: nothing is tuned by hand. A run that fails is listed with the
reason, and the next one goes on.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import os
import resource
import subprocess
import sys
import time
import warnings
from collections.abc import Iterable
from typing import Any

import numpy as np
from _measure import Table, machine, pin, prepare_environment

DAILY = ("FI-Hyy", "BE-Vie", "DE-Hai", "US-Ha1", "RU-Fyo", "US-MMS")
STREAMS = ("gpp", "nee", "et", "lai", "wood", "live_biomass", "som")
_EPILOG = """
columns: seconds from the start of the process until the posterior is there and checked, imports and
compiling included; largest resident memory; the largest R-hat, the smallest bulk and tail ESS and
the median bulk ESS over parameters and derived quantities; bulk ESS a second, smallest and median;
divergences; smallest E-BFMI; leapfrog steps (gradients) a draw; whether the package's gate passed.

  python benchmarks/sampling.py                            FI-Hyy, five seeds
  python benchmarks/sampling.py --all --seeds 0            six daily sites and all of FLUXVAL
  python benchmarks/sampling.py hyytiala-twin --seeds 0 --draws 200 --warmup 150   a quick try

exit status: 0 if every run passed the gate, else 1
"""


def main() -> int:
    """Run the benchmark, or the one fit that this process is for."""
    layout = argparse.RawDescriptionHelpFormatter
    parser = argparse.ArgumentParser(description=__doc__, epilog=_EPILOG, formatter_class=layout)
    parser.add_argument("sites", nargs="*", default=["FI-Hyy"], metavar="SITE", help="or files")
    parser.add_argument("--all", action="store_true", help="six daily and all FLUXVAL sites")
    parser.add_argument("--streams", help=f"default: what a site has of {','.join(STREAMS)}")
    parser.add_argument("--seeds", nargs="+", type=int, default=(0, 1, 2, 3, 4), metavar="N")
    for name, text in (("chains", "4"), ("warmup", "the package's"), ("draws", "the package's")):
        parser.add_argument(f"--{name}", type=int, metavar="N", help=f"default: {text}")
    parser.add_argument("--cores", type=int, metavar="N", help="cores to use (default: all)")
    parser.add_argument("--data", metavar="DIR", help="folder of site files")
    parser.add_argument("--save", metavar="FILE", help="append every run as a line of JSON")
    parser.add_argument("--one", help=argparse.SUPPRESS)  # the fit of a fresh process, as JSON
    arguments = parser.parse_args()
    if arguments.one is not None:
        print(json.dumps(fit(**json.loads(arguments.one))))
        return 0
    prepare_environment(arguments.data)
    pinned = "" if arguments.cores is None else f"; {pin(arguments.cores)}"
    print(f"# Sampling\n\n{machine()}{pinned}\n")
    return report(arguments)


def report(arguments: argparse.Namespace) -> int:
    """Print a row for each run, then failures, then a row for each site; 1 if any run failed."""
    table = Table(
        "site           ", "seed", "seconds", "peak GB", "R-hat", "ESS bulk", "ESS tail",
        "ESS median", "ESS/s least", "ESS/s median", "diverged", "E-BFMI", "steps/draw", "passed",
    )  # fmt: skip
    runs = []
    for site in fluxval_and_daily() if arguments.all else arguments.sites:
        for seed in arguments.seeds:
            run = in_fresh_process(site, seed, arguments)
            runs.append(run)
            table.row(site, seed, *(run.get(name, "-") for name in Run.columns()), run["passed"])
            if arguments.save:
                with open(arguments.save, "a", encoding="utf-8") as file:
                    file.write(json.dumps(run) + "\n")
    failed = [run for run in runs if run["passed"] != "yes"]
    print(f"\npassed: {len(runs) - len(failed)} of {len(runs)} runs")
    for run in failed:
        print(f"  {run['site']} seed {run['seed']}: {'; '.join(run['reasons'])}")
    by_site(runs)
    print(f"\nload at the end {os.getloadavg()[0]:.1f}")
    return int(bool(failed))


def by_site(runs: Iterable[dict[str, Any]]) -> None:
    """Print medians over seeds."""
    groups: dict[str, list[dict[str, Any]]] = {}
    for run in runs:
        groups.setdefault(run["site"], []).append(run)
    print("\nMedians over seeds, runs that ended\n")
    table = Table(
        "site           ", f"{'streams':31}", "passed", "seconds", "ESS/s least", "ESS/s median"
    )
    for site, all_of_it in groups.items():
        ended = [run for run in all_of_it if "seconds" in run]
        passed = f"{sum(run['passed'] == 'yes' for run in all_of_it)} of {len(all_of_it)}"
        if ended:
            names = ("seconds", "per_second", "per_second_median")
            medians = [float(np.median([run[name] for run in ended])) for name in names]
            table.row(site, ",".join(ended[0]["streams"]), passed, *medians)


def fluxval_and_daily() -> list[str]:
    """Names of the daily sites and of every FLUXVAL site."""
    from bayes_tbm import site_names

    return [*DAILY, *(name for name in site_names() if name.startswith("fluxval:"))]


def in_fresh_process(site: str, seed: int, arguments: argparse.Namespace) -> dict[str, Any]:
    """Fit a site in a process of its own; what it found, or why it found nothing."""
    settings = {name: getattr(arguments, name) for name in ("chains", "warmup", "draws")}
    settings = {name: value for name, value in settings.items() if value is not None}
    streams = arguments.streams.split(",") if arguments.streams else None
    task = {"site": site, "streams": streams, "settings": settings | {"seed": seed}}
    task["started"] = time.time()
    command = [sys.executable, __file__, "--one", json.dumps(task)]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode == 0:
        return json.loads(done.stdout.splitlines()[-1])
    last = (done.stderr.strip() or f"ended with status {done.returncode}").splitlines()[-1]
    return {"site": site, "seed": seed, "passed": "ERROR", "reasons": [last]}


@dataclasses.dataclass(frozen=True)
class Run:
    """Figures of one fit, in the order of the table."""

    seconds: float
    peak_gb: float
    rhat: float
    ess_bulk: float
    ess_tail: float
    ess_median: float
    per_second: float
    per_second_median: float
    divergences: int
    bfmi: float
    steps_per_draw: float

    @classmethod
    def columns(cls) -> list[str]:
        """Names of the figures."""
        return [field.name for field in dataclasses.fields(cls)]


def fit(
    site: str, streams: list[str] | None, settings: dict[str, int], started: float
) -> dict[str, Any]:
    """Fit one site and check it; as plain data."""
    warnings.simplefilter("ignore")  # on the data: `bayes-tbm fit` shows them
    import arviz as az

    import bayes_tbm as bt

    opened = bt.open_site(site)
    names = streams or [name for name in STREAMS if name in opened.observations]
    tree = bt.Calibration(opened, names).sample(progress=False, **settings)
    gate = bt.check_convergence(tree)
    seconds = time.time() - started
    bulk = az.summary(tree, kind="diagnostics", round_to="none")["ess_bulk"].astype(float)
    median = float(np.nanmedian(bulk))  # what is fixed has none
    run = Run(
        seconds, peak_memory(), gate.rhat, gate.ess_bulk, gate.ess_tail, median,
        gate.ess_bulk / seconds, median / seconds, gate.divergences, gate.bfmi,
        float(tree["sample_stats"]["n_steps"].mean()),
    )  # fmt: skip
    figures = {name: float(value) for name, value in dataclasses.asdict(run).items()}
    figures["divergences"] = gate.divergences
    return {
        "site": site, "streams": names, "seed": settings["seed"], **figures,
        "passed": "yes" if gate.passed else "NO", "reasons": list(gate.failures),
    }  # fmt: skip


def peak_memory() -> float:
    """Largest resident memory of this process so far, GB."""
    size = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return size * (1.0 if sys.platform == "darwin" else 1024.0) / 1e9


if __name__ == "__main__":
    sys.exit(main())
