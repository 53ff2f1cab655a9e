"""What a stream is: an observed variable, the model's counterpart, and how errors scatter."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

import jax

from bayes_tbm.model import Pools, Trajectory
from bayes_tbm.parameters import Parameters
from bayes_tbm.streams.errors import AbstractErrorModel

Operator = Callable[[Trajectory, Parameters], jax.Array]
OfStand = Callable[[Pools], jax.Array]


@dataclasses.dataclass(frozen=True)
class Stream:
    """A data stream as a scientist names it.

    To add one, write a file in ``streams/observed`` that defines ``STREAM``; it is found by itself.

    Attributes
    ----------
    name
        Short name, which is also that of the site's observations.
    long_name, unit
        For people and for output.
    operator
        Model counterpart over steps, (time, ...), from a trajectory and parameters. Parameter sets
        of a batch come last: it must mix nothing along other axes than the first.
    errors
        Error model; replace it with `with_errors`.
    of_stand
        For stocks of what lives: the observed quantity from a stand's pools. With it the stream can
        be seen at an age of the stand too.
    """

    name: str
    long_name: str
    unit: str
    operator: Operator
    errors: AbstractErrorModel
    of_stand: OfStand | None = None

    def with_errors(self, errors: AbstractErrorModel) -> Stream:
        """Return the stream with another error model.

        Parameters
        ----------
        errors
            As `bayes_tbm.Balanced`, `bayes_tbm.Gaussian`, ...

        Returns
        -------
        Stream
            A new one.
        """
        return dataclasses.replace(self, errors=errors)


def over_step(pool: jax.Array) -> jax.Array:
    """Mean of a pool over each step, (time, ...), from its values at the edges of steps."""
    return 0.5 * (pool[:-1] + pool[1:])
