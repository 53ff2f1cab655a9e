"""What makes two runs the same run: data, model, priors, settings, versions."""

from __future__ import annotations

import dataclasses
import functools
import hashlib
from collections.abc import Mapping
from importlib.metadata import PackageNotFoundError, version
from importlib.resources import files
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from bayes_tbm.native import is_available, processor
from bayes_tbm.posterior.density import LogDensity
from bayes_tbm.sampling.settings import Settings

_POINTS, _TRIED = 4, 32  # latent points at which a density is told, and that are tried for it
_DIGITS = 10  # of a density that are told: no rounding within one kind of processor moves them
_LIBRARIES = ("jax", "jaxlib", "numpyro", "numpy", "scipy", "llvmlite")


def identity(
    density: LogDensity, experiment: Mapping[str, Any], settings: Settings
) -> dict[str, Any]:
    """Say what a run is: plain data, the same if and only if a run would give the same draws.

    A checkpoint keeps it, and a run goes on from there only if its own is equal; studies keep fits
    under its digest.

    Parameters
    ----------
    density
        What is sampled. Its drivers and observations are hashed.
    experiment
        Streams, priors, constraints and regrowth as plain data, `Calibration.experiment`.
    settings
        How it is sampled. The number of draws, and how it may grow, are left out: a longer run
        begins with the shorter one.

    Returns
    -------
    dict
        JSON-ready: ``experiment``, ``sampling``, ``data`` and ``model`` (hashes of the data and of
        the package's source), ``versions`` of libraries, ``device`` and, where loops are
        compiled, the processor they are ``compiled`` for, since rounding depends on both. What a
        name or a hash of the data cannot tell, such as the operator of a stream, shows in
        ``density``: the log density at a few latent points.
    """
    return facts(density, experiment, settings) | at_points(density)


def facts(density: LogDensity, experiment: Mapping[str, Any], settings: Settings) -> dict[str, Any]:
    """Say what a run is, as `identity` does, but for what takes a compilation: `at_points`."""
    length = ("draws", "extensions")
    sampling = {n: v for n, v in dataclasses.asdict(settings).items() if n not in length}
    return {
        "experiment": dict(experiment),
        "sampling": sampling,
        "data": _data_hash(density),
        "model": source_hash(),
        "versions": {name: _version(name) for name in _LIBRARIES},
        "device": jax.devices()[0].device_kind,
        "compiled": processor() if is_available() else "",
    }


def _version(library: str) -> str:
    try:
        return version(library)
    except PackageNotFoundError:
        return "none"


def at_points(density: LogDensity) -> dict[str, dict[str, str]]:
    """Entry of `identity` that tells the log density at the first points where it is finite.

    The points are the prior's centre and draws about it. Where fewer than `_POINTS` of `_TRIED` are
    finite, only those are told; where none is, no mode would be found either.
    """
    rng = np.random.default_rng(0)
    told: dict[str, str] = {}
    for number in range(_TRIED):
        point = 0.5 * rng.normal(size=density.dimension) * (number > 0)
        value = float(density.value(jnp.asarray(point)))
        if np.isfinite(value):
            told[f"at point {number}"] = f"{value:.{_DIGITS - 1}e}"
        if len(told) == _POINTS:
            break
    return {"density": told}


def _data_hash(density: LogDensity) -> str:
    """Hash of drivers and of what every stream observed."""
    digest = hashlib.sha256()
    arrays = jax.tree.leaves(density.forcing)
    if density.regrowth is not None:
        arrays += [*jax.tree.leaves(density.regrowth.climate), density.regrowth.age or 0.0]
    for stream in density.streams:
        for part in (stream, stream.data):
            fields = (getattr(part, field.name) for field in dataclasses.fields(part))
            arrays += [field for field in fields if isinstance(field, np.ndarray | float | int)]
    for array in arrays:
        digest.update(np.ascontiguousarray(array).tobytes())
    return digest.hexdigest()[:16]


@functools.cache  # many sites ask for it
def source_hash() -> str:
    """Hash of the whole package's source."""
    digest = hashlib.sha256()
    pending = [files("bayes_tbm")]
    while pending:
        for entry in sorted(pending.pop().iterdir(), key=lambda entry: entry.name):
            if entry.is_dir():
                pending.append(entry)
            elif entry.name.endswith(".py"):
                digest.update(entry.read_bytes())
    return digest.hexdigest()[:16]
