"""Draws of a sampler, and what its run does next."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from bayes_tbm.results.attempts import Attempt

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
    discarded
        Attempts whose draws were given up for shorter steps, in order.
    extensions
        How often draws were added to these.
    """

    z: Array
    stats: dict[str, NDArray[Any]]
    discarded: tuple[Attempt, ...] = ()
    extensions: int = 0

    @property
    def attempts(self) -> tuple[Attempt, ...]:
        """Every attempt of the run, that of these draws last."""
        own = Attempt(
            draws=self.z.shape[1], extensions=self.extensions,
            divergences=int(self.stats["diverging"].sum()),
            step_size=float(self.stats["step_size"].mean()),
        )  # fmt: skip
        return *self.discarded, own


@dataclasses.dataclass(frozen=True)
class NextStep:
    """What a run does next.

    Attributes
    ----------
    kind
        ``done``; ``extend``, by some draws; or ``restart``: give the draws up and draw as many
        with shorter steps.
    draws
        Of each chain, by which to extend.
    """

    kind: Literal["done", "extend", "restart"]
    draws: int = 0


DONE, RESTART = NextStep("done"), NextStep("restart")


def extend(draws: int) -> NextStep:
    """Make so many more draws a chain."""
    return NextStep("extend", draws)


AskNext = Callable[[Draws, bool], NextStep]
"""From the draws so far, and whether they may begin anew, to what the run does next."""
