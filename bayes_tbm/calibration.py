"""The object a user holds: a site, streams, priors and constraints, ready to be sampled."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import xarray as xr
from jax.typing import ArrayLike

from bayes_tbm.errors import InputError
from bayes_tbm.model import prepare
from bayes_tbm.parameters import TABLE
from bayes_tbm.plain import whole_at_least
from bayes_tbm.posterior import PriorLike, as_edcs, assembly, resolve_priors, seasonal_note
from bayes_tbm.posterior.density import LogDensity
from bayes_tbm.posterior.evaluate import Evaluation, Evaluator
from bayes_tbm.posterior.numpyro_model import numpyro_model
from bayes_tbm.results.attempts import CONVERGENCE, convergence_group, warn_unless_converged
from bayes_tbm.results.tree import build_tree
from bayes_tbm.runtime.fork import jax_will_run
from bayes_tbm.runtime.malloc import keep_work_space
from bayes_tbm.runtime.precision import use_double_precision
from bayes_tbm.sampling.checkpoint import Checkpoint
from bayes_tbm.sampling.engines import check_resumable, draw, transitions
from bayes_tbm.sampling.identity import at_points, facts
from bayes_tbm.sampling.mode_weights import weigh_modes
from bayes_tbm.sampling.modes import Mode, find_modes, load_modes, save_modes
from bayes_tbm.sampling.nuts import run as nuts
from bayes_tbm.sampling.progress import Progress
from bayes_tbm.sampling.settings import Settings, settings_with
from bayes_tbm.sampling.stopping import StoppingRule
from bayes_tbm.sites.site import Site
from bayes_tbm.sites.to_model import drivers_of
from bayes_tbm.streams import BoundStream, StreamLike, bind_all

Record = dict[str, Any]
_PRIOR_DRAWS = 1000  # kept with every posterior to compare with


class Calibration:
    """A posterior: a site, the data streams to fit, priors and ecological constraints.

    Parameters
    ----------
    site
        From `bayes_tbm.open_site`.
    streams
        Names of data streams, streams with error models of your own, `bayes_tbm.GrowthCurve`,
        `bayes_tbm.Stock`.
    priors
        Changes to the default priors: by parameter, a prior, its plain data, or a number to hold
        the parameter fixed. Defaults are centred on boreal needleleaf forest; those of days of the
        year follow the hemisphere and are wide in the tropics, which a note of the site says.
    constraints
        None or True for the default ecological constraints, False for none, names for exactly
        these, or a mapping that switches named ones or sets their width. Those that look at the
        stand's regrowth hold where it is run.
    stand_age
        Years since the stand's disturbance at the first step, where they are known. Live pools then
        start from the stand's regrowth at that age, times ``exp(<pool>_departure)``, and stocks
        seen before the record count too.
    regrowth
        Whether to run the stand's regrowth, 300 years from the disturbance, and report it; always
        where a stream or the stand's age needs it. It lives under the record's months again and
        again, or, as ``"mean year"``, under their means, which grow more.
    systematic
        By stream, the standard deviation of an error that all of its values share, which is
        integrated over: of NEE and NBE an offset in g C m-2 d-1, of others a share of what the
        model expects. Streams have defaults (`docs/streams-and-errors.md`); 0, or False for all,
        means none.

    Raises
    ------
    InputError
        Anything that cannot be sampled: no or unknown streams, streams without observations or
        uncertainties, unknown parameters or constraints, priors that are no distributions.

    Notes
    -----
    Several sites side by side: processes must be spawned, since one that is forked after JAX has
    run would wait for ever (it is refused)::

        with multiprocessing.get_context("spawn").Pool(4) as pool:
            results = pool.map(fit, calibrations)   # `fit` at the top level of a module

    A calibration can be pickled, and is set up anew in the other process, where its streams can: a
    stream of your own needs an operator that is a function of a module.

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
        regrowth: bool | str = False,
        systematic: Mapping[str, float] | bool | None = None,
    ) -> None:
        use_double_precision()
        keep_work_space()
        self._chosen: dict[str, Any] = {
            "streams": streams if isinstance(streams, str) else tuple(streams),
            "priors": dict(priors or {}), "constraints": constraints, "stand_age": stand_age,
            "regrowth": regrowth, "systematic": systematic,
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
            tuple(c for c in as_edcs(constraints) if stand or not c.age),
            stand,
        )
        self._evaluator = Evaluator(self.density)
        if not self.density.sampled:
            raise InputError(
                where="priors", rule="at least one parameter must be free", found="all fixed"
            )

    def __reduce__(self) -> tuple[Any, ...]:
        # What was compiled belongs to a process; another one sets it up anew.
        return _set_up, (self.site, self._chosen)

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
        return {"site": self.site.name} | assembly.described(self.density)

    def with_priors(self, changes: Mapping[str, PriorLike]) -> Calibration:
        """Return the same calibration under other priors for some parameters.

        Parameters
        ----------
        changes
            As ``priors`` of the calibration; what is not named stays as it is.

        Returns
        -------
        Calibration
            A new one; this one is left as it is.

        Raises
        ------
        InputError
            An unknown parameter, or a prior that is no distribution.
        """
        before = self.density.priors
        errors = {name: prior for name, prior in before.items() if name not in TABLE}
        unused = assembly.unused_parameters(self.density.regrowth, fire=self.density.forcing.fire)
        ranges = assembly.error_ranges(self.density.streams)
        priors = resolve_priors({**before, **changes}, errors, ranges=ranges, unused=unused)
        other = object.__new__(type(self))
        vars(other).update(vars(self))
        other._chosen = self._chosen | {"priors": {**self._chosen["priors"], **changes}}
        other.site = assembly.noted(self.site, seasonal_note(priors, self.site.latitude))
        other.density = dataclasses.replace(self.density, priors=priors)
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
        """
        jax_will_run()
        names = {name: jax.numpy.asarray(value) for name, value in values.items()}
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

    def prior(self, draws: int = 500, *, seed: int = 0) -> xr.DataTree:
        """Draw from the prior, constraints included, and predict every stream.

        Parameters
        ----------
        draws
            How many; they are independent.
        seed
            Of the draws.

        Returns
        -------
        xarray.DataTree
            As `sample` gives it, with the prior's draws in place of the posterior's too: what the
            model would say if nothing had been observed.

        Raises
        ------
        InputError
            The constraints accept less than one draw of the priors in four hundred.
        """
        jax_will_run()
        draws = whole_at_least(1, "draws", draws, where="prior")
        seed = whole_at_least(0, "seed", seed, where="prior")
        evaluation = self._evaluator.prior(draws, seed=seed)
        stats = {"diverging": np.zeros((1, draws), dtype=bool)}
        return build_tree(
            self.site, self.density, posterior=evaluation, sample_stats=stats, prior=evaluation,
            experiment=self.experiment | {"prior_only": True},
        )  # fmt: skip

    def modes(self, settings: Settings | None = None, *, progress: bool = True) -> tuple[Mode, ...]:
        """Maximise the posterior from many starts, and weigh the modes that were found.

        See `sampling.modes.find_modes` and `sampling.mode_weights.weigh_modes`.

        Parameters
        ----------
        settings
            Of which ``starts`` and ``seed`` count.
        progress
            Whether to draw a progress bar.

        Returns
        -------
        tuple of Mode
            Maxima in latent coordinates, the heaviest first: ``position``, ``log_density``,
            ``scale`` (a root of the covariance), ``starts`` that ended there, ``weight`` (of mass).

        Raises
        ------
        InputError
            No start reaches a finite density.
        """
        jax_will_run()
        settings = settings or Settings()
        with Progress("finding modes", settings.starts, show=progress) as bar:
            found = find_modes(
                self.density.value_and_gradient, self.density.dimension, starts=settings.starts,
                seed=settings.seed, workers=nuts.workers(), progress=bar,
            )  # fmt: skip
        return weigh_modes(self.density, found, seed=settings.seed, workers=nuts.workers())

    def sample(
        self,
        settings: Settings | None = None,
        *,
        progress: bool = True,
        checkpoint: str | Path | None = None,
        resume: bool = False,
        overwrite: bool = False,
        other_processor: bool = False,
        on_start: Callable[[], object] | None = None,
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
            Go on from the checkpoint: to the same numbers as if nothing had stopped the run; with
            more draws than before, to a longer run that begins with the shorter one.
        overwrite
            Replace a checkpoint that is there, once nothing can be refused any more.
        other_processor
            Go on also from what another kind did: to the same posterior, but not bit for bit.
        on_start
            Called when nothing can be refused any more, before anything is written.
        **changes
            Fields of the settings to change, such as ``seed=1, draws=500``.

        Returns
        -------
        xarray.DataTree
            Ready for ArviZ. Its group ``convergence`` holds `bayes_tbm.check_convergence` and a row
            for each attempt: draws given up for shorter steps, and how often draws were added.

        Warns
        -----
        ConvergenceWarning
            The chains have not converged; the reasons stand in the warning.

        Raises
        ------
        InputError
            The checkpoint belongs to other data, another model, seed or versions, or may be neither
            resumed nor replaced, or cannot be read; or the sampler has none; or a setting is
            unknown or will not do. Nothing has been written then.
        WriteError
            The checkpoint cannot be written, as on a full disk; it can be resumed.
        """
        jax_will_run()
        settings = settings_with(settings, changes)
        disk = None
        if checkpoint is not None:
            check_resumable(settings)
            disk = Checkpoint(
                checkpoint, facts(self.density, self.experiment, settings), resume=resume,
                overwrite=overwrite, other_processor=other_processor, confirmed_later=True,
            )  # fmt: skip
        with ThreadPoolExecutor(1) as pool:  # the prior compiles beside what optimisers need
            drawn = pool.submit(self._evaluator.prior, _PRIOR_DRAWS, seed=settings.seed)
            if disk is not None:
                disk.confirm(at_points(self.density))
            self.density.value_and_gradient(jnp.zeros(self.density.dimension))
            prior = drawn.result()  # it may refuse
        modes = load_modes(disk) or self.modes(settings, progress=progress)
        if on_start is not None:
            on_start()
        if disk is not None:
            save_modes(disk, modes)
        tree = self._sampled(settings, modes, prior, disk, progress=progress)
        warn_unless_converged(tree)  # here, so that it names the line that called
        return tree

    def _sampled(
        self, settings: Settings, modes: Sequence[Mode], prior: Evaluation,
        disk: Checkpoint | None, *, progress: bool,
    ) -> xr.DataTree:  # fmt: skip
        """Sample until the stopping rule says that it is enough, and make the result."""
        rule = StoppingRule(self._evaluator, settings, prior)
        with Progress("sampling", transitions(settings), show=progress) as bar:
            draws = draw(self.density, modes, settings, bar, disk, rule.next_step)
        posterior, report = rule.evaluated(draws)
        tree = build_tree(
            self.site, self.density, posterior=posterior, sample_stats=draws.stats,
            prior=prior, experiment=self._record(settings, modes, disk),
        )  # fmt: skip
        tree[CONVERGENCE] = xr.DataTree(convergence_group(report, draws.attempts))
        return tree

    def _record(self, settings: Settings, modes: Sequence[Mode], disk: Checkpoint | None) -> Record:
        said = "log_density", "weight", "starts"
        own = {
            "sampling": dataclasses.asdict(settings),
            "modes": [{name: getattr(mode, name) for name in said} for mode in modes],
            "left_out": {name: list(days) for name, days in self.left_out.items()},
        }
        mixed = {"processors": disk.processors} if disk and len(disk.processors) > 1 else {}
        return self.experiment | mixed | own


def _set_up(site: Site, chosen: Mapping[str, Any]) -> Calibration:
    return Calibration(site, **chosen)
