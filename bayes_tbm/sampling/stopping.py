"""Whether a run is long enough."""

from __future__ import annotations

import arviz as az

from bayes_tbm.posterior.evaluate import Evaluation, Evaluator
from bayes_tbm.results.diagnostics import check_convergence
from bayes_tbm.sampling.draws import Draws, Help
from bayes_tbm.sampling.settings import Settings

_FAR_APART = 1.2  # R-hat of chains that shorter steps would not bring together


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

    def more(self, draws: Draws, may_refine: bool) -> Help:
        """Half the draws that were asked for, or draws anew, where that should be the cure."""
        asked, made = self._settings.draws, draws.z.shape[1]
        step = max(asked // 2, 1)
        if self._settings.extensions == 0:
            return Help()
        groups = {
            "posterior": self.evaluated(draws).values, "sample_stats": draws.stats,
            "prior": self._prior.values,
        }  # fmt: skip
        gate = check_convergence(az.from_dict(groups))
        if gate.divergences:
            return Help(shorter=may_refine and gate.rhat < _FAR_APART)
        most = asked + self._settings.extensions * step
        return Help(further=step if made < most and gate.may_pass(most / made) else 0)
