"""How to sample, checked before anything runs."""

from __future__ import annotations

import dataclasses

from bayes_tbm.errors import InputError

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
        ``numpyro``: NUTS with a pooled metric, the only one whose runs can be resumed.
        ``blackjax-window``, ``blackjax-low-rank``: BlackJAX's NUTS with its own adaptations.
        ``blackjax-chees``: ChEES-HMC, for 32 chains or more side by side.
        ``blackjax-flow``: HMC of 32 chains or more through a normalizing flow that warm-up (1000
        transitions or more) fits, for posteriors whose curvature changes from place to place. It
        keeps its own target acceptance.
    extensions
        How often half as many draws may be added to a run that is close to convergence without
        being there: R-hat below 1.05, an ESS that grows to 400 if all of them are added, and
        nothing else amiss. Where trajectories diverged, draws begin anew with steps 0.6 times as
        long, twice at most. 0 for neither.
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
            value = getattr(self, name)
            if not isinstance(value, int) or not least <= value < 2**32:
                raise InputError(
                    where="sampling", variable=name, found=value,
                    rule=f"must be a whole number, at least {least}",
                )  # fmt: skip
        if self.sampler not in SAMPLERS:
            raise InputError(
                where="sampling", variable="sampler", found=self.sampler,
                rule=f"must be one of {', '.join(SAMPLERS)}",
            )  # fmt: skip
        if not 0.0 < self.target_accept < 1.0:
            raise InputError(
                where="sampling", variable="target_accept", rule="must lie between 0 and 1",
                found=self.target_accept,
            )  # fmt: skip
