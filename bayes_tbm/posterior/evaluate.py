"""What a set of latent draws means: values, derived quantities, likelihoods, predictions."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from numpy.typing import NDArray

from bayes_tbm.errors import InputError
from bayes_tbm.model import Trajectory
from bayes_tbm.model.derived import derived_with
from bayes_tbm.model.regrowth import MONTHS, live_biomass
from bayes_tbm.posterior.density import LogDensity
from bayes_tbm.posterior.traced import TracedDensity

Array = NDArray[np.float64]
Group = dict[str, NDArray[Any]]
QUANTILES = (0.025, 0.05, 0.25, 0.5, 0.75, 0.95, 0.975)
_BATCH = 16  # draws evaluated side by side; more leave the cache and gain nothing
_SERIES_DRAWS = 400  # draws behind the quantiles of series, spread evenly over all
_PRIOR_BATCH = 256  # prior draws tried at a time; few enough for all their series to be kept
_POSTERIOR, _PRIOR = 1, 2  # purposes of random keys


@dataclasses.dataclass(frozen=True)
class Evaluation:
    """Draws evaluated; arrays are (chain, draw, ...).

    Attributes
    ----------
    values
        Sampled parameters and derived quantities by name.
    log_prior
        By parameter (on its family's natural scale) and by constraint.
    log_likelihood
        By stream, (chain, draw, point), single precision.
    predictive
        Synthetic points by stream, (chain, draw, point), single precision.
    series
        By stream, the model's series at the levels `QUANTILES`, (quantile, time); with a regrowth
        run ``regrowth_live_biomass`` and ``regrowth_wood`` by age, (quantile, year).
    """

    values: Group
    log_prior: Group
    log_likelihood: Group
    predictive: Group
    series: Group


@jax.tree_util.register_dataclass
@dataclasses.dataclass(frozen=True)
class _Row:
    """One draw, or a batch of them, evaluated.

    Values of parameters and of their priors are in one array for each family until they are on
    the host: see `TracedDensity.by_name`.
    """

    values: Any
    derived: dict[str, Any]
    prior: Any
    constraint: dict[str, Any]
    log_likelihood: dict[str, Any]
    predictive: dict[str, Any]
    series: dict[str, Any]


class Evaluator:
    """Evaluates draws of one log density, of prior and posterior alike; compiled once for its form.

    Parameters
    ----------
    density
        The log density.
    """

    def __init__(self, density: LogDensity) -> None:
        self._density = density

    def posterior(self, z: Array, *, seed: int) -> Evaluation:
        """Evaluate latent draws, (chain, draw, dimension); ``seed`` makes synthetic points."""
        chains, draws, dimension = z.shape
        key = jax.random.fold_in(jax.random.key(seed), _POSTERIOR)
        rows, series = self._evaluate(z.reshape(-1, dimension), key, given=1.0)
        rows = jax.tree.map(lambda a: a.reshape(chains, draws, *a.shape[1:]), rows)
        return _evaluation(rows, series)

    def prior(self, draws: int, *, seed: int) -> Evaluation:
        """Draw from the whole prior, constraints included, and evaluate: one chain.

        Every constraint's term is at most zero, so accepting a draw of the priors with probability
        ``exp(sum of terms)`` is exact.

        Raises
        ------
        InputError
            The constraints contradict the priors: they accept less than one draw in four hundred.
        """
        rng = np.random.default_rng([seed, 2])
        key = jax.random.fold_in(jax.random.key(seed), _PRIOR)
        kept: list[_Row] = []
        count = tried = 0
        while count < draws:
            z = rng.normal(size=(_PRIOR_BATCH, self._density.dimension))
            rows, _ = self._evaluate(z, jax.random.fold_in(key, tried), given=0.0)
            terms = sum(rows.constraint.values(), start=np.zeros(len(z)))
            accept = rng.uniform(size=len(z)) < np.exp(terms)
            kept.append(jax.tree.map(lambda a, accept=accept: a[accept], rows))
            count, tried = count + int(accept.sum()), tried + len(z)
            if tried >= 4000 and 400 * count < tried:
                raise InputError(
                    where="constraints", rule="must not contradict the priors",
                    found=f"they accept {count} of {tried} prior draws",
                    remedy="switch constraints off, widen them, or change priors",
                )  # fmt: skip
        rows = jax.tree.map(lambda *a: np.concatenate(a)[None, :draws], *kept)
        series = {name: np.quantile(s[0], QUANTILES, axis=0) for name, s in rows.series.items()}
        return _evaluation(rows, series)

    @functools.cached_property
    def _rows_of(self) -> Callable[..., _Row]:
        return self._density.shared(_rows)

    def _of_points(self, row: _Row) -> _Row:
        """Rows on the host, by name, without places that have no point."""
        row = jax.device_get(row)
        cut = {
            group: {s.name: s.of_points(getattr(row, group)[s.name]) for s in self._density.streams}
            for group in ("log_likelihood", "predictive")
        }
        density = self._density.traced
        for group in ("values", "prior"):
            named = density.by_name(getattr(row, group))
            cut[group] = {name: named[name] for name in density.sampled}
        cut["values"] |= row.derived
        return dataclasses.replace(row, derived={}, **cut)

    def _evaluate(self, flat: Array, key: jax.Array, given: float) -> tuple[_Row, Group]:
        """Rows of all draws, with series kept for few, and the quantiles of those."""
        keys = jax.random.split(key, (len(flat), 1 + len(self._density.streams)))
        every = max(len(flat) // _SERIES_DRAWS, 1)
        batches, series = [], []
        for first in range(0, len(flat), _BATCH):
            wanted = np.arange(first, min(first + _BATCH, len(flat)))
            index = np.resize(wanted, _BATCH)  # the last batch is filled up to keep its shape
            row = self._of_points(self._rows_of(keys[index], jnp.asarray(flat[index]), given))
            row = jax.tree.map(lambda a, count=wanted.size: a[:count], row)
            chosen = wanted % every == 0
            series.append({name: s[chosen] for name, s in row.series.items()})
            kept = row.series if every == 1 else {}
            batches.append(dataclasses.replace(row, series=kept))
        rows = jax.tree.map(lambda *a: np.concatenate(a), *batches)
        names = series[0]
        stacked = {name: np.concatenate([s[name] for s in series]) for name in names}
        return rows, {n: np.quantile(s, QUANTILES, axis=0) for n, s in stacked.items()}


def _rows(density: TracedDensity, keys: jax.Array, z: jax.Array, given: jax.Array) -> _Row:
    """Evaluate a batch of draws, (batch, dimension), with keys (batch, 1 + stream)."""
    rows: _Row = jax.vmap(functools.partial(_row, density, given))(keys, z)
    return rows


def _row(density: TracedDensity, given: jax.Array, keys: jax.Array, z: jax.Array) -> _Row:
    """Evaluate a draw; ``given``, 1 or 0, says whether the observed points are known.

    The first key is of what the points of each stream share, the others of streams' points.
    """
    by_family = density.values_by_family(z)
    values = density.by_name(by_family)
    p, run = density.run(values)
    constraint, stream = density.parts_of_run(values, p, run)
    forcing = density.forcing
    derived = derived_with(regrowth=density.whole_stand is not None, tied=density.age is not None)
    series = {s.name: s.series(run, p) for s in density.streams}
    normal = jax.random.normal(keys[0], (len(density.streams),))
    single = jnp.float32
    return _Row(
        values=by_family,
        derived={d.name: d.value(p, run, forcing) for d in derived},
        prior=density.prior_by_family(by_family),
        constraint=constraint,
        log_likelihood={n: part.astype(single) for n, part in stream.items()},
        predictive={
            s.name: s.sample_given(key, shared, series[s.name], values, given).astype(single)
            for s, key, shared in zip(density.streams, keys[1:], normal, strict=True)
        },
        series=series | _of_regrowth(run),
    )


def _of_regrowth(run: Trajectory) -> dict[str, jax.Array]:
    """Live biomass and wood at every whole year of age, g C m-2, (year,)."""
    if run.regrowth is None:
        return {}
    pools = jax.tree.map(lambda pool: pool[::MONTHS], run.regrowth)
    return {"regrowth_live_biomass": live_biomass(pools), "regrowth_wood": pools.wood}


def _evaluation(rows: _Row, series: Group) -> Evaluation:
    log_prior = rows.prior | rows.constraint
    return Evaluation(rows.values, log_prior, rows.log_likelihood, rows.predictive, series)
