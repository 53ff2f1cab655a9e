"""A funnel, and an error that hides in it: to begin anew until no trajectory diverges.

Runs whose trajectories diverged are those that came near the neck. Who throws them away until one
run has no divergence keeps the runs that never went there, and a posterior that lacks the neck.
"""

from __future__ import annotations

from typing import Any

import numpy as np

WIDTHS = 9  # coordinates that the funnel's axis scales
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
    truth = rng.normal(0.0, 3.0, replicates)
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


def _sampler(*, whitened: bool) -> Any:
    import jax.numpy as jnp
    import numpyro
    import numpyro.distributions as dist
    from numpyro.infer import MCMC, NUTS

    def model() -> None:
        axis = numpyro.sample("axis", dist.Normal(0.0, 3.0))
        scale = 1.0 if whitened else jnp.exp(0.5 * axis)
        numpyro.sample("x", dist.Normal(0.0, scale).expand([WIDTHS]).to_event(1))

    return MCMC(NUTS(model), num_warmup=_WARMUP, num_samples=_DRAWS, progress_bar=False)


def _until_quiet(sampler: Any, seed: int, *, restarts: bool) -> np.ndarray:
    """Draws of the axis, of the first run without a divergence where that is asked for."""
    import jax

    for attempt in range(_TRIES if restarts else 1):
        sampler.run(jax.random.key(seed + attempt))
        if not np.asarray(sampler.get_extra_fields()["diverging"]).any():
            break
    return np.asarray(sampler.get_samples()["axis"])


def _place(draws: np.ndarray, truth: float, rng: np.random.Generator) -> float:
    """Share of nearly independent draws below the truth."""
    import arviz as az

    ess = float(az.ess(draws[None]))
    count = int(np.clip(ess, 10, draws.size)) if np.isfinite(ess) else 10
    thinned = draws[np.linspace(0, draws.size - 1, count).astype(int)]
    return float(((thinned < truth).sum() + rng.uniform()) / (count + 1))
