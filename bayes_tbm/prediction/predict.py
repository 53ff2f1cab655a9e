"""Predictions of a period that was not fitted, from the state at the end of the fit."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Mapping, Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import xarray as xr
from numpy.typing import NDArray

from bayes_tbm.errors import InputError
from bayes_tbm.plain import whole_at_least
from bayes_tbm.posterior import assembly
from bayes_tbm.posterior.traced import TracedDensity
from bayes_tbm.prediction.draws import evenly, in_batches, with_fixed
from bayes_tbm.prediction.fitted import Fitted, fitted, fitted_period, not_before
from bayes_tbm.prediction.given import check_given
from bayes_tbm.results.attempts import CONVERGENCE, warn_unless_converged
from bayes_tbm.results.groups import group
from bayes_tbm.results.tree import at_steps, check_result
from bayes_tbm.runtime.fork import jax_will_run
from bayes_tbm.runtime.precision import use_double_precision
from bayes_tbm.sites.cut import between
from bayes_tbm.sites.settle import settled_observations
from bayes_tbm.sites.site import Observations, Site, When
from bayes_tbm.sites.stated import bound
from bayes_tbm.streams import BoundStream, Stream, bind
from bayes_tbm.units import UNITS

QUANTILES = (0.05, 0.25, 0.5, 0.75, 0.95)
_DATES = "fitted_from", "fitted_to", "predicted_from", "predicted_to"
Array = NDArray[Any]
Period = tuple[np.datetime64, np.datetime64]
"""Middles of the first and the last step to predict."""
Draws = dict[str, dict[str, Any]]
"""``points``, ``scores`` and ``series`` by stream, (draw, ...)."""


def predict(
    tree: xr.DataTree,
    site: Site,
    *,
    start: When | None = None,
    end: When | None = None,
    observations: Mapping[str, Observations] | None = None,
    streams: Sequence[Stream] = (),
    draws: int = 400,
    seed: int = 0,
) -> xr.DataTree:
    """Predict what was observed after the fitted period.

    The model runs on from the state in which each draw ends the fitted period, under the drivers of
    the site. What all values of a stream share as an error is known from the fit as far as the fit
    tells it; all other errors are drawn anew.

    Parameters
    ----------
    tree
        Result of `bayes_tbm.Calibration.sample`, fitted to ``site.window(end=...)``.
    site
        The same site over a longer record, with the observations to compare with.
    start, end
        First and last date to predict; by default all that follows the fitted period.
    observations
        What was held out of the fit, by stream, where it is not the site's own after the fitted
        period: it may lie within that too. Of any unit of its quantity; values without a standard
        deviation have the median of the fitted ones.
    streams
        Streams of your own among those that were fitted; the package's are known by name.
    draws
        Of the posterior and of the prior, spread evenly over all that there are.
    seed
        Of the errors that are drawn.

    Returns
    -------
    xarray.DataTree
        Groups ``predictions`` and ``prior_predictions`` (draw, point), errors included;
        ``log_score`` and ``prior_log_score``, the log density of each observed point by itself
        under each draw; ``observed_data`` and ``constant_data`` there; ``fitted_data``, the points
        that were fitted; ``simulation``, quantiles of the model's series and data at the steps.

    Raises
    ------
    InputError
        The site is not that of the result, nothing follows the fitted period, or nothing was
        observed there.

    Warns
    -----
    ConvergenceWarning
        The chains of the result have not converged.
    """
    use_double_precision()
    jax_will_run()
    check_result(tree, "predict")
    draws = whole_at_least(2, "draws", draws, where="predict")
    seed = whole_at_least(0, "seed", seed, where="predict", below=2**32)
    check_given(site, start, end, observations)
    if CONVERGENCE in tree.children:
        warn_unless_converged(tree)
    time, last = site.drivers["time"].values, bound(end, "end")
    if observations is None:
        begin = _begin(tree, site, start)
    else:
        begin = between(site, _first(tree, start), last).drivers["time"].values[0]
    period = begin, time[time <= last][-1]
    what = fitted(tree, site, not_before(tree, end), streams)
    told = what.whole.observations if observations is None else _settled(observations, site)
    held = _held_out(what, period, told)
    predicted = {
        "posterior": _drawn(what, held, evenly(group(tree, "posterior"), draws), seed, given=True),
        "prior": _drawn(what, held, evenly(group(tree, "prior"), draws), seed + 1, given=False),
    }
    out = _tree(what, held, predicted, period)
    dates = zip(_DATES, (*fitted_period(tree), *period), strict=True)
    out.attrs = {"site": site.name, **{name: str(time)[:10] for name, time in dates}}
    return out


def _first(tree: xr.DataTree, start: When | None) -> np.datetime64:
    """First instant of the period, or of what was fitted where none is told."""
    return fitted_period(tree)[0] if start is None else bound(start, "start")


def _begin(tree: xr.DataTree, site: Site, start: When | None) -> np.datetime64:
    """First instant to predict, after the fitted period."""
    after = fitted_period(tree)[1]
    time = site.drivers["time"].values
    if start is not None:
        first = site.window(start).drivers["time"].values[0]
        if first <= after:
            raise InputError(
                where="predict", variable="start", rule="must follow the fitted period",
                found=f"{start}, fitted to {str(after)[:10]}",
                remedy="fit a shorter period (end=...), or predict a later one",
            )  # fmt: skip
    later = time[time > (after if start is None else first - np.timedelta64(1, "ns"))]
    if len(later) < 2:
        raise InputError(
            where=site.source or site.name, variable="time",
            rule="must go on after the fitted period for a prediction",
            found=f"{len(later)} steps after {str(after)[:10]}",
            remedy="fit a shorter period, as with end=..., and give the site's whole record",
        )  # fmt: skip
    return np.datetime64(later[0])


def _settled(observations: Mapping[str, Observations], site: Site) -> dict[str, Observations]:
    """Observations in the package's units."""
    where = "predict: observations"
    return {
        name: seen if seen.unit == UNITS[name] else settled_observations(seen, site.drivers, where)
        for name, seen in observations.items()
    }


def _held_out(
    what: Fitted, period: Period, observations: Mapping[str, Observations]
) -> tuple[BoundStream, ...]:
    """Streams bound to what was observed in the period to predict, in the run over the whole."""
    half = np.timedelta64(int(what.whole.drivers["step_length"].values[-1] * 43_200_000), "ms")
    first, last = period[0] - half, period[1] + half
    held = []
    for stream in what.streams:
        seen = observations.get(stream.name)
        inside = None if seen is None else seen.select((seen.time >= first) & (seen.time <= last))
        if inside is not None and len(inside):
            held.append(bind(stream.stream, what.whole, _with_sd(inside, stream)))
    if not held:
        raise InputError(
            where=what.whole.source or what.whole.name, variable="observations",
            rule="some fitted stream must be observed in the period to predict",
            found=f"none of {', '.join(s.name for s in what.streams)} from {str(period[0])[:10]}",
        )  # fmt: skip
    sizes = {stream.name: what.systematic[stream.name] for stream in held}
    known = assembly.with_systematic(held, sizes)
    return tuple(stream for stream in known if isinstance(stream, BoundStream))


def _with_sd(seen: Observations, stream: BoundStream) -> Observations:
    """Observations whose missing standard deviations are the fitted ones' usual one."""
    usual = float(np.median(stream.measurement_sd))
    return dataclasses.replace(seen, sd=np.where(np.isnan(seen.sd), usual, seen.sd))


def _drawn(
    what: Fitted, held: tuple[BoundStream, ...], values: Mapping[str, Array], seed: int, *,
    given: bool,
) -> Draws:  # fmt: skip
    """Points, log densities and series of every stream for draws of the parameters."""
    function = what.density.shared(_of_draws)
    every = with_fixed(what, values)
    count = len(next(iter(every.values())))
    keys = jax.random.split(jax.random.key(seed), (count, 1 + len(held)))
    streams = tuple(stream.ready for stream in held)
    known = jnp.asarray(float(given))
    found: Draws = in_batches(functools.partial(function, streams, known), keys, every)
    for kind in ("points", "scores"):
        found[kind] = {s.name: s.of_points(found[kind][s.name]) for s in held}
    return found


def _of_draws(
    density: TracedDensity, held: tuple[BoundStream, ...], given: jax.Array, keys: jax.Array,
    values: Any,
) -> Any:  # fmt: skip
    return jax.vmap(lambda own, v: _of_draw(density, held, own, v, given))(keys, values)


def _of_draw(
    density: TracedDensity, held: tuple[BoundStream, ...], keys: jax.Array, values: Any,
    given: jax.Array,
) -> Draws:  # fmt: skip
    """Predict for one draw; ``given``, 1 or 0, says whether the fitted points are known.

    The first key is of what the points of each stream share, the others of streams' points.
    """
    p, run = density.run(values, whole=False)
    before = {stream.name: stream for stream in density.streams}
    found: Draws = {"points": {}, "scores": {}, "series": {}}
    normal = jax.random.normal(keys[0], (len(held),))
    for stream, key, shared in zip(held, keys[1:], normal, strict=True):
        fit = before[stream.name]
        common = fit.draw_common(shared, fit.series(run, p), values, given)
        name, series = stream.name, stream.series(run, p)
        found["series"][name] = series
        points, scores = stream.predicted(key, series, values, common)
        found["points"][name], found["scores"][name] = points, scores
    return found


def _tree(
    what: Fitted, held: Sequence[BoundStream], drawn: Mapping[str, Draws], period: Period
) -> xr.DataTree:
    coords = {f"{s.name}_point": s.point for s in held}

    def dataset(of: Mapping[str, Array], *dims: str) -> xr.Dataset:
        out = xr.Dataset(coords=coords)
        for s in held:
            attrs = {"units": s.stream.unit, "long_name": s.stream.long_name}
            out[s.name] = (*dims, f"{s.name}_point"), of[s.name], attrs
        return out

    groups = {
        "predictions": dataset(drawn["posterior"]["points"], "draw"),
        "log_score": dataset(drawn["posterior"]["scores"], "draw"),
        "prior_predictions": dataset(drawn["prior"]["points"], "draw"),
        "prior_log_score": dataset(drawn["prior"]["scores"], "draw"),
        "observed_data": dataset({s.name: np.asarray(s.data.value) for s in held}),
        "constant_data": dataset({s.name: np.asarray(s.data.measurement_sd) for s in held}),
        "fitted_data": _fitted_data(what, [s.name for s in held]),
        "simulation": _simulation(what, held, drawn["posterior"]["series"], period),
    }
    return xr.DataTree.from_dict(groups)


def _fitted_data(what: Fitted, names: Sequence[str]) -> xr.Dataset:
    out = xr.Dataset()
    for stream in what.streams:
        if stream.name in names:
            point = f"{stream.name}_point"
            out = out.assign_coords({point: stream.point})
            out[stream.name] = point, np.asarray(stream.data.value), {"units": stream.stream.unit}
    return out


def _simulation(
    what: Fitted, held: Sequence[BoundStream], series: Mapping[str, Array], period: Period
) -> xr.Dataset:
    """Model and data at the steps that are predicted; NaN where nothing was observed."""
    time = what.whole.drivers["time"].values
    keep = (time >= period[0]) & (time <= period[1])
    out = xr.Dataset(coords={"time": time[keep], "quantile": list(QUANTILES)})
    for s in held:
        attrs = {"units": s.stream.unit, "long_name": s.stream.long_name}
        levels = np.quantile(series[s.name][:, keep], QUANTILES, axis=0)
        out[s.name] = ("quantile", "time"), levels, attrs
        out[f"{s.name}_observed"] = "time", at_steps(s, len(time))[keep], attrs
    return out
