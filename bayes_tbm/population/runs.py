"""What a batch of fits says of the coordinates that sites share, ready for a population."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pandas as pd
import xarray as xr
from jax.scipy.stats import norm
from numpy.typing import NDArray

from bayes_tbm.errors import InputError, did_you_mean
from bayes_tbm.parameters import AbstractPrior, Fixed, PriorLike, as_prior
from bayes_tbm.population.batch.collect import DRAWS, MANIFEST
from bayes_tbm.population.batch.journal import DONE, FITTED
from bayes_tbm.population.batch.kept import SHARED
from bayes_tbm.population.draws import SiteDraws
from bayes_tbm.runtime.precision import use_double_precision

Array = NDArray[np.float64]
_EDGE = 1e-6  # of a share, in single precision: its logit stays finite


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


def coordinate_of(prior: AbstractPrior) -> Coordinate:
    """Return logit for a quantity that its prior keeps within 0 to 1, else the logarithm."""
    low, high = prior.support
    return LOGIT if low >= 0.0 and high <= 1.0 else LOG


def site_draws(
    runs: str | Path,
    coordinates: Sequence[str] = SHARED,
    *,
    not_converged: bool = False,
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

    Returns
    -------
    SiteDraws
        As `bayes_tbm.fit_population` takes them.
    pandas.DataFrame
        Covariates by site, from the manifest.

    Raises
    ------
    InputError
        There is no such folder, fewer than two sites are fitted, a coordinate is none, or was held
        fixed.
    """
    use_double_precision()
    folder = Path(runs)
    if not (folder / DRAWS).is_dir():
        raise InputError(
            where=str(folder), variable=DRAWS, rule="must be a folder of a batch that is done",
            found="no draws", remedy="run bayes-tbm many to its end",
        )  # fmt: skip
    with xr.open_zarr(folder / DRAWS) as opened:
        store = opened.load()
    states = FITTED if not_converged else (DONE,)
    store = store.isel(site=np.isin(store["state"].values.astype(str), states))
    sites = [str(site) for site in store["site"].values]
    if len(sites) < 2:
        raise InputError(
            where=str(folder), rule="must hold two fitted sites or more", found=len(sites),
            remedy="see failures.csv there"
            + ("" if not_converged else "; --not-converged takes the others, too"),
        )  # fmt: skip
    _check(coordinates, store, folder)
    count = int(np.isfinite(store[coordinates[0]].values).sum(axis=1).min())
    phi, log_prior = [], []
    for place in range(len(sites)):
        priors: Mapping[str, PriorLike] = json.loads(str(store["priors"].values[place]))
        row, density = [], np.zeros(count)
        for name in coordinates:
            x = _some(store[name].values[place], count)
            prior = as_prior(name, priors[name])
            if isinstance(prior, Fixed):
                raise InputError(
                    where=str(folder), variable=name, rule="must be free at every site",
                    found=f"held fixed at {sites[place]}",
                )  # fmt: skip
            own = coordinate_of(prior)
            row.append(own.to(x))
            density += log_prior_of(prior, own, row[-1])
        phi.append(np.stack(row, axis=1))
        log_prior.append(density)
    effective = np.minimum(store["effective"].values.astype(float), count)
    names = tuple(coordinates)
    draws = SiteDraws(tuple(sites), names, np.stack(phi), np.stack(log_prior), effective)
    known = pd.read_csv(folder / MANIFEST, index_col="site", dtype={"site": str})
    return draws, known.loc[sites]


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
    some: Array = there[np.linspace(0, len(there) - 1, count).round().astype(int)]
    return some


def _check(coordinates: Sequence[str], store: xr.Dataset, folder: Path) -> None:
    held = [str(name) for name, x in store.items() if x.dims == ("site", "draw")]
    free = set(json.loads(str(store["priors"].values[0])))
    for name in coordinates:
        if name not in held or name not in free:
            raise InputError(
                where=str(folder), variable=name, rule="must be a parameter that the batch kept",
                remedy=did_you_mean(name, sorted(free)),
            )  # fmt: skip
