"""Shapley values: what each of several groups adds, averaged over the orders of adding."""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


def subsets(names: Sequence[str]) -> list[frozenset[str]]:
    """All sets of these names, the empty one first.

    Examples
    --------
    >>> [sorted(subset) for subset in subsets(["a", "b"])]
    [[], ['a'], ['b'], ['a', 'b']]
    """
    sizes = range(len(names) + 1)
    return [frozenset(s) for size in sizes for s in itertools.combinations(names, size)]


def shapley(worth: Mapping[frozenset[str], Array], names: Sequence[str]) -> Array:
    """Shapley's value of every name (unit, name) from what every set of them is worth (unit,).

    Parameters
    ----------
    worth
        Of every one of `subsets`.
    names
        In the order wanted.

    Examples
    --------
    >>> worth = {frozenset(s): np.array([float(len(s) > 0)]) for s in ("", "a", "b", "ab")}
    >>> shapley(worth, ["a", "b"])
    array([[0.5, 0.5]])
    """
    count = len(names)
    values = np.zeros((len(worth[frozenset()]), count))
    for place, name in enumerate(names):
        for subset in (s for s in worth if name not in s):
            weight = 1.0 / (count * math.comb(count - 1, len(subset)))
            values[:, place] += weight * (worth[subset | {name}] - worth[subset])
    return values
