"""Experiment files: everything that defines a run, in TOML.

A file looks like this; every table but ``streams`` may be left out::

    site = "FI-Hyy"                  # a name, or a path relative to this file
    start = "2006-01-01"
    end = "2014-12-31"
    streams = ["gpp", "nee", "et", "lai", "wood", "growth_curve"]
    stand_age = 44                   # years since the disturbance, at the start; if known
    observations = ["flux.nc"]       # more files of what was observed, relative to this file
    replace = ["nee", "et"]          # series of the site of which those of these files count

    [reading]                        # what files do not tell, as options of bayes_tbm.open_site
    latitude = 61.85

    [growth_curve]                   # biomass by age; or points, or chapman_richards
    file = "pine.csv"                # columns age, biomass, sd, unit; relative to this file
    errors = {length = 40, common = 0.0, structural = 0.05}

    [stock]                          # a single stock, for the stream "stock"
    value = 120
    sd = 20
    unit = "Mg ha-1"
    age = 80                         # or a date

    [sets]                           # for bayes-tbm compare
    flux = ["gpp", "nee", "et", "lai"]
    curve = ["gpp", "nee", "et", "lai", "growth_curve"]

    [uncertainty]                    # replaces the data's own, in the stream's unit
    et = 0.2

    [errors.gpp]                     # error model of a stream, with its options
    model = "Autoregressive"
    memory = {family = "lognormal", median = 2.0, log_sd = 0.2}

    [priors]
    wood_residence_time = {family = "loguniform", lower = 2.7, upper = 300.0}
    fire_resilience = 0.5            # a number holds a parameter fixed

    [constraints]
    steady_wood = 2.0                # switched on with this factor
    canopy_root_pools = false        # switched off

    [sampling]
    draws = 1000
    seed = 1
"""

from __future__ import annotations

import contextlib
import dataclasses
import tomllib
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, cast

import tomli_w

from bayes_tbm.calibration import Calibration
from bayes_tbm.catalogue import open_site
from bayes_tbm.errors import InputError
from bayes_tbm.experiment.entries import check_reading, checked, union
from bayes_tbm.experiment.places import PLACES, found, written
from bayes_tbm.experiment.stand import growth_curve, stock
from bayes_tbm.formats.reading import ReadingOptions
from bayes_tbm.parameters import AbstractPrior, Fixed
from bayes_tbm.plain import as_number, plain
from bayes_tbm.posterior import EDCS, as_edcs, resolve_priors
from bayes_tbm.posterior.assembly import age_in_years
from bayes_tbm.sampling import Settings
from bayes_tbm.sampling.settings import settings_with
from bayes_tbm.sites import Site
from bayes_tbm.sites.stated import bound
from bayes_tbm.streams import (
    ERROR_MODELS,
    FORMER_NAMES,
    STREAMS,
    GrowthCurve,
    Stock,
    Stream,
    StreamLike,
    as_streams,
)

# places in an experiment
_NO_PLACE = (
    None, "streams", "priors", "constraints", "sampling", "stand_age", "stock", "replace",
    "systematic", "regrowth",
)  # fmt: skip


@dataclasses.dataclass(frozen=True)
class Experiment:
    """A run as a user writes it down.

    Attributes
    ----------
    site
        Path or name, as `bayes_tbm.open_site` takes it.
    streams
        Names of the data streams.
    start, end
        First and last date to use.
    observations, replace, reading
        As `bayes_tbm.open_site` takes them; paths are relative to the file.
    uncertainty
        Measurement standard deviations that replace the data's own, by stream.
    errors
        Error models by stream: ``model`` and its options.
    priors, constraints
        As `bayes_tbm.Calibration` takes them.
    sampling
        Fields of `bayes_tbm.Settings`.
    stand_age, regrowth, systematic
        As `bayes_tbm.Calibration` takes them.
    growth_curve, stock
        Tables of `bayes_tbm.experiment.stand`, for streams of these names.
    sets
        Sets of streams to compare, by name.
    where
        What it was read from; for messages.
    """

    site: str
    streams: tuple[str, ...]
    start: str | None = None
    end: str | None = None
    uncertainty: Mapping[str, float] = dataclasses.field(default_factory=dict)
    errors: Mapping[str, Mapping[str, Any]] = dataclasses.field(default_factory=dict)
    priors: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    constraints: Mapping[str, bool | float] = dataclasses.field(default_factory=dict)
    sampling: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    stand_age: float | None = None
    regrowth: bool | str = False
    systematic: Mapping[str, float] | bool | None = None
    growth_curve: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    stock: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    sets: Mapping[str, Sequence[str]] = dataclasses.field(default_factory=dict)
    observations: tuple[str, ...] = ()
    replace: tuple[str, ...] = ()
    reading: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    where: str = ""

    def __post_init__(self) -> None:
        check_reading(self.reading, self.where or "experiment")

    @classmethod
    def from_toml(cls, path: str | Path, *, whole: bool = True) -> Experiment:
        """Read an experiment file.

        Parameters
        ----------
        path
            The file.
        whole
            Whether it must name a site and streams; a file of what many sites share need not.

        Raises
        ------
        InputError
            The file cannot be read, is no TOML, or holds unknown or missing entries.
        """
        path = Path(path)
        try:
            data = tomllib.loads(path.read_text(encoding="utf-8-sig"))  # editors leave a mark
        except (OSError, UnicodeDecodeError) as error:
            raise InputError(
                where=str(path), rule="must be a readable experiment file", found=error,
                remedy="save it as UTF-8" if isinstance(error, UnicodeDecodeError) else None,
            ) from error  # fmt: skip
        except tomllib.TOMLDecodeError as error:
            raise InputError(where=str(path), rule="must be valid TOML", found=error) from error
        partial: dict[str, Any] = {} if whole else {"site": "", "streams": []}
        experiment = cls.from_dict({**partial, **data}, where=str(path))
        places = {name: getattr(experiment, name) for name in PLACES}
        return dataclasses.replace(experiment, **found(places, path.parent))

    @classmethod
    def from_dict(cls, data: Mapping[str, Any], where: str = "experiment") -> Experiment:
        """Build from plain data; see `from_toml`."""
        known = {field.name for field in dataclasses.fields(cls)} - {"where"}
        return cls(where=where, **checked(data, known, where))

    def to_toml(self, folder: str | Path | None = None) -> str:
        """Return the experiment as an experiment file that gives the same run.

        Parameters
        ----------
        folder
            Where the file will lie: paths are written relative to it, so that they hold where it is
            moved together with what it names. None writes whole paths.
        """
        fields = plain(dataclasses.asdict(self) | {"where": None})
        data = {name: value for name, value in fields.items() if value not in (None, {}, [])}
        data["streams"] = list(self.streams)  # also where there are none
        data = written(data, self._folder(), folder)
        if self.priors:
            data["priors"] = {n: _plain(prior) for n, prior in self.priors.items()}
        return tomli_w.dumps(plain(data))

    def settings(self) -> Settings:
        """Sampler settings.

        Raises
        ------
        InputError
            Unknown or wrong entries.
        """
        with self._named():
            return settings_with(None, self.sampling)

    def check(self) -> None:
        """Check what can be checked without the site: streams, tables, priors, dates, the age.

        Raises
        ------
        InputError
            One of them will not do.
        """
        self._check_tables()
        with self._named():
            of_streams = [stream.error_parameters for stream in self._streams()]
            ranges = {name: own for each in of_streams for name, own in each.items()}
            defaults = dict.fromkeys(ranges, Fixed(1.0))  # they follow the data: only names count
            resolve_priors(self.priors, defaults, ranges=ranges)
            as_edcs(self.constraints or None)
            age_in_years(self.stand_age)
            if bound(self.start, "start") > bound(self.end, "end"):
                raise InputError(
                    variable="start", rule="must be before the end",
                    found=f"{self.start} and {self.end}",
                )  # fmt: skip

    def calibration(self, site: Site | None = None, *, progress: bool = False) -> Calibration:
        """Open the site, unless it is given, and set up the calibration; nothing is sampled."""
        self._check_tables()
        with self._named():
            streams = self._streams()
            return Calibration(
                site or self.open_site(progress=progress), streams, priors=self.priors,
                constraints=self.constraints or None, stand_age=self.stand_age,
                regrowth=self.regrowth, systematic=self.systematic,
            )  # fmt: skip

    def _streams(self) -> list[Stream | GrowthCurve | Stock]:
        """Streams with their error models."""
        return [self._stream(stream) for stream in as_streams(self._named_streams())]

    def _named_streams(self) -> list[StreamLike]:
        """Streams by name, but what only the file describes as objects."""
        make: dict[str, Callable[[], StreamLike]] = {
            "growth_curve": lambda: growth_curve(self.growth_curve, self.where, self._folder()),
            "stock": lambda: stock(self.stock, self.where, self._folder()),
        }
        for name in make:
            if name in self.streams and not getattr(self, name):
                raise InputError(
                    where=self.where, variable=name,
                    rule=f"the stream {name} needs a table [{name}] in the experiment file",
                )  # fmt: skip
        return [make[name]() if name in make else name for name in self.streams]

    def _folder(self) -> Path:
        """Folder that paths are relative to."""
        return Path(self.where).parent if self.where else Path()

    def set_calibrations(self, *, progress: bool = False) -> dict[str, Calibration]:
        """Calibrations of the sets of streams, all with the stand's regrowth if one needs it.

        Raises
        ------
        InputError
            There are none, or one cannot be set up.
        """
        if not self.sets:
            raise InputError(
                where=self.where, variable="sets", rule="must hold sets of streams to compare",
                remedy='add a table [sets], as in flux = ["gpp", "nee", "et", "lai"]',
            )  # fmt: skip
        by_age = {"growth_curve", "stock"} - ({"stock"} if "date" in self.stock else set())
        named = {name for streams in self.sets.values() for name in streams}
        needed = self.regrowth or self.stand_age is not None or bool(by_age & named)
        every = (name.strip().lower() for name in union([self.streams, *self.sets.values()]))
        own = dataclasses.replace(self, streams=tuple(dict.fromkeys(every)))._error_parameters()
        with self._named():
            site = self.open_site(progress=progress)
        return {
            name: dataclasses.replace(
                self, streams=tuple(streams), regrowth=needed,
                priors=self._priors_for(streams, own), systematic=self._systematic_for(streams),
            ).calibration(site)
            for name, streams in self.sets.items()
        }  # fmt: skip

    def _error_parameters(self) -> dict[str, set[str]]:
        """Full names of the parameters of each stream's error model, by stream."""
        with self._named():
            return {stream.name: set(stream.error_parameters) for stream in self._streams()}

    def _priors_for(self, streams: Sequence[str], own: Mapping[str, set[str]]) -> dict[str, Any]:
        """Priors but those of error parameters of streams that a set leaves out."""
        kept = {name.strip().lower() for name in streams}
        left_out = {name for stream in set(own) - kept for name in own[stream]}
        return {name: prior for name, prior in self.priors.items() if name not in left_out}

    def _systematic_for(self, streams: Sequence[str]) -> Mapping[str, float] | bool | None:
        """Sizes of common errors but those of streams that a set leaves out."""
        if not isinstance(self.systematic, Mapping):
            return self.systematic
        kept = {name.strip().lower() for name in streams}
        left_out = {name.strip().lower() for name in self.streams} - kept
        return {name: size for name, size in self.systematic.items() if name not in left_out}

    def resolved(self, calibration: Calibration, settings: Settings) -> Experiment:
        """Return the experiment with every default written out that counts, to outlive them."""
        # What has no effect here would stay fixed, or off, in a copy with a stand's age or fire.
        asked_for = {c.name: c.width for c in as_edcs(self.constraints or None)}
        idle = calibration.unused - set(self.priors)
        bound = calibration.density.streams
        return dataclasses.replace(
            self,
            errors={s.name: _error_options(s.stream) for s in bound if s.name in STREAMS},
            stand_age=calibration.experiment["stand_age"],
            regrowth=calibration.experiment["regrowth"],
            systematic=calibration.experiment["systematic"],
            priors={n: p.to_dict() for n, p in calibration.density.priors.items() if n not in idle},
            constraints={name: asked_for.get(name, False) for name in EDCS},
            sampling=dataclasses.asdict(settings),
        )

    def open_site(self, *, progress: bool = False) -> Site:
        """Open the site, cut to the window, with the stated uncertainties."""
        reading = cast("ReadingOptions", {**self.reading, "progress": progress})
        return open_site(
            self.site, observations=self.observations, replace=self.replace, start=self.start,
            end=self.end, uncertainty=self.uncertainty or None, **reading,
        )  # fmt: skip

    @contextlib.contextmanager
    def _named(self) -> Iterator[None]:
        """Name the experiment in errors that only name a place in it."""
        try:
            yield
        except InputError as error:
            if not self.where or error.where not in _NO_PLACE:
                raise
            where = ": ".join(part for part in (self.where, error.where) if part)
            raise InputError(
                rule=error.rule, where=where, variable=error.variable, found=error.found,
                remedy=error.remedy,
            ) from error  # fmt: skip

    def _check_tables(self) -> None:
        """Refuse uncertainties that are no numbers, and errors of what is no stream."""
        for name, value in self.uncertainty.items():
            if as_number(value) is None:
                raise InputError(
                    where=self.where, variable=f"uncertainty.{name}", rule="must be a number",
                    found=repr(value),
                )  # fmt: skip
        for name, table in self.errors.items():
            if name not in STREAMS or not isinstance(table, Mapping):
                raise InputError(
                    where=self.where, variable=f"errors.{name}",
                    rule="must be the name of a stream and hold a table", found=str(table),
                    remedy=f"streams are {', '.join(STREAMS)}",
                )  # fmt: skip

    def _stream(self, stream: Stream | GrowthCurve | Stock) -> Stream | GrowthCurve | Stock:
        options = dict(self.errors.get(stream.name, {}))
        if not options or not isinstance(stream, Stream):
            return stream
        name = str(options.pop("model", type(stream.errors).__name__))
        model = ERROR_MODELS.get(FORMER_NAMES.get(name, name))
        try:
            if model is None:
                raise TypeError(f"model must be one of {', '.join(ERROR_MODELS)}")
            return stream.with_errors(model(**options))
        except InputError as error:
            raise InputError(
                where=self.where, variable=f"errors.{stream.name}.{error.variable}",
                rule=error.rule, found=error.found, remedy=error.remedy,
            ) from error  # fmt: skip
        except TypeError as error:
            raise InputError(
                where=self.where, variable=f"errors.{stream.name}",
                rule="must name an error model and its options", found=error,
            ) from error  # fmt: skip


def _plain(prior: Any) -> Any:
    return prior.to_dict() if isinstance(prior, AbstractPrior) else prior


def _error_options(stream: Stream) -> dict[str, Any]:
    """Error model as an experiment file names it; its priors stand among the priors."""
    return {"model": type(stream.errors).__name__} | stream.errors.options
