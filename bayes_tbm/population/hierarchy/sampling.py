"""NUTS on a population model, one chain a thread, compiled once for data of one shape."""

from __future__ import annotations

import functools
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.flatten_util import ravel_pytree
from numpy.typing import NDArray
from numpyro import handlers
from numpyro.infer.util import constrain_fn, potential_energy, unconstrain_fn

from bayes_tbm.population.hierarchy.model import Data, Form, population_model
from bayes_tbm.population.hierarchy.walking import walk
from bayes_tbm.runtime.promotion import lenient
from bayes_tbm.sampling.nuts.run import workers

Arrays = dict[str, NDArray[Any]]
ERRORS = ("cell_z", "error_z")
"""Parameters of cells, of which there may be many: NUTS keeps no correlations with them."""
_KEPT = 16  # compiled functions


def chain(form: Form, warmup: int, draws: int) -> Callable[[jax.Array, Data], Any]:
    """Return a function of a key and data: a chain's draws by name, and its statistics."""
    model = functools.partial(population_model, form)

    def run(key: jax.Array, data: Data) -> Any:
        for_start, for_walk = jax.random.split(key)
        z = _start(model, for_start, data)
        described, to_described = ravel_pytree({n: z[n] for n in z if n not in ERRORS})
        of_cells, to_cells = ravel_pytree({n: z[n] for n in z if n in ERRORS})

        def unbounded(x: jax.Array) -> dict[str, jax.Array]:
            return {**to_described(x[: len(described)]), **to_cells(x[len(described) :])}

        x, statistics = walk(
            lambda x: potential_energy(model, (data,), {}, unbounded(x)), for_walk,
            jnp.concatenate([described, of_cells]), len(described), warmup=warmup, draws=draws,
        )  # fmt: skip

        def values(x: jax.Array) -> Any:
            return constrain_fn(model, (data,), {}, unbounded(x), return_deterministic=True)

        return jax.lax.map(values, x), statistics

    return run


@functools.lru_cache(_KEPT)
def _compiled(form: Form, warmup: int, draws: int, tree: Any, leaves: tuple[Any, ...]) -> Any:
    """Compile a chain for a key and data of such shapes, before threads ask for it."""
    return jax.jit(chain(form, warmup, draws)).lower(*jax.tree.unflatten(tree, leaves)).compile()


def _start(model: Callable[[Data], None], key: jax.Array, data: Data) -> Any:
    """Unbounded parameters to start from: a draw from the prior, but where the sites are known.

    NumPyro's own search for a start is most of what there is to compile. Differences between sites
    start wide: a chain that starts where they are nil, and few draws count, may stay there.
    """
    trace = handlers.trace(handlers.seed(model, key)).get_trace(data)
    values = {
        name: site["value"]
        for name, site in trace.items()
        if site["type"] == "sample" and not site["is_observed"]
    }
    middle = data["middle"]
    half = jnp.full(len(middle), 0.5)
    known = {
        "intercept": middle[0], "means": middle[1:], "beyond": half, "rest": half[1:],
        "total": half[0], "share": half[0], "correlation": jnp.eye(len(middle)),
    }  # fmt: skip
    values |= {name: value for name, value in known.items() if name in values}
    return unconstrain_fn(model, (data,), {}, values)


@lenient
def sample(
    form: Form, data: Data, *, chains: int, warmup: int, draws: int, seed: int
) -> tuple[Arrays, Arrays]:
    """Draws of a population by name (chain, draw, ...), and sample statistics (chain, draw)."""
    keys, data = jax.random.split(jax.random.key(seed), chains), jax.tree.map(jnp.asarray, data)
    leaves, tree = jax.tree.flatten((keys[0], data))
    shapes = tuple(jax.eval_shape(lambda *same: same, *leaves))
    run = _compiled(form, warmup, draws, tree, shapes)
    with ThreadPoolExecutor(min(chains, workers())) as pool:
        found = list(pool.map(lambda key: jax.device_get(run(key, data)), keys))
    posterior, statistics = jax.tree.map(lambda *each: np.stack(each), *found)
    return posterior, statistics
