"""A funnel, and an error that hides in it: to begin anew until no trajectory diverges.

Runs whose trajectories diverged are those that came near the neck. Who throws them away until one
run has no divergence keeps the runs that never went there, and a posterior that lacks the neck.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

WIDTHS = 9  # coordinates that the funnel's axis scales
_AXIS = 3.0  # sd of the axis
_WARMUP, _DRAWS, _TRIES = 150, 300, 20


def funnel_pits(replicates: int, seed: int) -> dict[str, np.ndarray]:
    """Place of the axis's true value among its draws, (replicate,), by way of sampling.

    Parameters
    ----------
    replicates
        How many; nothing is observed, so that the truth is a draw of the prior.
    seed
        Of all.
    """
    rng = np.random.default_rng([seed, 31])
    truth = rng.normal(0.0, _AXIS, replicates)
    ways = {
        "funnel whitened": _sampler(whitened=True),
        "funnel restarted": _sampler(whitened=False),
    }
    found = {}
    for name, sampler in ways.items():
        pits = [
            _place(_until_quiet(sampler, 1000 * number + seed, restarts=name.endswith("restarted")),
                   value, rng)
            for number, value in enumerate(truth)
        ]  # fmt: skip
        found[name] = np.array(pits)
        print(f"{name}: {replicates} replicates", flush=True)
    return found


def _sampler(*, whitened: bool) -> Callable[[Any], tuple[Any, Any]]:
    """Return a run of NumPyro's NUTS: a key to draws of the axis, and whether one diverged."""
    import jax
    import jax.numpy as jnp
    from numpyro.infer import NUTS

    def potential(z: Any) -> Any:
        axis, widths = z[0], z[1:]
        scale = 1.0 if whitened else jnp.exp(0.5 * axis)
        logs = jnp.sum(0.5 * (widths / scale) ** 2 + jnp.log(scale))
        return 0.5 * (axis / _AXIS) ** 2 + logs

    kernel = NUTS(potential_fn=potential)

    def step(state: Any, _: None) -> tuple[Any, tuple[Any, Any]]:
        state = kernel.sample(state, (), {})
        return state, (state.z[0], state.diverging)

    @jax.jit  # once for all runs: `MCMC.run` would compile, and keep, each anew
    def run(key: Any) -> tuple[Any, Any]:
        place, chain = jax.random.split(key)
        first = jax.random.uniform(place, (1 + WIDTHS,), minval=-2.0, maxval=2.0)
        state = kernel.init(chain, _WARMUP, first, (), {})
        state, _ = jax.lax.scan(step, state, length=_WARMUP)
        _, (axis, diverging) = jax.lax.scan(step, state, length=_DRAWS)
        return axis, diverging.any()

    return run


def _until_quiet(run: Callable[[Any], Any], seed: int, *, restarts: bool) -> np.ndarray:
    """Draws of the axis, of the first run without a divergence where that is asked for."""
    import jax

    for attempt in range(_TRIES if restarts else 1):
        axis, diverged = run(jax.random.key(seed + attempt))
        if not diverged:
            break
    return np.asarray(axis)


def _place(draws: np.ndarray, truth: float, rng: np.random.Generator) -> float:
    """Share of nearly independent draws below the truth."""
    import arviz as az

    ess = float(az.ess(draws[None]))
    count = int(np.clip(ess, 10, draws.size)) if np.isfinite(ess) else 10
    thinned = draws[np.linspace(0, draws.size - 1, count).astype(int)]
    return float(((thinned < truth).sum() + rng.uniform()) / (count + 1))
