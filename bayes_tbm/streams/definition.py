"""What a stream is: an observed variable, the model's counterpart, and how errors scatter."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

import jax

from bayes_tbm.errors import InputError
from bayes_tbm.model import Pools, Trajectory
from bayes_tbm.parameters import Parameters
from bayes_tbm.streams.errors import ERROR_MODELS, AbstractErrorModel, ErrorParameter

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

    def __post_init__(self) -> None:
        require_errors(self.name, self.errors)

    @property
    def error_parameters(self) -> dict[str, ErrorParameter]:
        """What is known of the error model's parameters, by full name."""
        return {f"{self.name}_{own.suffix}": own for own in self.errors.parameters.values()}

    def with_errors(self, errors: AbstractErrorModel) -> Stream:
        """Return the stream with another error model."""
        return dataclasses.replace(self, errors=errors)


def require_errors(name: str, errors: Any, *, of_curve: bool | None = None) -> None:
    """Refuse what is no error model, or, if ``of_curve`` is stated, one of other data.

    Raises
    ------
    InputError
        It is.
    """
    is_model = isinstance(errors, AbstractErrorModel)
    if not is_model or (of_curve is not None and errors.of_curve != of_curve):
        known = [n for n, m in ERROR_MODELS.items() if of_curve in (None, m.of_curve)]
        raise InputError(
            where=name, variable="errors", rule=f"must be an error model: {', '.join(known)}",
            found=repr(errors), remedy="AlongAge is for growth curves, and for nothing else",
        )  # fmt: skip


def over_step(pool: jax.Array) -> jax.Array:
    """Mean of a pool over each step, (time, ...), from its values at the edges of steps."""
    return 0.5 * (pool[:-1] + pool[1:])
