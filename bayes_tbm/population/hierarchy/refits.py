"""Weak sites fitted again under what the others predict, and the population once more."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import pandas as pd

from bayes_tbm.errors import InputError
from bayes_tbm.plain import finite_number, whole_at_least
from bayes_tbm.population.draws import SiteDraws
from bayes_tbm.population.hierarchy.diagnostics import LEAST_EFFECTIVE
from bayes_tbm.population.hierarchy.fit import PopulationFit, fit_population
from bayes_tbm.population.hierarchy.pooled import RefitPrior, needs_refit, refit_prior
from bayes_tbm.population.settings import check_settings
from bayes_tbm.results.groups import group

type Refit = Callable[[int, Mapping[str, RefitPrior]], SiteDraws | None]
ROUNDS = 2
"""Rounds that are enough: what is weak after them has another reason."""
_SHARE, _FEW = 0.1, 2  # of sites, or so many, beyond which it is not single sites that fail


@dataclasses.dataclass(frozen=True, eq=False)
class Refits:
    """What fitting weak sites again has brought.

    Attributes
    ----------
    draws
        Of all sites, the new ones among them.
    fit
        The population of these draws.
    table
        By round and site: whether it could be fitted again; effective draws after weighting and
        Pareto k, before and after.
    bits
        Information about the population lost by sums over draws, at first and after each round.
    weak
        Sites that have too few draws still.
    """

    draws: SiteDraws
    fit: PopulationFit
    table: pd.DataFrame
    bits: tuple[float, ...]
    weak: tuple[str, ...]

    @property
    def stopped(self) -> bool:
        """Whether more than a tenth of the sites (and more than two) are weak: none is refitted."""
        return _too_many(self.weak, self.draws)

    def summary(self) -> str:
        """Say in a few lines what was fitted again, and what came of it.

        Returns
        -------
        str
            Lines; none where nothing was to be done.
        """
        lines = []
        if len(self.table):
            rounds = int(self.table.index.get_level_values("round").max())
            lines.append(
                f"{rounds} round{'s' * (rounds > 1)} of refits: sums over draws lost "
                f"{self.bits[0]:.2f} bits before, {self.bits[-1]:.2f} after"
            )
        for (number, site), row in self.table.iterrows():
            before, after = row["effective_before"], row["effective_after"]
            told = f"{before:.0f} effective draws, then {after:.0f}"
            if not row["refitted"]:
                told = f"could not be fitted again, and keeps its {before:.0f} effective draws"
            lines.append(f"  {site} (round {number}): {told}")
        if self.weak and not self.stopped:
            lines.append(f"too few draws still at {', '.join(self.weak)}")
        if self.stopped:
            lines.append(
                f"refits stopped: {len(self.weak)} of {len(self.draws.sites)} sites have too few "
                "draws, more than a tenth; fit all sites with more draws, or under wider priors"
            )
        return "\n".join(lines)


def refit_weak_sites(
    draws: SiteDraws,
    covariates: pd.DataFrame,
    refit: Refit,
    mean: str = "step",
    *,
    rounds: int = ROUNDS,
    least: float = LEAST_EFFECTIVE,
    **settings: Any,
) -> Refits:
    """Fit a population; sites whose draws are too few for it again; and the population again.

    Draws of a site are too few where its likelihood lies far out in its own prior, or the
    population does. A refit under what the other sites predict for it, a wide Student t, has draws
    where they count; the weights are taken over that prior, so that the target stays what it was.

    Parameters
    ----------
    draws, covariates, mean, **settings
        As `fit_population` takes them.
    refit
        Called with the number of the round and, by site, the prior to fit it under; returns the
        draws of those sites that it could fit, with the density of *that* prior; None for none.
    rounds
        At most.
    least
        Effective draws after weighting that a site needs.

    Returns
    -------
    Refits
        The last population, and what happened.

    Raises
    ------
    InputError
        As `fit_population`, there are no rounds, or nothing that fits a site again.
    """
    whole_at_least(1, "rounds", rounds, where="refits")
    _check(refit, least, settings)
    fit = fit_population(draws, covariates, mean, **settings)
    bits, rows = [_bits(fit)], []
    for number in range(1, rounds + 1):
        weak = needs_refit(fit, least)
        if not weak or _too_many(weak, draws):
            break
        found = refit(number, {site: refit_prior(fit, site) for site in weak})
        before = fit
        if found is not None:
            draws = draws.with_sites(found)
            fit = fit_population(draws, covariates, mean, **settings)
        new = found.sites if found is not None else ()
        rows.append(_rows(before, fit, weak, new).assign(round=number))
        bits.append(_bits(fit))
        if not new:
            break
    table = pd.concat(rows).set_index("round", append=True).swaplevel() if rows else pd.DataFrame()
    return Refits(draws, fit, table, tuple(bits), tuple(needs_refit(fit, least)))


def _check(refit: Refit, least: float, settings: Mapping[str, Any]) -> None:
    """Refuse what would fail after the first population is fitted."""
    if not callable(refit):
        raise InputError(
            where="refits", variable="refit", rule="must be a function of round and priors",
            found=repr(refit),
        )  # fmt: skip
    if finite_number(least) is None or least < 0.0:
        raise InputError(
            where="refits", variable="least", rule="must be a number of effective draws",
            found=repr(least),
        )  # fmt: skip
    own = {name: value for name, value in settings.items() if name != "seed"}
    check_settings(own, "refits", ("rounds", "least", "seed"))


def _too_many(weak: tuple[str, ...] | list[str], draws: SiteDraws) -> bool:
    return len(weak) > max(_SHARE * len(draws.sites), _FEW)


def _bits(fit: PopulationFit) -> float:
    return float(group(fit.tree, "diagnostics")["error_bits"])


def _rows(
    before: PopulationFit, after: PopulationFit, weak: list[str], new: tuple[str, ...]
) -> pd.DataFrame:
    table = pd.DataFrame(index=pd.Index(weak, name="site"))
    table["refitted"] = np.isin(weak, new)
    for label, fit in (("before", before), ("after", after)):
        found = group(fit.tree, "diagnostics").sel(site=weak)
        for name in ("effective", "pareto_k"):
            table[f"{name}_{label}"] = found[name].values
    return table
