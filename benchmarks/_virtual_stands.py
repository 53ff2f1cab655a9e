"""Virtual stands of a planned climate and wood residence time, fitted in blocks that are kept."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from growth_study import COMMON, ERROR, LENGTH

if TYPE_CHECKING:
    import bayes_tbm as bt

FLUXES, CURVE = ("gpp", "nee", "et", "lai"), "growth_curve"
BLOCK = 8
"""Stands of one folder of fits."""
AGES = np.arange(20.0, 101.0, 20.0)
YOUNG, YEARS = (20.0, 60.0), 3
"""Ages between which stands begin their record, and its length [yr]."""
SAMPLING = {"chains": 2, "warmup": 300, "draws": 400, "starts": 4, "extensions": 2}


@dataclasses.dataclass(frozen=True)
class Fits:
    """Draws of stands, what was planned of them, and what each fit took."""

    draws: bt.SiteDraws
    table: pd.DataFrame

    def tell(self) -> None:
        """Print what single stands cost, and how near they are to their truth."""
        table, phi, ess = self.table, self.draws.phi[..., 0], self.draws.effective
        true = np.log(table["residence"].to_numpy())
        rank = (phi < true[:, None]).mean(axis=1)
        inside = [f"{np.mean(np.abs(rank - 0.5) < 0.5 * level):.2f}" for level in (0.5, 0.9)]
        print(
            f"{len(table)} stands, {table['seconds'].median():.1f} s each in the median; "
            f"{(table['state'] == 'done').sum()} pass the gate, R-hat at most "
            f"{table['rhat'].max():.3f}; effective draws of what is shared, median "
            f"{np.median(ess):.0f}, least {ess.min():.0f}\nln residence time of single stands: "
            f"posterior sd {phi.std(axis=1).mean():.2f}, bias {np.mean(phi.mean(1) - true):+.2f}; "
            f"inside 50 %: {inside[0]}, inside 90 %: {inside[1]}\n",
            flush=True,
        )


@dataclasses.dataclass(frozen=True)
class Study:
    """Stands of one truth, observed by some streams."""

    folder: Path
    truth: str
    streams: tuple[str, ...]

    def fit(self, count: int, part: int = 1, parts: int = 1) -> None:
        """Fit the first stands, or every so many blocks of them."""
        for first in range(0, count, BLOCK)[part - 1 :: parts]:
            self._block(first)

    def fits(self, count: int) -> Fits:
        """Fit the first stands, a block after the other, and read their draws."""
        blocks = [self._block(first) for first in range(0, count, BLOCK)]
        draws = [draws for draws, _ in blocks]
        joined = dataclasses.replace(
            draws[0],
            sites=tuple(site for own in draws for site in own.sites),
            **{
                name: np.concatenate([getattr(own, name) for own in draws])
                for name in ("phi", "log_prior", "effective")
            },
        )
        table = pd.concat([table for _, table in blocks])
        names = [name_of(number) for number in range(count)]
        return Fits(joined.of(names), table.loc[names])

    def _block(self, first: int) -> tuple[bt.SiteDraws, pd.DataFrame]:
        import bayes_tbm as bt
        from bayes_tbm.population.runs import site_draws

        folder = self.folder / f"stands-{first:04d}"
        numbers = range(first, first + BLOCK)
        if not (folder / "complete").is_file():
            stands = {name_of(number): self._calibration(number) for number in numbers}
            found = bt.fit_many(
                stands, folder=folder, executor="serial", progress=False, **SAMPLING
            )
            print(folder.name, found.counts, flush=True)
            (folder / "complete").touch()
        draws, table = site_draws(folder, not_converged=True)
        names = [name_of(n) for n in numbers]
        plan = pd.DataFrame([planned(n, self.truth) for n in numbers], index=names)
        return draws, table[["state", "seconds", "rhat"]].join(plan)

    def _calibration(self, number: int) -> bt.Calibration:
        import bayes_tbm as bt
        from bayes_tbm.synthetic.ladder import climate_at
        from bayes_tbm.synthetic.stands import virtual_stand

        plan = planned(number, self.truth)
        stand = virtual_stand(
            climate_at(plan["coldest"]), seed=number, years=YEARS, residence=plan["residence"],
            ages=YOUNG,
        )  # fmt: skip
        streams = [curve_of(stand, number) if s == CURVE else s for s in self.streams]
        return bt.Calibration(stand.site, streams)


def name_of(number: int) -> str:
    """Name of a stand."""
    return f"stand {number:04d}"


def planned(number: int, truth: str) -> dict[str, float]:
    """Coldest month [degC] and wood residence time [yr] of a stand."""
    from bayes_tbm.synthetic import stands
    from bayes_tbm.synthetic.ladder import CLIMATES

    ends = [climate.coldest_month for climate in CLIMATES.values()]
    # the golden section: any stands in a row lie evenly along the ladder
    coldest = min(ends) + (0.5 + 0.6180339887 * number) % 1.0 * np.ptp(ends)
    scatter = stands.RESIDENCE_LOG_SD * np.random.default_rng([number, 11]).standard_normal()
    log = mean_of(coldest, truth) + scatter
    return {"coldest": float(coldest), "residence": float(np.exp(log))}


def mean_of(coldest: Any, truth: str) -> Any:
    """Mean of ln residence time [ln yr] of stands under such coldest months [degC]."""
    from bayes_tbm.synthetic import stands

    mild = 1.0 / (1.0 + np.exp(-(coldest - stands.THRESHOLD) / stands.STEEPNESS))
    share = mild if truth == "step" else 0.5
    return np.log(stands.COLD_RESIDENCE) - np.log1p(stands.MILD_FACTOR) * share


def curve_of(stand: Any, number: int) -> bt.GrowthCurve:
    """Growth curve as it is assimilated."""
    import bayes_tbm as bt

    gap = np.abs(np.subtract.outer(AGES, AGES))
    factor = np.linalg.cholesky(COMMON + (1.0 - COMMON) * np.exp(-gap / LENGTH))
    error = factor @ np.random.default_rng([number, 7]).standard_normal(len(AGES))
    seen = stand.biomass_at(AGES) * np.exp(ERROR * error)
    errors = bt.AlongAge(length=bt.Fixed(LENGTH), common=bt.Fixed(COMMON), structural=bt.Fixed(0.0))
    return bt.GrowthCurve(AGES, seen, seen * np.sqrt(np.expm1(ERROR**2)), errors=errors)
