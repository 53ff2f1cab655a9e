"""A run, opened for export: the model's series for draws of its parameters."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import xarray as xr
from numpy.typing import NDArray

from bayes_tbm.errors import InputError
from bayes_tbm.experiment import Experiment
from bayes_tbm.export.variables import VARIABLES, Seen
from bayes_tbm.posterior.traced import TracedDensity
from bayes_tbm.prediction.draws import evenly, in_batches, with_fixed
from bayes_tbm.prediction.fitted import Fitted, elsewhere, fitted, fitted_period
from bayes_tbm.report.folder import EXPERIMENT, load_run, stored_experiment
from bayes_tbm.results.groups import group
from bayes_tbm.sites.site import Site, When
from bayes_tbm.sites.stated import bound
from bayes_tbm.sites.time_axis import step_bounds
from bayes_tbm.streams import Stream

Series = dict[str, NDArray[np.float64]]
"""By CMIP6 name, (draw, time)."""
Run = str | Path | xr.DataTree
STAGES = ("posterior", "prior")


@dataclasses.dataclass(frozen=True)
class Opened:
    """A result and what it was fitted to, with the model running over the whole record.

    Attributes
    ----------
    tree
        The result.
    what
        What was fitted.
    record
        The site as it was given, before its record was cut.
    longitude
        Degrees east; None where nobody knows it.
    elsewhere
        Whether it is another site than was fitted.
    """

    tree: xr.DataTree
    what: Fitted
    record: Site
    longitude: float | None
    elsewhere: bool = False

    @property
    def site(self) -> Site:
        """The record that is exported."""
        return self.what.whole

    @property
    def time(self) -> NDArray[np.datetime64]:
        """Middle of each step, (time,)."""
        return np.asarray(self.site.drivers["time"].values)

    @property
    def bounds(self) -> NDArray[np.datetime64]:
        """Start and end of each step, (time, 2)."""
        return step_bounds(self.site.drivers)

    @property
    def experiment(self) -> dict[str, Any]:
        """The resolved experiment that the result was made by."""
        return stored_experiment(self.tree)

    @property
    def fitted_site(self) -> str | None:
        """Name of the site that was fitted, where another is exported."""
        return self.what.site.name if self.elsewhere else None

    @property
    def fitted_to(self) -> str:
        """First and last date of the fitted period."""
        return " to ".join(str(t)[:10] for t in fitted_period(self.tree))

    def count(self, stage: str) -> int:
        """How many draws there are of a stage."""
        sizes = group(self.tree, stage).sizes
        return int(sizes["chain"] * sizes["draw"])

    def draws(self, stage: str, count: int, names: Sequence[str]) -> Series:
        """Series of some draws of a stage, ``"posterior"`` or ``"prior"``."""
        return self._run(evenly(group(self.tree, stage), count), names)

    def default(self, names: Sequence[str]) -> Series:
        """Series of one run, at the medians of the priors."""
        values = self.what.density.values_at(jnp.zeros(self.what.density.dimension))
        return self._run({name: np.asarray(x)[None] for name, x in values.items()}, names)

    def _run(self, values: Mapping[str, NDArray[Any]], names: Sequence[str]) -> Series:
        function = self.what.density.shared(_series)

        def chosen(batch: Any) -> Any:
            found = function(batch)
            return {name: found[name] for name in names}

        found: Series = in_batches(chosen, with_fixed(self.what, values))
        return {name: found[name] for name in names}  # JAX sorts them


def _series(density: TracedDensity, values: dict[str, jax.Array]) -> dict[str, jax.Array]:
    """All exported series of a batch of draws, (batch, time)."""

    def one(draw: dict[str, jax.Array]) -> dict[str, jax.Array]:
        p, run = density.run(draw, whole=False)
        seen = Seen(p, run, density.forcing)
        return {name: v.factor * v.value(seen) for name, v in VARIABLES.items()}

    found: dict[str, jax.Array] = jax.vmap(one)(values)
    return found


def opened(
    run: Run, site: Site | None, *, end: When | None, streams: Sequence[Stream],
    longitude: float | None, at: Site | None = None,
) -> Opened:  # fmt: skip
    """Open a run.

    Parameters
    ----------
    run
        Run folder, or a result.
    site
        Its site over the whole record; of a folder by default that of its experiment.
    end
        Last date to run to; None for the last there is.
    streams
        Of one's own among those fitted.
    longitude
        Where the site has none.
    at
        Another site to run at.

    Raises
    ------
    InputError
        A result without its site, or a site that is not the result's.
    """
    tree = run if isinstance(run, xr.DataTree) else load_run(run)
    if site is None:
        site = _site_of(run)
    what = fitted(tree, site, None if at is not None else bound(end, "end"), streams)
    record = site if at is None else at
    if at is not None:
        what = elsewhere(what, at.window(None, end))
    east = record.longitude if longitude is None else longitude
    return Opened(tree, what, record, east, at is not None)


def _site_of(run: Run) -> Site:
    place = None if isinstance(run, xr.DataTree) else Path(run) / EXPERIMENT
    if place is None or not place.is_file():
        raise InputError(
            where="export", variable="site", rule="must be given with a result that is no folder",
            remedy="bt.export(tree, folder, site=bt.open_site(...)), or give the run folder",
        )  # fmt: skip
    experiment = Experiment.from_toml(place)
    return dataclasses.replace(experiment, start=None, end=None).open_site()
