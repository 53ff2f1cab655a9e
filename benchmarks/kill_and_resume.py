"""Kill a run at random moments, take it up again each time, and compare with one left alone.

    python benchmarks/kill_and_resume.py --kills 20

Every kill is a SIGKILL between the first transition and the end: the run is long enough for all of
them, and chains go to disk every two seconds. The draws of the run that was
killed must equal, bit for bit, those of the run that was not. Exit status 1 if they do not.
"""

from __future__ import annotations

import argparse
import os
import random
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

CHILD = """
import sys
import numpy as np
import bayes_tbm as bt
site, streams, folder, seed, warmup, draws = sys.argv[1:]
calibration = bt.Calibration(bt.open_site(site), streams.split(","))
tree = calibration.sample(
    progress=False, checkpoint=folder, resume=True,
    seed=int(seed), warmup=int(warmup), draws=int(draws),
)
values = {name: values.values for name, values in tree.posterior.data_vars.items()}
stats = {f"stat_{name}": values.values for name, values in tree.sample_stats.data_vars.items()}
np.savez(folder + "/result.npz", **values, **stats)
"""


def main() -> int:
    """Run the comparison; returns the exit status."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--site", default="hyytiala-twin")
    parser.add_argument("--streams", default="gpp,nee,et,lai,wood")
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--seed", type=int, default=0, help="of the run and of the moments")
    parser.add_argument("--warmup", type=int, default=900)
    parser.add_argument("--draws", type=int, default=8000)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        left_alone, killed = Path(folder, "left-alone"), Path(folder, "killed")
        began = time.monotonic()
        _start(arguments, left_alone).wait()
        print(f"left alone: {time.monotonic() - began:.0f} s", flush=True)
        kills = _kill_often(arguments, killed)
        one, other = (np.load(path / "result.npz") for path in (left_alone, killed))
        different = [name for name in one if not np.array_equal(one[name], other[name])]
    print(f"{kills} kills; {len(one.files)} arrays compared, different: {different or 'none'}")
    return 1 if different or kills < arguments.kills else 0


def _start(arguments: argparse.Namespace, folder: Path) -> subprocess.Popen[bytes]:
    folder.mkdir(exist_ok=True)
    cache = {"JAX_COMPILATION_CACHE_DIR": str(folder.parent / "compiled")}
    numbers = [str(n) for n in (arguments.seed, arguments.warmup, arguments.draws)]
    command = [sys.executable, "-c", CHILD, arguments.site, arguments.streams, str(folder)]
    return subprocess.Popen([*command, *numbers], env=os.environ | cache)


def _kill_often(arguments: argparse.Namespace, folder: Path) -> int:
    """Kill until it has been done often enough, then let the run end; returns the kills."""
    moments = random.Random(arguments.seed)
    kills = 0
    while not (folder / "result.npz").exists():
        run = _start(arguments, folder)
        before = _written(folder)
        while run.poll() is None and _written(folder) == before:
            time.sleep(0.05)  # setting up; no transition of this attempt is on disk yet
        if kills < arguments.kills:
            time.sleep(moments.uniform(0.0, 3.0))
            if run.poll() is None:
                run.kill()
                kills += 1
                print(f"kill {kills}: {_progress(folder)}", flush=True)
        run.wait()
    return kills


def _written(folder: Path) -> float:
    """Time at which a chain was written last."""
    return max((path.stat().st_mtime for path in folder.glob("phase-*-chain-*.npz")), default=0.0)


def _progress(folder: Path) -> str:
    chains = sorted(folder.glob("phase-*-chain-*.npz"))
    return ", ".join(f"{path.stem} {len(np.load(path)['positions'])}" for path in chains)


if __name__ == "__main__":
    sys.exit(main())
