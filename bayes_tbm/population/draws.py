"""Draws of the coordinates that the sites of a population share: what the hierarchy is built on."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bayes_tbm.errors import InputError
from bayes_tbm.parameters import TABLE

Array = NDArray[np.float64]


def evenly(count: int, most: int) -> NDArray[np.int_]:
    """Places of so many draws of a row, evenly spaced; of all where there are no more.

    Examples
    --------
    >>> evenly(7, 3), evenly(2, 3)
    (array([0, 3, 6]), array([0, 1]))
    """
    return np.linspace(0, count - 1, min(most, count)).round().astype(int)


@dataclasses.dataclass(frozen=True, eq=False)
class SiteDraws:
    """Posterior draws of every site under a prior of its own, in unbounded coordinates.

    Parameters
    ----------
    sites
        Names, no two alike.
    coordinates
        Names of what the sites share; the first is the one that covariates explain, such as
        ``("wood_residence_time", "allocation_wood")``.
    phi
        Draws (site, draw, coordinate), unbounded: ln of a residence time in years, logit of a
        share.
    log_prior
        Log density (site, draw) of the prior under which each site was fitted, in these
        coordinates. It must be wider than the population.
    effective
        Effective draws of each site (site,): the least bulk ESS over coordinates.

    Raises
    ------
    InputError
        An array is not of numbers, shapes disagree, a number is not finite, there is no site or
        fewer than ten draws, a name is there twice, the first coordinate is no time, or a
        coordinate of a site does not vary.
    """

    sites: tuple[str, ...]
    coordinates: tuple[str, ...]
    phi: Array
    log_prior: Array
    effective: Array

    def __post_init__(self) -> None:
        for name in ("sites", "coordinates"):
            object.__setattr__(self, name, _names(name, getattr(self, name)))
        for name in ("phi", "log_prior", "effective"):
            object.__setattr__(self, name, _numbers(name, getattr(self, name)))
        self._check_shapes()
        for name in ("phi", "log_prior", "effective"):
            self._refuse(name, "must be finite", ~np.isfinite(getattr(self, name)))
        self._refuse("effective", "must be positive", self.effective <= 0.0)
        self._check_first()
        self._refuse("phi", "must vary at every site", np.ptp(self.phi, axis=1) == 0.0)

    def _check_first(self) -> None:
        """Refuse a first coordinate that is known to be no time: its prior is about ln 60 yr."""
        first = TABLE.get(self.coordinates[0])
        if first is not None and first.unit != "yr":
            raise InputError(
                where="draws", variable="coordinates",
                rule="must begin with a residence time, which is what covariates explain",
                found=f"{first.name}, in {first.unit}",
                remedy="put wood_residence_time first",
            )  # fmt: skip

    def _check_shapes(self) -> None:
        for name in ("sites", "coordinates"):
            names = getattr(self, name)
            if len(set(names)) < len(names):
                raise InputError(
                    where="draws", variable=name, rule="must be named once each",
                    found=", ".join(sorted({n for n in names if names.count(n) > 1})),
                )  # fmt: skip
        if self.phi.ndim != 3 or self.phi.shape[1] < 10:
            raise InputError(
                where="draws", variable="phi",
                rule="must be (site, draw, coordinate) with ten draws or more",
                found=f"shape {self.phi.shape}",
            )  # fmt: skip
        sites, draws, _ = self.phi.shape
        if not (sites and self.coordinates):
            raise InputError(
                where="draws", rule="must be of a site or more and a shared coordinate",
                found=f"{sites} sites, {len(self.coordinates)} coordinates",
            )  # fmt: skip
        wanted = {
            "phi": (len(self.sites), draws, len(self.coordinates)),
            "log_prior": (sites, draws),
            "effective": (sites,),
        }
        for name, shape in wanted.items():
            if getattr(self, name).shape != shape:
                raise InputError(
                    where="draws", variable=name, rule=f"must have shape {shape}",
                    found=getattr(self, name).shape,
                )  # fmt: skip

    def _refuse(self, name: str, rule: str, bad: NDArray[np.bool_]) -> None:
        if bad.any():
            places = np.flatnonzero(bad.reshape(len(self.sites), -1).any(axis=1))
            found = ", ".join(self.sites[place] for place in places[:5])
            raise InputError(where="draws", variable=name, rule=rule, found=f"not so at {found}")

    @property
    def count(self) -> int:
        """Draws a site."""
        return int(self.phi.shape[1])

    def at(self, draws: NDArray[np.int_] | slice) -> SiteDraws:
        """Take some of the draws, the same at every site; effective draws fall with them.

        Parameters
        ----------
        draws
            Places among the draws.

        Returns
        -------
        SiteDraws
            A new one.
        """
        phi = self.phi[:, draws]
        # a thinned chain keeps its effective draws until there are no more of them than draws
        effective = np.minimum(self.effective, phi.shape[1])
        return dataclasses.replace(
            self, phi=phi, log_prior=self.log_prior[:, draws], effective=effective
        )

    def thinned(self, most: int) -> SiteDraws:
        """Take at most so many draws a site, evenly spaced.

        Parameters
        ----------
        most
            How many.

        Returns
        -------
        SiteDraws
            A new one, or this.
        """
        if self.count <= most:
            return self
        return self.at(evenly(self.count, most))

    def halves(self) -> tuple[SiteDraws, SiteDraws]:
        """Take the first and the second half of the draws, each with half of the effective ones.

        Returns
        -------
        tuple of SiteDraws
            Both.
        """
        middle = self.count // 2
        first, second = self.at(slice(0, middle)), self.at(slice(middle, 2 * middle))
        return tuple(  # type: ignore[return-value]  # of two
            dataclasses.replace(half, effective=np.minimum(self.effective / 2, middle))
            for half in (first, second)
        )

    def of(self, sites: Sequence[str]) -> SiteDraws:
        """Take some of the sites, in the order given.

        Parameters
        ----------
        sites
            Names.

        Returns
        -------
        SiteDraws
            A new one.

        Raises
        ------
        InputError
            A site is not among them.
        """
        if missing := [site for site in sites if site not in self.sites]:
            raise InputError(
                where="draws", variable="sites", rule="no draws of", found=", ".join(missing)
            )
        rows = [self.sites.index(site) for site in sites]
        return dataclasses.replace(
            self, sites=tuple(sites), phi=self.phi[rows], log_prior=self.log_prior[rows],
            effective=self.effective[rows],
        )  # fmt: skip

    def with_sites(self, other: SiteDraws) -> SiteDraws:
        """Put other draws in the place of those of some sites.

        Parameters
        ----------
        other
            Draws of some of these sites. Where one has more draws, they are thinned.

        Returns
        -------
        SiteDraws
            A new one, of all sites.

        Raises
        ------
        InputError
            Coordinates differ, or a site is not among these.
        """
        self.of(other.sites)
        if other.coordinates != self.coordinates:
            raise InputError(
                where="draws", variable="coordinates", rule="must be those of the other sites",
                found=f"{', '.join(other.coordinates)} beside {', '.join(self.coordinates)}",
            )  # fmt: skip
        count = min(self.count, other.count)
        own, new = self.thinned(count), other.thinned(count)
        rows = [self.sites.index(site) for site in other.sites]
        arrays = {name: getattr(own, name).copy() for name in ("phi", "log_prior", "effective")}
        for name, array in arrays.items():
            array[rows] = getattr(new, name)
        return dataclasses.replace(self, **arrays)

    def summary(self) -> tuple[Array, Array]:
        """Mean and sd (site,) of a Gaussian likelihood of the first coordinate.

        The site's own prior is taken out: precisions and precision-weighted means subtract. A
        quadratic through its log density gives its moments, exactly where it is Gaussian. A site
        that learnt nothing gets an sd of ten times its prior's, about the prior's mean.

        Returns
        -------
        tuple of numpy.ndarray
            Both.
        """
        mean, variance = self.phi[..., 0].mean(axis=1), self.phi[..., 0].var(axis=1)
        prior_mean, prior_variance = np.transpose(
            [_moments(phi, log) for phi, log in zip(self.phi, self.log_prior, strict=True)]
        )
        precision = np.maximum(1.0 / variance - 1.0 / prior_variance, 0.01 / prior_variance)
        # written about the posterior's mean: a precision that is raised moves it towards that
        away = (mean - prior_mean) / prior_variance
        return mean + away / precision, 1.0 / np.sqrt(precision)


def _names(name: str, given: Iterable[str]) -> tuple[str, ...]:
    if isinstance(given, str) or not isinstance(given, Iterable):
        raise InputError(
            where="draws", variable=name, rule="must be a list of names", found=repr(given)
        )
    return tuple(map(str, given))


def _numbers(name: str, given: Any) -> Array:
    try:
        return np.asarray(given, dtype=float)
    except (TypeError, ValueError) as error:  # text, or rows of several lengths
        raise InputError(
            where="draws", variable=name, rule="must be an array of numbers", found=error
        ) from error


def _moments(phi: Array, log_density: Array) -> tuple[float, float]:
    """Mean and variance of the first coordinate under a quadratic through a log density."""
    count = phi.shape[1]
    centre, scale = phi.mean(axis=0), phi.std(axis=0)
    z = (phi - centre) / scale
    pairs = [(i, j) for i in range(count) for j in range(i, count)]
    columns = [np.ones(len(z)), *z.T, *(z[:, i] * z[:, j] for i, j in pairs)]
    fitted = np.linalg.lstsq(np.stack(columns, axis=1), log_density, rcond=None)[0]
    slope, hessian = fitted[1 : 1 + count], np.zeros((count, count))
    for (i, j), value in zip(pairs, fitted[1 + count :], strict=True):
        hessian[i, j] += value
        hessian[j, i] += value
    values, vectors = np.linalg.eigh(-hessian)
    # a flat prior, or the convex tails of a heavy one, say next to nothing here
    covariance = (vectors / np.maximum(values, 1e-4)) @ vectors.T
    mean = covariance @ slope
    return float(centre[0] + scale[0] * mean[0]), float(scale[0] ** 2 * covariance[0, 0])
