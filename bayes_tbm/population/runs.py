"""What a batch of fits says of the coordinates that sites share, ready for a population."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pandas as pd
import xarray as xr
from jax.scipy.stats import norm
from numpy.typing import NDArray

from bayes_tbm.errors import InputError, did_you_mean
from bayes_tbm.parameters import TABLE, AbstractPrior, Fixed, as_prior
from bayes_tbm.population.batch.collect import DRAWS, MANIFEST
from bayes_tbm.population.batch.journal import DONE, FITTED, STATES
from bayes_tbm.population.batch.kept import SHARED
from bayes_tbm.population.draws import SiteDraws, evenly
from bayes_tbm.population.settings import name_list
from bayes_tbm.population.site_table import read_all, read_table
from bayes_tbm.population.store import collect_again, priors_in, read_store, torn
from bayes_tbm.runtime.precision import use_double_precision

Array = NDArray[np.float64]
_EDGE = 1e-6  # of a share or a bound, in single precision: logits stay finite


@dataclasses.dataclass(frozen=True)
class Coordinate:
    """An unbounded coordinate of a quantity.

    Attributes
    ----------
    to, back
        From the quantity, and to it.
    """

    to: Callable[[Array], Array]
    back: Callable[[jax.Array], jax.Array]


LOG = Coordinate(np.log, jnp.exp)
LOGIT = Coordinate(
    lambda x: np.log(np.clip(x, _EDGE, 1 - _EDGE)) - np.log1p(-np.clip(x, _EDGE, 1 - _EDGE)),
    jax.nn.sigmoid,
)  # fmt: skip


def coordinate_of(name: str) -> Coordinate:
    """Return logit for a parameter that is a share, whatever its prior, else the logarithm."""
    row = TABLE[name]
    share = row.unit == "1" and row.lower >= 0.0 and row.upper <= 1.0
    return LOGIT if share else LOG


def site_draws(
    runs: str | Path,
    coordinates: Sequence[str] = SHARED,
    *,
    not_converged: bool = False,
    sites: Sequence[str] | None = None,
) -> tuple[SiteDraws, pd.DataFrame]:
    """Read the draws of a batch of fits, and what is known of its sites.

    Parameters
    ----------
    runs
        Folder that `bayes_tbm.fit_many` wrote.
    coordinates
        Parameters that sites share, of those that ``draws.zarr`` holds; the first is explained by
        covariates. Logarithms are taken of them, and logits of shares.
    not_converged
        Whether to take sites whose chains have not converged, too.
    sites
        Which of them to take; two or more, all, by default.

    Returns
    -------
    SiteDraws
        As `bayes_tbm.fit_population` takes them.
    pandas.DataFrame
        Covariates by site, from the manifest.

    Raises
    ------
    InputError
        There is no such folder, its draws or its manifest cannot be read, they are of other fits,
        no site or a single one of all is fitted, a coordinate is none, or was held fixed.
    """
    use_double_precision()
    folder = Path(runs)
    store = _store(folder, not_converged, sites)
    _check(coordinates, store, folder)
    count = int(np.isfinite(store[coordinates[0]].values).sum(axis=1).min())
    if not count:
        raise torn(folder, "sites without draws")
    rows = [_draws(store.isel(site=i), coordinates, count, folder) for i in range(len(store.site))]
    phi, log_prior = map(np.stack, zip(*rows, strict=True))
    effective = np.minimum(store["effective"].values.astype(float), count)
    names = tuple(str(site) for site in store["site"].values)
    draws = SiteDraws(names, tuple(coordinates), phi, log_prior, effective)
    return draws, read_table(folder / MANIFEST, names, remedy=collect_again(folder))


def sites_not_converged(runs: str | Path) -> tuple[str, ...]:
    """Names of the fitted sites of a batch whose chains have not converged.

    Parameters
    ----------
    runs
        Folder that `bayes_tbm.fit_many` wrote.
    """
    store = read_store(Path(runs))
    states = store["state"].values.astype(str)
    names = store["site"].values[np.isin(states, FITTED) & (states != DONE)]
    return tuple(str(name) for name in names)


def sites_not_fitted(runs: str | Path) -> dict[str, tuple[str, ...]]:
    """Names of the sites of a batch that have no posterior, by state.

    Parameters
    ----------
    runs
        Folder that `bayes_tbm.fit_many` wrote.
    """
    folder = Path(runs)
    states = read_all(folder / MANIFEST, remedy=collect_again(folder)).get("state", pd.Series())
    open_states = [state for state in STATES if state not in FITTED]
    found = {state: tuple(map(str, states.index[states == state])) for state in open_states}
    return {state: names for state, names in found.items() if names}


def _check_collected(taken: xr.Dataset, states: Sequence[str], folder: Path) -> None:
    """Refuse draws of other fits than those of these states that the manifest tells.

    As where a batch got more sites, or others, and was killed before it collected them.
    """
    listed = read_all(folder / MANIFEST, remedy=collect_again(folder))
    if "state" not in listed:
        return
    fitted = listed[listed["state"].isin(states)]
    told = [name for name in ("state", "folder") if name in taken and name in listed]
    sites = taken["site"].values.astype(str)
    held = pd.DataFrame({name: taken[name].values.astype(str) for name in told}, index=sites)
    wrong = [f"{site} (no draws)" for site in fitted.index.difference(held.index)]
    for site, row in held.iterrows():
        if site not in fitted.index:
            wrong.append(f"{site} ({listed['state'].get(site, 'not listed')} now)")
        elif list(row) != list(fitted.loc[site, told]):
            wrong.append(f"{site} (of another fit)")
    if wrong:
        more = f" and {len(wrong) - 5} more" * (len(wrong) > 5)
        raise InputError(
            where=str(folder / DRAWS), rule=f"must be of the fits that {MANIFEST} tells",
            found=", ".join(wrong[:5]) + more, remedy=collect_again(folder),
        )  # fmt: skip


def _store(folder: Path, not_converged: bool, wanted: Sequence[str] | None) -> xr.Dataset:
    """Return what a batch keeps of the draws of its fitted sites, or of those wanted."""
    store = read_store(folder)
    states = FITTED if not_converged else (DONE,)
    taken = np.isin(store["state"].values.astype(str), states)
    _check_collected(store.isel(site=taken), states, folder)
    if wanted is not None:
        taken &= np.isin(store["site"].values.astype(str), list(wanted))
    least = "two fitted sites or more" if wanted is None else "a fitted site"
    if taken.sum() < (2 if wanted is None else 1):
        raise InputError(
            where=str(folder), rule=f"must hold {least}", found=int(taken.sum()),
            remedy="see failures.csv there"
            + ("" if not_converged else "; --not-converged takes the others, too"),
        )  # fmt: skip
    fitted: xr.Dataset = store.isel(site=taken)
    return fitted


def _draws(
    store: xr.Dataset, coordinates: Sequence[str], count: int, folder: Path
) -> tuple[Array, Array]:
    """Draws of one site in unbounded coordinates (draw, coordinate), and log prior density."""
    priors = priors_in(store["priors"].values, folder)
    row, density = [], np.zeros(count)
    for name in coordinates:
        prior = as_prior(name, priors[name])
        own = coordinate_of(name)
        row.append(own.to(_inside(_some(store[name].values, count), prior)))
        density += log_prior_of(prior, own, row[-1])
    return np.stack(row, axis=1), density


def log_prior_of(prior: AbstractPrior, coordinate: Coordinate, phi: Array) -> Array:
    """Log density of a prior in an unbounded coordinate, (draw,).

    The prior's own map to a standard normal says it: its density there, times the map's slope.
    """

    def latent(phi: jax.Array) -> jax.Array:
        return prior.to_normal(coordinate.back(phi))

    z, slope = jax.vmap(jax.value_and_grad(latent))(jnp.asarray(phi))
    density: Array = np.array(norm.logpdf(z) + jnp.log(jnp.abs(slope)), dtype=float)
    return density


def _some(row: NDArray[np.float32], count: int) -> Array:
    """So many of a site's draws, evenly spaced."""
    there: Array = row[np.isfinite(row)].astype(float)
    some: Array = there[evenly(len(there), count)]
    return some


def _inside(x: Array, prior: AbstractPrior) -> Array:
    """Values off the ends of a prior, onto which single precision may have rounded them."""
    low, high = (np.nan_to_num(end) for end in prior.support)
    inside: Array = np.clip(x, low + _EDGE * abs(low), high - _EDGE * abs(high))
    return inside


def _check(coordinates: Sequence[str], store: xr.Dataset, folder: Path) -> None:
    if not name_list("coordinates", coordinates, str(folder)):
        raise InputError(
            where=str(folder), variable="coordinates", rule="must be a parameter or more",
            found="none",
        )  # fmt: skip
    held = [str(name) for name, x in store.items() if x.dims == ("site", "draw")]
    priors = [priors_in(text, folder) for text in store["priors"].values]
    free = sorted(set().union(*priors))
    for name in coordinates:
        if name not in held or name not in free:
            raise InputError(
                where=str(folder), variable=name, rule="must be a parameter that the batch kept",
                remedy=did_you_mean(name, free),
            )  # fmt: skip
        given = zip(store["site"].values, priors, strict=True)
        if fixed := [str(site) for site, own in given if _is_fixed(name, own)]:
            raise InputError(
                where=str(folder), variable=name, rule="must be free at every site",
                found=f"held fixed at {', '.join(fixed[:5])}",
                remedy="leave these sites, or this coordinate, out",
            )  # fmt: skip


def _is_fixed(name: str, priors: Mapping[str, Any]) -> bool:
    """Whether a site holds a parameter fixed, of which a batch keeps no draws."""
    return name not in priors or isinstance(as_prior(name, priors[name]), Fixed)
