"""The object a user holds: a site, streams, priors and constraints, ready to be sampled."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import jax.numpy as jnp
import numpy as np
import xarray as xr
from numpy.typing import NDArray

from bayes_tbm.errors import InputError
from bayes_tbm.plain import whole_at_least
from bayes_tbm.posterior.defined import DefinedPosterior
from bayes_tbm.posterior.evaluate import Evaluation
from bayes_tbm.results.attempts import (
    CONVERGENCE,
    Attempt,
    convergence_group,
    warn_unless_converged,
)
from bayes_tbm.results.tree import build_tree
from bayes_tbm.runtime.blas import one_blas_thread
from bayes_tbm.runtime.fork import jax_will_run
from bayes_tbm.sampling.checkpoint import Checkpoint
from bayes_tbm.sampling.engines import check_resumable, compile_ahead, draw, transitions
from bayes_tbm.sampling.identity import at_points, facts
from bayes_tbm.sampling.mode_weights import weigh_modes
from bayes_tbm.sampling.modes import NEGLIGIBLE, Mode, load_discarded, load_modes, save_modes
from bayes_tbm.sampling.nuts import run as nuts
from bayes_tbm.sampling.progress import Progress
from bayes_tbm.sampling.search import find_modes, overlooked
from bayes_tbm.sampling.settings import Settings, settings_with
from bayes_tbm.sampling.stopping import StoppingRule

Array = NDArray[np.float64]
Record = dict[str, Any]
_PRIOR_DRAWS = 1000  # kept with every posterior to compare with


class Calibration(DefinedPosterior):
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

        See `sampling.search.find_modes` and `sampling.mode_weights.weigh_modes`.

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
        with one_blas_thread():
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
        prior, modes = self._before_draws(settings, disk, progress=progress)
        if on_start is not None:
            on_start()
        discarded = load_discarded(disk)
        if disk is not None:
            save_modes(disk, modes, discarded)
        with one_blas_thread():
            tree = self._sampled(settings, modes, prior, disk, discarded, progress=progress)
        warn_unless_converged(tree)  # here, so that it names the line that called
        return tree

    def _before_draws(
        self, settings: Settings, disk: Checkpoint | None, *, progress: bool
    ) -> tuple[Evaluation, Sequence[Mode]]:
        """Draw from the prior and find the modes, and compile what chains need beside that."""
        with ThreadPoolExecutor(1) as pool:
            drawn = pool.submit(self._evaluator.prior, _PRIOR_DRAWS, seed=settings.seed)
            if disk is not None:
                disk.confirm(at_points(self.density))
            self.density.value_and_gradient(jnp.zeros(self.density.dimension))
            ready = pool.submit(compile_ahead, self.density, settings)
            try:
                modes = load_modes(disk) or self.modes(settings, progress=progress)
            except InputError:
                drawn.result()  # where it refuses as well, it knows why
                raise
            ready.result()
            return drawn.result(), modes

    def _sampled(
        self, settings: Settings, modes: Sequence[Mode], prior: Evaluation,
        disk: Checkpoint | None, discarded: tuple[Attempt, ...] = (), *, progress: bool,
    ) -> xr.DataTree:  # fmt: skip
        """Sample until the stopping rule says that it is enough, and make the result.

        What was ``discarded`` before, since chains had led to one of the modes, goes into it.
        """
        rule = StoppingRule(self._evaluator, settings, prior)
        with Progress("sampling", transitions(settings), show=progress) as bar:
            draws = draw(self.density, modes, settings, bar, disk, rule.next_step)
        posterior, report = rule.evaluated(draws)
        if (
            settings.extensions
            and not report.passed
            and (more := self._with_overlooked(modes, draws.z, settings))
        ):
            *before, last = draws.attempts
            discarded = (*before, dataclasses.replace(last, led=True))
            if disk is not None:
                disk.drop("phase")  # first: without phases a run begins anew, whatever its modes
                save_modes(disk, more, discarded)
            return self._sampled(settings, more, prior, disk, discarded, progress=progress)
        tree = build_tree(
            self.site, self.density, posterior=posterior, sample_stats=draws.stats,
            prior=prior, experiment=self._record(settings, modes, disk),
        )  # fmt: skip
        tree[CONVERGENCE] = xr.DataTree(convergence_group(report, discarded + draws.attempts))
        return tree

    def _with_overlooked(
        self, modes: Sequence[Mode], z: Array, settings: Settings
    ) -> tuple[Mode, ...]:
        """Modes with those that matter and that only chains have found; none where there are none.

        Where a mode has a narrow way in, no optimiser may begin near it, while chains, z (chain,
        draw, dimension), get there sooner or later, and disagree with those that did not.
        Optimisers climb from as many places of each as there were starts: at IT-SRo two modes with
        10 and 4 % of the mass were visited now and then.
        """
        if any(mode.starts == 0 for mode in modes):
            return ()  # once is enough
        on_the_way = np.linspace(0, z.shape[1] - 1, settings.starts + 1).round().astype(int)[1:]
        points = z[:, on_the_way].reshape(-1, z.shape[-1])
        evaluate, workers = self.density.value_and_gradient, nuts.workers()
        found = overlooked(evaluate, modes, points, workers=workers)
        weighed = weigh_modes(self.density, found, seed=settings.seed, workers=workers)
        new = any(mode.starts == 0 and mode.weight >= NEGLIGIBLE for mode in weighed)
        return weighed if new else ()

    def _record(self, settings: Settings, modes: Sequence[Mode], disk: Checkpoint | None) -> Record:
        said = "log_density", "weight", "starts"
        own = {
            "sampling": dataclasses.asdict(settings),
            "modes": [{name: getattr(mode, name) for name in said} for mode in modes],
            "left_out": {name: list(days) for name, days in self.left_out.items()},
        }
        mixed = {"processors": disk.processors} if disk and len(disk.processors) > 1 else {}
        return self.experiment | mixed | own
