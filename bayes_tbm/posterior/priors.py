"""The prior of a calibration: one family for every sampled parameter, defaults from the table."""

from __future__ import annotations

import warnings
from collections.abc import Collection, Mapping

from bayes_tbm.errors import DataWarning, InputError, did_you_mean
from bayes_tbm.parameters import TABLE, AbstractPrior, Fixed, PriorLike, as_prior
from bayes_tbm.posterior.season import seasonal_priors
from bayes_tbm.streams import ErrorParameter

_NO_EFFECT = {
    "fire": "nothing burns in the record",
    "regrowth": "no stand regrows (stand age, growth curve, stock at an age, or regrowth=True)",
    "departure": "no age of the stand is given",
}
"""Why parameters of a group change nothing."""


def resolve_priors(
    changes: Mapping[str, PriorLike] | None,
    errors: Mapping[str, AbstractPrior],
    *,
    ranges: Mapping[str, ErrorParameter] | None = None,
    unused: Collection[str] = (),
    latitude: float | None = None,
    where: str = "priors",
) -> dict[str, AbstractPrior]:
    """Prior of every parameter: the table's, the error models', and what the user changed.

    Parameters
    ----------
    changes
        By parameter name: a prior, its plain data, or a number to hold the parameter fixed.
    errors
        Priors of error parameters by full name.
    ranges
        What is known of error parameters by full name: where their values must lie.
    unused
        Parameters that nothing depends on in this calibration: held at their medians.
    latitude
        Of the site, degrees north: defaults of days of the year follow it, see `seasonal_priors`.
        They are the north's if it is not given.
    where
        What the changes were read from; only used in messages.

    Returns
    -------
    dict
        In the order of the table, error parameters last.

    Raises
    ------
    InputError
        A changed name is neither a parameter of the model nor of an error model, its prior is no
        distribution or reaches values that have no meaning, or it is of a pool that follows from
        the stand's age.

    Warns
    -----
    DataWarning
        A distribution is given for a parameter that nothing depends on.
    """
    priors = {name: row.prior for name, row in TABLE.items()} | dict(errors)
    priors |= {} if latitude is None else seasonal_priors(latitude)
    priors |= {name: Fixed(TABLE[name].prior.center) for name in unused}
    for name, change in (changes or {}).items():
        if name not in priors:
            raise InputError(
                where=where,
                variable=name,
                rule="must be a parameter of the model or of an error model in use",
                found=name,
                remedy=did_you_mean(name, priors),
            )
        priors[name] = as_prior(name, change, where)
        _check_bounds(name, priors[name], where)
        if ranges and name in ranges:
            ranges[name].check(priors[name], where, name)
        if name in unused:
            _check_unused(name, priors[name], where)
    return priors


def _check_unused(name: str, prior: AbstractPrior, where: str) -> None:
    """Refuse to change a pool that the regrowth at the stand's age decides; tell of no effect."""
    if (why := _NO_EFFECT.get(TABLE[name].group)) is not None:
        if not isinstance(prior, Fixed):
            told = f"has no effect, and is sampled from its prior: {why}"
            warnings.warn(f"{where}: {name} {told}", DataWarning, stacklevel=5)
        return
    if prior != Fixed(TABLE[name].prior.center):
        pool = name.removeprefix("initial_").replace("lai", "foliage")
        raise InputError(
            where=where,
            variable=name,
            rule="must be left out where the pool follows from the regrowth at the stand's age",
            remedy=f"change {pool}_departure instead, or leave the stand's age out",
        )


def _check_bounds(name: str, prior: AbstractPrior, where: str) -> None:
    """Refuse a model parameter's prior that reaches where the equations do not hold."""
    row = TABLE.get(name)
    if row is None:
        return
    low, high = sorted(float(prior.from_normal(z)) for z in (-3.0, 3.0))
    if not row.lower <= low <= high <= row.upper:
        raise InputError(
            where=where,
            variable=name,
            rule=f"99.7 % of the prior must lie within {row.lower:g} to {row.upper:g} {row.unit}",
            found=f"{low:g} to {high:g}",
            remedy=f"check the unit ({row.unit}) and the meaning: {row.meaning}",
        )
