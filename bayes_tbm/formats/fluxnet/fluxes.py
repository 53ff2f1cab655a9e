"""Observed fluxes of the product: NEE, GPP, RECO and, from latent heat, ET."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from bayes_tbm.errors import InputError
from bayes_tbm.formats.fluxnet.quality import measured
from bayes_tbm.formats.fluxnet.spread import WATER_FLUX
from bayes_tbm.formats.fluxnet.steps import Floats, Steps
from bayes_tbm.formats.fluxnet.uncertainty import (
    from_other_years,
    latent_sd,
    nee_sd,
    parted_sd,
)
from bayes_tbm.formats.fluxnet.variants import Variant
from bayes_tbm.formats.reading import Reading
from bayes_tbm.formats.uncertainty import mend_sd
from bayes_tbm.sites.observations import Observations, join_notes
from bayes_tbm.units import LATENT_HEAT, UNITS


@dataclass(frozen=True, eq=False)
class _Flux:
    name: str
    column: str
    quality: str
    value: Floats
    sd: Floats
    notes: tuple[str, ...]


def observed_fluxes(
    steps: Steps, variant: Variant | None, reading: Reading
) -> tuple[list[Observations], list[str]]:
    """Return the fluxes that were measured, and what they lack.

    Parameters
    ----------
    steps : Steps
        Daily or longer.
    variant : Variant or None
        Of the carbon fluxes.
    reading : Reading
        Least quality, closure, missing uncertainties.

    Returns
    -------
    observed : list of Observations
        In canonical units; empty ones included.
    lacks : list of str
        A line for each flux of which something is missing.

    Raises
    ------
    InputError
        If a quality is no share, or closure is asked for and the file has none.
    """
    observed, lacks = [], []
    fluxes = [] if variant is None else list(_carbon(steps, variant))
    for flux in (*fluxes, *_water(steps, reading)):
        seen, lack = _observed(steps, flux, reading)
        observed.append(seen)
        lacks += [f"{flux.name}: {flux.column}: {line}" for line in lack]
    return observed, lacks


def _carbon(steps: Steps, variant: Variant) -> Iterator[_Flux]:
    quality = f"{variant.nee}_QC"
    if steps.holds(variant.nee):
        sd, how = nee_sd(steps, variant)
        yield _Flux("nee", variant.nee, quality, steps[variant.nee], sd, (variant.nee, how))
    for name, flux in (("gpp", "GPP"), ("reco", "RECO")):
        held = [way for way in ("NT", "DT") if steps.holds(variant.parted(flux, way))]
        if held:
            column = variant.parted(flux, held[0])
            sd, how = parted_sd(steps, variant, flux, held[0])
            way = "night-time partitioning" if held[0] == "NT" else "day-time partitioning, no NT"
            yield _Flux(name, column, quality, steps[column], sd, (f"{column}: {way}", how))


def _water(steps: Steps, reading: Reading) -> Iterator[_Flux]:
    column = "LE_CORR" if reading.closure else "LE_F_MDS"
    if not steps.holds(column):
        if reading.closure and steps.holds("LE_F_MDS"):
            raise InputError(
                where=steps.where, variable="LE_CORR", rule="has no value, and closure asks for it",
                remedy="leave closure out: LE_F_MDS is then read",
            )  # fmt: skip
        return
    sd, how = latent_sd(steps, closure=reading.closure)
    closed = "corrected for closure" if reading.closure else "not corrected for closure"
    note = f"{column} ({closed}) over {LATENT_HEAT:g} MJ kg-1"
    value = steps[column] * WATER_FLUX
    yield _Flux("et", column, "LE_F_MDS_QC", value, sd * WATER_FLUX, (note, how))


def _observed(steps: Steps, flux: _Flux, reading: Reading) -> tuple[Observations, list[str]]:
    """Return what is left of a flux, and what it lacks."""
    keep, kept, lack = measured(steps, flux.quality, reading.quality)
    lacks = [lack] if lack else []
    held = np.isfinite(flux.value)
    keep &= held
    if not (keep.any() or lack):
        lacks.append(
            f"none of {held.sum()} values with {kept}: quality=... (--quality) asks for less"
        )
    kept = f"{keep.sum()} of {held.sum()} values: {kept}"
    time, value, sd = steps.middle[keep], flux.value[keep], flux.sd[keep]
    unknown, note = np.isnan(sd), ""
    if value.size and unknown.all():
        lacks.append(
            f'no uncertainty in the file: state one, uncertainty={{"{flux.name}": 1.0}} '
            f"(--uncertainty {flux.name}=1.0)"
        )
    elif unknown.any() and reading.fill_uncertainty:
        sd = from_other_years(time, sd)
        note = f"{unknown.sum()} of {sd.size} sd missing ({_years(time[unknown])}): the median of "
        note += "those known within 15 days of the season"
    elif unknown.any():
        text = f"{unknown.sum()} of {sd.size} values without an uncertainty "
        note = text + f"({_years(time[unknown])}) left out"
        lacks.append(
            f"{note}; fill_uncertainty=True (--fill-uncertainty) takes it from other years"
        )
        time, value, sd = time[~unknown], value[~unknown], sd[~unknown]
    sd, mended = mend_sd(sd, value)
    notes = join_notes([*flux.notes, kept, note, mended])
    return Observations(flux.name, UNITS[flux.name], time, value, sd, notes), lacks


def _years(time: "np.typing.NDArray[np.datetime64]") -> str:
    """Name the years of some times, each once."""
    years = np.unique(time.astype("datetime64[Y]")).astype(str)
    return ", ".join(years) if years.size <= 5 else f"{years[0]} to {years[-1]}"
