"""A posterior as a user defines it: a site, streams, priors and constraints, checked."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Self

import jax
from jax.typing import ArrayLike

from bayes_tbm.errors import InputError
from bayes_tbm.model import prepare
from bayes_tbm.parameters import TABLE
from bayes_tbm.posterior import PriorLike, as_edcs, assembly, resolve_priors, seasonal_note
from bayes_tbm.posterior.density import LogDensity
from bayes_tbm.posterior.evaluate import Evaluator
from bayes_tbm.posterior.given import check_kinds, check_values
from bayes_tbm.posterior.numpyro_model import numpyro_model
from bayes_tbm.runtime.fork import jax_will_run
from bayes_tbm.runtime.malloc import keep_work_space
from bayes_tbm.runtime.precision import use_double_precision
from bayes_tbm.sites.site import Site
from bayes_tbm.sites.to_model import drivers_of
from bayes_tbm.streams import StreamLike, bind_all
from bayes_tbm.streams.biomass import numeric_array


class DefinedPosterior:
    """What `bayes_tbm.Calibration` samples; its parameters and methods are described there."""

    def __init__(
        self,
        site: Site,
        streams: Sequence[StreamLike],
        *,
        priors: Mapping[str, PriorLike] | None = None,
        constraints: Sequence[str] | Mapping[str, bool | float] | bool | None = None,
        stand_age: float | None = None,
        regrowth: bool | str = False,
        systematic: Mapping[str, float] | bool | None = None,
    ) -> None:
        check_kinds(site, streams, priors, constraints)
        use_double_precision()
        keep_work_space()
        self._chosen: dict[str, Any] = {
            "streams": streams if isinstance(streams, str) else tuple(streams),
            "priors": dict(priors or {}), "constraints": constraints, "stand_age": stand_age,
            "regrowth": regrowth, "systematic": systematic, "points": {},
        }  # fmt: skip
        stand_age = assembly.checked_age(site, stand_age)
        bound = bind_all(streams, site, stand_age)
        assembly.warn_double_counting({stream.name for stream in bound})
        forcing = prepare(drivers_of(site))
        stand = assembly.regrowth_of(site, forcing, bound, stand_age, regrowth)
        bound = assembly.under_weather(assembly.with_systematic(bound, systematic), stand)
        errors = {name: prior for stream in bound for name, prior in stream.priors.items()}
        unused = assembly.unused_parameters(stand, fire=forcing.fire)
        ranges = assembly.error_ranges(bound)
        resolved = resolve_priors(
            priors, errors, ranges=ranges, unused=unused, latitude=site.latitude
        )
        self.site = assembly.noted(site, seasonal_note(resolved, site.latitude))
        self.density = LogDensity(
            forcing,
            bound,
            resolved,
            assembly.that_apply(as_edcs(constraints), site, stand),
            stand,
        )
        self._evaluator = Evaluator(self.density)
        if not self.density.sampled:
            raise InputError(
                where="priors", rule="at least one parameter must be free", found="all fixed"
            )

    def __reduce__(self) -> tuple[Any, ...]:
        # What was compiled belongs to a process; another one sets it up anew.
        return _set_up, (type(self), self.site, self._chosen)

    @property
    def left_out(self) -> dict[str, tuple[str, ...]]:
        """Dates of observations outside the drivers' period, by stream."""
        return assembly.left_out(self.density.streams)

    @property
    def unused(self) -> set[str]:
        """Names of the parameters that nothing depends on, which are held fixed."""
        return assembly.unused_parameters(self.density.regrowth, fire=self.density.forcing.fire)

    @property
    def experiment(self) -> dict[str, Any]:
        """Everything that defines the posterior, as plain data."""
        return {"site": self.site.name} | assembly.described(self.density)

    def with_priors(self, changes: Mapping[str, PriorLike]) -> Self:
        """Return the same calibration under other priors for some parameters.

        Parameters
        ----------
        changes
            As ``priors`` of the calibration; what is not named stays as it is.

        Returns
        -------
        bayes_tbm.Calibration
            A new one; this one is left as it is.

        Raises
        ------
        InputError
            An unknown parameter, or a prior that is no distribution.
        """
        before = self.density.priors
        errors = {name: prior for name, prior in before.items() if name not in TABLE}
        ranges = assembly.error_ranges(self.density.streams)
        priors = resolve_priors({**before, **changes}, errors, ranges=ranges, unused=self.unused)
        other = self._with({"priors": {**self._chosen["priors"], **changes}}, priors=priors)
        other.site = assembly.noted(self.site, seasonal_note(priors, self.site.latitude))
        return other

    def with_points(self, points: Mapping[str, ArrayLike]) -> Self:
        """Return the same calibration to other points than those observed, such as synthetic ones.

        Parameters
        ----------
        points
            By stream, (point,), in its unit, as ``predictive`` groups hold them. They err as the
            observed ones do. Streams that are not named keep theirs.

        Returns
        -------
        bayes_tbm.Calibration
            A new one, which shares what this one has compiled.

        Raises
        ------
        InputError
            An unknown stream, another number of points, or points that cannot be.
        """
        streams = assembly.with_points(self.density.streams, points)
        kept = {**self._chosen["points"], **points}
        return self._with({"points": kept}, streams=streams)

    def _with(self, chosen: Mapping[str, Any], **changes: Any) -> Self:
        """Return a copy with another density."""
        other = object.__new__(type(self))
        vars(other).update(vars(self))
        other._chosen = self._chosen | dict(chosen)
        other.density = dataclasses.replace(self.density, **changes)
        other._evaluator = Evaluator(other.density)
        return other

    def log_density(self, values: Mapping[str, ArrayLike]) -> float:
        """Log posterior density of parameter values, on the latent scale, unnormalised.

        Parameters
        ----------
        values
            Every sampled parameter by name (``cal.density.sampled`` lists them), in its own unit.

        Returns
        -------
        float
            In nats: likelihoods, constraints and, as prior, the standard normal of the latent
            coordinates.

        Raises
        ------
        InputError
            A sampled parameter is missing, or values are no numbers by name.
        """
        jax_will_run()
        check_values(values, self.density.sampled)
        names = {
            n: jax.numpy.asarray(numeric_array("log_density", n, x)) for n, x in values.items()
        }
        return float(self.density(self.density.latent(names)))

    def numpyro_model(self) -> Callable[..., None]:
        """Return the posterior as a NumPyro model.

        Returns
        -------
        callable
            A latent ``<name>_z ~ Normal(0, 1)`` and a deterministic ``<name>`` for each sampled
            parameter, a factor for each constraint, an observed site for each stream. Given by a
            stream's name, it takes other points, or None to draw them, as in
            ``numpyro.infer.Predictive(model, num_samples=100)(key, gpp=None)``.
        """
        return numpyro_model(self.density)


def _set_up(
    kind: type[DefinedPosterior], site: Site, chosen: Mapping[str, Any]
) -> DefinedPosterior:
    options = {name: value for name, value in chosen.items() if name != "points"}
    calibration = kind(site, **options)
    return calibration.with_points(chosen["points"]) if chosen["points"] else calibration
