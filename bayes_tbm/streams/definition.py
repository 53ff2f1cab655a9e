"""What a stream is: an observed variable, the model's counterpart, and how errors scatter."""

from __future__ import annotations

import dataclasses
import importlib
import sys
from collections.abc import Callable
from typing import Any

import jax

from bayes_tbm.errors import InputError
from bayes_tbm.model import Pools, Trajectory
from bayes_tbm.parameters import Parameters
from bayes_tbm.streams.errors import ERROR_MODELS, AbstractErrorModel, ErrorParameter

Operator = Callable[[Trajectory, Parameters], jax.Array]
OfStand = Callable[[Pools], jax.Array]
_FUNCTIONS = ("operator", "of_stand")


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
    systematic
        Default standard deviation of the error that all values share: a share of what the model
        expects, or, with ``is_offset``, in the stream's unit; 0 for none.
    is_offset
        Whether that error is an offset rather than one of scale.
    """

    name: str
    long_name: str
    unit: str
    operator: Operator
    errors: AbstractErrorModel
    of_stand: OfStand | None = None
    systematic: float = 0.0
    is_offset: bool = False

    def __post_init__(self) -> None:
        require_errors(self.name, self.errors)

    @property
    def error_parameters(self) -> dict[str, ErrorParameter]:
        """What is known of the error model's parameters, by full name."""
        return {f"{self.name}_{own.suffix}": own for own in self.errors.parameters.values()}

    def __reduce__(self) -> tuple[Any, ...]:
        # Functions are pickled by name; those of the package's own streams have none.
        fields = {field.name: getattr(self, field.name) for field in dataclasses.fields(self)}
        for part in _FUNCTIONS:
            fields[part] = self._place_of(part)
        return _from_places, (fields,)

    def _place_of(self, part: str) -> Any:
        """Return a function, or the module whose stream it is part of."""
        function = getattr(self, part)
        module = sys.modules.get(getattr(function, "__module__", None) or "")
        if getattr(getattr(module, "STREAM", None), part, None) is function is not None:
            return function.__module__
        if {"<lambda>", "<locals>"} & set(getattr(function, "__qualname__", "").split(".")):
            raise InputError(
                where=f"stream {self.name}", variable=part, found=function.__qualname__,
                rule="must be a function at the top level of a module to go to another process",
                remedy="write it with def, outside of other functions",
            )  # fmt: skip
        return function

    def with_errors(self, errors: AbstractErrorModel) -> Stream:
        """Return the stream with another error model.

        Parameters
        ----------
        errors
            As `bayes_tbm.BlockMeans`, `bayes_tbm.Gaussian`, ...

        Returns
        -------
        Stream
            A new one.
        """
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


def _from_places(fields: dict[str, Any]) -> Stream:
    """Stream from its fields, with modules in place of functions that are part of their streams."""
    for part in _FUNCTIONS:
        if isinstance(fields[part], str):
            fields[part] = getattr(importlib.import_module(fields[part]).STREAM, part)
    return Stream(**fields)


def over_step(pool: jax.Array) -> jax.Array:
    """Mean of a pool over each step, (time, ...), from its values at the edges of steps."""
    return 0.5 * (pool[:-1] + pool[1:])
