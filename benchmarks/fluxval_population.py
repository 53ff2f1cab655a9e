"""Fifty forest towers of FLUXVAL as one job: time, memory, convergence, and the second halves.

Each tower is fitted to the first half of its record, with its inventory and the age of its stand
where publications tell them (`bayes_tbm.fluxval_stand`), and asked about the second half.
"""

from __future__ import annotations

import argparse
import csv
import sys
import time
import warnings
from pathlib import Path
from typing import Any

import numpy as np
from _measure import Table, machine, prepare_environment

_EPILOG = """
  python benchmarks/fluxval_population.py --out many --data ../shared/data       the fits
  python benchmarks/fluxval_population.py --out many --data ../shared/data --held-out
"""
STREAMS = ("gpp", "nbe", "et", "lai")


def main() -> int:
    """Fit all, or go on; then tell."""
    layout = argparse.RawDescriptionHelpFormatter
    parser = argparse.ArgumentParser(description=__doc__, epilog=_EPILOG, formatter_class=layout)
    parser.add_argument("--out", type=Path, required=True, help="folder")
    parser.add_argument("--data", help="folder of site data (default: fetched)")
    parser.add_argument("--sites", nargs="*", help="towers (default: all)")
    parser.add_argument("--no-stands", action="store_true", help="fluxes and leaf area alone")
    parser.add_argument("--draws", type=int, default=700)
    parser.add_argument("--executor", default="processes")
    parser.add_argument("--held-out", action="store_true", help="predict the second halves")
    arguments = parser.parse_args()
    prepare_environment(arguments.data)
    import bayes_tbm as bt

    arguments.out.mkdir(parents=True, exist_ok=True)
    print(f"# Towers of FLUXVAL\n\n{machine()}\n", flush=True)
    table = arguments.out / "towers.csv"
    write_table(table, arguments.sites or towers(), stands=not arguments.no_stands)
    began = time.perf_counter()
    found = bt.fit_many(
        table, STREAMS, folder=arguments.out / "runs", draws=arguments.draws,
        executor=arguments.executor,
    )  # fmt: skip
    wall = time.perf_counter() - began
    tell(found, wall)
    if arguments.held_out:
        held_out(found)
    return 0


def towers() -> list[str]:
    """Towers whose second halves are published."""
    import bayes_tbm as bt

    names = [n.removeprefix("fluxval:") for n in bt.site_names() if n.startswith("fluxval:")]
    return [name for name in names if "+" not in name and name != "CA-SF2"]


def write_table(path: Path, sites: list[str], *, stands: bool) -> None:
    """Write the table of sites that the job is made of."""
    import bayes_tbm as bt

    rows: list[dict[str, Any]] = []
    for name in sites:
        row: dict[str, Any] = {"site": name, "path": f"fluxval:{name}"}
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            site = bt.open_site(row["path"])
        row |= {"latitude": site.latitude, "longitude": site.longitude}
        stand = bt.fluxval_stand(name) if stands else None
        if stand is not None and stand.age is not None:
            row["stand_age"] = stand.age
        stock = stand.stock if stand is not None else None
        if stock is not None and (stock.date is not None or stock.age is not None):
            row |= {
                "streams": ";".join((*STREAMS, "stock")), "stock.value": stock.value,
                "stock.sd": stock.sd, "stock.unit": stock.unit,
                **({"stock.date": stock.date} if stock.date else {"stock.age": stock.age}),
            }  # fmt: skip
        rows.append(row)
    columns = list(dict.fromkeys(name for row in rows for name in row))
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, columns)
        writer.writeheader()
        writer.writerows(rows)


def tell(found: Any, wall: float) -> None:
    """Print what became of the sites, and what they cost."""
    table = found.table
    print(found.folder, found.counts)
    seconds = table["seconds"].astype(float)
    print(f"{wall:.0f} s of wall time in this call, {wall / len(table):.1f} s a site; a fit took "
          f"{seconds.median():.1f} s in the median, {seconds.max():.1f} s at most")  # fmt: skip
    memory = table["memory"].astype(float).to_numpy()
    print(f"memory of a process, MB: {np.nanmin(memory):.0f} to {np.nanmax(memory):.0f}")
    for site, row in table[table["state"] != "done"].iterrows():
        print(f"  {site}: {row['state']}: {row['reason']}")


def held_out(found: Any) -> None:
    """Print coverage and skill of the second halves, a line a stream."""
    import bayes_tbm as bt

    warnings.simplefilter("ignore")
    rows = []
    for site in found.table.index[found.table["state"].isin(("done", "not converged"))]:
        whole = bt.open_site(f"fluxval:{site}")
        held = bt.fluxval_validation(site)
        tree = found.load(site)
        streams = [name for name in held if name in tree.posterior_predictive]
        predicted = bt.predict(
            tree, whole, observations={name: held[name] for name in streams}, draws=400
        )
        scores = bt.evaluate(predicted).scores
        scores.to_csv(found.folder.parent / f"scores-{site}.csv")
        for stream in dict.fromkeys(scores.index.get_level_values("stream")):
            us, cycle = (scores.loc[(stream, n)] for n in ("posterior", "seasonal cycle"))
            rows.append((stream, us["n"], us["inside_50"], us["inside_90"],
                         1.0 - us["crps"] / cycle["crps"]))  # fmt: skip
    table = Table("stream      ", "sites", "points", "in 50 %", "in 90 %", "skill > 0 at")
    for stream in dict.fromkeys(row[0] for row in rows):
        own = np.array([row[1:] for row in rows if row[0] == stream], dtype=float)
        inside = [float(np.average(own[:, i], weights=own[:, 0])) for i in (1, 2)]
        better = f"{int((own[:, 3] > 0).sum())} of {len(own)}"
        table.row(stream, len(own), int(own[:, 0].sum()), *inside, better)


if __name__ == "__main__":
    sys.exit(main())
