"""Posterior prediction of years that were not fitted, at every site there is.

Daily sites: two thirds of the years are fitted, the rest is predicted from the state at the end of
the fit. FLUXVAL sites: the file's first half of the tower's record is fitted, the second half,
which lies beside it as a table, is predicted. Default settings everywhere.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from _measure import Table, machine, prepare_environment
from sampling import STREAMS

if TYPE_CHECKING:
    import bayes_tbm as bt

DAILY = ("FI-Hyy", "BE-Vie", "DE-Hai", "US-Ha1", "RU-Fyo", "US-MMS")
FLUXVAL = "fluxval:"
MONTHLY = tuple(
    f"{FLUXVAL}{name}"
    for name in ("CA-NS1", "CA-NS2", "CA-NS3", "CA-NS4", "CA-NS5", "CA-NS6", "CA-NS7", "CA-Qfo",
                 "CA-SF1", "CA-SF3", "FI-Hyy", "CA-Oas")
)  # fmt: skip
"""CA-SF2's tower has no second half that is known."""
_EPILOG = """
columns: points predicted; share of them inside the central 50 and 90 % of the predictions; R2 of
their median; skill, one minus the CRPS over that of the fitted years' mean seasonal cycle, of their
last year, of the prior (above 0 the prediction is better); whether the fit passed the gate.

  python benchmarks/held_out_years.py --out held_out      all sites; goes on where it was stopped
  python benchmarks/held_out_years.py --out quick FI-Hyy --warmup 50 --draws 50    a quick try
"""


def main() -> int:
    """Run the benchmark, or the one site that this process is for."""
    layout = argparse.RawDescriptionHelpFormatter
    parser = argparse.ArgumentParser(description=__doc__, epilog=_EPILOG, formatter_class=layout)
    parser.add_argument("sites", nargs="*", default=[*DAILY, *MONTHLY], metavar="SITE")
    parser.add_argument("--out", required=True, type=Path, help="folder that keeps each site's end")
    parser.add_argument("--seed", type=int, default=0)
    for name in ("chains", "warmup", "draws"):
        parser.add_argument(f"--{name}", type=int, metavar="N", help="default: the package's")
    parser.add_argument("--data", metavar="DIR", help="folder of site files")
    parser.add_argument("--one", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    given = {name: getattr(arguments, name) for name in ("chains", "warmup", "draws")}
    settings = {name: value for name, value in given.items() if value is not None}
    settings["seed"] = arguments.seed
    if arguments.one is not None:
        predict_one(arguments.one, arguments.out, settings)
        return 0
    prepare_environment(arguments.data)
    arguments.out.mkdir(parents=True, exist_ok=True)
    print(f"# Held-out years\n\n{machine()}\n", flush=True)
    rows = []
    table = Table(
        "site           ", "stream", "n", "in 50 %", "in 90 %", "R2", "skill: cycle", "last year",
        "prior", "gate",
    )  # fmt: skip
    for site in arguments.sites:
        found = in_fresh_process(site, arguments.out)
        rows += found
        for row in found:
            table.row(*row.values())
    by_stream(rows)
    return 0


def by_stream(rows: list[dict[str, Any]]) -> None:
    """Print coverage over all points of all sites, and at how many sites the skill is positive."""
    print("\nOver all sites\n")
    table = Table("stream      ", "sites", "points", "in 50 %", "in 90 %", "skill > 0 at")
    for stream in dict.fromkeys(row["stream"] for row in rows):
        own = [row for row in rows if row["stream"] == stream]
        count = np.array([row["n"] for row in own])
        inside = [np.average([row[name] for row in own], weights=count)
                  for name in ("inside_50", "inside_90")]  # fmt: skip
        better = sum(row["cycle"] > 0 for row in own)
        table.row(
            stream, len(own), int(count.sum()), *map(float, inside), f"{better} of {len(own)}"
        )


def in_fresh_process(site: str, out: Path) -> list[dict[str, Any]]:
    """Rows of a site, from its file, or from a process of its own that makes it."""
    kept = out / f"{site.replace(':', '-')}.json"
    if not kept.is_file():
        passed_on = [word for word in sys.argv[1:] if word not in (*DAILY, *MONTHLY)]
        done = subprocess.run(
            [sys.executable, __file__, "--one", site, *passed_on], capture_output=True, text=True
        )
        if done.returncode:
            last = (done.stderr.strip() or f"ended with {done.returncode}").splitlines()[-1]
            print(f"{site}: {last}", flush=True)
            return []
    rows: list[dict[str, Any]] = json.loads(kept.read_text(encoding="utf-8"))
    return rows


def predict_one(site: str, out: Path, settings: dict[str, int]) -> None:
    """Fit and predict one site; keep its scores and its tables."""
    warnings.simplefilter("ignore")  # on the data, and on chains: the gate is a column
    import bayes_tbm as bt

    whole = bt.open_site(site)
    held = bt.fluxval_validation(site) if site.startswith(FLUXVAL) else None
    short = whole if held else whole.window(end=str(last_fitted_year(whole)))
    names = [name for name in STREAMS if name in short.observations]
    tree = bt.Calibration(short, names).sample(progress=False, **settings)
    found = bt.evaluate(bt.predict(tree, whole, observations=held))
    passed = "yes" if bt.check_convergence(tree).passed else "NO"
    own = out / site.replace(":", "-")
    for table in ("scores", "by_month", "by_year"):
        getattr(found, table).to_csv(f"{own}-{table}.csv")
    rows = []
    for stream, scores in found.scores.groupby(level="stream"):
        crps = scores.droplevel("stream")["crps"]
        us = scores.loc[(stream, "posterior")]
        skill = {
            name: float(1.0 - crps["posterior"] / crps[other])
            for name, other in (("cycle", "seasonal cycle"), ("year", "last year"), ("prior",) * 2)
        }
        shares = {name: float(us[name]) for name in ("inside_50", "inside_90", "r2")}
        rows.append(
            {"site": site, "stream": stream, "n": int(us["n"]), **shares, **skill, "gate": passed}
        )
    Path(f"{own}.json").write_text(json.dumps(rows), encoding="utf-8")


def last_fitted_year(site: bt.Site) -> int:
    """Last year of the first two thirds."""
    years = np.unique(site.drivers["time"].dt.year)
    return int(years[2 * len(years) // 3 - 1])


if __name__ == "__main__":
    sys.exit(main())
