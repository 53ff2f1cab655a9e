"""Whether a run is long enough."""

from __future__ import annotations

import arviz as az

from bayes_tbm.inference.diagnostics import check_convergence
from bayes_tbm.inference.evaluate import Evaluation, Evaluator
from bayes_tbm.inference.nuts import Draws
from bayes_tbm.inference.settings import Settings


class Judge:
    """Looks at the draws so far, and says how many more a run needs."""

    def __init__(self, evaluator: Evaluator, settings: Settings, prior: Evaluation) -> None:
        self._evaluator, self._settings, self._prior = evaluator, settings, prior
        self._last: tuple[Draws, Evaluation] | None = None

    def evaluated(self, draws: Draws) -> Evaluation:
        """Evaluate draws, once."""
        if self._last is None or self._last[0] is not draws:
            found = self._evaluator.posterior(draws.z, seed=self._settings.seed)
            self._last = draws, found
        return self._last[1]

    def more(self, draws: Draws) -> int:
        """Half the draws that were asked for, where that many should bring convergence."""
        asked, made = self._settings.draws, draws.z.shape[1]
        step = max(asked // 2, 1)
        if made >= asked + self._settings.extensions * step:
            return 0
        groups = {
            "posterior": self.evaluated(draws).values, "sample_stats": draws.stats,
            "prior": self._prior.values,
        }  # fmt: skip
        return step if check_convergence(az.from_dict(groups)).is_close else 0
