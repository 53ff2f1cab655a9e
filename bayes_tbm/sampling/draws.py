"""Draws of a sampler, and what a run may still need."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


@dataclasses.dataclass(frozen=True)
class Draws:
    """Posterior draws on the latent space, with what the sampler says about them.

    Attributes
    ----------
    z
        (chain, draw, dimension).
    stats
        By ArviZ name, each (chain, draw).
    """

    z: Array
    stats: dict[str, NDArray[Any]]


@dataclasses.dataclass(frozen=True)
class Help:
    """What a run still needs: more draws a chain, or draws anew with shorter steps; or nothing."""

    further: int = 0
    shorter: bool = False


More = Callable[[Draws, bool], Help]
