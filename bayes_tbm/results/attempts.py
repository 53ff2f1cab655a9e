"""How a run went, kept with its result: what was discarded, what was added, whether to trust it."""

from __future__ import annotations

import dataclasses
import json
import warnings
from collections.abc import Sequence

import numpy as np
import xarray as xr

from bayes_tbm.errors import ConvergenceWarning
from bayes_tbm.results.diagnostics import ConvergenceReport, check_convergence
from bayes_tbm.results.groups import group

CONVERGENCE = "convergence"
"""Group of a result that says how the run went."""
LED = "chains led to a mode that no optimiser had found: sampling began anew with it"
"""What is said of a run whose modes are not all of optimisers; `Calibration.sample` tells how."""
MANY_STARTS = 4
"""Of fewer, one is no small share."""
_ATTEMPT = {
    "draws": ("1", "draws a chain when the attempt ended"),
    "extensions": ("1", "times that draws were added"),
    "divergences": ("1", "divergent transitions of all chains"),
    "step_size": ("1", "mean step size"),
    "led": ("1", "whether its chains led to a mode with which sampling began anew"),
}
_REPORT = {
    "passed": ("1", "whether every check held"),
    "rhat": ("1", "largest R-hat"),
    "ess_bulk": ("1", "smallest bulk effective sample size"),
    "ess_tail": ("1", "smallest tail effective sample size"),
    "bfmi": ("1", "smallest E-BFMI over chains"),
}


@dataclasses.dataclass(frozen=True)
class Attempt:
    """Draws with one choice of step sizes; the last attempt of a run is its result.

    Attributes
    ----------
    draws
        Of each chain, when the attempt ended.
    extensions
        How often draws were added.
    divergences
        Divergent transitions of all chains.
    step_size
        Mean over chains.
    led
        Whether it was given up since chains had led to a mode that no optimiser had found.
    """

    draws: int
    extensions: int
    divergences: int
    step_size: float
    led: bool = False

    @classmethod
    def from_row(cls, row: Sequence[float]) -> Attempt:
        """Return the attempt whose fields are a row of numbers."""
        draws, extensions, divergences, step_size, led = row
        return cls(int(draws), int(extensions), int(divergences), float(step_size), bool(led))


def convergence_group(report: ConvergenceReport, attempts: Sequence[Attempt]) -> xr.Dataset:
    """Return the group `CONVERGENCE`: figures of the report, and a row for each attempt.

    Attributes ``verdict`` and ``failures`` (a JSON list) say what the report says in words.
    """
    out = xr.Dataset(attrs={"verdict": str(report), "failures": json.dumps(report.failures)})
    for name, (unit, text) in _REPORT.items():
        out[name] = (), np.asarray(getattr(report, name)) * 1, {"units": unit, "long_name": text}
    for name, (unit, text) in _ATTEMPT.items():
        column = np.array([getattr(attempt, name) * 1 for attempt in attempts])
        out[name] = "attempt", column, {"units": unit, "long_name": text}
    return out


def led(tree: xr.DataTree) -> list[str]:
    """Say that chains led to one of the modes, if they did and no optimiser."""
    modes = json.loads(tree.attrs.get("experiment", "{}")).get("modes", [])
    return [LED] if any(mode["starts"] == 0 for mode in modes) else []


def lonely(tree: xr.DataTree) -> list[str]:
    """Say that one of many optimiser starts alone reached the heaviest mode.

    Chains that all begin there agree with each other, and pass, also where a better mode exists.
    """
    record = json.loads(tree.attrs.get("experiment", "{}"))
    starts = record.get("sampling", {}).get("starts", 1)
    heaviest = [mode["starts"] for mode in record.get("modes", [])][:1]
    if starts < MANY_STARTS or heaviest != [1]:
        return []
    return [
        f"the heaviest mode was reached by 1 of {starts} starts, hops included: a better one may "
        f"be hidden; try more (starts {4 * starts}) or another seed"
    ]


def attempt_lines(tree: xr.DataTree) -> list[str]:
    """Say what a run discarded and added, a line each; none for a tree that does not know."""
    if CONVERGENCE not in tree.children:
        return []
    found = group(tree, CONVERGENCE)
    never = np.zeros(found.sizes["attempt"])  # results of before it was kept
    columns = [found[name].values if name in found else never for name in _ATTEMPT]
    rows = [Attempt.from_row(row) for row in zip(*columns, strict=True)]
    lines = [
        f"discarded {row.draws} draws a chain with {row.divergences} divergences at step size "
        f"{row.step_size:.3g}{_extended(row)}: "
        f"{LED if row.led else 'draws began anew with shorter steps'}"
        for row in rows[:-1]
    ]
    last = rows[-1]
    return [
        *lines,
        f"{last.draws} draws a chain at step size {last.step_size:.3g}{_extended(last)}",
        *lonely(tree),
    ]


def _extended(row: Attempt) -> str:
    times = "once" if row.extensions == 1 else f"{row.extensions} times"
    return f", extended {times}" if row.extensions else ""


def warn_unless_converged(tree: xr.DataTree, *, name: str = "", stacklevel: int = 1) -> None:
    """Warn, with the reasons, of a result whose chains have not converged.

    Parameters
    ----------
    tree
        Of `bayes_tbm.Calibration.sample`, or read from its file.
    name
        What the fit is called, where there are several.
    stacklevel
        Frames between the caller and whom to tell.
    """
    if CONVERGENCE in tree.children:
        failures = json.loads(tree[CONVERGENCE].attrs["failures"])
    else:
        failures = check_convergence(tree).failures
    if failures:
        label = f"{name}: " if name else ""
        warnings.warn(
            f"{label}chains have not converged, do not use this posterior as it is: "
            f"{'; '.join(failures)}",
            ConvergenceWarning,
            stacklevel=stacklevel + 2,
        )
