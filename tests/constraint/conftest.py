"""Linear-Gaussian problems, whose posteriors and every measure of constraint are known."""

import dataclasses
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import arviz as az
import numpy as np
import pytest
import xarray as xr
from numpy.typing import NDArray
from scipy import stats
from scipy.signal import lfilter

Array = NDArray[np.float64]
CHAINS, DRAWS, PRIOR_DRAWS = 4, 1000, 1000


@dataclasses.dataclass(frozen=True)
class Stream:
    """Observations ``value = jacobian z + noise`` of independent standard normal ``z``."""

    jacobian: Array
    value: Array
    sd: Array


@dataclasses.dataclass(frozen=True)
class LinearGaussian:
    """Parameters with normal or log-normal priors, linear in the latent scale, and streams."""

    priors: Mapping[str, Mapping[str, Any]]
    streams: Mapping[str, Stream]

    def posterior(self, names: Iterable[str]) -> tuple[Array, Array]:
        """Mean and covariance of the latent parameters given streams."""
        dimension = len(self.priors)
        precision, pull = np.eye(dimension), np.zeros(dimension)
        for stream in (self.streams[name] for name in names):
            weighted = stream.jacobian / stream.sd[:, None] ** 2
            precision = precision + weighted.T @ stream.jacobian
            pull = pull + weighted.T @ stream.value
        covariance = np.linalg.inv(precision)
        return covariance @ pull, covariance

    def result(
        self,
        names: Sequence[str] | None = None,
        *,
        seed: int,
        memory: float = 0.5,
        shape: tuple[int, int] = (CHAINS, DRAWS),
        constraints: Mapping[str, float] | None = None,
    ) -> xr.DataTree:
        """Make what a sampler would return: stationary chains with a lag-one correlation."""
        names = tuple(self.streams) if names is None else tuple(names)
        rng = np.random.default_rng(seed)
        mean, covariance = self.posterior(names)
        z = (
            mean
            + stationary_chains(rng, memory, (*shape, len(mean))) @ np.linalg.cholesky(covariance).T
        )
        likelihood = {
            name: stats.norm.logpdf(s.value, z @ s.jacobian.T, s.sd)
            for name, s in self.streams.items()
            if name in names
        }
        groups = {
            "posterior": self._values(z),
            "prior": self._values(rng.normal(size=(1, PRIOR_DRAWS, len(mean)))),
            "log_prior": {n: stats.norm.logpdf(z[..., i]) for i, n in enumerate(self.priors)},
        }
        groups |= {"log_likelihood": likelihood} if likelihood else {}
        experiment = {"priors": self.priors, "constraints": dict(constraints or {})}
        tree: xr.DataTree = az.from_dict(
            groups, attrs={"/": {"experiment": json.dumps(experiment)}}
        )
        return tree

    def _values(self, z: Array) -> dict[str, Array]:
        out = {}
        for place, (name, prior) in enumerate(self.priors.items()):
            own = z[..., place]
            if prior["family"] == "lognormal":
                out[name] = prior["median"] * np.exp(prior["log_sd"] * own)
            else:
                out[name] = prior["mean"] + prior["sd"] * own
        return out


def stationary_chains(rng: np.random.Generator, memory: float, shape: tuple[int, ...]) -> Array:
    """Stationary standard normal chains, (chain, draw, ...)."""
    noise = rng.normal(size=shape)
    noise[:, 1:] *= np.sqrt(1.0 - memory**2)
    return lfilter([1.0], [1.0, -memory], noise, axis=1)


def joint_truth(mean: Array, covariance: Array) -> dict[str, float]:
    """Closed forms of joint measures for a standard normal prior, in bits."""
    displacement = 0.5 * (np.trace(covariance) + mean @ mean - len(mean)) / np.log(2.0)
    reduction = -0.5 * np.linalg.slogdet(covariance)[1] / np.log(2.0)
    return {"bits": reduction + displacement, "entropy_reduction": reduction}


@pytest.fixture(scope="session")
def chains() -> Callable[..., Array]:
    """Make stationary standard normal chains, (chain, draw, ...), with a lag-one correlation."""
    return stationary_chains


@pytest.fixture(scope="session")
def truth() -> Callable[[Array, Array], dict[str, float]]:
    """Closed forms of joint measures from the posterior's mean and covariance."""
    return joint_truth


@pytest.fixture(scope="session")
def make_stream() -> type[Stream]:
    """Build a stream from jacobian, value and sd."""
    return Stream


@pytest.fixture(scope="session")
def linear_gaussian() -> type[LinearGaussian]:
    """Build a problem from priors and streams."""
    return LinearGaussian


@pytest.fixture(scope="session")
def two_parameters() -> Callable[[int], LinearGaussian]:
    """Build a random problem of two parameters and two streams; the seed numbers the problem."""

    def build(seed: int) -> LinearGaussian:
        rng = np.random.default_rng([seed, 99])
        priors = {
            "a": {"family": "normal", "mean": 3.0, "sd": 2.0},
            "b": {"family": "lognormal", "median": 60.0, "log_sd": 0.8},
        }
        z = rng.normal(size=2)
        streams = {}
        for name, count in (("flux", 3), ("stock", 1)):
            jacobian = rng.normal(size=(count, 2))
            sd = np.exp(rng.uniform(-2.0, 1.0, count))
            streams[name] = Stream(jacobian, jacobian @ z + sd * rng.normal(size=count), sd)
        return LinearGaussian(priors, streams)

    return build
