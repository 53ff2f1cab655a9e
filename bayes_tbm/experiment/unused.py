"""What an experiment states of streams that it does not fit."""

from __future__ import annotations

import warnings

from bayes_tbm.errors import DataWarning
from bayes_tbm.experiment.file import Experiment
from bayes_tbm.streams import FITTED_TO


def warn_unused(experiment: Experiment) -> None:
    """Warn of entries that have no effect on a fit.

    Warns
    -----
    DataWarning
        Errors, uncertainties or a table of a stream that is not fitted, or sets of streams.
    """
    fitted = {name.strip().lower() for name in experiment.streams}
    if not fitted <= set(FITTED_TO):  # refused in a moment
        return
    tables = ("errors", "uncertainty")
    named = [f"[{t}] {name}" for t in tables for name in getattr(experiment, t)
             if name not in fitted]  # fmt: skip
    named += [f"[{name}]" for name in ("growth_curve", "stock")
              if getattr(experiment, name) and name not in fitted]  # fmt: skip
    where = f"{experiment.where}: " if experiment.where else ""
    if named and fitted:
        text = f"{where}{', '.join(named)} not used; streams are {', '.join(experiment.streams)}"
        warnings.warn(text, DataWarning, stacklevel=2)
    if experiment.sets:
        text = f"{where}[sets] not used: it is for compare; all streams are fitted at once"
        warnings.warn(text, DataWarning, stacklevel=2)
