"""What of the variables of a file is not as CalLMIP phase 1b asks."""

from __future__ import annotations

import dataclasses
import unicodedata
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from bayes_tbm.export.callmip_content import Content, Held
from bayes_tbm.export.callmip_departure import (
    Array,
    Departure,
    equal,
    noted,
    number,
    numbers,
    there,
    wrong,
)
from bayes_tbm.export.callmip_names import (
    FILL,
    OPTIMISED,
    OUTPUTS,
    SCENARIOS,
    Output,
    uncertainty_of,
)
from bayes_tbm.units import LATENT_HEAT

_DIMS = ("time", "lat", "lon")
_HUGE = 1e15  # no quantity, but perhaps another fill value
_OUTSIDE = 0.001  # share of days that may lie outside plausible values
_ROUND = 1e-3  # share of the larger by which sums may fail to close


def of_variables(content: Content) -> Iterator[Departure]:
    """Each variable that is asked for, and its uncertainty where it has one."""
    for name, output in OUTPUTS.items():
        held = content.variables.get(name)
        if held is not None:
            yield from _of_variable(name, output, held, content)
        elif output.required:
            yield wrong(name, "variable is missing")
        else:
            yield noted(name, "variable is missing, which is allowed where a model has none")
    yield from _of_uncertainties(content)
    known = {*OUTPUTS, *map(uncertainty_of, OUTPUTS), *_DIMS, "latitude", "longitude"}
    known |= {"time_bnds", "time_bounds"}
    if others := sorted(set(content.variables) - known):
        yield noted("variables", f"not asked for: {', '.join(others)}")


def _of_uncertainties(content: Content) -> Iterator[Departure]:
    posterior = content.attributes.get("Calibration_stage") == "Posterior"
    scenario = SCENARIOS.get(str(content.attributes.get("Calibration_Scenario")), ())
    for calibrated, name in OPTIMISED.items():
        own = uncertainty_of(name)
        held = content.variables.get(own)
        if held is None:
            if posterior and calibrated in scenario:
                yield wrong(own, "variable is missing, which a posterior must have")
            continue
        if not posterior:
            yield noted(own, "variable of a posterior in another file")
        output = dataclasses.replace(OUTPUTS[name], name=own, least=0.0)
        yield from _of_variable(own, output, held, content)


def _of_variable(name: str, output: Output, held: Held, content: Content) -> Iterator[Departure]:
    if held.dims != _DIMS:
        yield wrong(name, f"must have dimensions {_DIMS}; found {held.dims}")
    yield from _of_unit(name, output, held.attributes.get("units"))
    if "long_name" not in held.attributes:
        yield noted(name, "has no long_name")
    if held.dims == _DIMS and held.attributes.get("coordinates") != "latitude longitude":
        yield noted(name, "the example has coordinates = 'latitude longitude'")
    if held.values.dtype.kind not in "fiu":
        yield wrong(name, f"must be numbers; found {held.values.dtype}")
        return
    if held.values.dtype != np.float64:
        yield noted(name, f"the example is double; found {held.values.dtype}")
    yield from _of_fill(name, held)
    yield from _of_range(name, output, held)


def _of_unit(name: str, output: Output, unit: Any) -> Iterator[Departure]:
    allowed = (output.unit, *output.other_units)
    if unit is None:
        yield wrong(name, f"has no units; must be {output.unit}")
    elif unit not in allowed:
        visible = "".join(c for c in str(unit) if unicodedata.category(c) != "Cf").strip()
        if visible in allowed:
            yield noted(name, f"units hold what cannot be seen: {str(unit).encode()!r}")
        else:
            yield wrong(name, f"units must be {' or '.join(allowed)}; found {unit!r}")


def _of_fill(name: str, held: Held) -> Iterator[Departure]:
    """Missing values are the fill value, which is stated, and nothing else."""
    fill, values = number(held.attributes.get("_FillValue")), numbers(held)
    if np.isnan(fill):
        yield wrong(name, f"has no _FillValue; the example has {FILL:g}")
    elif not equal(fill, FILL):
        yield noted(name, f"_FillValue is {fill:g}; the example has {FILL:g}")
    count = int((~np.isfinite(values)).sum())
    if count:
        yield wrong(name, f"{count} values are not finite; missing ones must be _FillValue")
    present = there(held)
    if (np.abs(values[present]) > _HUGE).any():
        yield wrong(name, f"has values beyond {_HUGE:g} that are not _FillValue")
    missing = int(np.isfinite(values).sum() - present.sum())
    note = held.attributes.get("note")
    if missing and not present.any() and note:
        yield noted(name, f"all values are missing: {note}")
    elif missing and not present.any():
        yield wrong(name, "all values are missing, and no attribute note says why")
    elif missing:
        yield noted(name, f"{missing} of {values.size} values are missing")


def _of_range(name: str, output: Output, held: Held) -> Iterator[Departure]:
    values = numbers(held)[there(held)]
    outside = (values < output.least) | (values > output.most)
    if values.size and outside.mean() > _OUTSIDE:
        yield wrong(
            name, f"{int(outside.sum())} of {values.size} values are not plausible, outside "
            f"{output.least:g} to {output.most:g} {output.unit}: found {values.min():.3g} to "
            f"{values.max():.3g}"
        )  # fmt: skip


def of_signs(content: Content) -> Iterator[Departure]:
    """Variables that say the same thing twice must agree: a flipped sign shows."""
    checks: tuple[tuple[str, tuple[str, ...], str, Callable[..., Array]], ...] = (
        ("nep", ("gpp", "reco"), "gpp - reco", lambda gpp, reco: gpp - reco),
        ("hfls", ("tran", "evspsblsoi"), "the heat of tran + evspsblsoi",
         lambda tran, soil: (tran + soil) * LATENT_HEAT * 1e6),
    )  # fmt: skip
    for name, others, text, make in checks:
        helds = [content.variables.get(each) for each in (name, *others)]
        found = _together([held for held in helds if held is not None])
        if found is None or len(found) != 1 + len(others):
            continue
        ours, same = found[0], make(*found[1:])
        size = float(np.abs(same).mean())
        apart, flipped = float(np.abs(ours - same).mean()), float(np.abs(ours + same).mean())
        if apart > flipped and apart > _ROUND * size:
            yield wrong(name, f"has the opposite sign of {text}")
        elif apart > 0.5 * size:
            yield wrong(name, f"is not near {text}: apart by {apart / size:.0%} of its size")
        elif apart > _ROUND * size:
            yield noted(name, f"is not {text}: apart by {apart / size:.0%} of its size, as where "
                         "fire, canopy evaporation or sublimation are in one of them")  # fmt: skip


def _together(helds: list[Held]) -> list[Array] | None:
    """Values of variables where all are there; None where none is, or shapes differ."""
    if not helds or len({held.values.size for held in helds}) != 1:
        return None
    both = np.logical_and.reduce([there(held) for held in helds])
    if not both.any():
        return None
    return [numbers(held)[both] for held in helds]
