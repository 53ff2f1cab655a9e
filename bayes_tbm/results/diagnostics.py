"""Whether to believe a run: the convergence gate, and how well each stream is fitted."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Sequence

import arviz as az
import numpy as np
import pandas as pd
import xarray as xr
from numpy.typing import NDArray

from bayes_tbm.errors import InputError
from bayes_tbm.results.groups import fixed_quantities, group

Array = NDArray[np.float64]
ESS_MIN = 400.0
_DEEPEST = 0.01  # share of trajectories that may reach the largest tree depth
_NEAR = 1.05  # R-hat of chains that want time alone to agree


@dataclasses.dataclass(frozen=True)
class ConvergenceReport:
    """Outcome of the convergence checks.

    Attributes
    ----------
    failures
        One line for each check that did not.
    rhat, ess_bulk, ess_tail
        Largest R-hat and smallest effective sample sizes over parameters and derived quantities
        (what follows from fixed values alone is left out). One chain has no R-hat: NaN, and the
        check fails.
    divergences
        Number of divergent transitions.
    bfmi
        Smallest E-BFMI over chains.
    at_tree_limit
        Share of trajectories that reached the largest tree depth.
    only_short
        Whether nothing failed that more draws could not mend: R-hat and ESS alone.
    """

    failures: tuple[str, ...]
    rhat: float
    ess_bulk: float
    ess_tail: float
    divergences: int
    bfmi: float
    at_tree_limit: float = 0.0
    only_short: bool = False

    @property
    def passed(self) -> bool:
        """Whether every check held."""
        return not self.failures

    def may_pass(self, times: float) -> bool:
        """Whether a run so many times as long may pass, going by its R-hat and ESS.

        Where a chain was caught in a pocket for a while, effective draws grow faster than their
        number: at a forest on the canopy's edge from 83 to 497 with three times the draws.
        """
        enough = times**2 * min(self.ess_bulk, self.ess_tail) >= ESS_MIN
        return not self.passed and self.only_short and self.rhat < _NEAR and enough

    def __str__(self) -> str:
        head = "CONVERGED" if self.passed else "NOT CONVERGED: do not use this posterior as it is"
        rhat = "R-hat unknown" if np.isnan(self.rhat) else f"R-hat <= {self.rhat:.3f}"
        figures = (
            f"{rhat}, ESS bulk >= {self.ess_bulk:.0f}, tail >= "
            f"{self.ess_tail:.0f}, {self.divergences} divergences, E-BFMI >= {self.bfmi:.2f}"
        )
        return "\n".join([head, f"  {figures}", *(f"  - {line}" for line in self.failures)])


def check_convergence(
    tree: xr.DataTree, *, rhat_max: float = 1.01, ess_min: float = ESS_MIN, bfmi_min: float = 0.3
) -> ConvergenceReport:
    """Check a posterior: R-hat, bulk and tail ESS, divergences, tree depth, E-BFMI.

    Parameters
    ----------
    tree
        Result with groups posterior, sample_stats and, if any quantity is fixed, prior.
    rhat_max, ess_min, bfmi_min
        Thresholds; the defaults are those of Vehtari et al. (2021) and of CmdStan's diagnose.

    Returns
    -------
    ConvergenceReport
        ``passed``, ``failures`` (a line each) and the worst ``rhat``, ``ess_bulk``, ``ess_tail``,
        ``divergences`` and ``bfmi``. Printed, it says whether to use the posterior.

    Raises
    ------
    InputError
        The result was not sampled: it is of the prior, or has no energies.
    """
    _require_sampled(tree)
    with np.errstate(invalid="ignore"):  # a constant has no R-hat
        table = az.summary(tree, kind="diagnostics", round_to="none").astype(float)
    table = table.drop(index=[name for name in fixed_quantities(tree) if name in table.index])
    rhat, bulk, tail = table["r_hat"], table["ess_bulk"], table["ess_tail"]
    alone = group(tree, "posterior").sizes["chain"] == 1
    stats = group(tree, "sample_stats")
    bfmi = float(np.min(az.bfmi(tree)["energy"].values))
    divergences = int(stats["diverging"].sum())
    trees = stats.get("reached_max_tree_depth")  # other than NUTS, samplers grow none
    deepest = 0.0 if trees is None else float(trees.mean())
    failures = ["R-hat unknown: one chain; take two or more"] if alone else []
    for label, bad, worst in (
        (f"R-hat above {rhat_max}", rhat[~(rhat <= rhat_max) & (not alone)], rhat),
        (f"bulk ESS below {ess_min:.0f}", bulk[~(bulk >= ess_min)], -bulk),
        (f"tail ESS below {ess_min:.0f}", tail[~(tail >= ess_min)], -tail),
    ):
        if len(bad):
            names = ", ".join(f"{n} {bad[n]:.4g}" for n in worst[bad.index].nlargest(3).index)
            failures.append(f"{label} in {len(bad)} of {len(table)}: worst {names}")
    if divergences:
        failures.append(f"{divergences} divergent transitions")
    if deepest > _DEEPEST:
        failures.append(f"{deepest:.1%} of trajectories reached the largest tree depth")
    if not bfmi > bfmi_min:
        failures.append(f"E-BFMI {bfmi:.2f}, at most {bfmi_min}")
    return ConvergenceReport(
        tuple(failures), divergences=divergences, bfmi=bfmi, at_tree_limit=deepest,
        rhat=rhat.to_numpy().max(), ess_bulk=bulk.to_numpy().min(), ess_tail=tail.to_numpy().min(),
        only_short=not divergences and deepest <= _DEEPEST and bfmi > bfmi_min,
    )  # fmt: skip


def _require_sampled(tree: xr.DataTree) -> None:
    """Refuse what no sampler made: it has no energies."""
    if "sample_stats" in tree.children and "energy" in tree["sample_stats"]:
        return
    prior = json.loads(tree.attrs.get("experiment", "{}")).get("prior_only", False)
    raise InputError(
        where="check_convergence", variable="tree", rule="must be a posterior that was sampled",
        found="draws of the prior, which are independent" if prior else "no sample_stats of energy",
        remedy="give what bayes_tbm.Calibration.sample returns",
    )  # fmt: skip


def stream_skill(tree: xr.DataTree) -> pd.DataFrame:
    """How well each stream is fitted.

    Parameters
    ----------
    tree
        Result of `bayes_tbm.Calibration.sample`.

    Returns
    -------
    pandas.DataFrame
        A row a stream, with the columns

        - ``n``: steps with observed values, of which several in one step count by their mean;
        - ``r2``: one minus the mean squared residual of the posterior-median simulation over the
          variance of the data, at the data's own step;
        - ``bias``, ``bias_over_sd``: mean residual (simulation less data), in the stream's unit and
          over the data's sd;
        - ``rmse``: root mean squared residual, in the stream's unit;
        - ``lag1``: correlation of residuals at neighbouring observed values;
        - ``discrepancy``: share of the variance of the compared points that the structural error
          takes, inferred or held fixed;
        - ``inside_90``, ``inside_95``: share of points inside the central posterior predictive
          intervals.
    """
    rows = {name: _skill(tree, str(name)) for name in group(tree, "observed_data").data_vars}
    return pd.DataFrame.from_dict(rows, orient="index").rename_axis("stream")


def _skill(tree: xr.DataTree, name: str) -> dict[str, float]:
    data, (simulated,) = compared(group(tree, "simulation"), name)
    residual = simulated - data
    spread = float(np.std(data)) or np.nan
    lag1 = np.nan
    if len(data) > 3 and np.ptp(residual[1:]) > 0 and np.ptp(residual[:-1]) > 0:
        lag1 = np.corrcoef(residual[1:], residual[:-1])[0, 1]
    return {
        "n": len(data),
        "r2": 1.0 - float(np.mean(residual**2)) / spread**2,
        "bias": float(residual.mean()),
        "bias_over_sd": float(residual.mean()) / spread,
        "rmse": float(np.sqrt(np.mean(residual**2))),
        "lag1": float(lag1),
        "discrepancy": _discrepancy(tree, name),
        **{f"inside_{p}": _coverage(tree, name, p / 100) for p in (90, 95)},
    }


def compared(
    simulation: xr.Dataset, name: str, levels: Sequence[float] = (0.5,)
) -> tuple[Array, Array]:
    """Return what was seen of a stream, (place,), and what was simulated there, (level, place).

    What was seen before the record comes first.
    """
    parts = [part for part in (f"{name}_earlier", name) if part in simulation]
    seen = np.concatenate([simulation[f"{part}_observed"].values for part in parts])
    quantiles = [simulation[part].sel(quantile=list(levels)) for part in parts]
    simulated = np.concatenate([q.transpose("quantile", ...).values for q in quantiles], axis=1)
    known = np.isfinite(seen)
    return seen[known], simulated[:, known]


def _discrepancy(tree: xr.DataTree, name: str) -> float:
    """Return the share of the data's variance, or of their logarithms', that the model misses."""
    posterior, data = group(tree, "posterior"), group(tree, "observed_data")[name].values
    stated = json.loads(tree.attrs.get("experiment", "{}")).get("priors", {})
    for suffix, scale in (("structural_sd", np.asarray), ("structural_log_sd", np.log)):
        error, structural = f"{name}_{suffix}", 0.0
        if error in posterior:
            structural = float((posterior[error] ** 2).median())
        elif error in stated:  # held fixed, which leaves nothing to infer
            structural = float(stated[error].get("value", np.nan)) ** 2
        if structural:
            return structural / (float(np.var(scale(data))) or np.nan)
    return 0.0


def _coverage(tree: xr.DataTree, name: str, level: float) -> float:
    draws = group(tree, "posterior_predictive")[name].values
    low, high = np.quantile(draws, [(1 - level) / 2, (1 + level) / 2], axis=(0, 1))
    data = group(tree, "observed_data")[name].values
    return float(np.mean((data >= low) & (data <= high)))
