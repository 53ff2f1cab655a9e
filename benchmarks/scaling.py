"""How the cost of value and gradient grows: with record length, with chains, with sites.

The log density of a site, on one core in double precision; all sizes of a table take turns.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
from _measure import (
    Table,
    Times,
    joined,
    machine,
    pin,
    prepare_environment,
    slope,
    take_turns,
    timed,
)

if TYPE_CHECKING:
    from bayes_tbm import Calibration, Site

DAILY = ("FI-Hyy", "BE-Vie", "DE-Hai", "US-Ha1")
_EPILOG = """
columns: milliseconds, least by the clock / median by the clock / median of the processor's own
time; from the least, cost per unit of size; seconds of the first call, which compiles, by the clock
/ of the processor. Each table ends with the exponent of least and processor's time in size, 1 where
cost is linear, over all sizes and between the largest two, where fixed costs matter least.

  python benchmarks/scaling.py                                     about 3 minutes
  python benchmarks/scaling.py --years 1 9 --batches 1 64 --sites FI-Hyy DE-Hai
"""


def main() -> int:
    """Run the benchmark."""
    layout = argparse.RawDescriptionHelpFormatter
    parser = argparse.ArgumentParser(description=__doc__, epilog=_EPILOG, formatter_class=layout)
    parser.add_argument("--site", default="FI-Hyy", help="of record length and chains")
    parser.add_argument("--data", metavar="DIR", help="folder of site files")
    parser.add_argument("--years", nargs="+", type=int, default=(1, 2, 4, 8, 9), metavar="N")
    parser.add_argument(
        "--batches", nargs="+", type=int, default=(1, 2, 4, 8, 16, 32, 64), metavar="N"
    )
    parser.add_argument(
        "--sites", nargs="+", default=DAILY, metavar="SITE",
        help="evaluated one after another: the first, the first two, ... (default: four daily)",
    )  # fmt: skip
    parser.add_argument("--seconds", type=float, default=15.0, help="for each table (default 15)")
    parser.add_argument("--streams", default="gpp,nee,et,lai", help="default gpp,nee,et,lai")
    arguments = parser.parse_args()
    prepare_environment(arguments.data)
    pinned = pin(1)  # before JAX starts its threads
    print(f"# Scaling\n\n{machine()}; {pinned}\nstreams {arguments.streams}, float64\n")
    measure(arguments)
    print(f"load at the end {os.getloadavg()[0]:.1f}")
    return 0


def measure(arguments: argparse.Namespace) -> None:
    """Print the three tables."""
    from _problems import open_or_embedded

    from bayes_tbm import Calibration

    streams = arguments.streams.split(",")
    site = open_or_embedded(arguments.site, "daily")
    by_length(site, lambda site: Calibration(site, streams), arguments)
    by_chains(site, Calibration(site, streams), arguments)
    sites = [open_or_embedded(name, "daily") for name in arguments.sites]
    by_sites([Calibration(site, streams) for site in sites], arguments.seconds)


def by_length(
    site: Site, calibrate: Callable[[Site], Calibration], arguments: argparse.Namespace
) -> None:
    """Cost of one chain and the first years of the record."""
    first = site.drivers.time.values[0].astype("datetime64[D]")
    spans = {years: first + np.timedelta64(int(365.25 * years) - 1, "D")
             for years in sorted(arguments.years)}  # fmt: skip
    last = site.drivers.time.values[-1] + np.timedelta64(2, "D")
    windows = {years: site.window(end=end) for years, end in spans.items() if end <= last}
    calls = {str(n): evaluation(calibrate(window), 1) for n, window in windows.items()}
    starts = {name: timed(call) for name, call in calls.items()}
    times = take_turns(calls, arguments.seconds)
    print(f"Record length: {site.name} {site.step_name}, one chain\n")
    table = Table("years", "steps", f"{'ms':22}", "us a step", "first call s")
    for (years, window), each in zip(windows.items(), times.values(), strict=True):
        per_step = 1e6 * min(each.wall) / window.steps
        table.row(years, window.steps, milliseconds(each), per_step, joined(starts[str(years)]))
    conclude([window.steps for window in windows.values()], times)


def by_chains(site: Site, calibration: Calibration, arguments: argparse.Namespace) -> None:
    """Cost of a batch of chains."""
    batches = sorted(arguments.batches)
    calls = {str(batch): evaluation(calibration, batch) for batch in batches}
    starts = [timed(call) for call in calls.values()]
    times = take_turns(calls, arguments.seconds)
    print(f"Chains: {site.name} {site.step_name}, one batch\n")
    table = Table("chains", f"{'ms':22}", "ms a chain", "first call s")
    for batch, each, first_call in zip(batches, times.values(), starts, strict=True):
        table.row(batch, milliseconds(each), 1e3 * min(each.wall) / batch, joined(first_call))
    conclude(batches, times)


def by_sites(calibrations: Sequence[Calibration], seconds: float) -> None:
    """Cost of one chain at several sites, one site after another."""
    each = [evaluation(calibration, 1) for calibration in calibrations]
    starts = np.cumsum([timed(call) for call in each], axis=0)

    def first_ones(count: int) -> Callable[[], object]:
        return lambda: [call() for call in each[:count]]

    counts = range(1, len(each) + 1)
    times = take_turns({str(count): first_ones(count) for count in counts}, seconds)
    steps = np.cumsum([calibration.site.steps for calibration in calibrations])
    print(f"Sites: {', '.join(c.site.name for c in calibrations)}, one chain each\n")
    table = Table("sites", "steps", f"{'ms':22}", "ms a site", "first calls s")
    for count, total, taken, first in zip(counts, steps, times.values(), starts, strict=True):
        per_site = 1e3 * min(taken.wall) / count
        table.row(count, total, milliseconds(taken), per_site, joined(first))
    conclude(steps.tolist(), times)


def evaluation(calibration: Calibration, batch: int) -> Callable[[], object]:
    """Value and gradient of a batch of chains, to be compiled by its first call."""
    from _problems import value_and_gradient, whole_density

    problem = whole_density(calibration.site, calibration)
    function, z = value_and_gradient(problem.ours), problem.points(batch)
    return lambda: function(z)


def milliseconds(times: Times) -> str:
    """Figures of the calls for a cell."""
    return joined(1e3 * seconds for seconds in times.figures)


def conclude(sizes: Sequence[int], times: Mapping[str, Times]) -> None:
    """Print the exponents."""
    figures = [each.figures for each in times.values()]
    print()
    for name, which in (("least", 0), ("processor", 2)):
        cost = [each[which] for each in figures]
        of_all, of_largest = slope(sizes, cost), slope(sizes[-2:], cost[-2:])
        print(f"exponent, {name}: {of_all:.2f}; between the largest two {of_largest:.2f}")
    print()


if __name__ == "__main__":
    sys.exit(main())
