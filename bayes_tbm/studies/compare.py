"""What each set of streams says: one fit a set, side by side."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd
import xarray as xr

from bayes_tbm.calibration import Calibration
from bayes_tbm.constraint import SetGains, all_gains, constraint
from bayes_tbm.constraint.targets import Target
from bayes_tbm.errors import InputError
from bayes_tbm.parameters import TABLE
from bayes_tbm.plots.save import save_png
from bayes_tbm.plots.sets import set_figures
from bayes_tbm.report import check_folder
from bayes_tbm.results import check_convergence, stream_skill
from bayes_tbm.results.diagnostics import ConvergenceReport
from bayes_tbm.results.groups import group
from bayes_tbm.results.tree import equal_points
from bayes_tbm.runtime.files import write_whole
from bayes_tbm.sampling import Settings
from bayes_tbm.sampling.settings import settings_with
from bayes_tbm.studies.fits import fit_once
from bayes_tbm.studies.given import check_sets

_PRIOR_DRAWS = 4000
_MEASURES = ("contraction", "bits", "entropy_reduction", "overlap")
_QUANTILES = (0.05, 0.5, 0.95)


@dataclasses.dataclass(frozen=True, eq=False)
class Comparison:
    """Posteriors of several sets of streams, and what the sets say.

    Attributes
    ----------
    posteriors
        By name of the set, in the order given.
    streams
        Streams of each set.
    prior
        The prior that all share.
    table
        A row for each set and quantity: median, 5 and 95 %, contraction, bits (the information
        gain), entropy reduction and overlap with their Monte Carlo errors, as
        `bayes_tbm.constraint` gives them of each fit; the pairs after the quantities.
    skill
        `bayes_tbm.stream_skill` of each set.
    gains
        Entropy reduction of every set; `SetGains.add_one_in`, ``leave_one_out``, ``synergy`` and
        ``shapley`` where the sets allow it.
    information
        The same of the information gain, which counts displacement too.
    """

    posteriors: dict[str, xr.DataTree]
    streams: dict[str, tuple[str, ...]]
    prior: xr.DataTree
    table: pd.DataFrame
    skill: pd.DataFrame
    gains: SetGains
    information: SetGains

    @property
    def gates(self) -> dict[str, ConvergenceReport]:
        """Whether to believe each fit."""
        return {name: check_convergence(tree) for name, tree in self.posteriors.items()}

    def added(self) -> pd.DataFrame:
        """Return what sets of streams add to the smaller sets within them.

        Returns
        -------
        pandas.DataFrame
            Indexed by set, the set (or prior) it goes beyond, and quantity or pair. ``added`` names
            the streams; ``bits`` is what they add to the information gain, ``entropy_reduction`` to
            the entropy reduction, each with its Monte Carlo error, ``*_mcse``. Beyond the prior
            they are those of `table`, but for the draws of the prior: here `prior`, there those
            that each fit keeps.
        """
        measured = {"bits": self.information, "entropy_reduction": self.gains}
        sets = {frozenset(streams): name for name, streams in self.streams.items()}
        rows = []
        for small, low in {frozenset[str](): "prior", **sets}.items():
            for large, high in sets.items():
                if small < large:
                    own = pd.DataFrame({
                        f"{measure}{end}": gains.difference(large, small)[f"difference{end}"]
                        .isel(stream_set=0).to_series()
                        for measure, gains in measured.items() for end in ("", "_mcse")
                    })  # fmt: skip
                    own.insert(0, "added", "+".join(sorted(large - small)))
                    rows.append(pd.concat({(high, low): own}, names=["set", "beyond"]))
        return pd.concat(rows)

    def save(self, folder: str | Path) -> list[Path]:
        """Write ``compare.csv``, ``streams.csv``, ``bits.csv`` and ``figures/*.png``.

        Parameters
        ----------
        folder
            Made where it is missing.

        Returns
        -------
        list of pathlib.Path
            What was written.
        """
        folder = Path(folder)
        tables = {"compare": self.table, "streams": self.skill, "bits": self.added()}
        figures = set_figures(self.posteriors, self.table)
        return [
            *(write_whole(folder / f"{n}.csv", table.to_csv()) for n, table in tables.items()),
            *(save_png(draw(), folder / "figures" / f"{n}.png") for n, draw in figures.items()),
        ]


def compare(
    calibrations: Mapping[str, Calibration],
    settings: Settings | None = None,
    *,
    folder: str | Path | None = None,
    parameters: Sequence[str] | None = None,
    pairs: Sequence[Target] | None = None,
    prior_draws: int = _PRIOR_DRAWS,
    progress: bool = True,
    **changes: Any,
) -> Comparison:
    """Fit every set of streams once and compare what they say.

    Parameters
    ----------
    calibrations
        By name of the set; the same site, priors and constraints, other streams.
    settings
        How to sample, the same for all.
    folder
        Where fits are kept by content: what is there already is not sampled again.
    parameters, pairs
        As in `bayes_tbm.constraint`.
    prior_draws
        Draws of the prior that quantities without a stated prior are compared with.
    progress
        Whether to draw progress bars.
    **changes
        Fields of the settings to change.

    Returns
    -------
    Comparison
        Posteriors by set, a table of what each says, and what sets add to one another.

    Raises
    ------
    InputError
        Fewer than two sets, two sets of the same streams, calibrations that differ in more than
        their streams, a name such as ``prior``, or a folder that cannot be written.

    Warns
    -----
    ConvergenceWarning
        Chains of a fit have not converged; it is named.
    """
    check_sets(calibrations)
    _check(calibrations)
    settings = settings_with(settings, changes)
    if folder is not None:
        check_folder(folder, products=())
    trees = {
        name: fit_once(name, calibration, settings, folder, progress=progress)
        for name, calibration in calibrations.items()
    }
    streams = {
        name: tuple(stream.name for stream in calibration.density.streams)
        for name, calibration in calibrations.items()
    }
    richest = max(calibrations.values(), key=lambda c: len(c.density.sampled))
    prior = richest.prior(prior_draws, seed=settings.seed)
    posteriors = {streams[name]: tree for name, tree in trees.items()}
    gains = all_gains({(): prior, **posteriors}, parameters=parameters, pairs=pairs)
    return Comparison(
        trees, streams, prior,
        pd.concat({n: _rows(t, parameters, pairs) for n, t in trees.items()}, names=["set"]),
        pd.concat({n: stream_skill(t) for n, t in trees.items()}, names=["set"]),
        gains["entropy_reduction"], gains["bits"],
    )  # fmt: skip


def _check(calibrations: Mapping[str, Calibration]) -> None:
    """Refuse calibrations that do not differ in their streams alone."""
    sets = [frozenset(s.name for s in c.density.streams) for c in calibrations.values()]
    if len(set(sets)) < max(len(sets), 2):
        raise InputError(
            where="compare", rule="needs two sets of streams or more, no two alike",
            found="; ".join("+".join(sorted(names)) for names in sets),
        )  # fmt: skip
    first = next(iter(calibrations.values()))
    for name, other in calibrations.items():
        unlike = [
            entry for entry in ("site", "regrowth", "stand_age", "constraints")
            if first.experiment[entry] != other.experiment[entry]
        ]  # fmt: skip
        sizes = [c.experiment["systematic"] for c in (first, other)]
        if any(sizes[0][n] != sizes[1][n] for n in set(sizes[0]) & set(sizes[1])):
            unlike.append("systematic")
        of_one = first.site.data_hash() == other.site.data_hash()
        unlike += _other_streams(first, other, of_one)
        shared = set(first.density.priors) & set(other.density.priors)
        if not of_one:
            unlike.append("data")
            shared &= set(TABLE)  # those of errors may be scaled by the data
        unlike += [n for n in sorted(shared) if first.density.priors[n] != other.density.priors[n]]
        if unlike:
            raise InputError(
                where="compare", variable=name, rule="sets may differ in their streams alone",
                found=f"another {', '.join(unlike)} than in {next(iter(calibrations))}",
                remedy="where one set needs the stand's regrowth, give regrowth=True to all",
            )  # fmt: skip


def _other_streams(first: Calibration, other: Calibration, of_one: bool) -> list[str]:
    """Return what streams of one name differ in: their errors or, of one site, their points."""
    bound = [{s.name: s.data for s in c.density.streams} for c in (first, other)]
    told = [c.experiment["streams"] for c in (first, other)]
    shared = sorted(set(bound[0]) & set(bound[1]))
    found = [f"error model of {name}" for name in shared if told[0][name] != told[1][name]]
    for name in shared if of_one else ():
        pairs = [
            (getattr(bound[0][name], field), getattr(bound[1][name], field))
            for field in ("value", "measurement_sd", "day")
        ]
        if not all(equal_points(*pair) for pair in pairs):
            found.append(f"points of {name}")
    return found


def _rows(
    tree: xr.DataTree, parameters: Sequence[str] | None, pairs: Sequence[Target] | None
) -> pd.DataFrame:
    """Posterior and constraint of one fit: a row a quantity, then a row a pair."""
    found = constraint(tree, parameters=parameters, pairs=pairs)
    posterior = group(tree, "posterior")
    rows: dict[str, dict[str, Any]] = {}
    for name in map(str, found["parameter"].values):
        quantiles = posterior[name].quantile(_QUANTILES, ("chain", "draw")).values
        own = found.sel(parameter=name)
        rows[name] = dict(zip(("q05", "median", "q95"), map(float, quantiles), strict=True))
        rows[name]["unit"] = str(own["unit"].values)
        rows[name]["verdict"] = str(own["verdict"].values)
        for measure in _MEASURES:
            rows[name][measure] = float(own[measure])
            rows[name][f"{measure}_mcse"] = float(own[f"{measure}_mcse"])
    for pair in map(str, found["pair"].values):
        own = found.sel(pair=pair)
        rows[pair] = {
            f"{measure}{end}": float(own[f"joint_{measure}{end}"])
            for measure in ("bits", "entropy_reduction")
            for end in ("", "_mcse")
        }
    return pd.DataFrame.from_dict(rows, orient="index").rename_axis("parameter")
