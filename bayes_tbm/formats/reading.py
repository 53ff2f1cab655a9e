"""What a user may state of a file that does not tell it itself, and how strictly to read it."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any, TypedDict

from bayes_tbm.errors import InputError, did_you_mean
from bayes_tbm.plain import finite_number

OF_DRIVERS = ("latitude", "longitude", "half_hourly", "fill_co2", "co2")
"""Options that, of several files, concern the drivers' alone."""
OF_EVERY = ("site", "latitude", "longitude", "progress")
"""Options that every format takes."""


@dataclass(frozen=True, kw_only=True)
class Reading:
    """Options of reading; each reader takes those that concern its format.

    Parameters
    ----------
    site : str, optional
        Name of the site, where a file holds several or none.
    latitude, longitude : float, optional
        Degrees north and east.
    first_year : int, optional
        Year of the first row, where a file tells only the day of the year or of the run.
    half_hourly : pathlib.Path, optional
        Half-hourly or hourly table of the same tower, for daily extremes of temperature.
    quality : float
        Least share of a step's values that must be measured, or filled well, in 0 to 1.
    closure : bool
        Whether latent heat is that corrected for energy balance closure.
    fill_co2 : bool
        Whether gaps of CO2 are filled: in time by straight lines, at the ends by the nearest value.
    co2 : float, optional
        CO2 [ppm] at every step, where a file holds no value of it.
    fill_uncertainty : bool
        Whether missing uncertainties of fluxes are made from those of other years.
    scale : float, optional
        Number that turns stored integers into values, where the file does not state it.
    progress : bool
        Whether to show a bar on files that take more than a second.
    """

    site: str | None = None
    latitude: float | None = None
    longitude: float | None = None
    first_year: int | None = None
    half_hourly: Path | None = None
    quality: float = 0.75
    closure: bool = False
    fill_co2: bool = False
    co2: float | None = None
    fill_uncertainty: bool = False
    scale: float | None = None
    progress: bool = False

    def given(self) -> dict[str, Any]:
        """Return the options that are not left as they are by default."""
        held = {one.name: getattr(self, one.name) for one in fields(self)}
        return {one.name: held[one.name] for one in fields(self) if held[one.name] != one.default}

    def only(self, names: Collection[str]) -> "Reading":
        """Return those of the options that have one of the names; the others as by default."""
        return Reading(**{name: value for name, value in self.given().items() if name in names})

    def without(self, names: Collection[str]) -> "Reading":
        """Return the options but those of these names, which are as by default."""
        return self.only([one.name for one in fields(self) if one.name not in names])


class ReadingOptions(TypedDict, total=False):
    """Fields of `Reading`, as a user gives them."""

    site: str | None
    latitude: float | None
    longitude: float | None
    first_year: int | None
    half_hourly: str | Path | None
    quality: float | None
    closure: bool
    fill_co2: bool
    co2: float | None
    fill_uncertainty: bool
    scale: float | None
    progress: bool


_TEXT, _FLAGS = ("site", "half_hourly"), ("closure", "fill_co2", "fill_uncertainty", "progress")


def reading_of(options: Mapping[str, Any], where: str | None = None) -> Reading:
    """Return options as a user gives them, checked; None is an option not given.

    Raises
    ------
    InputError
        If one is not known or of another kind.
    """
    known = [one.name for one in fields(Reading)]
    given = {name: value for name, value in options.items() if value is not None}
    for name, value in given.items():
        if name not in known:
            raise InputError(
                where=where, variable=name, rule="is no option of reading a file",
                remedy=did_you_mean(name, known),
            )  # fmt: skip
        rule = _broken_rule(name, value)
        if rule:
            raise InputError(where=where, variable=name, rule=rule, found=repr(value))
    numbers = {name: value for name, value in given.items() if name not in (*_TEXT, *_FLAGS)}
    reading = Reading(**{**given, **{n: float(v) for n, v in numbers.items()}})
    if reading.first_year is not None:
        reading = replace(reading, first_year=int(reading.first_year))
    if reading.half_hourly is not None:
        reading = replace(reading, half_hourly=_file(Path(reading.half_hourly), where))
    return reading


def _broken_rule(name: str, value: Any) -> str:
    if name in _TEXT:
        return "" if isinstance(value, str | Path) else "must be text"
    if name in _FLAGS:
        return "" if isinstance(value, bool) else "must be true or false"
    number = finite_number(value)
    if number is None:
        return "must be a number"
    if name == "first_year" and number != int(number):
        return "must be a year"
    if name in ("scale", "co2") and not number > 0:
        return "must be positive"
    return "must be a share within 0 to 1" if name == "quality" and not 0 <= number <= 1 else ""


def _file(path: Path, where: str | None) -> Path:
    if not path.is_file():
        raise InputError(where=where, variable="half_hourly", rule="no such file", found=str(path))
    return path
