"""Settings for every test, docstring examples of the package included."""

import gc
import os

import jax
import matplotlib as mpl
import pytest

# Imports and traces make many objects and little garbage: searching it took a tenth of the time.
gc.set_threshold(50_000, 20, 20)
jax.config.update("jax_enable_x64", True)
# Strict: arrays of another rank or another kind of number are a slip until somebody says otherwise.
jax.config.update("jax_numpy_rank_promotion", "raise")
jax.config.update("jax_numpy_dtype_promotion", "strict")
mpl.use("Agg")


def pytest_configure(config: pytest.Config) -> None:
    """Keep compiled code between runs in pytest's own cache (`pytest --cache-clear` empties it)."""
    cache = getattr(config, "cache", None)
    if cache is None or "JAX_COMPILATION_CACHE_DIR" in os.environ:
        return
    jax.config.update("jax_compilation_cache_dir", str(cache.mkdir("jax")))
    jax.config.update("jax_persistent_cache_min_compile_time_secs", 0.2)


def pytest_collection_finish() -> None:
    """Leave what was imported out of the search for garbage."""
    gc.collect()
    gc.freeze()
