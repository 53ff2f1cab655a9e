"""What a population study found: a summary, tables, figures, a page."""

from __future__ import annotations

import dataclasses
import functools
import html
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from numpy.typing import NDArray

from bayes_tbm.plots.population import (
    plot_by_climate,
    plot_caterpillar,
    plot_driver_shares,
    plot_threshold,
)
from bayes_tbm.plots.save import save_png
from bayes_tbm.population.attribution import Attribution
from bayes_tbm.population.draws import SiteDraws
from bayes_tbm.population.folder import POPULATION, REPORT, VERDICT, remove_stale
from bayes_tbm.population.hierarchy import PopulationFit, Refits, needs_refit, pooled
from bayes_tbm.population.hierarchy.covariates import labels
from bayes_tbm.population.hierarchy.diagnostics import doubts
from bayes_tbm.report.folder import save_tree
from bayes_tbm.report.page import html_head, html_image, html_section, html_table
from bayes_tbm.results.groups import group
from bayes_tbm.runtime.files import write_whole

Array = NDArray[np.float64]
_OF_CHAINS = ("rhat", "ess", "divergences")


@dataclasses.dataclass(frozen=True, eq=False)
class PopulationResult:
    """A population and what drives it.

    Attributes
    ----------
    mean
        Mean function that was asked for.
    seed
        Of what is drawn for tables and figures.
    draws, covariates
        Of all sites.
    attribution
        Mean functions compared, and the verdict.
    refits
        Of weak sites, for the mean function that was asked for; None where none was asked for.
    not_converged
        Sites of the batch that were left out because their chains have not converged.
    not_fitted
        Sites of the batch that have no posterior, by state.
    """

    mean: str
    seed: int
    draws: SiteDraws
    covariates: pd.DataFrame
    attribution: Attribution
    refits: Refits | None = None
    not_converged: tuple[str, ...] = ()
    not_fitted: Mapping[str, tuple[str, ...]] = dataclasses.field(default_factory=dict)

    @property
    def fit(self) -> PopulationFit:
        """The population under the mean function that was asked for."""
        return self.attribution.fits[self.mean]

    @property
    def sites(self) -> pd.DataFrame:
        """By site: the first coordinate alone and pooled (5 %, median, 95 %), and diagnostics."""
        before, after = self._before_and_after
        table = pd.DataFrame(index=pd.Index(self.draws.sites, name="site"))
        for label, values in (("alone", before), ("pooled", after)):
            for name, level in (("q05", 0.05), ("median", 0.5), ("q95", 0.95)):
                table[f"{label}_{name}"] = np.exp(np.quantile(values, level, axis=0))
        found = group(self.fit.tree, "diagnostics")
        for name in ("effective", "pareto_k"):
            table[name] = found[name].values
        table["needs_refit"] = table.index.isin(needs_refit(self.fit))
        return table

    def summary(self) -> str:
        """Say in a few lines what was found, and whether to believe it.

        Returns
        -------
        str
            Lines.
        """
        found = group(self.fit.tree, "diagnostics")
        poor, cells = needs_refit(self.fit), labels(self.covariates["cell"]).nunique()
        lines = [
            self.attribution.verdict,
            f"{len(self.draws.sites)} sites in {cells} climate cells; "
            f"sums over draws lose {float(found['error_bits']):.2f} bits (0.2 at most)",
            *_chains(self.attribution.fits),
        ]
        if self.not_converged:
            lines.append(
                f"{len(self.not_converged)} more sites are left out, whose chains have not "
                f"converged: {', '.join(self.not_converged[:6])}; --not-converged takes them, too"
            )
        if self.not_fitted:
            told = [f"{len(s)} {state} ({_first(s)})" for state, s in self.not_fitted.items()]
            lines.append(f"sites of the batch without a posterior: {', '.join(told)}")
        if self.refits and (said := self.refits.summary()):
            lines.append(said)
        elif poor:
            lines.append(
                f"too few draws where the population puts its weight at {len(poor)} sites: "
                f"{', '.join(poor[:6])}; --refits 2 fits them again under what the others predict"
            )
        if self.attribution.drivers:
            lines.append(self.attribution.drivers)
        lines.append("association, not cause; disturbance and management are not in the model")
        return "\n".join(lines)

    def figures(self) -> dict[str, Figure]:
        """Draw everything.

        Returns
        -------
        dict of matplotlib.figure.Figure
            By name.
        """
        before, after = self._before_and_after
        coldest = self.covariates["coldest"].to_numpy(float)
        at = np.linspace(coldest.min(), coldest.max(), 80)
        threshold = self.attribution.threshold
        drawn = {
            "by_climate": plot_by_climate(coldest, before, after, at, self.fit.curve(at)),
            "threshold": plot_threshold(threshold["probability"], -20.0, threshold["prior"]),
            "sites": plot_caterpillar(list(self.draws.sites), before, after),
        }
        if len(self.attribution.shares):
            drawn["shares"] = plot_driver_shares(self.attribution.shares)
        return drawn

    def tables(self) -> dict[str, pd.DataFrame]:
        """Collect all that is told in tables.

        Returns
        -------
        dict of pandas.DataFrame
            By name, those that hold anything.
        """
        a = self.attribution
        found = {"comparison": a.comparison, "evidence": a.evidence, "power": a.power,
                 "threshold": a.threshold, "thresholds": a.thresholds,
                 "shares": a.shares, "sites": self.sites}  # fmt: skip
        if self.refits:
            found["refits"] = self.refits.table
        return {name: table for name, table in found.items() if len(table)}

    def save(self, out: str | Path) -> list[Path]:
        """Write the population, tables, figures and a page.

        Parameters
        ----------
        out
            Folder; made if missing. An earlier population there is replaced.

        Returns
        -------
        list of Path
            ``population.nc``, ``verdict.txt``, ``comparison.csv``, ``evidence.csv``,
            ``power.csv``, ``threshold.csv``, ``thresholds.csv``, ``shares.csv``, ``refits.csv``,
            ``sites.csv``,
            ``figures/*.png``, ``report.html``.
        """
        out = Path(out)
        again = (out / POPULATION).exists()
        written = [save_tree(self.fit.tree, out / POPULATION)]
        if again:
            remove_stale(out)
        written.append(write_whole(out / VERDICT, self.summary() + "\n"))
        tables = self.tables()
        written += [write_whole(out / f"{n}.csv", t.to_csv()) for n, t in tables.items()]
        images = [save_png(f, out / "figures" / f"{n}.png") for n, f in self.figures().items()]
        page = [html_head("A population of sites"), f"<pre>{html.escape(self.summary())}</pre>"]
        page += [html_section(path.stem.replace("_", " "), html_image(path)) for path in images]
        shown = ("comparison", "evidence", "thresholds", "power", "shares", "refits", "sites")
        page += [html_section(n, html_table(tables[n].round(3))) for n in shown if n in tables]
        written.append(write_whole(out / REPORT, "\n".join(page) + "</html>\n"))
        return [*written, *images]

    @functools.cached_property
    def _before_and_after(self) -> tuple[Array, Array]:
        rng = np.random.default_rng(self.seed)
        first = self.draws.phi[..., 0].T
        places = pooled(self.fit, self.draws, rng, most=1000)
        return first, np.take_along_axis(first, places, axis=0)


def _chains(fits: Mapping[str, PopulationFit]) -> list[str]:
    """Say of all populations what the worst chains are like, and which have not converged."""
    found = pd.DataFrame(
        {mean: {name: float(group(fit.tree, "diagnostics")[name]) for name in _OF_CHAINS}
         for mean, fit in fits.items()}
    ).T  # fmt: skip
    rhat, ess, diverging = (found[name] for name in _OF_CHAINS)
    lines = [
        f"chains of the population: R-hat {rhat.max():.3f} at most, {ess.min():.0f} effective "
        f"draws at least, {diverging.max():.1%} of transitions diverge at most"
    ]
    for mean, fit in fits.items():
        size = group(fit.tree, "posterior").sizes
        if told := doubts(size["chain"], size["draw"], rhat[mean], diverging[mean]):
            lines.append(f"mean {mean} has not converged: {'; '.join(told)}; use longer chains")
    return lines


def _first(names: Sequence[str]) -> str:
    """Return some of many names, in words."""
    return ", ".join(names[:6]) + ", ..." * (len(names) > 6)
