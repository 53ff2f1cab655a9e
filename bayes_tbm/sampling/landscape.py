"""The modes of a posterior in the sampler's coordinates, and where chains begin; for every engine.

The shape of a mode is a normal one in the coordinates that chains move in. Drawn in the latent
space and mapped from there, where valleys are bent, starts lay hundreds of nats below the mode.
"""

from __future__ import annotations

from collections.abc import Sequence

import jax.numpy as jnp
import numpy as np
from numpy.typing import NDArray

from bayes_tbm.posterior.density import LogDensity
from bayes_tbm.sampling.adaptation import Metric
from bayes_tbm.sampling.coordinates import Coordinates
from bayes_tbm.sampling.modes import Mode, allot
from bayes_tbm.sampling.settings import Settings

Array = NDArray[np.float64]
_ATTEMPTS = 20  # at a start of finite density before the mode itself is taken


class Landscape:
    """Coordinates that fit the heaviest mode, and each mode's normal shape there.

    Parameters
    ----------
    density
        What is sampled.
    modes
        Of `bayes_tbm.sampling.search.find_modes`, the heaviest first.

    Attributes
    ----------
    coordinates
        Those that chains move in.
    regions
        Laplace approximation of each mode in them.
    """

    def __init__(self, density: LogDensity, modes: Sequence[Mode]) -> None:
        self.coordinates = Coordinates(density, jnp.asarray(modes[0].position))
        self.regions = [self.coordinates.laplace(mode.position, mode.scale) for mode in modes]
        self._modes = modes

    @property
    def metric(self) -> Metric:
        """Laplace metric of the heaviest mode, with which warm-up begins."""
        return self.regions[0]

    def starts(self, settings: Settings, engine: int) -> Array:
        """Draw a start for each chain from the shape of its mode, (chain, dimension).

        Chains are allotted to modes by weight; see `bayes_tbm.sampling.modes.allot`.

        Parameters
        ----------
        settings
            For the number of chains and the seed.
        engine
            Keeps an engine's random numbers apart from those of others.
        """
        rng = np.random.default_rng([settings.seed, engine])
        numbers = allot(self._modes, settings.chains)
        return np.array([self._start(self.regions[number], rng) for number in numbers])

    def _start(self, region: Metric, rng: np.random.Generator) -> Array:
        """Draw until density and gradient are finite; after many attempts take the mode itself."""
        for _ in range(_ATTEMPTS):
            x = region.center + region.scale @ rng.normal(size=len(region.center))
            value, gradient = self.coordinates.value_and_gradient(jnp.asarray(x))
            if np.isfinite(value) and np.isfinite(gradient).all():
                return x
        return region.center
