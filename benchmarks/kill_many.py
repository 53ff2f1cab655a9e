"""Kill workers and the whole job of a batch again and again: nothing is lost or drawn twice.

Sites are years of the embedded one. The store in the end must be that of a batch that nobody
disturbed, and every site must have ended once.
"""

from __future__ import annotations

import argparse
import collections
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
from _measure import machine, prepare_environment

_EPILOG = (
    "  python benchmarks/kill_many.py --out killed --kills 10          about a quarter of an hour"
)
SAMPLING = ("--chains", "2", "--warmup", "60", "--draws", "400")


def main() -> int:
    """Run one batch in peace and one under fire, and compare."""
    layout = argparse.RawDescriptionHelpFormatter
    parser = argparse.ArgumentParser(description=__doc__, epilog=_EPILOG, formatter_class=layout)
    parser.add_argument("--out", type=Path, required=True, help="new folder")
    parser.add_argument("--kills", type=int, default=10, help="of workers, and of the job")
    parser.add_argument("--sites", type=int, default=6)
    parser.add_argument("--seed", type=int, default=0, help="of the moments")
    parser.add_argument("--executor", choices=("processes", "dask"), default="processes")
    arguments = parser.parse_args()
    prepare_environment(None)
    print(f"# Batches under fire\n\n{machine()}\n", flush=True)
    arguments.out.mkdir(parents=True)
    table = arguments.out / "sites.csv"
    rows = [f"s{n},hyytiala-twin,{2006 + n},{2006 + n}" for n in range(arguments.sites)]
    table.write_text("site,path,start,end\n" + "\n".join(rows) + "\n")
    began = time.perf_counter()
    peace = begin(table, arguments.out / "peace", "processes")
    peace.wait()
    quiet = time.perf_counter() - began
    print(f"undisturbed: {quiet:.0f} s, status {peace.returncode}", flush=True)
    if not ended(arguments.out / "peace"):
        raise SystemExit("the batch that nobody disturbed did not end: its command is at fault")
    killed = under_fire(
        table, arguments.out / "fire", arguments.executor, arguments.kills, quiet, arguments.seed
    )
    same = compare(arguments.out / "peace", arguments.out / "fire")
    print(f"killed {killed['worker']} workers and {killed['job']} jobs; "
          f"the same draws and every site ended once: {same}")  # fmt: skip
    return 0 if same else 1


def begin(table: Path, out: Path, executor: str) -> subprocess.Popen[bytes]:
    """Start the batch in a process group of its own."""
    command = ["-m", "bayes_tbm.cli", "many", str(table), "--streams", "gpp,lai", "--out", str(out)]
    return subprocess.Popen(
        [sys.executable, *command, "--workers", "2", "--executor", executor, "--quiet", *SAMPLING],
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True,
    )  # fmt: skip


def under_fire(
    table: Path, out: Path, executor: str, kills: int, quiet: float, seed: int
) -> collections.Counter[str]:
    """Kill a worker or the job at random moments, until so many of each; then let it end."""
    rng, done = np.random.default_rng(seed), collections.Counter[str]()
    job = begin(table, out, executor)
    while min(done["worker"], done["job"]) < kills:
        time.sleep(rng.uniform(0.1, 0.35) * quiet)
        if job.poll() is not None and ended(out):
            break
        if job.poll() is None:
            what = "worker" if done["worker"] <= done["job"] else "job"
            if what == "worker":
                workers = children(job.pid)
                if workers:
                    os.kill(int(rng.choice(workers)), signal.SIGKILL)
            else:
                os.killpg(job.pid, signal.SIGKILL)
                job.wait()
            done[what] += 1
        if job.poll() is not None:
            job = begin(table, out, executor)
    job.wait()
    while not ended(out):
        job = begin(table, out, executor)
        job.wait()
    return done


def children(pid: int) -> list[int]:
    """Return the processes that a process has spawned to work."""
    found = subprocess.run(["pgrep", "-P", str(pid), "-f", "spawn_main"], capture_output=True)
    return [int(line) for line in found.stdout.split()]


def ended(out: Path) -> bool:
    """Whether the batch has been collected."""
    return (out / "draws.zarr").is_dir()


def compare(one: Path, other: Path) -> bool:
    """Whether two batches hold the same draws, and the second has ended every site once."""
    import xarray as xr

    stores = [xr.open_zarr(folder / "draws.zarr").load() for folder in (one, other)]
    lines = (other / "events.jsonl").read_text(errors="replace").splitlines()
    states = collections.Counter[str]()
    for line in lines:
        try:
            event = json.loads(line)
        except ValueError:
            continue  # torn by a kill
        states[event["site"]] += event["state"] in ("done", "not converged")
    return stores[0].identical(stores[1]) and set(states.values()) == {1}


if __name__ == "__main__":
    sys.exit(main())
