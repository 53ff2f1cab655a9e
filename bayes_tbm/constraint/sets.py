"""What each stream adds, alone and beside others, from fits to several sets of streams."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import xarray as xr

from bayes_tbm.constraint.information import INFORMATION, information
from bayes_tbm.constraint.jackknife import BLOCKS
from bayes_tbm.constraint.scales import StatedPriors
from bayes_tbm.constraint.shares import SetGains, StreamSet, name_of, stream_set
from bayes_tbm.constraint.targets import LatentDraws, Target, choose, label, require_groups
from bayes_tbm.errors import InputError
from bayes_tbm.results.groups import group
from bayes_tbm.runtime.precision import use_double_precision

_PRIOR: StreamSet = frozenset()


def set_gains(
    posteriors: Mapping[Any, xr.DataTree],
    *,
    parameters: Sequence[str] | None = None,
    pairs: Sequence[Target] | None = None,
    measure: str = "entropy_reduction",
) -> SetGains:
    """Measure the information gained from sets of streams.

    Parameters
    ----------
    posteriors
        Results by set of stream names, such as ``{(): prior, ("gpp",): a, ("gpp", "wood"): b}``,
        all with the same priors. The empty set is the prior, `bayes_tbm.Calibration.prior`. A name
        may stand for several streams that always go together.
    parameters, pairs
        As in `bayes_tbm.constraint.constraint`; by default what is free in all results.
    measure
        ``"entropy_reduction"``, which counts narrowing only: in a linear-Gaussian model a stream
        told twice never doubles its gain. Or ``"bits"``, the information gain: it counts
        displacement too, which a stream told twice may more than double. Or the Gaussian
        approximation of either, ``"entropy_reduction_gaussian"`` or ``"bits_gaussian"``.

    Returns
    -------
    SetGains
        Bits of every set with Monte Carlo errors; its methods say what a stream adds alone, beside
        others, and as an order-free share.

    Raises
    ------
    InputError
        No prior among the results, different priors, an unknown measure or quantity.

    Warns
    -----
    DataWarning
        The prior of a quantity is of a shape that makes its bits too large.
    """
    if measure not in INFORMATION:
        raise InputError(
            where="set_gains", variable="measure", rule=f"must be one of {', '.join(INFORMATION)}",
            found=measure,
        )  # fmt: skip
    return all_gains(posteriors, parameters=parameters, pairs=pairs)[measure]


def all_gains(
    posteriors: Mapping[Any, xr.DataTree],
    *,
    parameters: Sequence[str] | None = None,
    pairs: Sequence[Target] | None = None,
) -> dict[str, SetGains]:
    """Measure what `set_gains` does by every measure, by its name, at the cost of one."""
    use_double_precision()
    trees = {stream_set(key): tree for key, tree in posteriors.items()}
    _check(trees)
    fits = [streams for streams in trees if streams]
    groups = [group(trees[streams], "posterior") for streams in fits]
    prior = group(trees[_PRIOR], "posterior")
    targets = [*itertools.chain(*choose(groups, prior, parameters, pairs))]
    stated = _common_prior(trees, {name for target in targets for name in target})
    draws = LatentDraws.of(targets, groups, prior, stated)
    draws.warn_of_prior()
    shape = (len(targets), len(INFORMATION))
    value, departures = {_PRIOR: np.zeros(shape)}, {_PRIOR: np.zeros((2, BLOCKS, *shape))}
    for place, streams in enumerate(fits):
        estimate = draws.estimate(information, len(INFORMATION), targets, place)
        value[streams], departures[streams] = estimate.value, np.stack(estimate.departures)
    names = tuple(map(label, targets))
    return {
        measure: SetGains(
            measure, names, {s: x[:, column] for s, x in value.items()},
            {s: x[..., column] for s, x in departures.items()},
        )
        for column, measure in enumerate(INFORMATION)
    }  # fmt: skip


def _check(trees: Mapping[StreamSet, xr.DataTree]) -> None:
    if _PRIOR not in trees or len(trees) < 2:
        raise InputError(
            where="posteriors", rule="must hold the prior, as the empty set, and a fit",
            found=f"only {', '.join(map(name_of, trees)) or 'nothing'}",
            remedy="add {(): calibration.prior(4000)} to the fits",
        )  # fmt: skip
    for tree in trees.values():
        require_groups(tree, ["posterior"])


def _common_prior(trees: Mapping[StreamSet, xr.DataTree], names: set[str]) -> StatedPriors:
    """Return the prior of quantities, which all results must share."""
    stated = {streams: StatedPriors.of(tree).restricted(names) for streams, tree in trees.items()}
    if unlike := [name_of(streams) for streams, own in stated.items() if own != stated[_PRIOR]]:
        raise InputError(
            where="posteriors", rule="must all have the same priors and constraints",
            found=f"others in {', '.join(unlike)} than in the empty set",
            remedy="sample every set from the same priors",
        )  # fmt: skip
    return stated[_PRIOR]
