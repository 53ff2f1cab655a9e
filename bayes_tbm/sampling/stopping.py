"""When a run is done: whether its draws are enough, should be added to, or drawn anew."""

from __future__ import annotations

import arviz as az

from bayes_tbm.posterior.evaluate import Evaluation, Evaluator
from bayes_tbm.results.diagnostics import ConvergenceReport, check_convergence
from bayes_tbm.sampling.draws import DONE, RESTART, Draws, NextStep, extend
from bayes_tbm.sampling.settings import Settings

_FAR_APART = 1.2  # R-hat of chains that shorter steps would not bring together


class StoppingRule:
    """Looks at the draws so far, and says what the run does next.

    Parameters
    ----------
    evaluator
        Turns draws into parameters and derived quantities.
    settings
        How many draws were asked for, and how often they may be added to.
    prior
        Draws of the prior, which tell what is held fixed.
    """

    def __init__(self, evaluator: Evaluator, settings: Settings, prior: Evaluation) -> None:
        self._evaluator, self._settings, self._prior = evaluator, settings, prior
        self._seen: tuple[Draws, Evaluation, ConvergenceReport] | None = None

    def evaluated(self, draws: Draws) -> tuple[Evaluation, ConvergenceReport]:
        """Evaluate and check draws; the latest are remembered."""
        if self._seen is None or self._seen[0] is not draws:
            evaluation = self._evaluator.posterior(draws.z, seed=self._settings.seed)
            groups = {
                "posterior": evaluation.values, "sample_stats": draws.stats,
                "prior": self._prior.values,
            }  # fmt: skip
            self._seen = draws, evaluation, check_convergence(az.from_dict(groups))
        return self._seen[1:]

    def next_step(self, draws: Draws, may_restart: bool) -> NextStep:
        """Decide what the run does after these draws.

        Parameters
        ----------
        draws
            All draws since the run began, or began anew.
        may_restart
            Whether they may begin anew with shorter steps.
        """
        asked, made = self._settings.draws, draws.z.shape[1]
        if self._settings.extensions == 0:
            return DONE
        _, report = self.evaluated(draws)
        if report.divergences:
            return RESTART if may_restart and report.rhat < _FAR_APART else DONE
        more = max(asked // 2, 1)
        most = asked + self._settings.extensions * more
        return extend(more) if made < most and report.may_pass(most / made) else DONE
