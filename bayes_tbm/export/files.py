"""Writing a run in the names and layout of a community."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import xarray as xr

from bayes_tbm.errors import InputError, did_you_mean
from bayes_tbm.export.callmip import entry_of, write_callmip
from bayes_tbm.export.cmip import write_cmip
from bayes_tbm.export.ilamb import write_ilamb
from bayes_tbm.export.runs import Opened, Run, opened
from bayes_tbm.export.variables import VARIABLES
from bayes_tbm.plain import finite_number, whole_at_least
from bayes_tbm.report import check_folder
from bayes_tbm.results.attempts import CONVERGENCE, warn_unless_converged
from bayes_tbm.runtime.fork import jax_will_run
from bayes_tbm.runtime.precision import use_double_precision
from bayes_tbm.sites.site import Site, When
from bayes_tbm.streams import Stream

_DRAWS = 400
CONVENTIONS = ("cmip6", "ilamb", "callmip")


def export(
    run: Run | Sequence[Run],
    folder: str | Path,
    convention: str = "cmip6",
    *,
    site: Site | Sequence[Site] | None = None,
    end: When | None = None,
    draws: int | None = None,
    ensemble: int | None = None,
    variables: Sequence[str] | None = None,
    longitude: float | None = None,
    streams: Sequence[Stream] = (),
    at: Site | None = None,
    **entry: Any,
) -> list[Path]:
    """Write a run's posterior and prior over its record in a community's names and layout.

    Parameters
    ----------
    run
        Run folder that ``bayes-tbm fit`` wrote, or a result of `bayes_tbm.Calibration.sample`; for
        ``"ilamb"`` also several of one kind.
    folder
        To write into; made if missing.
    convention
        ``"cmip6"``: ``<site>_posterior.nc`` and ``<site>_prior.nc``, by quantile; ``"ilamb"``: one
        file a variable, (time, site); ``"callmip"``: an entry of CalLMIP phase 1b.
    site
        The run's site, or sites in the same order; of a folder that of its experiment, with years
        after the fitted period.
    end
        Last date to run to; by default the last there is.
    draws
        Of posterior and prior each, spread evenly over all that there are; by default 400.
    ensemble
        With ``"cmip6"``, in place of ``draws``: write so many, (realization, time), no quantiles.
    variables
        CMIP6 names; by default all there are. CalLMIP has its own list.
    longitude
        Degrees east, where the site has none.
    streams
        Streams of your own among those fitted.
    at
        Another site to run at, with the parameters and the initial state of the run.
    **entry
        Of CalLMIP: ``scenario`` (``"Scen5"``), ``site_code``, ``split`` (``"Cal"`` or ``"Val"``),
        ``model_version``, ``above_ground`` (share of wood, 0.8) and ``force``, which writes what
        does not agree with the protocol and says so in the file.

    Returns
    -------
    list of pathlib.Path
        The files.

    Raises
    ------
    InputError
        Anything unknown, a site that is not the run's, or a run that the convention does not take.
    WriteError
        A file cannot be written.
    """
    use_double_precision()
    jax_will_run()
    _check_options(convention, draws, ensemble, variables, entry)
    stated = entry_of(entry) if convention == "callmip" else None
    draws = whole_at_least(2, "draws", _DRAWS if draws is None else draws, where="export")
    out, names = check_folder(folder, products=()), _names(variables)
    runs = _opened(run, site, end, streams, longitude, at, several=convention == "ilamb")
    if stated is not None:
        return write_callmip(runs[0], out, stated, draws=draws)
    if convention == "ilamb":
        return write_ilamb(runs, out, names, draws=draws)
    return write_cmip(runs[0], out, names, draws=draws, ensemble=ensemble)


def _check_options(
    convention: str, draws: int | None, ensemble: int | None, variables: Sequence[str] | None,
    entry: dict[str, Any],
) -> None:  # fmt: skip
    """Refuse a convention that is not known, and options that would have no effect."""
    if convention not in CONVENTIONS:
        raise InputError(
            where="export", variable="convention", rule=did_you_mean(convention, CONVENTIONS),
            found=convention,
        )  # fmt: skip
    if ensemble is not None:
        whole_at_least(1, "ensemble", ensemble, where="export")
        if draws is not None:
            raise InputError(
                where="export", variable="draws", found=f"draws {draws}, ensemble {ensemble}",
                rule="are what quantiles are of, in place of which an ensemble is written",
                remedy="give one of them",
            )  # fmt: skip
    for name, given, where in (
        ("ensemble", ensemble is not None, ("cmip6",)),
        ("variables", variables is not None, ("cmip6", "ilamb")),
        (", ".join(entry), bool(entry), ("callmip",)),
    ):
        if given and convention not in where:
            raise InputError(
                where="export", variable=name, rule=f"goes with convention {' or '.join(where)}",
                found=convention,
            )  # fmt: skip


def _names(variables: Sequence[str] | None) -> list[str]:
    given = [variables] if isinstance(variables, str) else variables
    names = list(VARIABLES if given is None else dict.fromkeys(given))
    for name in names:
        if name not in VARIABLES:
            rule = f"no such variable; {did_you_mean(name, VARIABLES)}"
            raise InputError(where="export", variable=name, rule=rule)
    if not names:
        raise InputError(where="export", variable="variables", rule="name at least one")
    return names


def _opened(
    run: Run | Sequence[Run], site: Site | Sequence[Site] | None, end: When | None,
    streams: Sequence[Stream], longitude: float | None, at: Site | None, *, several: bool,
) -> list[Opened]:  # fmt: skip
    runs = [run] if isinstance(run, str | Path | xr.DataTree) else list(run)
    sites = [site] * len(runs) if site is None or isinstance(site, Site) else list(site)
    if not runs or len(sites) != len(runs) or (isinstance(site, Site) and len(runs) > 1):
        raise InputError(
            where="export", variable="site", rule="one for each run",
            found=f"{len(runs)} runs, {1 if isinstance(site, Site) else len(sites)} sites",
        )  # fmt: skip
    if len(runs) > 1 and (not several or longitude is not None or at is not None):
        what = (
            "longitude and at are of one run" if several else "takes one run; ilamb takes several"
        )
        raise InputError(where="export", rule=what, found=f"{len(runs)} runs")
    if longitude is not None:
        given, longitude = longitude, finite_number(longitude)
        if longitude is None or not -180 <= longitude <= 360:
            rule = "must be within -180 to 360 degrees east"
            raise InputError(where="export", variable="longitude", rule=rule, found=given)
    found = [
        opened(one, own, end=end, streams=streams, longitude=longitude, at=at)
        for one, own in zip(runs, sites, strict=True)
    ]
    names = [each.what.site.name for each in found]
    if twice := sorted({name for name in names if names.count(name) > 1}):
        raise InputError(
            where="export", variable="site", rule="must be there once", found=", ".join(twice),
            remedy="export one run of each site; where two sites have one name, give them others",
        )  # fmt: skip
    for each in found:
        if CONVERGENCE in each.tree.children:
            warn_unless_converged(each.tree, name=each.what.site.name, stacklevel=3)
    return found
