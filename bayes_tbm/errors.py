"""Errors and warnings about what the user gave: one line each, naming the place and the remedy."""

import difflib
from collections.abc import Iterable
from typing import Any


class InputError(ValueError):
    """Bad input, reported in one line.

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

    def within(self, place: str) -> "InputError":
        """Return the same error, of something in a larger place.

        Parameters
        ----------
        place : str
            A row of a table, as in ``sites.csv: FI-Hyy``.

        Returns
        -------
        InputError
            Whose text begins with it.
        """
        where = f"{place}: {self.where}" if self.where else place
        return InputError(
            rule=self.rule, where=where, variable=self.variable, found=self.found,
            remedy=self.remedy,
        )  # fmt: skip

    def __reduce__(self) -> tuple[Any, ...]:
        # Keyword-only arguments do not survive the default pickling of exceptions.
        parts = (self.rule, self.where, self.variable, self.found, self.remedy)
        return _restore, parts


def _restore(
    rule: str, where: str | None, variable: str | None, found: object | None, remedy: str | None
) -> InputError:
    return InputError(rule=rule, where=where, variable=variable, found=found, remedy=remedy)


class WriteError(OSError):
    """A file that could not be written, reported in one line: the disk is full, for example."""


def nearest(name: str, known: Iterable[str]) -> list[str]:
    """Names among those known that look like one, in whatever case; at most three."""
    folded = {other.lower(): other for other in known}
    return [folded[match] for match in difflib.get_close_matches(name.lower(), folded, n=3)]


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """Ask whether one of the names that are known was meant.

    Examples
    --------
    >>> did_you_mean("drawz", ["draws", "seed"])
    'did you mean draws?'
    >>> did_you_mean("zzz", ["draws", "seed"])
    'did you mean one of draws, seed?'
    """
    known = list(known)
    return f"did you mean {' or '.join(nearest(name, known)) or 'one of ' + ', '.join(known)}?"


class DataWarning(UserWarning):
    """Data that can be used, but not quite as their provider meant."""


class PlaceWarning(DataWarning):
    """A place that is stated where a file tells quite another."""


class ConvergenceWarning(UserWarning):
    """A posterior whose chains have not converged, with the reasons."""


class NotCompiledWarning(UserWarning):
    """A function that XLA runs, more slowly, since there is no machine code for a part of it."""
