"""How far an answer depends on the priors: power-scaling of one fit, and refits under others."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr
from numpy.typing import ArrayLike, NDArray

from bayes_tbm.calibration import Calibration
from bayes_tbm.constraint import constraint
from bayes_tbm.constraint.scales import StatedPriors
from bayes_tbm.constraint.sensitivity import TENSION
from bayes_tbm.errors import InputError
from bayes_tbm.parameters import (
    TABLE,
    AbstractPrior,
    Fixed,
    LogitNormal,
    LogitStudentT,
    LogUniform,
    Normal,
    Uniform,
)
from bayes_tbm.plots import plot_overlays
from bayes_tbm.plots.save import save_png
from bayes_tbm.report import check_folder
from bayes_tbm.results import check_convergence
from bayes_tbm.results.attempts import warn_unless_converged
from bayes_tbm.results.diagnostics import ConvergenceReport
from bayes_tbm.results.groups import group
from bayes_tbm.runtime.files import write_whole
from bayes_tbm.sampling import Settings
from bayes_tbm.sampling.settings import settings_with
from bayes_tbm.studies.fits import fit_once
from bayes_tbm.studies.given import check_calibration, check_stated, names_of
from bayes_tbm.units import DAYS_PER_YEAR

Array = NDArray[np.float64]
ALTERNATIVES = ("wider", "narrower", "dalec", "flat")
DEFAULT = (
    "allocation_wood", "canopy_to_root_allocation", "wood_residence_time", "root_residence_time",
    "som_residence_time", "autotrophic_fraction",
)  # fmt: skip
"""Parameters whose priors are changed unless others are named: allocation and turnover."""
SHIFT = 0.5
"""Shift of a posterior mean, in posterior sd, from which on another prior gives another answer."""
_FACTOR = 2.0
# Published DALEC993 bounds; rates (d-1) as residence times (yr). Shares of NPP are sequential in
# DALEC: here each share keeps clear of its ends as far as those bounds do.
DALEC_BOUNDS: dict[str, tuple[float, float]] = {
    "autotrophic_fraction": (0.2, 0.8),
    "allocation_wood": (0.01, 0.97),
    "canopy_to_root_allocation": (0.2, 5.0),
    "leaf_lifespan": (1.001, 8.0),
    "labile_lifespan": (1.001, 8.0),
    "leaf_carbon_per_area": (5.0, 200.0),
    "canopy_efficiency": (5.0, 50.0),
    "temperature_sensitivity": (0.018, 0.08),
    **{
        name: (1.0 / (DAYS_PER_YEAR * high), 1.0 / (DAYS_PER_YEAR * low))
        for name, low, high in (
            ("wood_residence_time", 2.5e-5, 1e-3), ("root_residence_time", 1e-4, 0.01),
            ("litter_residence_time", 1e-4, 0.01), ("litter_decomposition_time", 1e-5, 0.01),
            ("som_residence_time", 1e-7, 1e-3),
        )
    },
}  # fmt: skip


def alternatives(
    priors: Mapping[str, AbstractPrior],
    names: Sequence[str] = DEFAULT,
    which: Sequence[str] = ALTERNATIVES,
) -> dict[str, dict[str, AbstractPrior]]:
    """Other priors for some parameters.

    Parameters
    ----------
    priors
        Priors as they are.
    names
        Parameters to change, all at once; those that are held fixed stay so.
    which
        ``wider`` and ``narrower``: twice and half the spread, on the family's own scale, about the
        same median. ``dalec``: log-uniform between the published DALEC bounds (uniform for shares).
        ``flat``: another family, even over the prior's central 95 %: in the value for shares and
        normal priors, else in the logarithm. The median moves where the prior is not even there.

    Returns
    -------
    dict
        By alternative, the priors that change. ``dalec`` leaves out what has no such bounds.

    Raises
    ------
    InputError
        An unknown alternative, or a name without a prior.
    """
    names = names_of(names, "parameters", priors, "parameters must be sampled")
    rule = f"alternatives are {', '.join(ALTERNATIVES)}"
    which = names_of(which, "alternatives", ALTERNATIVES, rule)
    free = {name: priors[name] for name in names if not isinstance(priors[name], Fixed)}
    make: dict[str, Callable[[str, AbstractPrior], AbstractPrior | None]] = {
        "wider": lambda name, prior: _scaled(name, prior, _FACTOR),
        "narrower": lambda name, prior: _scaled(name, prior, 1.0 / _FACTOR),
        "dalec": lambda name, prior: (
            _within(prior, DALEC_BOUNDS[name]) if name in DALEC_BOUNDS else None
        ),
        "flat": lambda name, prior: _within(
            prior, tuple(float(prior.from_normal(z)) for z in (-1.96, 1.96))
        ),
    }
    changed = {w: {name: make[w](name, prior) for name, prior in free.items()} for w in which}
    return {w: {n: p for n, p in own.items() if p is not None} for w, own in changed.items()}


def _scaled(name: str, prior: AbstractPrior, factor: float) -> AbstractPrior | None:
    """Return the prior with another spread; None if it has none, or the equations forbid it."""
    for field in ("log_sd", "logit_sd", "sd", "log_scale", "logit_scale"):
        if hasattr(prior, field):
            spread = {field: getattr(prior, field) * factor}
            wanted: AbstractPrior = dataclasses.replace(prior, **spread)
            return wanted if _allowed(name, wanted) else None
    return None


def _allowed(name: str, prior: AbstractPrior) -> bool:
    row = TABLE.get(name)
    low, high = (float(prior.from_normal(z)) for z in (-3.0, 3.0))
    return row is None or row.lower <= low <= high <= row.upper


def _within(prior: AbstractPrior, bounds: tuple[float, ...]) -> AbstractPrior:
    low, high = bounds
    is_linear = isinstance(prior, LogitNormal | LogitStudentT | Normal | Uniform) or low <= 0.0
    return Uniform(low, high) if is_linear else LogUniform(low, high)


@dataclasses.dataclass(frozen=True, eq=False)
class PriorRefits:
    """Posteriors under several priors, and what depends on the choice.

    Attributes
    ----------
    posteriors
        By name of the prior; ``as stated`` first.
    changed
        The priors of each alternative that differ.
    table
        A row a quantity: median under every prior, ``shift_<alternative>`` of the mean in stated
        posterior sd (on the stated prior's own scale), ``elasticity`` of the posterior's sd with
        respect to the prior's (0: the data decide; 1: the prior does), ``psense_prior`` and
        ``psense_likelihood``, and two verdicts, from the refits and from power-scaling.
    """

    posteriors: dict[str, xr.DataTree]
    changed: dict[str, dict[str, AbstractPrior]]
    table: pd.DataFrame

    @property
    def gates(self) -> dict[str, ConvergenceReport]:
        """Whether to believe each fit."""
        return {name: check_convergence(tree) for name, tree in self.posteriors.items()}


STATED = "as stated"


def sensitivity(
    calibration: Calibration,
    settings: Settings | None = None,
    *,
    parameters: Sequence[str] = DEFAULT,
    which: Sequence[str] = ALTERNATIVES,
    post: xr.DataTree | None = None,
    folder: str | Path | None = None,
    progress: bool = True,
    **changes: Any,
) -> PriorRefits:
    """Refit under other priors and say what the data decide and what the prior does.

    Parameters
    ----------
    calibration
        As it was, or is to be, fitted.
    settings
        How to sample.
    parameters, which
        As in `alternatives`; at least one parameter; no alternatives for power-scaling alone.
    post
        The fit as stated, if it is there already.
    folder
        Where fits are kept by content.
    progress
        Whether to draw progress bars.
    **changes
        Fields of the settings to change.

    Returns
    -------
    PriorRefits
        Posteriors by prior, and a table of what depends on the choice.

    Raises
    ------
    InputError
        An unknown alternative, no parameter or one without a prior, an alternative that reaches
        beyond the stated prior's support, or a fit that is not the calibration's.

    Warns
    -----
    ConvergenceWarning
        Chains of a fit have not converged; it is named.
    """
    check_calibration(calibration, "sensitivity")
    settings = settings_with(settings, changes)
    if post is not None:
        check_stated(post, calibration)
    stated = calibration.density.priors
    parameters = names_of(parameters, "parameters", stated, "parameters must be sampled")
    if not parameters:
        raise InputError(where="sensitivity", variable="parameters", rule="must name at least one")
    if folder is not None:
        check_folder(folder, products=())
    changed = alternatives(stated, parameters, which)
    for name, priors in changed.items():
        _check_supports(name, priors, stated)
    others = {name: calibration.with_priors(priors) for name, priors in changed.items()}
    if post is None:
        first = fit_once(STATED, calibration, settings, folder, progress=progress)
    else:
        first = post
        warn_unless_converged(first, name=STATED)
    posteriors = {STATED: first}
    for name, other in others.items():
        posteriors[name] = fit_once(name, other, settings, folder, progress=progress)
    shown = [name for name in parameters if name in group(first, "posterior")]
    return PriorRefits(posteriors, changed, _table(posteriors, shown, changed))


def _check_supports(
    which: str, priors: Mapping[str, AbstractPrior], stated: Mapping[str, AbstractPrior]
) -> None:
    """Refuse, before anything is sampled, draws that have no place on the stated prior's scale."""
    for name, prior in priors.items():
        ends = [prior.from_normal(z) for z in (-4.0, 4.0)]
        if not np.isfinite([float(stated[name].to_normal(end)) for end in ends]).all():
            raise InputError(
                where="sensitivity", variable=name,
                rule=f"the prior {which} reaches beyond the stated one, so that posteriors cannot "
                "be compared on its scale",
                found=f"{float(ends[0]):g} to {float(ends[1]):g}",
                remedy="leave this alternative or this parameter out",
            )  # fmt: skip


def write_refits(found: PriorRefits, folder: str | Path) -> list[Path]:
    """Write ``sensitivity.csv`` and, where anything was refitted, ``figures/sensitivity.png``."""
    folder = Path(folder)
    written = [write_whole(folder / "sensitivity.csv", found.table.to_csv())]
    if len(found.posteriors) > 1:
        figure = plot_overlays(found.posteriors, list(found.table.index))
        written.append(save_png(figure, folder / "figures" / "sensitivity.png"))
    return written


def _table(
    posteriors: Mapping[str, xr.DataTree],
    names: Sequence[str],
    changed: Mapping[str, Mapping[str, AbstractPrior]],
) -> pd.DataFrame:
    first = posteriors[STATED]
    measured = constraint(first, parameters=names, pairs=[])
    stated = StatedPriors.of(first)
    rows = {}
    for name in names:
        draws = [group(tree, "posterior")[name].values.ravel() for tree in posteriors.values()]
        latent = dict(zip(posteriors, stated.latent(name, draws), strict=True))
        sd = {which: float(z.std()) for which, z in latent.items()}
        shift = {
            which: float(z.mean() - latent[STATED].mean()) / sd[STATED]
            for which, z in latent.items()
        }
        own = measured.sel(parameter=name)
        scaled = (sd[w] if name in changed.get(w, ()) else None for w in ("wider", "narrower"))
        elastic = elasticity(*scaled)
        others = [abs(value) for which, value in shift.items() if which != STATED]
        rows[name] = {
            **{f"median_{w}": float(np.median(d)) for w, d in zip(latent, draws, strict=True)},
            **{f"shift_{which}": value for which, value in shift.items() if which != STATED},
            "elasticity": elastic,
            "tension": float(own["tension"]),
            "psense_prior": float(own["psense_prior"]),
            "psense_likelihood": float(own["psense_likelihood"]),
            "verdict_refits": str(
                refit_verdict(elastic, max(others, default=0.0), float(own["tension"]))
            )
            if np.isfinite(elastic)
            else "",
            "verdict_power_scaling": str(own["verdict"].values),
        }
    return pd.DataFrame.from_dict(rows, orient="index").rename_axis("parameter")


def elasticity(wider: float | None, narrower: float | None) -> float:
    """Elasticity of the posterior's sd with respect to the prior's, from two refits.

    0 where data decide, 1 where the prior does. In a linear-Gaussian model of one parameter it is
    one minus the contraction, to 0.03; of several that trade off, more: along a ridge it is 1.

    Examples
    --------
    >>> round(elasticity(2.0, 0.5), 3)
    1.0
    """
    if not wider or not narrower:
        return float("nan")
    return float(np.log(wider / narrower) / np.log(_FACTOR**2))


def refit_verdict(elastic: ArrayLike, shift: ArrayLike, tension: ArrayLike) -> NDArray[np.str_]:
    """Say from refits what drives a quantity; see `bayes_tbm.verdict` for the words.

    Parameters
    ----------
    elastic
        `elasticity`.
    shift
        Largest shift of the posterior mean over the refits, in posterior sd.
    tension
        As in `bayes_tbm.verdict`.

    Returns
    -------
    numpy.ndarray of str
        ``in conflict`` where another prior moves the answer by `SHIFT` and prior and data disagree
        by two sigma; else ``prior-driven`` where the posterior's width follows the prior's by more
        than half; else ``data-driven``.

    Examples
    --------
    >>> refit_verdict([0.02, 0.9, 0.5], [0.1, 0.3, 2.0], [0.5, 0.1, 3.0])
    array(['data-driven', 'prior-driven', 'in conflict'], dtype='<U12')
    """
    conflict = (np.asarray(shift) >= SHIFT) & (np.abs(tension) >= TENSION)
    prior = np.asarray(elastic) > 0.5
    return np.select([conflict, prior], ["in conflict", "prior-driven"], "data-driven")
