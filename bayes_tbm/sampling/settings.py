"""How to sample, checked before anything runs."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

from bayes_tbm.errors import InputError, did_you_mean
from bayes_tbm.plain import as_number, whole_at_least

SAMPLERS = ("numpyro", "blackjax-window", "blackjax-low-rank", "blackjax-chees", "blackjax-flow")


@dataclasses.dataclass(frozen=True)
class Settings:
    """How to sample.

    Attributes
    ----------
    chains, warmup, draws
        Number of chains; transitions of each that adapt; and that count.
    seed
        Of everything random.
    target_accept
        Mean acceptance that the step size is tuned to.
    max_tree_depth
        Doublings of a trajectory at most.
    starts
        Optimiser starts.
    sampler
        ``numpyro``: NUTS with a pooled metric, in steps that shorten themselves where the posterior
        is steep; the only one whose runs can be resumed.
        ``blackjax-window``, ``blackjax-low-rank``: BlackJAX's NUTS with its own adaptations.
        ``blackjax-chees``: ChEES-HMC, for 32 chains or more side by side.
        ``blackjax-flow``: HMC of 32 chains or more through a normalizing flow that warm-up (1000
        transitions or more) fits, for posteriors whose curvature changes from place to place. It
        keeps its own target acceptance and lengths of trajectories, whatever ``target_accept`` and
        ``max_tree_depth`` say; its warm-up goes by 50 transitions, rounded down.
    extensions
        How often half as many draws may be added to a run that is close to convergence without
        being there: R-hat below 1.05, an ESS that grows to 400 if all of them are added, and
        nothing else amiss. Where trajectories diverged, draws begin anew with steps 0.6 times as
        long, twice at most. Where chains led to a mode that no optimiser's start had found, they
        begin anew with it, once. 0 for none of these.
    """

    chains: int = 4
    warmup: int = 300
    draws: int = 700
    seed: int = 0
    target_accept: float = 0.95
    max_tree_depth: int = 9
    starts: int = 12
    sampler: str = SAMPLERS[0]
    extensions: int = 4

    def __post_init__(self) -> None:
        smallest = {
            "seed": 0,
            "chains": 1,
            "warmup": 20,
            "draws": 4,
            "max_tree_depth": 1,
            "starts": 1,
            "extensions": 0,
        }
        for name, least in smallest.items():
            given = getattr(self, name)
            number = whole_at_least(least, name, given, where="sampling", below=2**32)
            object.__setattr__(self, name, number)
        if self.sampler not in SAMPLERS:
            raise InputError(
                where="sampling", variable="sampler", found=self.sampler,
                rule=f"must be one of {', '.join(SAMPLERS)}",
            )  # fmt: skip
        acceptance = as_number(self.target_accept)
        if acceptance is None or not 0.0 < acceptance < 1.0:
            raise InputError(
                where="sampling", variable="target_accept",
                rule="must be a number between 0 and 1", found=repr(self.target_accept),
            )  # fmt: skip
        object.__setattr__(self, "target_accept", acceptance)


def settings_with(settings: Settings | None, changes: Mapping[str, Any]) -> Settings:
    """Return settings, by default the package's, with some fields changed.

    Raises
    ------
    InputError
        What is given is no `Settings`, a change has no such name, or a value will not do.

    Examples
    --------
    >>> settings_with(None, {"draws": 500}).draws
    500
    """
    if settings is not None and not isinstance(settings, Settings):
        raise InputError(
            where="sampling", rule="settings must be bayes_tbm.Settings", found=repr(settings),
            remedy="give single settings by name, as in draws=500",
        )  # fmt: skip
    known = [field.name for field in dataclasses.fields(Settings)]
    for name in changes:
        if name not in known:
            raise InputError(
                where="sampling", variable=name, rule="is no setting",
                remedy=did_you_mean(name, known),
            )  # fmt: skip
    return dataclasses.replace(settings or Settings(), **changes)
