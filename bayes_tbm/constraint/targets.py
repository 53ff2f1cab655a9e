"""Which quantities to measure, one by one and jointly, and their draws on the latent scale."""

from __future__ import annotations

import dataclasses
import warnings
from collections.abc import Callable, Iterable, Sequence

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from bayes_tbm.constraint.information import INFORMATION, information
from bayes_tbm.constraint.jackknife import BLOCKS, Estimate, jackknife
from bayes_tbm.constraint.scales import StatedPriors
from bayes_tbm.errors import DataWarning, InputError

Array = NDArray[np.float64]
Statistic = Callable[..., Array]
Target = tuple[str, ...]
"""One quantity, or several that are measured jointly."""

_STRAIGHT, _BY_CHANCE = 0.1, 15.0
"""Bits that a prior may gain against itself; entropies of n draws are off by less than 15 / n."""
_PAIRS: tuple[Target, ...] = (("allocation_wood", "wood_residence_time"),)


def label(target: Target) -> str:
    """Name of a target in coordinates and tables."""
    return " & ".join(target)


def require_groups(tree: xr.DataTree, names: Iterable[str]) -> None:
    """Refuse a result that lacks a group.

    Raises
    ------
    InputError
        It does.
    """
    if missing := [name for name in names if name not in tree.children]:
        raise InputError(
            where="result", rule=f"must have the groups {', '.join(names)}",
            found=f"no {', '.join(missing)}",
            remedy="give what bayes_tbm.Calibration.sample returns",
        )  # fmt: skip


def choose(
    posteriors: Sequence[xr.Dataset],
    prior: xr.Dataset,
    parameters: Sequence[str] | None,
    pairs: Sequence[Target] | None,
) -> tuple[list[Target], list[Target]]:
    """Targets of one quantity and of several, asked for or by default.

    Parameters
    ----------
    posteriors, prior
        Groups that must all hold every quantity.
    parameters
        Names; None for every quantity that the prior leaves free.
    pairs
        Names of sets; None for wood allocation with wood residence time, where both are free.

    Raises
    ------
    InputError
        A name that is not a scalar quantity of every group, or does not vary in the prior; a pair
        that is one name; nothing to measure.
    """
    free = _free(posteriors, prior)
    parameters = [parameters] if isinstance(parameters, str) else parameters
    single: list[Target] = [(name,) for name in (free if parameters is None else parameters)]
    given: Sequence[object] = pairs or ()
    if isinstance(given, str) or any(isinstance(pair, str) for pair in given):
        raise InputError(
            where="constraint", variable="pairs", rule="must be a list of pairs of names",
            found=repr(pairs), remedy='write it as in [("allocation_wood", "mature_biomass")]',
        )  # fmt: skip
    if pairs is None:
        joint = [pair for pair in _PAIRS if set(pair) <= set(free)]
    else:
        joint = [tuple(pair) for pair in pairs]
    if unknown := sorted({name for target in (*single, *joint) for name in target} - set(free)):
        raise InputError(
            where="constraint", variable=", ".join(unknown),
            rule="must be free scalar quantities of prior and posterior",
            remedy=f"choose among {', '.join(free)}",
        )  # fmt: skip
    if not single and not joint:
        raise InputError(where="constraint", rule="needs a quantity or a pair to measure")
    return single, joint


def _free(posteriors: Sequence[xr.Dataset], prior: xr.Dataset) -> list[str]:
    names = [str(n) for n, x in posteriors[0].data_vars.items() if set(x.dims) == {"chain", "draw"}]
    shared = [name for name in names if all(name in data for data in (*posteriors, prior))]
    return [n for n in shared if prior[n].std() > 1e-9 * abs(prior[n]).max()]


@dataclasses.dataclass(frozen=True, eq=False)
class LatentDraws:
    """Draws of posteriors and of their common prior on the latent scale.

    Attributes
    ----------
    stated
        The prior as stated.
    draws
        By quantity: every posterior's draws, then the prior's, chain after chain, (draw,).
    """

    stated: StatedPriors
    draws: dict[str, list[Array]]

    @classmethod
    def of(
        cls,
        targets: Iterable[Target],
        posteriors: Sequence[xr.Dataset],
        prior: xr.Dataset,
        stated: StatedPriors,
    ) -> LatentDraws:
        """Map all that targets name to the latent scale."""
        names = {name: None for target in targets for name in target}
        groups = (*posteriors, prior)
        draws = {
            name: stated.latent(name, [_flat(data[name]) for data in groups]) for name in names
        }
        return cls(stated, draws)

    def samples(self, targets: Sequence[Target], posterior: int = 0) -> tuple[Array, ...]:
        """Draws of targets of one size, (target, quantity, draw): posterior, and prior if needed.

        The prior's draws are left out where it is exactly standard normal, which must hold for
        all of the targets or for none.
        """
        places = [posterior] if self.stated.exact(targets[0]) else [posterior, -1]
        return tuple(
            np.stack([[self.draws[name][place] for name in target] for target in targets])
            for place in places
        )

    def warn_of_prior(self) -> None:
        """Warn of quantities whose prior no smooth curve makes normal, such as one of two peaks.

        Warns
        -----
        DataWarning
            The prior's draws, against themselves, gain more than few draws would by chance.
        """
        names = [name for name in self.draws if not self.stated.exact([name])]
        if not names:
            return
        (prior,) = {len(self.draws[name][-1]) for name in names}
        own = np.array([[self.draws[name][-1]] for name in names])
        gained = information(own, own)[:, list(INFORMATION).index("entropy_reduction")]
        bent = np.flatnonzero(gained > _STRAIGHT + _BY_CHANCE / prior)
        if len(bent):
            told = ", ".join(f"{names[place]} {gained[place]:.1f}" for place in bent)
            warnings.warn(
                "bits and entropy reduction are too large by about what the prior gains against "
                f"itself: {told}; its draws are no smooth curve of normal ones (two peaks, as "
                "where stands without constraints may die)",
                DataWarning, stacklevel=3,
            )  # fmt: skip

    def estimate(
        self, statistic: Statistic, measures: int, targets: Sequence[Target], posterior: int = 0
    ) -> Estimate:
        """Measure targets with Monte Carlo errors.

        Parameters
        ----------
        statistic, measures
            `bayes_tbm.constraint.information.marginal` or ``information``, and how many measures
            it returns.
        targets
            What to measure.
        posterior
            Place of the posterior.

        Returns
        -------
        Estimate
            Value (target, measure); departures by block of the posterior and of the prior, the
            latter zero where it is exactly known.
        """
        alike: dict[tuple[bool, int], list[int]] = {}
        for place, target in enumerate(targets):
            alike.setdefault((self.stated.exact(target), len(target)), []).append(place)
        value = np.empty((len(targets), measures))
        departures = np.zeros((2, BLOCKS, *value.shape))
        for (_, size), places in alike.items():
            samples = self.samples([targets[place] for place in places], posterior)
            # the small bias of nearest neighbours is less than the noise of correcting it
            part = jackknife(statistic, *samples, correct_bias=size == 1)
            value[places] = part.value
            for source, own in zip(departures, part.departures, strict=False):
                source[:, places] = own
        return Estimate(value, tuple(departures))


def _flat(x: xr.DataArray) -> Array:
    return np.asarray(x.transpose("chain", "draw").values, dtype=float).ravel()
