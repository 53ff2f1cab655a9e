"""The engines behind one call."""

from __future__ import annotations

from collections.abc import Sequence

from bayes_tbm.errors import InputError
from bayes_tbm.posterior.density import LogDensity
from bayes_tbm.sampling.checkpoint import Checkpoint
from bayes_tbm.sampling.draws import AskNext, Draws
from bayes_tbm.sampling.modes import Mode
from bayes_tbm.sampling.nuts import run as nuts
from bayes_tbm.sampling.progress import Progress
from bayes_tbm.sampling.settings import SAMPLERS, Settings

_BLACKJAX = {name: name.removeprefix("blackjax-").replace("-", "_") for name in SAMPLERS[1:]}
_FLOW = "flow"


def can_resume(settings: Settings) -> bool:
    """Whether a run with these settings can be kept on disk and taken up again."""
    return settings.sampler not in _BLACKJAX


def check_resumable(settings: Settings) -> None:
    """Refuse to keep what cannot be taken up again.

    Raises
    ------
    InputError
        The sampler has no checkpoints.
    """
    if not can_resume(settings):
        raise InputError(
            where="sampling", variable="sampler", rule="must be numpyro for runs with a checkpoint",
            found=settings.sampler, remedy="leave the checkpoint (--resume, --extend) out",
        )  # fmt: skip


def transitions(settings: Settings) -> int:
    """Transitions that all chains make together, warm-up included."""
    method = _BLACKJAX.get(settings.sampler)
    if method == _FLOW:
        from bayes_tbm.sampling.blackjax import flow_run as flow_engine

        warmup = flow_engine.warmup_length(settings)
    elif method:
        from bayes_tbm.sampling.blackjax import run as blackjax_engine

        warmup = blackjax_engine.warmup_length(settings, method)
    else:
        warmup = nuts.warmup_length(settings)
    return settings.chains * (warmup + settings.draws)


def compile_ahead(density: LogDensity, settings: Settings) -> None:
    """Compile what the engine needs, beside other work; only NUTS knows that before its modes."""
    if settings.sampler not in _BLACKJAX:
        nuts.compile_ahead(density, settings)


def draw(
    density: LogDensity,
    modes: Sequence[Mode],
    settings: Settings,
    progress: Progress,
    checkpoint: Checkpoint | None = None,
    ask_next: AskNext | None = None,
) -> Draws:
    """Sample with the engine that the settings name.

    Parameters
    ----------
    density
        What to sample.
    modes
        Where chains may begin, the heaviest first.
    settings
        How to sample; ``settings.sampler`` names the engine.
    progress
        Where to report every transition.
    checkpoint
        Where chains keep what they have done; for NumPyro's NUTS alone, see `check_resumable`.
    ask_next
        What the run does after the draws so far; asked again until it is done. Runs of BlackJAX
        do not ask: they are as long as the settings say.

    Returns
    -------
    Draws
        On the latent space, (chain, draw, dimension), with the sampler's statistics.
    """
    method = _BLACKJAX.get(settings.sampler)
    if method == _FLOW:
        from bayes_tbm.sampling.blackjax import flow_run as flow_engine

        return flow_engine.sample(density, modes, settings, progress)
    if method:
        from bayes_tbm.sampling.blackjax import run as blackjax_engine

        return blackjax_engine.sample(density, modes, settings, progress, method=method)
    return nuts.sample(density, modes, settings, progress, checkpoint, ask_next)
