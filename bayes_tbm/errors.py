"""Errors and warnings about what the user gave: one line each, naming the place and the remedy."""

from typing import Any


class InputError(ValueError):
    """Bad input, told in one line.

    Parameters
    ----------
    rule : str
        What must hold, or what went wrong.
    where : str, optional
        File, site or option the input came from.
    variable : str, optional
        Variable, parameter or field concerned.
    found : object, optional
        What was found instead.
    remedy : str, optional
        What to do about it.

    Examples
    --------
    >>> str(InputError(rule="must be within -90 to 90 degrees", where="FI-Hyy.nc",
    ...                variable="latitude", found=105.0))
    'FI-Hyy.nc: latitude: must be within -90 to 90 degrees; found 105.0'
    """

    def __init__(
        self,
        *,
        rule: str,
        where: str | None = None,
        variable: str | None = None,
        found: object | None = None,
        remedy: str | None = None,
    ) -> None:
        self.rule = rule
        self.where = where
        self.variable = variable
        self.found = found
        self.remedy = remedy
        super().__init__(self._line())

    def _line(self) -> str:
        head = ": ".join(part for part in (self.where, self.variable, self.rule) if part)
        found = None if self.found is None else f"found {self.found}"
        return " ".join("; ".join(part for part in (head, found, self.remedy) if part).split())

    def __reduce__(self) -> tuple[Any, ...]:
        # Keyword-only arguments do not survive the default pickling of exceptions.
        parts = (self.rule, self.where, self.variable, self.found, self.remedy)
        return _restore, parts


def _restore(
    rule: str, where: str | None, variable: str | None, found: object | None, remedy: str | None
) -> InputError:
    return InputError(rule=rule, where=where, variable=variable, found=found, remedy=remedy)


class DataWarning(UserWarning):
    """Data that can be used, but not quite as their provider meant."""


class NotCompiledWarning(UserWarning):
    """A function that XLA runs, more slowly, since there is no machine code for a part of it."""
