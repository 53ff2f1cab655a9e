"""Modes of a site's posterior: how much mass each holds, and in what they differ.

    python benchmarks/modes.py US-Ha1                      streams that the site has
    python benchmarks/modes.py hyytiala-twin --streams gpp,lai

For each mode but the heaviest: the parameters that lie farthest from it, in units of the smaller
sd of the two, those of leaf phenology whether they do or not, and what each stream and constraint
gains or loses, in nats. Nothing is sampled.
"""

from __future__ import annotations

import argparse
import sys

import jax.numpy as jnp
import numpy as np
from _measure import machine
from sampling import STREAMS

import bayes_tbm as bt
from bayes_tbm.sampling.modes import Mode

PHENOLOGY = ("leaf_onset_day", "labile_release_period", "leaf_fall_day", "leaf_fall_period")


def main() -> int:
    """Find the modes and print them; returns the exit status."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("site")
    parser.add_argument("--streams", help=f"default: what it has of {','.join(STREAMS)}")
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    site = bt.open_site(given.site)
    chosen = (given.streams or ",".join(STREAMS)).split(",")
    calibration = bt.Calibration(
        site, [n for n in chosen if given.streams or n in site.observations]
    )
    print(f"{machine()}\n\n{site.name}: {', '.join(calibration.experiment['streams'])}\n")
    first, *others = calibration.modes(bt.Settings(seed=given.seed))
    for number, mode in enumerate((first, *others)):
        share = f"{100 * mode.weight:.1f} % of the mass"
        print(f"mode {number}: log density {mode.log_density:.1f}, {share}, {mode.starts} starts")
    for number, mode in enumerate(others, 1):
        print(f"\nmode {number} beside mode 0")
        tell(calibration, first, mode)
    return 0


def tell(calibration: bt.Calibration, one: Mode, other: Mode) -> None:
    """Print in what two modes differ."""
    density = calibration.density
    sds = [np.sqrt(np.diag(mode.scale @ mode.scale.T)) for mode in (one, other)]
    apart = np.abs(one.position - other.position) / np.minimum(*sds)
    far = [density.sampled[i] for i in np.argsort(-apart)[:8]]
    values = [density.values(jnp.asarray(mode.position)) for mode in (one, other)]
    for name in dict.fromkeys((*far, *PHENOLOGY)):
        sd = apart[density.sampled.index(name)] if name in density.sampled else np.nan
        both = " ".join(f"{float(value[name]):10.4g}" for value in values)
        print(f"  {name:28} {both}  {sd:.1f} sd")
    terms = []
    for mode in (one, other):
        parts = density.parts(jnp.asarray(mode.position))
        terms.append({n: float(jnp.sum(x)) for n, x in (parts.stream | parts.constraint).items()})
    gains = {name: terms[1][name] - terms[0][name] for name in terms[0]}
    told = (f"{name} {gain:+.1f}" for name, gain in gains.items() if abs(gain) > 0.05)
    print(f"  nats: {', '.join(told)}")


if __name__ == "__main__":
    sys.exit(main())
