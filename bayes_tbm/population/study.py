"""A population from an experiment file to a folder: tables, figures, a page."""

from __future__ import annotations

import dataclasses
import functools
import html
import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from numpy.typing import NDArray

from bayes_tbm.errors import InputError, did_you_mean
from bayes_tbm.plots.population import (
    plot_by_climate,
    plot_caterpillar,
    plot_driver_shares,
    plot_threshold,
)
from bayes_tbm.plots.save import save_png
from bayes_tbm.population.attribution import MEANS, Attribution, attribution
from bayes_tbm.population.batch.kept import SHARED
from bayes_tbm.population.draws import SiteDraws
from bayes_tbm.population.hierarchy import PopulationFit, needs_refit, pooled
from bayes_tbm.population.runs import site_draws
from bayes_tbm.report.folder import save_tree
from bayes_tbm.report.page import html_head, html_image, html_section, html_table
from bayes_tbm.results.groups import group
from bayes_tbm.runtime.files import write_whole

Array = NDArray[np.float64]
_SETTINGS = (
    "drivers", "heavy_tails", "cells", "covariate_sd", "offset_sd", "chains", "warmup", "keep",
    "split",
)  # fmt: skip


@dataclasses.dataclass(frozen=True)
class PopulationStudy:
    """What is asked of a batch of fits.

    Attributes
    ----------
    runs
        Folder of the batch.
    coordinates
        What sites share; the first is explained.
    mean, means
        Mean function whose population is kept: constant, linear, hinge, step or smooth; and those
        that are compared, constant, linear and step always.
    covariates
        A CSV of more columns by ``site``, or to replace those of the batch.
    groups
        Columns by group of drivers, whose shares are told.
    not_converged
        Whether to take sites whose chains have not converged.
    replicates, seed
        Simulations of what a step would have shown; of all random numbers.
    believed
        Mean and sd of a threshold that one believes in beforehand, degC; none by default.
    refit_drivers
        Whether to fit every set of driver groups for what they add to the score of cells left out:
        2^groups fits of up to a minute each.
    settings
        Of `bayes_tbm.fit_population`.
    """

    runs: str
    coordinates: tuple[str, ...] = SHARED
    mean: str = "step"
    means: tuple[str, ...] = MEANS
    covariates: str | None = None
    groups: Mapping[str, Sequence[str]] = dataclasses.field(default_factory=dict)
    not_converged: bool = False
    replicates: int = 200
    seed: int = 0
    believed: tuple[float, float] | None = None
    refit_drivers: bool = False
    settings: Mapping[str, Any] = dataclasses.field(default_factory=dict)

    @classmethod
    def read(cls, path: str | Path) -> PopulationStudy:
        """Read a study from a TOML file, or take the folder of a batch with all defaults.

        Raises
        ------
        InputError
            It can be read as neither, or holds what is no entry.
        """
        path = Path(path)
        if path.is_dir():
            return cls(str(path))
        try:
            data = tomllib.loads(path.read_text(encoding="utf-8-sig"))
        except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
            raise InputError(
                where=str(path), rule="must be a folder of bayes-tbm many, or readable TOML",
                found=error,
            ) from error  # fmt: skip
        known = [field.name for field in dataclasses.fields(cls) if field.name != "settings"]
        for name in data:
            if name not in (*known, *_SETTINGS):
                raise InputError(
                    where=str(path), variable=name, rule="is no entry of a population",
                    remedy=did_you_mean(name, (*known, *_SETTINGS)),
                )  # fmt: skip
        if not isinstance(data.get("runs"), str):
            raise InputError(
                where=str(path), variable="runs", rule="must name the folder of a batch",
                found=data.get("runs"),
            )  # fmt: skip
        for name in ("runs", "covariates"):  # beside the file
            if name in data and (path.parent / data[name]).exists():
                data[name] = str(path.parent / data[name])
        own = {name: data.pop(name) for name in _SETTINGS if name in data}
        for name, default in (("coordinates", SHARED), ("means", MEANS)):
            data[name] = tuple(data.get(name, default))
        return cls(**data, settings=own)

    def read_runs(self) -> tuple[SiteDraws, pd.DataFrame]:
        """Return draws of all sites, and covariates."""
        draws, known = site_draws(self.runs, self.coordinates, not_converged=self.not_converged)
        if self.covariates is None:
            return draws, known
        try:
            more = pd.read_csv(self.covariates, index_col="site", dtype={"site": str}, comment="#")
        except (OSError, ValueError) as error:
            raise InputError(
                where=self.covariates, rule="must be a CSV with a column site", found=error
            ) from error
        if lost := [site for site in draws.sites if site not in more.index]:
            raise InputError(
                where=self.covariates, variable="site", rule="must have a row for every site",
                found=f"none for {', '.join(lost[:5])}",
            )  # fmt: skip
        more = more.loc[list(draws.sites)]
        return draws, known.drop(columns=more.columns, errors="ignore").join(more)

    def run(self) -> PopulationResult:
        """Fit the population under every mean function, and attribute."""
        draws, covariates = self.read_runs()
        means = dict.fromkeys([*self.means, self.mean])
        found = attribution(
            draws, covariates, means=tuple(means), groups=self.groups or None,
            replicates=self.replicates, seed=self.seed, believed=self.believed,
            refit_drivers=self.refit_drivers, **self.settings,
        )  # fmt: skip
        return PopulationResult(self, draws, covariates, found)


@dataclasses.dataclass(frozen=True, eq=False)
class PopulationResult:
    """A population and what drives it.

    Attributes
    ----------
    study
        What was asked.
    draws, covariates
        Of all sites.
    attribution
        Mean functions compared, and the verdict.
    """

    study: PopulationStudy
    draws: SiteDraws
    covariates: pd.DataFrame
    attribution: Attribution

    @property
    def fit(self) -> PopulationFit:
        """The population under the mean function that was asked for."""
        return self.attribution.fits[self.study.mean]

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
        """Say in a few lines what was found, and whether to believe it."""
        found = group(self.fit.tree, "diagnostics")
        poor = needs_refit(self.fit)
        lines = [
            self.attribution.verdict,
            f"{len(self.draws.sites)} sites in {self.covariates['cell'].nunique()} climate cells; "
            f"sums over draws lose {float(found['error_bits']):.2f} bits (0.2 at most)",
        ]
        if poor:
            lines.append(
                f"too few draws where the population puts its weight at {len(poor)} sites: "
                f"{', '.join(poor[:6])}; fit them again with more draws (1000 effective ones)"
            )
        if self.attribution.drivers:
            lines.append(self.attribution.drivers)
        lines.append("association, not cause; disturbance and management are not in the model")
        return "\n".join(lines)

    def figures(self) -> dict[str, Figure]:
        """Draw everything."""
        before, after = self._before_and_after
        coldest = self.covariates["coldest"].to_numpy(float)
        at = np.linspace(coldest.min(), coldest.max(), 80)
        drawn = {
            "by_climate": plot_by_climate(coldest, before, after, at, self.fit.curve(at)),
            "threshold": plot_threshold(self.attribution.threshold, -20.0),
            "sites": plot_caterpillar(list(self.draws.sites), before, after),
        }
        if len(self.attribution.shares):
            drawn["shares"] = plot_driver_shares(self.attribution.shares)
        return drawn

    def tables(self) -> dict[str, pd.DataFrame]:
        """Return all tables by name."""
        a = self.attribution
        found = {"comparison": a.comparison, "evidence": a.evidence, "power": a.power,
                 "threshold": a.threshold.to_frame(), "thresholds": a.thresholds,
                 "shares": a.shares, "sites": self.sites}  # fmt: skip
        return {name: table for name, table in found.items() if len(table)}

    def save(self, out: str | Path) -> list[Path]:
        """Write the population, tables, figures and a page.

        Parameters
        ----------
        out
            Folder; made if missing.

        Returns
        -------
        list of Path
            ``population.nc``, ``verdict.txt``, ``comparison.csv``, ``evidence.csv``,
            ``power.csv``, ``threshold.csv``, ``thresholds.csv``, ``shares.csv``, ``sites.csv``,
            ``figures/*.png``, ``report.html``.
        """
        out = Path(out)
        written = [save_tree(self.fit.tree, out / "population.nc")]
        written.append(write_whole(out / "verdict.txt", self.summary() + "\n"))
        tables = self.tables()
        written += [write_whole(out / f"{n}.csv", t.to_csv()) for n, t in tables.items()]
        images = [save_png(f, out / "figures" / f"{n}.png") for n, f in self.figures().items()]
        page = [html_head("A population of sites"), f"<pre>{html.escape(self.summary())}</pre>"]
        page += [html_section(path.stem.replace("_", " "), html_image(path)) for path in images]
        shown = ("comparison", "evidence", "thresholds", "power", "shares", "sites")
        page += [html_section(n, html_table(tables[n].round(3))) for n in shown if n in tables]
        written.append(write_whole(out / "report.html", "\n".join(page) + "</html>\n"))
        return [*written, *images]

    @functools.cached_property
    def _before_and_after(self) -> tuple[Array, Array]:
        rng = np.random.default_rng(self.study.seed)
        first = self.draws.phi[..., 0].T
        places = pooled(self.fit, self.draws, rng, most=1000)
        return first, np.take_along_axis(first, places, axis=0)
