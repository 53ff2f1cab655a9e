"""Value and gradient: a plain loop over whole model steps against the package's own path.

Both compute the same function under the same likelihood; the plain loop (`simulate_plainly`) is
differentiated as it stands by JAX, batched by vmap and run by XLA alone. They take turns on one
core.
"""

from __future__ import annotations

import argparse
import os
import sys
from typing import TYPE_CHECKING

import numpy as np
from _measure import Table, joined, machine, pin, prepare_environment, take_turns, timed

if TYPE_CHECKING:
    from _problems import Problem

CASES = ("daily", "monthly", "regrowth")
_EPILOG = """
columns: milliseconds a chain and the ratio plain over ours, each as least by the clock / median by
the clock / median of the processor's own time; seconds of the first call, which compiles, by the
clock / of the processor; largest difference of the two gradients over the largest entry. On an idle
machine the clock and the processor agree; on a shared one trust the least and the processor's.

  python benchmarks/gradient.py                                   all, about 6 minutes
  python benchmarks/gradient.py --cases daily --precisions float64 --batches 4 64
"""


def main() -> int:
    """Run the benchmark."""
    layout = argparse.RawDescriptionHelpFormatter
    parser = argparse.ArgumentParser(description=__doc__, epilog=_EPILOG, formatter_class=layout)
    parser.add_argument("--site", default="FI-Hyy", help="daily site (default FI-Hyy)")
    parser.add_argument(
        "--monthly-site", default="fluxval:FI-Hyy",
        help="monthly site, whose mean year is also the climate of the regrowth",
    )  # fmt: skip
    parser.add_argument("--data", metavar="DIR", help="folder of site files")
    parser.add_argument("--cases", nargs="+", choices=CASES, default=CASES)
    parser.add_argument("--batches", nargs="+", type=int, default=(1, 4, 16, 64), metavar="N")
    parser.add_argument(
        "--precisions", nargs="+", choices=("float32", "float64"), default=("float32", "float64")
    )
    parser.add_argument("--seconds", type=float, default=4.0, help="time for each row (default 4)")
    parser.add_argument("--streams", default="gpp,nee,et,lai", help="default gpp,nee,et,lai")
    arguments = parser.parse_args()
    prepare_environment(arguments.data)
    pinned = pin(1)  # before JAX starts its threads
    print(f"# Gradients\n\n{machine()}; {pinned}\nstreams {arguments.streams}\n")
    return compare(arguments)


def compare(arguments: argparse.Namespace) -> int:
    """Print a row for each case, precision and batch; 1 if any two gradients differ."""
    from _problems import open_or_embedded, precision, regrowth, whole_density

    from bayes_tbm import Calibration

    names = {"daily": arguments.site, "monthly": arguments.monthly_site}
    steps = dict.fromkeys("monthly" if case == "regrowth" else case for case in arguments.cases)
    sites = {step: open_or_embedded(names[step], step) for step in steps}
    streams = arguments.streams.split(",")
    calibrations = {step: Calibration(site, streams) for step, site in sites.items()}
    table = Table(
        f"{'case':21}", "steps", "precision", "batch", f"{'plain ms a chain':22}",
        f"{'ours ms a chain':22}", f"{'ratio':18}", "plain first s", "ours first s", "differ  ",
    )  # fmt: skip
    wrong = 0
    for case in arguments.cases:
        step, build = ("monthly", regrowth) if case == "regrowth" else (case, whole_density)
        for name in arguments.precisions:
            with precision(name):
                problem = build(sites[step], calibrations[step])
                for batch in arguments.batches:
                    cells, difference = row(problem, batch, arguments.seconds)
                    table.row(problem.name, problem.steps, name, batch, *cells, difference)
                    # Rounding of sums over thousands of steps, in another order.
                    wrong += not difference < (1e-8 if name == "float64" else 0.05)
    print(f"\nload at the end {os.getloadavg()[0]:.1f}")
    if wrong:
        print(f"{wrong} gradients differ: nothing above counts", file=sys.stderr)
    return int(wrong > 0)


def row(problem: Problem, batch: int, seconds: float) -> tuple[list[str], float]:
    """Time one problem; returns cells of its row and how far the gradients differ."""
    z, functions = problem.points(batch), problem.graded(batch)
    calls = {name: lambda function=function: function(z) for name, function in functions.items()}
    first = [timed(call) for call in calls.values()]
    plain, ours = (np.asarray(call()[1], dtype=float) for call in calls.values())
    difference = float(np.abs(plain - ours).max() / np.abs(plain).max())
    slow, fast = (np.array(each.figures) for each in take_turns(calls, seconds).values())
    figures = [1e3 / batch * slow, 1e3 / batch * fast, slow / fast, *first]
    return [joined(each) for each in figures], difference


if __name__ == "__main__":
    sys.exit(main())
