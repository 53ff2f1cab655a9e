"""How right predictions are: errors, coverage and proper scores, against what is easily said."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable

import numpy as np
import pandas as pd
import xarray as xr
from numpy.typing import NDArray
from scipy.special import logsumexp
from scipy.stats import norm

from bayes_tbm.prediction.baselines import Normal, last_year, seasonal_cycle
from bayes_tbm.prediction.given import check_prediction
from bayes_tbm.results.groups import group
from bayes_tbm.sites.time_axis import days_from_time

Array = NDArray[np.float64]
MODEL, CYCLE, YEAR, PRIOR = "posterior", "seasonal cycle", "last year", "prior"
BASELINES: dict[str, Callable[[Array, Array, Array], Normal]] = {
    CYCLE: seasonal_cycle,
    YEAR: last_year,
}
_LEVELS = (0.5, 0.9)


@dataclasses.dataclass(frozen=True, repr=False)
class PredictionScores:
    """How right the predictions of a period are.

    Attributes
    ----------
    scores
        A row for each stream and forecaster: the posterior, the mean seasonal cycle of what was
        fitted, its last year, the prior. Columns ``n`` (points), ``r2`` (one minus the mean squared
        error of the median over the variance of the data), ``rmse``, ``bias`` (median less data),
        ``crps`` (in the stream's unit, smaller is better), ``log_score`` (mean log density of a
        point by itself, nats, larger is better), ``inside_50`` and ``inside_90`` (share of points
        in central intervals), ``skill`` (one minus the CRPS over that of the seasonal cycle at the
        same points).
    by_month, by_year
        A row for each stream and calendar month, or year: points, means of the data and of the
        posterior's predictions of them (median, 5 and 95 %), bias.
    period
        What was fitted and predicted, in words.
    """

    scores: pd.DataFrame
    by_month: pd.DataFrame
    by_year: pd.DataFrame
    period: str

    def __repr__(self) -> str:
        return f"{self.period}\n{self.scores.round(3).to_string()}"


def evaluate(prediction: xr.DataTree) -> PredictionScores:
    """Compare predictions with what was observed, and with what is easily said.

    Parameters
    ----------
    prediction
        From `bayes_tbm.predict`.

    Returns
    -------
    PredictionScores
        Tables; printed, that of scores.
    """
    check_prediction(prediction)
    names = [str(name) for name in group(prediction, "observed_data").data_vars]
    scores = {}
    for name in names:
        forecasts = _forecasts(prediction, name)
        for forecaster, row in forecasts.items():
            against = _skill_against_cycle(forecasts, forecaster)
            seen = group(prediction, "observed_data")[name].values
            scores[name, forecaster] = _summary(row, seen) | {"skill": against}
    table = pd.DataFrame.from_dict(scores, orient="index")
    table.index = pd.MultiIndex.from_tuples(table.index, names=["stream", "forecaster"])
    told = prediction.attrs
    return PredictionScores(
        table.astype({"n": int}),
        _means(prediction, names, "month"),
        _means(prediction, names, "year"),
        f"{told['site']}: fitted {told['fitted_from']} to {told['fitted_to']}, "
        f"predicted {told['predicted_from']} to {told['predicted_to']}",
    )


@dataclasses.dataclass(frozen=True)
class _Forecast:
    """What a forecaster says of every point, (point,); NaN where it says nothing."""

    median: Array
    crps: Array
    log_score: Array
    inside: dict[float, Array]


def _forecasts(prediction: xr.DataTree, name: str) -> dict[str, _Forecast]:
    seen = group(prediction, "observed_data")[name]
    fitted = group(prediction, "fitted_data")[name]
    point = f"{name}_point"
    day, at = days_from_time(fitted[point].values), days_from_time(seen[point].values)
    found = {MODEL: _of_draws(prediction, "", name)}
    for label, baseline in BASELINES.items():
        found[label] = _of_normal(baseline(day, fitted.values, at), seen.values)
    return found | {PRIOR: _of_draws(prediction, "prior_", name)}


def _of_draws(prediction: xr.DataTree, prefix: str, name: str) -> _Forecast:
    seen = group(prediction, "observed_data")[name].values
    draws = group(prediction, f"{prefix}predictions")[name].transpose("draw", ...).values
    score = group(prediction, f"{prefix}log_score")[name].transpose("draw", ...).values
    inside = {}
    for level in _LEVELS:
        low, high = np.quantile(draws, [0.5 - level / 2, 0.5 + level / 2], axis=0)
        inside[level] = ((seen >= low) & (seen <= high)).astype(float)
    mixture = logsumexp(score, axis=0) - math.log(len(score))
    return _Forecast(np.median(draws, axis=0), crps_of_draws(draws, seen), mixture, inside)


def _of_normal(forecast: Normal, seen: Array) -> _Forecast:
    standard = (seen - forecast.mean) / forecast.sd
    # Gneiting and Raftery (2007), equation 21.
    crps = forecast.sd * (
        standard * (2.0 * norm.cdf(standard) - 1.0) + 2.0 * norm.pdf(standard) - np.pi**-0.5
    )
    inside = {
        level: np.where(np.isnan(standard), np.nan, np.abs(standard) <= norm.ppf(0.5 + level / 2))
        for level in _LEVELS
    }
    return _Forecast(forecast.mean, crps, norm.logpdf(seen, forecast.mean, forecast.sd), inside)


def crps_of_draws(draws: Array, seen: Array) -> Array:
    """Continuous ranked probability score of every point, (point,), smaller is better.

    The fair estimate from draws (Ferro 2014, doi 10.1002/qj.2270).

    Parameters
    ----------
    draws
        (draw, point).
    seen
        What was observed, (point,).
    """
    count = len(draws)
    ordered = np.sort(draws, axis=0)
    weight = 2.0 * np.arange(count) - count + 1.0
    spread = 2.0 * (weight[:, None] * ordered).sum(axis=0) / (count * (count - 1))
    distance: Array = np.abs(draws - seen).mean(axis=0) - 0.5 * spread
    return distance


def _summary(forecast: _Forecast, seen: Array) -> dict[str, float]:
    said = np.isfinite(forecast.crps)
    if not said.any():
        return {"n": 0, **dict.fromkeys(("r2", "rmse", "bias", "crps", "log_score"), np.nan)}
    error = forecast.median[said] - seen[said]
    variance = float(np.var(seen[said]))
    square = float(np.mean(error**2))
    return {
        "n": int(said.sum()),
        "r2": 1.0 - square / variance if variance > 0 else np.nan,
        "rmse": math.sqrt(square),
        "bias": float(error.mean()),
        "crps": float(forecast.crps[said].mean()),
        "log_score": float(forecast.log_score[said].mean()),
        **{f"inside_{level:.0%}"[:-1]: float(forecast.inside[level][said].mean())
           for level in _LEVELS},
    }  # fmt: skip


def _skill_against_cycle(forecasts: dict[str, _Forecast], forecaster: str) -> float:
    own, cycle = forecasts[forecaster].crps, forecasts[CYCLE].crps
    both = np.isfinite(own) & np.isfinite(cycle)
    return float(1.0 - own[both].sum() / cycle[both].sum()) if both.any() else np.nan


def _means(prediction: xr.DataTree, names: list[str], by: str) -> pd.DataFrame:
    """Means of data and of predictions over the points of each calendar month, or year."""
    rows = []
    for name in names:
        seen = group(prediction, "observed_data")[name]
        draws = group(prediction, "predictions")[name].transpose("draw", ...).values
        part = getattr(pd.DatetimeIndex(seen[f"{name}_point"].values), by)
        for value in np.unique(part):
            here = part == value
            low, middle, high = np.quantile(draws[:, here].mean(axis=1), [0.05, 0.5, 0.95])
            data = float(seen.values[here].mean())
            rows.append({
                "stream": name, by: int(value), "n": int(here.sum()), "observed": data,
                "predicted": middle, "low_90": low, "high_90": high, "bias": middle - data,
            })  # fmt: skip
    return pd.DataFrame(rows).set_index(["stream", by])
