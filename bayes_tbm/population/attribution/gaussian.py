"""Evidence of mean functions where every site's likelihood is Gaussian: closed form on a grid."""

from __future__ import annotations

import dataclasses
import functools
import math

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit, logsumexp
from scipy.stats import halfnorm, lognorm, norm

from bayes_tbm.population.hierarchy.covariates import Covariates
from bayes_tbm.population.hierarchy.means import SLOPE_SD, STEP_SD

Array = NDArray[np.float64]
PLACES, WIDTHS, SPREADS, CELL_SPREADS = 33, 4, 8, 4
WIDE = 2.0
"""Factor of the second, wider prior of slopes and steps, under which each evidence is told too."""


@dataclasses.dataclass(frozen=True, eq=False)
class Evidence:
    """Log evidence of a mean function for several data sets, and its posterior.

    Attributes
    ----------
    log
        Log evidence, (data set,).
    threshold
        Posterior over `thresholds`, (data set, place); nothing where there is no threshold.
    thresholds
        Places, degC.
    effect
        Posterior mean and sd of the last coefficient: slope, bend or step, (data set, 2).
    """

    log: Array
    threshold: Array
    thresholds: Array
    effect: Array

    def interval(self, level: float = 0.9) -> Array:
        """Central interval of the threshold, degC, (data set, 2)."""
        places = self.thresholds  # each stands for what is nearest to it
        between = 0.5 * (places[1:] + places[:-1])
        ends = 2.0 * places[[0, -1]] - between[[0, -1]]
        edges = np.concatenate([ends[:1], between, ends[1:]])
        tail = 0.5 * (1.0 - level)
        below = np.pad(np.cumsum(self.threshold, axis=1), ((0, 0), (1, 0)))
        return np.stack([np.interp([tail, 1.0 - tail], row, edges) for row in below])

    def threshold_sd(self) -> Array:
        """Posterior sd of the threshold, K, (data set,)."""
        mean = self.threshold @ self.thresholds
        return np.sqrt(np.maximum(self.threshold @ self.thresholds**2 - mean**2, 0.0))

    def moved(self, offset_sd: float) -> Evidence:
        """Where the threshold is if all temperatures have an error in common.

        Parameters
        ----------
        offset_sd
            Of that error, K; zero for none.
        """
        places, threshold = moved(self.thresholds, self.threshold, offset_sd)
        return dataclasses.replace(self, thresholds=places, threshold=threshold)


class GaussianPopulation:
    """Mean functions compared on the Gaussian summaries of sites.

    Sites differ by a normal sd and cells by another, both integrated over a grid of quantiles of
    their priors; so are threshold and width; coefficients are integrated exactly. Errors of the
    coldest month soften a step or hinge; one that all sites share only shifts the threshold:
    `Evidence.moved` adds it. Differences are normal here, also where the tails of a population
    that is sampled are heavy.

    Parameters
    ----------
    covariates
        Surroundings of the sites. Their further drivers add linearly to every mean function.
    sd
        Of each site's likelihood of ln residence time, (site,).
    covariate_sd
        Error of the coldest month, K.
    offset_sd
        Common error of the climate product, K: of the thresholds that are told.
    cells
        Do sites of a climate cell share a departure?
    spread
        Scale of the half-normal priors of the sds between sites and between cells.
    least_sd
        Added in squares to that between sites.
    """

    def __init__(
        self, covariates: Covariates, sd: Array, *, covariate_sd: float = 1.5,
        offset_sd: float = 0.0, cells: bool = True, spread: float = 0.5, least_sd: float = 0.1,
    ) -> None:  # fmt: skip
        self._covariates = covariates
        self._covariate_sd = covariate_sd
        self.offset_sd = offset_sd
        same = (covariates.cell[:, None] == covariates.cell[None, :]).astype(float)
        between = np.hypot(halfnorm.ppf(middles(SPREADS), scale=spread), least_sd)
        shared = halfnorm.ppf(middles(CELL_SPREADS), scale=spread) if cells else np.zeros(1)
        self._inverse, self._log_det = [], []
        for tau in between:
            for sigma in shared:
                covariance = np.diag(sd**2 + tau**2) + sigma**2 * same
                self._inverse.append(np.linalg.inv(covariance))
                self._log_det.append(np.linalg.slogdet(covariance)[1])

    @functools.cached_property
    def thresholds(self) -> Array:
        """Places of a change, degC, evenly over the middle 90 % of the sites' range."""
        low, high = self._covariates.range
        return low + (high - low) * middles(PLACES)

    def design(
        self, mean: str, places: Array | None = None, widen: float = 1.0
    ) -> tuple[Array, Array]:
        """Columns (grid, site, coefficient) of a mean function, and prior sds of coefficients.

        Drivers come first, then the intercept. The grid is threshold by width, threshold first,
        where there are any.
        """
        own, sds = self._own_design(mean, places)
        drivers = self._covariates.design
        count = drivers.shape[1]
        drivers = np.broadcast_to(drivers, (len(own), *drivers.shape))
        sds = np.concatenate([np.full(count, SLOPE_SD), sds[:1], widen * sds[1:]])
        return np.concatenate([drivers, own], axis=-1), sds

    def _own_design(self, mean: str, places: Array | None) -> tuple[Array, Array]:
        """Columns of a mean function without the drivers."""
        places = self.thresholds if places is None else places
        t = self._covariates.coldest
        one, x = np.ones_like(t), (t - self._covariates.centre) / self._covariates.scale
        if mean in ("constant", "linear"):
            columns = [one] if mean == "constant" else [one, x]
            return np.stack(columns, axis=-1)[None], np.array([1.0, SLOPE_SD][: len(columns)])
        widths = lognorm.ppf(middles(WIDTHS), 0.7, scale=2.0)
        changes = np.stack([self._change(mean, at, w) for at in places for w in widths])
        base = [one, x] if mean == "hinge" else [one]
        fixed = np.broadcast_to(np.stack(base, axis=-1), (*changes.shape, len(base)))
        sds = [1.0, SLOPE_SD, SLOPE_SD] if mean == "hinge" else [1.0, STEP_SD]
        return np.concatenate([fixed, changes[..., None]], axis=-1), np.array(sds)

    def _change(self, mean: str, threshold: float, width: float) -> Array:
        """Compute a step or hinge at every site, its mean over the error of the coldest month."""
        points, weights = np.polynomial.hermite_e.hermegauss(9)
        t = self._covariates.coldest[:, None] + self._covariate_sd * points
        z = (t - threshold) / width
        value = expit(z) if mean == "step" else width * np.logaddexp(0, z) / self._covariates.scale
        return np.asarray(value @ (weights / math.sqrt(2.0 * math.pi)))

    def evidence(
        self, mean: str, y: Array, *, widen: float = 1.0, intercept: float = math.log(60.0),
        places: Array | None = None,
    ) -> Evidence:  # fmt: skip
        """Log evidence of a mean function.

        Parameters
        ----------
        mean
            constant, linear, hinge or step.
        y
            Means of the sites' likelihoods, (data set, site).
        widen
            Factor of the prior sds of slopes and steps, those of drivers apart.
        intercept
            Prior mean of the intercept; its sd is 1.
        places
            Thresholds that are as likely as each other beforehand, degC; by default `thresholds`.
        """
        places = self.thresholds if places is None else places
        design, sds = self.design(mean, places, widen)
        gap = np.atleast_2d(y) - intercept
        parts = [
            _conditional(gap, design, sds, inverse, log_det)
            for inverse, log_det in zip(self._inverse, self._log_det, strict=True)
        ]
        log = np.stack([part[0] for part in parts])  # (spread, data set, grid)
        total = logsumexp(log, axis=(0, 2))
        weight = np.exp(log - total[:, None])
        effect, variance = (np.stack([part[n] for part in parts]) for n in (1, 2))
        mean_effect = np.sum(weight * effect, axis=(0, 2))
        square = np.sum(weight * (variance + effect**2), axis=(0, 2))
        threshold = np.zeros((len(gap), 0))
        if mean in ("hinge", "step"):
            threshold = weight.sum(0).reshape(len(gap), len(places), WIDTHS).sum(2)
        spread = np.sqrt(np.maximum(square - mean_effect**2, 0.0))
        return Evidence(
            total - math.log(log.shape[0] * log.shape[2]), threshold, places,
            np.stack([mean_effect, spread], axis=1),
        )  # fmt: skip

    def left_out(self, y: Array, drivers: Array, *, intercept: float = math.log(60.0)) -> Array:
        """Log score (cell,) of every climate cell when it is left out, under drivers that add.

        Exact on the grid of sds: with Q the inverse of the covariance of all sites, what the
        others predict for cell c is Gaussian with precision Q_cc, off by Q_cc^-1 (Q y)_c.

        Parameters
        ----------
        y
            Means of the sites' likelihoods, (site,).
        drivers
            Columns of mean zero, (site, column), whose slopes have the prior of all slopes.
        intercept
            Prior mean of the intercept; its sd is 1.
        """
        design = np.column_stack([np.ones(len(y)), drivers])
        sds = np.array([1.0, *[SLOPE_SD] * drivers.shape[1]])
        cell = self._covariates.cell
        cells = [np.flatnonzero(cell == c) for c in range(len(self._covariates.cells))]
        gap = y - intercept
        whole, each = [], []
        for inverse, log_det in zip(self._inverse, self._log_det, strict=True):
            log = _conditional(gap[None], design[None], sds, inverse, log_det)[0]
            whole.append(float(log[0, 0]))
            solved = inverse @ design
            core = np.linalg.inv(design.T @ solved + np.diag(1.0 / sds**2))
            towards = inverse @ gap - solved @ (core @ (solved.T @ gap))
            each.append([
                _log_score(inverse[np.ix_(c, c)] - solved[c] @ core @ solved[c].T, towards[c])
                for c in cells
            ])  # fmt: skip
        total, scores = np.array(whole)[:, None], np.array(each)
        return np.asarray(logsumexp(total, axis=0) - logsumexp(total - scores, axis=0))


def _log_score(precision: Array, towards: Array) -> float:
    """Log density of what a cell's sites are off by, where ``towards`` is precision times that."""
    log_det = float(np.linalg.slogdet(precision)[1])
    away = float(towards @ np.linalg.solve(precision, towards))
    return 0.5 * (log_det - away - len(towards) * math.log(2.0 * math.pi))


def _conditional(
    y: Array, design: Array, sds: Array, inverse: Array, log_det: float
) -> tuple[Array, Array, Array]:
    """Log evidence (data set, grid) given the covariance of sites; last coefficient, variance.

    Normal-inverse algebra: N(y; 0, V + X B X') by the matrix determinant and inversion lemmas.
    """
    solved = y @ inverse
    towards = np.tensordot(solved, design, axes=(1, 1))  # (data set, grid, coefficient)
    curvature = np.einsum("gnp,nm,gmq->gpq", design, inverse, design, optimize=True)
    precision = curvature + np.diag(1.0 / sds**2)
    covariance = np.linalg.inv(precision)
    best = np.matmul(covariance, towards[..., None])[..., 0]
    quadratic = np.sum(y * solved, axis=1)[:, None] - np.sum(best * towards, axis=2)
    added = np.linalg.slogdet(precision)[1] + 2.0 * np.log(sds).sum()
    log = -0.5 * (quadratic + log_det + added[None, :] + y.shape[1] * math.log(2.0 * math.pi))
    return log, best[..., -1], np.broadcast_to(covariance[:, -1, -1], log.shape)


def even(places: Array, sd: float) -> tuple[Array, Array]:
    """Places, and probabilities (1, place), of a threshold that is anywhere, once `moved`."""
    return moved(places, np.full((1, len(places)), 1.0 / len(places)), sd)


def moved(places: Array, probability: Array, sd: float) -> tuple[Array, Array]:
    """Places, and probabilities (data set, place), of a threshold once a normal error is added.

    Parameters
    ----------
    places
        Of the threshold, rising; each stands for what is nearest to it.
    probability
        At each of them, (data set, place).
    sd
        Of the error, K; with zero, all stays as it is.
    """
    if sd == 0.0 or not probability.size:
        return places, probability
    widths = np.gradient(places)
    each = np.hypot(sd, widths / math.sqrt(12.0))
    reach, step = 4.0 * each.max(), max(sd, widths.mean()) / 8.0
    fine = np.arange(places[0] - reach, places[-1] + reach + step, step)
    edges = np.append(fine - 0.5 * step, fine[-1] + 0.5 * step)
    mass = np.diff(norm.cdf(edges[:, None], places, each), axis=0)
    return fine, np.asarray(probability @ (mass / mass.sum(axis=0)).T)


def middles(count: int) -> Array:
    """Middles of so many equal parts of 0 to 1."""
    return (np.arange(count) + 0.5) / count
