"""An entry of CalLMIP phase 1b: one file of the prior, one of the posterior.

The protocol wants ``lat`` and ``lon`` as scalars beside dimensions of the same names, which xarray
neither reads nor writes; files are classic netCDF, as the organisers' example is.
"""

from __future__ import annotations

import dataclasses
import io
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.io import netcdf_file

from bayes_tbm.errors import InputError, did_you_mean
from bayes_tbm.export.callmip_names import (
    FILL,
    NEEDED,
    OPTIMISED,
    OUTPUTS,
    PHASE,
    SCENARIOS,
    SITE_CODE,
    SITES,
    SPLITS,
    STAGES,
    uncertainty_of,
)
from bayes_tbm.export.ilamb import longitude_of
from bayes_tbm.export.layout import CONVENTIONS, days_since, provenance
from bayes_tbm.export.runs import Opened, Series
from bayes_tbm.plain import finite_number
from bayes_tbm.runtime.files import write_whole

Array = NDArray[np.float64]
MODEL = "bayes_tbm"
_STREAMS = {"NEE": "nee", "LE": "et"}
_DAY = np.timedelta64(86_400_000, "ms")
_OF_STAGE = {
    "Prior": "one run with the default parameters: the medians of the priors",
    "Posterior": "mean over {draws} draws of the posterior of parameters and initial state",
}
_UNCERTAINTY = (
    "standard deviation of the model's value over {draws} draws of the posterior: parameters and "
    "initial state are uncertain; structural error and measurement error are not in it"
)
_INITIAL = (
    "initial pools are prescribed (note 1 of the protocol): they are parameters with priors of "
    "their own, not spun up; stocks are means over the day"
)


@dataclasses.dataclass(frozen=True)
class Entry:
    """What an entry says of itself.

    Attributes
    ----------
    scenario
        ``Scen1`` to ``Scen6``; the digit will do.
    site_code
        As ``FI-Hyy``; by default the site's name.
    split
        ``Cal`` or ``Val``.
    model_version
        Part of the file's name.
    above_ground
        Share of wood above ground; the rest is coarse roots (root-to-shoot ratios of forests are
        0.2 to 0.3: IPCC 2006 Guidelines, vol. 4, table 4.4).
    force
        Whether to write what does not agree with the protocol, saying so.
    """

    scenario: str = "Scen5"
    site_code: str | None = None
    split: str = "Cal"
    model_version: str = "1"
    above_ground: float = 0.8
    force: bool = False

    def __post_init__(self) -> None:
        scenario = str(self.scenario)
        object.__setattr__(self, "scenario", f"Scen{scenario}" if scenario.isdigit() else scenario)
        object.__setattr__(self, "model_version", str(self.model_version))
        share = finite_number(self.above_ground)
        for name, right, rule in (
            ("scenario", self.scenario in SCENARIOS, f"must be one of {', '.join(SCENARIOS)}"),
            ("split", self.split in SPLITS, "must be Cal or Val"),
            ("model_version", self.model_version.isalnum(), "must be letters and digits"),
            ("above_ground", share is not None and 0 < share <= 1, "must be within 0 to 1"),
        ):
            if not right:
                found = getattr(self, name)
                raise InputError(where="callmip", variable=name, rule=rule, found=found)
        if self.site_code is not None:
            check_code(self.site_code)

    def file_name(self, code: str, stage: str) -> str:
        """Name of the file of a stage."""
        parts = (f"{MODEL}.{self.model_version}", PHASE, self.scenario, code, self.split, stage)
        return f"{'_'.join(parts)}.nc"


def entry_of(given: Mapping[str, Any]) -> Entry:
    """Return the entry that options describe.

    Raises
    ------
    InputError
        An option is unknown or will not do.
    """
    known = [field.name for field in dataclasses.fields(Entry)]
    for name in given:
        if name not in known:
            rule = f"no such option; {did_you_mean(name, known)}"
            raise InputError(where="callmip", variable=name, rule=rule)
    return Entry(**given)


def write_callmip(opened: Opened, folder: Path, entry: Entry, *, draws: int) -> list[Path]:
    """Write the files of the prior and of the posterior.

    Raises
    ------
    InputError
        Steps are not days, the site has no code or longitude, or the run does not agree with the
        scenario and that is not forced.
    """
    code = _code(opened, entry)
    days = _days(opened)
    longitude = longitude_of(opened)
    wrong = _departures(opened, entry, code)
    if wrong and not entry.force:
        raise InputError(
            where="callmip", rule="the run must be what the protocol asks for",
            found="; ".join(wrong), remedy="force=True, or --force, writes it and says so",
        )  # fmt: skip
    prior = opened.default(NEEDED)
    posterior = opened.draws("posterior", draws, NEEDED)
    written = []
    for stage, series in zip(STAGES, (prior, posterior), strict=True):
        about = _attributes(opened, entry, stage, len(series["gpp"]), wrong)
        values = _variables(series, entry, stage)
        content = _content(days, (opened.site.latitude, longitude), values, about)
        written.append(write_whole(folder / entry.file_name(code, stage), content))
    return written


def _code(opened: Opened, entry: Entry) -> str:
    return check_code(entry.site_code or opened.site.name)


def check_code(code: object) -> str:
    """Return a site's code, refusing what is none."""
    if not isinstance(code, str) or not SITE_CODE.fullmatch(code):
        raise InputError(
            where="callmip", variable="site_code", rule="must be a site's code, as FI-Hyy",
            found=code or repr(code), remedy="state it: site_code='FI-Hyy', or --site-code FI-Hyy",
        )  # fmt: skip
    return code


def _days(opened: Opened) -> tuple[str, Array]:
    """Return the year that days are counted from, and the middle of each day."""
    start, end = opened.bounds[:, 0], opened.bounds[:, 1]
    midnight = start.astype("datetime64[D]")
    exact = (np.abs(start - midnight) < np.timedelta64(1, "m")).all()
    if not exact or (np.abs(end - start - _DAY) > np.timedelta64(1, "s")).any() or (
        np.diff(midnight) != np.timedelta64(1, "D")
    ).any():  # fmt: skip
        raise InputError(
            where=opened.site.source or opened.site.name, variable="time",
            rule="CalLMIP takes calendar days, leap days included",
            found=f"{opened.site.step_name} steps",
            remedy="fit daily drivers, midnight to midnight",
        )  # fmt: skip
    year = midnight[0].astype("datetime64[Y]")
    return str(year), days_since(year, midnight) + 0.5


def _departures(opened: Opened, entry: Entry, code: str) -> list[str]:
    """List what of the run is not as the protocol asks."""
    asked = SCENARIOS[entry.scenario]
    fitted = set(opened.experiment["streams"])
    wanted = {_STREAMS[name] for name in asked if name in _STREAMS}
    wrong = []
    if "H" in asked:
        wrong.append(f"{entry.scenario} calibrates on H, which the model does not have")
    if fitted != wanted:
        streams = ", ".join(sorted(fitted))
        wrong.append(f"{entry.scenario} is of {', '.join(asked)}, the run was fitted to {streams}")
    if code not in SITES[entry.split]:
        wrong.append(f"{code} is no site of {SPLITS[entry.split].lower()}")
    if (entry.split == "Val") != opened.elsewhere:
        asked_of = {"Cal": "the site that was fitted", "Val": "another site than was fitted (at)"}
        wrong.append(f"{entry.split} is of {asked_of[entry.split]}")
    whole, time = opened.record.drivers["time"].values, opened.time
    if whole[0] != time[0] or whole[-1] != time[-1]:
        exported, record = (f"{str(t[0])[:10]} to {str(t[-1])[:10]}" for t in (time, whole))
        wrong.append(f"a run covers the whole record, {record}; this one covers {exported}")
    return wrong


def _variables(
    series: Series, entry: Entry, stage: str
) -> dict[str, tuple[Array | None, dict[str, str]]]:
    """Values, or None for fill, and attributes of every variable."""
    found: dict[str, tuple[Array | None, dict[str, str]]] = {}
    count = len(series["gpp"])
    for name, output in OUTPUTS.items():
        of_draws = None if output.of is None else output.of(series, entry.above_ground)
        note = output.note.format(above_ground=entry.above_ground)
        about = {"long_name": output.long_name, "units": output.unit}
        mean = None if of_draws is None else of_draws.mean(axis=0)
        found[name] = mean, about | ({"note": note} if note else {})
        if stage == "Posterior" and name in OPTIMISED.values():
            about = about | {"long_name": f"posterior uncertainty of {output.long_name}"}
            sd = None if of_draws is None else of_draws.std(axis=0, ddof=1)
            text = note if sd is None else _UNCERTAINTY.format(draws=count)
            found[uncertainty_of(name)] = sd, about | {"note": text}
    return found


def _attributes(
    opened: Opened, entry: Entry, stage: str, draws: int, wrong: list[str]
) -> dict[str, str]:
    own = {
        "Model": f"{MODEL}.{entry.model_version}",
        "CalLMIP_Phase": PHASE,
        "Calibration_Scenario": entry.scenario,
        "Calibration_stage": stage,
        "Cal_Val": SPLITS[entry.split],
    }
    comment = f"{_OF_STAGE[stage].format(draws=draws)}; {_INITIAL}"
    about = provenance(opened, f"{opened.site.name}, {stage.lower()} of bayes_tbm", comment)
    departures = {"departures": "; ".join(wrong)} if wrong else {}
    return own | about | {"Conventions": CONVENTIONS} | departures


def _content(
    days: tuple[str, Array], place: tuple[float, float],
    values: Mapping[str, tuple[Array | None, dict[str, str]]], about: Mapping[str, str],
) -> bytes:  # fmt: skip
    """Content of a file in classic netCDF."""
    year, time = days
    memory = io.BytesIO()
    file = netcdf_file(memory, "w", version=1)
    for name, length in (("time", len(time)), ("lat", 1), ("lon", 1)):
        file.createDimension(name, length)
    _describe(file, about)
    for name, full, unit, value in (
        ("lat", "latitude", "degrees_north", place[0]),
        ("lon", "longitude", "degrees_east", place[1]),
    ):
        attributes = {"standard_name": full, "long_name": full, "units": unit}
        file.createVariable(name, "d", ())[...] = value
        _describe(file.variables[name], attributes)
        file.createVariable(full, "d", (name,))[:] = value
        _describe(file.variables[full], attributes)
    variable = file.createVariable("time", "d", ("time",))
    variable[:] = time
    units = f"days since {year}-01-01 00:00:00"
    _describe(variable, {"standard_name": "time", "long_name": "time, the middle of the day",
                         "units": units, "calendar": "standard"})  # fmt: skip
    for name, (series, attributes) in values.items():
        variable = file.createVariable(name, "d", ("time", "lat", "lon"))
        variable._FillValue = np.float64(FILL)
        _describe(variable, attributes | {"coordinates": "latitude longitude",
                                          "cell_methods": "time: mean"})  # fmt: skip
        variable[:] = np.full((len(time), 1, 1), FILL) if series is None else series[:, None, None]
    file.flush()
    return memory.getvalue()


def _describe(thing: Any, attributes: Mapping[str, str]) -> None:
    for name, text in attributes.items():
        setattr(thing, name, text.encode())
