"""Points padded to a common number, so that likelihoods of many sites are of one form.

What is compiled for 18 months of a flux then serves a site with 50. Places without a point come
last, far away in time and each in a year of its own, where no point sees them; sums leave them out.
"""

from __future__ import annotations

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np

from bayes_tbm.streams.errors.base import ErrorData

_LENGTHS = 1, 8, 512, 32_768  # few, so that forms are: what is short costs a sweep next to nothing
_FAR = 1e6  # days from one such place to the next: no memory lasts as long


def length(count: int, most: int) -> int:
    """Return the common length for a number of points.

    Parameters
    ----------
    count
        Points that there are.
    most
        Points that the record has room for.

    Examples
    --------
    >>> [length(count, 192) for count in (1, 5, 18, 79)], length(12, 4018)
    ([1, 8, 192, 192], 512)
    """
    enough = next((longer for longer in _LENGTHS if longer >= count), most)
    return max(count, min(enough, most))


def padded(data: ErrorData, points: int, years: int) -> ErrorData:
    """Return the same points with places behind them.

    Parameters
    ----------
    data
        Points of a record, as NumPy's arrays.
    points
        Places in all.
    years
        Years that the record spans.
    """
    count = len(data.value)
    more = np.arange(1, points - count + 1)
    ones = np.ones(len(more))
    return dataclasses.replace(
        data,
        value=np.concatenate([data.value, ones]),
        measurement_sd=np.concatenate([data.measurement_sd, ones]),
        day=np.concatenate([data.day, data.day[-1] + _FAR * more]),
        year=np.concatenate([data.year, data.year[-1] + more]),
        observed=None if data.observed is None else np.concatenate([data.observed, ones]),
        present=np.concatenate([np.ones(count), 0.0 * ones]),
        years=max(years, len(np.unique(data.year))),
    )


def count(data: ErrorData) -> jax.Array | int:
    """Return the number of points, places without one left out."""
    return len(data.value) if data.present is None else jnp.sum(data.present)


def only_points(terms: jax.Array, data: ErrorData) -> jax.Array:
    """Return terms of all places, (place, ...), with zeros where there is no point."""
    if data.present is None:
        return terms
    present = jnp.asarray(data.present).reshape(-1, *(1,) * (terms.ndim - 1))
    return terms * present
