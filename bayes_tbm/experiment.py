"""Experiment files: everything that defines a run, in TOML.

A file looks like this; every table but ``streams`` may be left out::

    site = "FI-Hyy"                  # a name, or a path relative to this file
    start = "2006-01-01"
    end = "2014-12-31"
    streams = ["gpp", "nee", "et", "lai", "wood"]

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

import dataclasses
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import tomli_w

from bayes_tbm.errors import InputError
from bayes_tbm.inference import Calibration, Settings
from bayes_tbm.parameters import prior_from_dict
from bayes_tbm.sites import Site, open_site
from bayes_tbm.streams import ERROR_MODELS, Stream, as_streams


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
    uncertainty
        Measurement standard deviations that replace the data's own, by stream.
    errors
        Error models by stream: ``model`` and its options.
    priors, constraints
        As `bayes_tbm.Calibration` takes them.
    sampling
        Fields of `bayes_tbm.Settings`.
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
    where: str = "experiment"

    @classmethod
    def from_toml(cls, path: str | Path) -> Experiment:
        """Read an experiment file.

        Raises
        ------
        InputError
            The file cannot be read, is no TOML, or holds unknown or missing entries.
        """
        path = Path(path)
        try:
            data = tomllib.loads(path.read_text())
        except (OSError, UnicodeDecodeError) as error:
            raise InputError(
                where=str(path), rule="must be a readable experiment file", found=error
            ) from error
        except tomllib.TOMLDecodeError as error:
            raise InputError(where=str(path), rule="must be valid TOML", found=error) from error
        experiment = cls.from_dict(data, where=str(path))
        beside = path.parent / experiment.site
        return dataclasses.replace(
            experiment, site=str(beside) if beside.is_file() else experiment.site
        )

    @classmethod
    def from_dict(cls, data: Mapping[str, Any], where: str = "experiment") -> Experiment:
        """Build from plain data; see `from_toml`."""
        known = {field.name for field in dataclasses.fields(cls)} - {"where"}
        unknown = [name for name in data if name not in known]
        missing = [name for name in ("site", "streams") if name not in data]
        if unknown or missing:
            raise InputError(
                where=where,
                variable=", ".join(unknown + missing),
                rule=f"entries are {', '.join(sorted(known))}; site and streams are needed",
                found=f"unknown {unknown or 'none'}, missing {missing or 'none'}",
            )
        tables = ("uncertainty", "errors", "priors", "constraints", "sampling")
        wrong = [name for name in tables if not isinstance(data.get(name, {}), Mapping)]
        if wrong or not isinstance(data["streams"], (list, tuple)):
            raise InputError(
                where=where,
                variable=", ".join(wrong) or "streams",
                rule="tables are written as [name], streams as a list",
                found=str({name: data[name] for name in wrong} or data["streams"]),
            )
        dates = {n: str(data[n]) for n in ("start", "end") if data.get(n) is not None}
        named: dict[str, Any] = {n: data[n] for n in tables if n in data} | dates
        return cls(str(data["site"]), tuple(data["streams"]), where=where, **named)

    def to_toml(self) -> str:
        """Return the experiment as an experiment file that gives the same run."""
        data = {n: v for n, v in dataclasses.asdict(self).items() if v not in (None, {}, ())}
        del data["where"]
        return tomli_w.dumps(data | {"streams": list(self.streams)})

    def settings(self) -> Settings:
        """Sampler settings.

        Raises
        ------
        InputError
            Unknown or wrong entries.
        """
        fields = {name: type(value) for name, value in dataclasses.asdict(Settings()).items()}
        try:
            wrong = [name for name in self.sampling if name not in fields]
            if wrong:
                raise ValueError(f"unknown {', '.join(wrong)}")
            values = {name: fields[name](value) for name, value in self.sampling.items()}
        except (TypeError, ValueError) as error:
            raise InputError(
                where=self.where, variable="sampling", rule=f"entries are {', '.join(fields)}",
                found=error,
            ) from error  # fmt: skip
        return Settings(**values)

    def calibration(self) -> Calibration:
        """Open the site and set up the calibration, with every check and nothing sampled."""
        streams = [self._stream(stream) for stream in as_streams(self.streams)]
        return Calibration(
            self.open_site(), streams, priors=self.priors, constraints=self.constraints or None
        )

    def open_site(self) -> Site:
        """Open the site, cut to the window, with the stated uncertainties."""
        return open_site(
            self.site, start=self.start, end=self.end, uncertainty=self.uncertainty or None
        )

    def _stream(self, stream: Stream) -> Stream:
        options = dict(self.errors.get(stream.name, {}))
        if not options:
            return stream
        model = ERROR_MODELS.get(str(options.pop("model", type(stream.errors).__name__)))
        try:
            if model is None:
                raise TypeError(f"model must be one of {', '.join(ERROR_MODELS)}")
            for name, value in options.items():
                if name in ("structural", "memory"):
                    options[name] = prior_from_dict(f"{stream.name} {name}", value, self.where)
            return stream.with_errors(model(**options))
        except TypeError as error:
            raise InputError(
                where=self.where, variable=f"errors.{stream.name}",
                rule="must name an error model and its options", found=error,
            ) from error  # fmt: skip
