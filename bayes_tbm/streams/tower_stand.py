"""The stand at a tower: its age at the start of the record, and an inventory as a stream."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np

from bayes_tbm.catalogue.fluxval import PREFIX, towers, unknown_tower
from bayes_tbm.catalogue.inventories import ForestInventory, forest_inventories
from bayes_tbm.catalogue.second_halves import SUFFIX
from bayes_tbm.formats.uncertainty import log_normal_sd
from bayes_tbm.sites.site import Site
from bayes_tbm.sites.time_axis import days_from_time, step_bounds
from bayes_tbm.streams.single_stock import Stock
from bayes_tbm.units import DAYS_PER_YEAR, STOCK

LOG_SD = {"A": 0.25, "B": 0.35, "C": 0.5}
"""Standard deviation of the logarithm of an inventory, by quality; assumed.

The stand of 1850 at CA-NS1 was found to hold 57, 70 and 83 Mg C ha-1, ln sd 0.19, and a linear pool
leaves ln sd 0.26 of its chronosequence. Roots by a factor add about 0.2, another stand 0.4.
"""
YOUNG_LOG_SD = ((2, 0.5), (9, 0.35))
"""Least standard deviation of the logarithm in stands up to an age [yr]; assumed."""
_RECORD = (2001.0, 2017.0)
"""Of FLUXVAL's files."""


@dataclasses.dataclass(frozen=True)
class Stand:
    """What is known of the stand at a tower, as a calibration takes it.

    Attributes
    ----------
    site
        Of the tower.
    origin_year
        When the stand was planted or its predecessor burned; None where that is not known.
    age
        Full years at the first step, for ``Calibration(..., stand_age=)``; None where it is not
        known, or less than one.
    stock
        Live biomass of an inventory, for the streams of a calibration; None without one.
    note
        The figures, their sources and what was assumed of them.
    """

    site: str
    origin_year: int | None
    age: int | None
    stock: Stock | None
    note: str


def fluxval_stand(site: str | Site) -> Stand:
    """Return what publications tell of the stand at a FLUXVAL tower.

    Parameters
    ----------
    site
        Its name, ``"CA-NS2"`` or ``"fluxval:CA-NS2"``, or the site, opened by name, whose record's
        start and end then count; else those of FLUXVAL, 2001 to 2016.

    Returns
    -------
    Stand
        With the stand's ``age`` at the first step and an inventory as a `Stock`, dated at the
        middle of its year where that lies in the record, else by the stand's age. Years of
        origin count from their middle. The standard deviation of the logarithm is 0.25 for an
        inventory in the tower's stand, 0.35 with roots by a factor, 0.5 from stands nearby, and
        no less than 0.35 below ten years of age and 0.5 up to two.

    Raises
    ------
    InputError
        If the name is of no FLUXVAL tower.

    Examples
    --------
    >>> stand = fluxval_stand("CA-NS2")
    >>> stand.age, stand.stock.value, stand.stock.date[:4]
    (70, 4597.0, '2004')
    """
    name = site if isinstance(site, str) else site.name
    code = name.removeprefix(PREFIX).removesuffix(SUFFIX)
    if code not in towers():
        raise unknown_tower(name)
    found = forest_inventories().get(code)
    if found is None:
        return Stand(code, None, None, None, "no age and no inventory known")
    record = _RECORD if isinstance(site, str) else _years(site)
    age = None if found.origin_year is None else _full_years(record[0], found.origin_year)
    stock, told = _stock(found, record)
    origin = [f"stand of {found.origin_year}"] if found.origin_year is not None else []
    young = ["no full year old at the first step"] if age is not None and age < 1 else []
    note = "; ".join([*origin, *young, *told, found.source, *[found.note] * bool(found.note)])
    return Stand(code, found.origin_year, age if not young else None, stock, note)


def _stock(found: ForestInventory, record: tuple[float, float]) -> tuple[Stock | None, list[str]]:
    """Return the inventory as a stock, where it can be placed, and what to say of it."""
    if found.live_biomass is None:
        return None, []
    year = found.year if found.year is not None else int(np.ceil(record[0]))
    age = None if found.origin_year is None else float(year - found.origin_year)
    least = [sd for oldest, sd in YOUNG_LOG_SD if age is not None and age <= oldest]
    log_sd = max([LOG_SD[found.quality], *least])
    when = f"in {year}" if found.year is not None else f"of no stated year, taken as {year}"
    told = f"{found.live_biomass:g} {STOCK} {when}, sd of the logarithm {log_sd:g} assumed"
    inside = record[0] <= year + 0.5 < record[1]
    if not inside and age is None:
        return None, [f"{told}, which has no place: neither in the record nor at a known age"]
    sd = float(log_normal_sd(log_sd, found.live_biomass))
    place: dict[str, Any] = {"date": str(year)} if inside else {"age": age}
    return Stock(found.live_biomass, sd, STOCK, **place, name="inventory"), [told]


def _full_years(start: float, origin: int) -> int:
    """Return the full years from the middle of the year of origin to the start of a record."""
    return int(np.floor(start - (origin + 0.5) + 0.01))


def _years(site: Site) -> tuple[float, float]:
    """Return start and end of a record as decimal years."""
    bounds = step_bounds(site.drivers)
    start, end = days_from_time(np.array([bounds[0, 0], bounds[-1, 1]]))
    return 2001.0 + start / DAYS_PER_YEAR, 2001.0 + end / DAYS_PER_YEAR
