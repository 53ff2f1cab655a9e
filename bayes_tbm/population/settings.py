"""What the settings of a population may be: a rule each, held to before anything is sampled."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from bayes_tbm.errors import InputError, did_you_mean
from bayes_tbm.plain import finite_number, whole_at_least

type Rule = Callable[[str, Any, str], Any]
"""Takes the name of a setting, what was given and where; returns the value, or refuses it."""
LEAST_DRAWS = 25
"""Draws whose largest fifth a Pareto distribution can be fitted to."""
_SEEDS = 2**32


def whole(least: int, below: float = float("inf")) -> Rule:
    """Rule of a whole number, at least so large."""

    def rule(name: str, value: Any, where: str) -> int:
        return whole_at_least(least, name, value, where=where, below=below)

    return rule


def truth(name: str, value: Any, where: str) -> bool:
    """Return a truth value, which text is not.

    Raises
    ------
    InputError
        It is none.
    """
    if not isinstance(value, bool):
        raise InputError(
            where=where, variable=name, rule="must be true or false", found=repr(value)
        )
    return value


def spread(name: str, value: Any, where: str) -> float:
    """Return a standard deviation, which may be zero.

    Raises
    ------
    InputError
        It is no finite number, or negative.
    """
    number = finite_number(value)
    if number is None or number < 0.0:
        raise InputError(
            where=where, variable=name, rule="must be a number that is not negative",
            found=repr(value),
        )  # fmt: skip
    return number


def name_list(name: str, value: Any, where: str) -> tuple[str, ...]:
    """Return a list of names, each there once.

    Raises
    ------
    InputError
        It is none, such as a single name, or one is there twice.
    """
    given = [value] if isinstance(value, str) or not isinstance(value, Iterable) else list(value)
    if isinstance(value, str) or not all(isinstance(one, str) for one in given):
        raise InputError(
            where=where, variable=name, rule='must be a list of names, as in ["one", "two"]',
            found=repr(value),
        )  # fmt: skip
    if twice := sorted({one for one in given if given.count(one) > 1}):
        raise InputError(
            where=where, variable=name, rule="must be named once each", found=", ".join(twice)
        )
    return tuple(map(str, given))


SETTINGS: dict[str, Rule] = {
    "drivers": name_list, "heavy_tails": truth, "cells": truth, "covariate_sd": spread,
    "offset_sd": spread, "chains": whole(1), "warmup": whole(10), "keep": whole(LEAST_DRAWS),
    "split": truth,
}  # fmt: skip
"""Of `bayes_tbm.fit_population`, by name."""
seed_of: Rule = whole(0, _SEEDS)


def check_settings(
    given: Mapping[str, Any], where: str = "population", beside: Sequence[str] = ()
) -> dict[str, Any]:
    """Return settings of `bayes_tbm.fit_population`, each as its rule wants it.

    Parameters
    ----------
    given
        By name.
    where
        For messages.
    beside
        What may have been meant where a name is none of these.

    Raises
    ------
    InputError
        There is no such setting, or a value will not do.
    """
    if not isinstance(given, Mapping):
        raise InputError(
            where=where, variable="settings", rule="must be settings by name", found=repr(given)
        )
    for name in given:
        if name not in SETTINGS:
            raise InputError(
                where=where, variable=str(name), rule="is no setting of a population",
                remedy=did_you_mean(str(name), (*SETTINGS, *beside)),
            )  # fmt: skip
    return {name: SETTINGS[name](name, value, where) for name, value in given.items()}
