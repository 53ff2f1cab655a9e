"""The object a user holds: a site, streams, priors and constraints, ready to be sampled."""

from __future__ import annotations

import copy
import dataclasses
import warnings
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import xarray as xr
from jax.typing import ArrayLike

from bayes_tbm.errors import DataWarning, InputError
from bayes_tbm.model import Regrowth, prepare
from bayes_tbm.model.regrowth import OLDEST, age_in_season
from bayes_tbm.parameters import TABLE, names_in
from bayes_tbm.posterior import PriorLike, as_edcs, resolve_priors
from bayes_tbm.posterior.density import LogDensity
from bayes_tbm.posterior.evaluate import Evaluator
from bayes_tbm.posterior.numpyro_model import numpyro_model
from bayes_tbm.results.tree import build_tree
from bayes_tbm.runtime.malloc import keep_work_space
from bayes_tbm.runtime.precision import use_double_precision
from bayes_tbm.sampling.checkpoint import Checkpoint
from bayes_tbm.sampling.engines import check_resumable, draw, transitions
from bayes_tbm.sampling.identity import identity
from bayes_tbm.sampling.modes import Mode, find_modes, load_modes, save_modes
from bayes_tbm.sampling.nuts import run as nuts
from bayes_tbm.sampling.progress import Progress
from bayes_tbm.sampling.settings import Settings
from bayes_tbm.sampling.stopping import Judge
from bayes_tbm.sites.site import Site
from bayes_tbm.sites.to_model import drivers_of, mean_year_of
from bayes_tbm.streams import AbstractBoundStream, BoundStream, ErrorParameter, StreamLike, bind_all

_PRIOR_DRAWS = 1000  # kept with every posterior to compare with
_TIED = ("initial_lai", "initial_labile", "initial_root", "initial_wood")


class Calibration:
    """A site and what is believed and observed of it.

    Parameters
    ----------
    site
        From `bayes_tbm.open_site`.
    streams
        Names of data streams, streams with error models of your own, `bayes_tbm.GrowthCurve`,
        `bayes_tbm.Stock`.
    priors
        Changes to the default priors: by parameter, a prior, its plain data, or a number to hold
        the parameter fixed.
    constraints
        None or True for the default ecological constraints, False for none, names for exactly
        these, or a mapping that switches named ones or sets their width. Those that look at the
        stand's regrowth hold where it is run.
    stand_age
        Years since the stand's disturbance at the first step, where they are known. Live pools then
        start from the stand's regrowth at that age, times ``exp(<pool>_departure)``, and stocks
        seen before the record count too.
    regrowth
        Whether to run the stand's regrowth, 300 years from the disturbance, under the site's mean
        year, and report it; always where a stream or the stand's age needs it.

    Raises
    ------
    InputError
        Anything that cannot be sampled: no or unknown streams, streams without observations or
        uncertainties, unknown parameters or constraints, priors that are no distributions.

    Examples
    --------
    >>> import bayes_tbm as bt
    >>> cal = bt.Calibration(bt.open_site("hyytiala-twin"), ["gpp", "lai"])
    >>> cal.density.dimension
    33
    """

    def __init__(
        self,
        site: Site,
        streams: Sequence[StreamLike],
        *,
        priors: Mapping[str, PriorLike] | None = None,
        constraints: Sequence[str] | Mapping[str, bool | float] | bool | None = None,
        stand_age: float | None = None,
        regrowth: bool = False,
    ) -> None:
        use_double_precision()
        keep_work_space()
        stand_age = _checked_age(site, stand_age)
        bound = bind_all(streams, site, stand_age)
        _warn_double_counting({stream.name for stream in bound})
        forcing = prepare(drivers_of(site))
        stand = _regrowth(site, bound, stand_age, regrowth)
        errors = {name: prior for stream in bound for name, prior in stream.priors.items()}
        ranges = _ranges(bound)
        self.site = site
        self.density = LogDensity(
            forcing,
            bound,
            resolve_priors(priors, errors, ranges=ranges, unused=_unused(stand, fire=forcing.fire)),
            tuple(c for c in as_edcs(constraints) if stand or not c.age),
            stand,
        )
        self._evaluator = Evaluator(self.density)
        if not self.density.sampled:
            raise InputError(
                where="priors", rule="at least one parameter must be free", found="all fixed"
            )

    @property
    def left_out(self) -> dict[str, tuple[str, ...]]:
        """Dates of observations outside the drivers' period, by stream."""
        return {
            s.name: tuple(np.datetime_as_string(s.left_out, unit="D"))
            for s in self.density.streams
            if isinstance(s, BoundStream) and len(s.left_out)
        }

    @property
    def experiment(self) -> dict[str, Any]:
        """Everything that defines the posterior, as plain data."""
        stand = self.density.regrowth
        return {
            "site": self.site.name,
            "streams": {
                s.name: {"errors": type(s.stream.errors).__name__} | s.stream.errors.options
                for s in self.density.streams
            },
            "priors": {name: prior.to_dict() for name, prior in self.density.priors.items()},
            "constraints": {c.name: c.width for c in self.density.constraints},
            "regrowth": stand is not None,
            "stand_age": stand.age if stand else None,
        }

    def with_priors(self, changes: Mapping[str, PriorLike]) -> Calibration:
        """Return the same calibration under other priors for some parameters.

        Raises
        ------
        InputError
            An unknown parameter, or a prior that is no distribution.
        """
        before = self.density.priors
        errors = {name: prior for name, prior in before.items() if name not in TABLE}
        unused = _unused(self.density.regrowth, fire=self.density.forcing.fire)
        ranges = _ranges(self.density.streams)
        priors = resolve_priors({**before, **changes}, errors, ranges=ranges, unused=unused)
        other = copy.copy(self)
        other.density = dataclasses.replace(self.density, priors=priors)
        other._evaluator = Evaluator(other.density)
        return other

    def log_density(self, values: Mapping[str, ArrayLike]) -> float:
        """Log posterior density of parameter values by name, on the latent scale, unnormalised."""
        names = {name: jax.numpy.asarray(value) for name, value in values.items()}
        return float(self.density(self.density.latent(names)))

    def numpyro_model(self) -> Callable[..., None]:
        """Return the posterior as a NumPyro model; see `posterior.numpyro_model`."""
        return numpyro_model(self.density)

    def prior(self, draws: int = 500, *, seed: int = 0) -> xr.DataTree:
        """Draw from the prior, constraints included, and predict every stream.

        Returns
        -------
        xarray.DataTree
            As `sample` gives it, with the prior's draws in place of the posterior's too: what the
            model would say if nothing had been observed.
        """
        evaluation = self._evaluator.prior(draws, seed=seed)
        stats = {"diverging": np.zeros((1, draws), dtype=bool)}
        return build_tree(
            self.site, self.density, posterior=evaluation, sample_stats=stats, prior=evaluation,
            experiment=self.experiment | {"prior_only": True},
        )  # fmt: skip

    def modes(self, settings: Settings | None = None, *, progress: bool = True) -> tuple[Mode, ...]:
        """Maximise the posterior from many starts; see `sampling.modes.find_modes`."""
        settings = settings or Settings()
        with Progress("finding modes", settings.starts, show=progress) as bar:
            return find_modes(
                self.density.value_and_gradient, self.density.dimension, starts=settings.starts,
                seed=settings.seed, workers=nuts.workers(), progress=bar,
            )  # fmt: skip

    def sample(
        self,
        settings: Settings | None = None,
        *,
        progress: bool = True,
        checkpoint: str | Path | None = None,
        resume: bool = False,
        **changes: Any,
    ) -> xr.DataTree:
        """Sample the posterior, with NumPyro's NUTS unless the settings name another sampler.

        Parameters
        ----------
        settings
            How to sample; see `bayes_tbm.Settings`.
        progress
            Whether to draw progress bars.
        checkpoint
            Folder in which chains keep what they have done, every few seconds, warm-up included.
        resume
            Go on from the checkpoint: to the same numbers as if nothing had stopped the run, or,
            with more draws than before, to a longer run that begins with the shorter one.
        **changes
            Fields of the settings to change, such as ``seed=1, draws=500``.

        Returns
        -------
        xarray.DataTree
            Ready for `arviz.summary`, `arviz.loo`, `arviz.psense_summary` and ArviZ's plots.

        Raises
        ------
        InputError
            The checkpoint belongs to other data, another model, seed or versions; or there is one
            and ``resume`` is false; or the sampler has none.
        """
        settings = dataclasses.replace(settings or Settings(), **changes)
        disk = None
        if checkpoint is not None:
            check_resumable(settings)
            of_run = identity(self.density, self.experiment, settings)
            disk = Checkpoint(checkpoint, of_run, resume=resume)
        with ThreadPoolExecutor(1) as pool:  # what optimisers need compiles beside the prior
            compiled = pool.submit(
                self.density.value_and_gradient, jnp.zeros(self.density.dimension)
            )
            prior = self._evaluator.prior(_PRIOR_DRAWS, seed=settings.seed)  # it may refuse
            compiled.result()
        modes = load_modes(disk) or self.modes(settings, progress=progress)
        if disk is not None:
            save_modes(disk, modes)
        judge = Judge(self._evaluator, settings, prior)
        with Progress("sampling", transitions(settings), show=progress) as bar:
            draws = draw(self.density, modes, settings, bar, disk, judge.more)
        return build_tree(
            self.site, self.density, posterior=judge.evaluated(draws), sample_stats=draws.stats,
            prior=prior, experiment=self._record(settings, modes),
        )  # fmt: skip

    def _record(self, settings: Settings, modes: Sequence[Mode]) -> dict[str, Any]:
        found = [
            {"log_density": mode.log_density, "weight": mode.weight, "hits": mode.hits}
            for mode in modes
        ]
        left_out = {name: list(days) for name, days in self.left_out.items()}
        return self.experiment | {
            "sampling": dataclasses.asdict(settings), "modes": found, "left_out": left_out,
        }  # fmt: skip


def _ranges(streams: Sequence[AbstractBoundStream]) -> dict[str, ErrorParameter]:
    """Return what is known of all error parameters, by full name."""
    return {n: own for stream in streams for n, own in stream.error_parameters.items()}


def _checked_age(site: Site, age: float | None) -> float | None:
    """Age with the season of the record's start, or none."""
    if age is None:
        return None
    if isinstance(age, bool) or not 0.0 < age <= OLDEST:
        raise InputError(
            where="stand_age", rule=f"must be a number of years, above 0 and at most {OLDEST}",
            found=age,
        )  # fmt: skip
    first = float(site.drivers.days.values[0] - 0.5 * site.drivers.step_length.values[0])
    seasoned = age_in_season(float(age), first)
    return seasoned if seasoned <= OLDEST else seasoned - 1.0


def _regrowth(
    site: Site, streams: Sequence[AbstractBoundStream], age: float | None, wanted: bool
) -> Regrowth | None:
    if not (wanted or age is not None or any(stream.oldest for stream in streams)):
        return None
    return Regrowth(prepare(mean_year_of(site)), OLDEST, age)


def _unused(stand: Regrowth | None, *, fire: bool) -> set[str]:
    """Parameters that nothing depends on."""
    unused = set() if fire else set(names_in("fire"))
    unused |= set() if stand else names_in("regrowth")
    tied = stand is not None and stand.age is not None
    return unused | (set(_TIED) if tied else names_in("departure"))


def _warn_double_counting(names: set[str]) -> None:
    """Warn of streams that are one measurement told twice."""
    for same in ({"nee", "nbe"}, {"gpp", "nee", "reco"}):
        if same <= names:
            told = ", ".join(sorted(same))
            warnings.warn(
                f"{told} rest on the same measurements (GPP and RECO are derived from NEE; "
                "without fire NBE is NEE): together they count them more than once",
                DataWarning,
                stacklevel=3,
            )
