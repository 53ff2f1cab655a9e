"""What one fit says of every quantity: how far data narrowed and moved it, and what drives it."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from bayes_tbm.constraint.information import (
    INFORMATION,
    SPREAD,
    contraction,
    information,
    marginal,
)
from bayes_tbm.constraint.scales import StatedPriors, standardise
from bayes_tbm.constraint.sensitivity import (
    TENSION,
    THRESHOLD,
    log_likelihoods,
    log_prior,
    power_scaling,
    verdict,
)
from bayes_tbm.constraint.targets import LatentDraws, Target, choose, label, require_groups
from bayes_tbm.constraint.variables import columns, with_error
from bayes_tbm.results.groups import group
from bayes_tbm.runtime.precision import use_double_precision

Array = NDArray[np.float64]

_GROUPS = ("posterior", "prior", "log_prior", "log_likelihood")
_JOINT = {f"joint_{name}": (unit, f"joint {text}") for name, (unit, text) in INFORMATION.items()}


def constraint(
    post: xr.DataTree,
    *,
    parameters: Sequence[str] | None = None,
    pairs: Sequence[Target] | None = None,
) -> xr.Dataset:
    """Measure how data constrained each parameter and derived quantity, from one fit.

    Parameters
    ----------
    post
        Result with groups posterior, prior, log_prior and log_likelihood.
    parameters
        Parameters and derived quantities; by default all that the prior leaves free.
    pairs
        Pairs, or larger sets, to measure jointly; by default wood allocation with wood residence
        time where both are free. None of them may follow from the others.

    Returns
    -------
    xarray.Dataset
        Dimensions parameter, stream and pair. All variables have units and long names; all
        numbers have a Monte Carlo standard error, ``<name>_mcse``. On scales on which the prior is
        standard normal (`bayes_tbm.constraint.scales`):

        - ``contraction``, ``shift``, ``overlap`` (1): one minus the posterior's variance over the
          prior's, displacement, shared area;
          ``tension`` (1): the shift, were prior and data in accord, in its standard deviations.
        - ``bits``, the information gain, and ``entropy_reduction`` (both in bits;
          `bayes_tbm.constraint.information`), each also as ``*_gaussian``, an approximation;
          ``joint_*`` the same of pairs.
        - ``psense_prior``, ``psense_likelihood`` and, by stream, ``psense_stream`` (1):
          power-scaling sensitivity. ``verdict`` and, by stream, ``stream_verdict`` are drawn
          from it by `bayes_tbm.constraint.verdict`.
        - ``scale``: ``"latent"`` where the prior's family gives the scale, ``"normal scores"``
          where draws of the prior do.

    Raises
    ------
    InputError
        A group is missing, or a name is not that of a free scalar quantity.

    Warns
    -----
    DataWarning
        The prior of a quantity is of a shape that makes its bits too large.
    """
    use_double_precision()
    require_groups(post, _GROUPS)
    posterior, prior = group(post, "posterior"), group(post, "prior")
    single, joint = choose([posterior], prior, parameters, pairs)
    draws = LatentDraws.of((*single, *joint), [posterior], prior, StatedPriors.of(post))
    draws.warn_of_prior()
    measures = SPREAD | INFORMATION
    data = columns("parameter", draws.estimate(marginal, len(measures), single), measures)
    data |= columns("pair", draws.estimate(information, len(_JOINT), joint), _JOINT)
    np.clip(data["overlap"].values, 0.0, 1.0, out=data["overlap"].values)  # an area, whose error
    # and correction for bias may pass its ends
    latent = np.array([standardise(*draws.samples([target]))[0][0, 0] for target in single])
    latent = latent.reshape(len(single), posterior.sizes["chain"] * posterior.sizes["draw"])
    data |= _sensitivities(post, latent, data["tension"].values)
    scales = ["latent" if draws.stated.exact(target) else "normal scores" for target in single]
    data["scale"] = _text(("parameter",), np.array(scales), "scale on which it is measured")
    names = [label(target) for target in single]
    coords = {
        "parameter": names,
        "unit": ("parameter", [str(posterior[name].attrs.get("units", "")) for name in names]),
        "pair": [label(target) for target in joint],
        "stream": [str(stream) for stream in group(post, "log_likelihood").data_vars],
    }
    thresholds = {"psense_threshold": THRESHOLD, "tension_threshold": TENSION}
    return xr.Dataset(data, coords, thresholds)


def contractions(post: xr.DataTree, parameters: Sequence[str]) -> dict[str, float]:
    """Contraction of some quantities, the numbers that `constraint` gives, without its other work.

    Parameters
    ----------
    post
        Result with groups posterior and prior.
    parameters
        Parameters and derived quantities that the prior leaves free.

    Raises
    ------
    InputError
        As `constraint`.
    """
    require_groups(post, ("posterior", "prior"))
    posterior, prior = group(post, "posterior"), group(post, "prior")
    single, _ = choose([posterior], prior, parameters, [])
    draws = LatentDraws.of(single, [posterior], prior, StatedPriors.of(post))
    value = draws.estimate(contraction, 1, single).value[:, 0]
    return dict(zip(parameters, map(float, value), strict=True))


def _sensitivities(post: xr.DataTree, latent: Array, tension: Array) -> dict[str, xr.Variable]:
    """Power-scaling sensitivity of latent draws, (quantity, draw), and the verdicts on it."""
    streams = list(log_likelihoods(post).values())
    terms = np.stack([log_prior(post), np.sum(streams, axis=0), *streams])
    estimate = power_scaling(latent, terms)
    value, mcse = estimate.value, estimate.mcse
    prior, data, stream = value[0], value[1], value[2:].T
    rows, table = ("parameter",), ("parameter", "stream")
    text = "power-scaling sensitivity to"
    overall = verdict(prior, data, tension)
    of_stream = verdict(prior[:, None], stream, tension[:, None])
    return {
        **with_error("psense_prior", rows, prior, mcse[0], "1", f"{text} the prior"),
        **with_error("psense_likelihood", rows, data, mcse[1], "1", f"{text} all streams"),
        **with_error("psense_stream", table, stream, mcse[2:].T, "1", f"{text} the stream"),
        "verdict": _text(rows, overall, "what drives the quantity, prior or data"),
        "stream_verdict": _text(table, of_stream, "what drives it more, prior or stream"),
    }


def _text(dims: tuple[str, ...], value: NDArray[np.str_], text: str) -> xr.Variable:
    return xr.Variable(dims, value.astype(object), {"units": "1", "long_name": text})
