"""Wood as one linear pool: what stocks and curves say of its input and turnover.

``C(t) = I / k (1 - exp(-k t))`` with I = 150 g C m-2 yr-1 and k = 1 / (60 yr), prior log sd 0.8
and 1.0; linearised in the logarithms, where the posterior is Gaussian.
"""

import numpy as np
import pytest

from bayes_tbm.constraint import constraint, set_gains
from bayes_tbm.constraint.information import information, marginal
from bayes_tbm.constraint.jackknife import jackknife

INPUT, TURNOVER = 150.0, 1.0 / 60.0
LOG_SD = np.array([0.8, 1.0])
PRIORS = {
    "wood_input": {"family": "lognormal", "median": INPUT, "log_sd": LOG_SD[0]},
    "wood_turnover": {"family": "lognormal", "median": TURNOVER, "log_sd": LOG_SD[1]},
}


def stock(log_input, log_turnover, age):
    turnover = np.exp(log_turnover)
    return np.exp(log_input) / turnover * -np.expm1(-turnover * age)


def observe(make_stream, age, sd):
    """Logarithms of stocks at these ages, with errors of the logarithm, at the prior's median."""
    age = np.asarray(age, dtype=float)
    x = TURNOVER * age
    slope = np.column_stack([np.ones_like(x), x * np.exp(-x) / -np.expm1(-x) - 1.0])
    return make_stream(slope * LOG_SD, np.zeros_like(x), np.broadcast_to(sd, x.shape))


HYYTIALA = np.array([39.5, 41.5, 42.5, 43.5, 44.5, 46.5])  # shared/data/hyytiala_wood_stock.csv
CURVE = np.arange(10.0, 151.0, 10.0)
# The table of SCIENCE.md 4: contraction of ln I and ln k, their correlation, gain in nats.
TABLE = {
    "stock at 80": ([80.0], 0.15, (0.68, 0.29, 0.94, 1.86)),
    "stock at 150": ([150.0], 0.15, (0.51, 0.48, 0.97, 2.01)),
    "six stocks in seven years": (
        HYYTIALA, 858.0 / stock(np.log(INPUT), np.log(TURNOVER), HYYTIALA), (0.86, 0.16, 0.97, 2.44)
    ),
    "curve": (CURVE, 0.15, (0.99, 0.97, 0.91, 4.77)),
    "curve, 30 % error": (CURVE, 0.30, (0.95, 0.89, 0.90, 3.44)),
}  # fmt: skip


@pytest.fixture(scope="module")
def pool(linear_gaussian, make_stream):
    streams = {name: observe(make_stream, age, sd) for name, (age, sd, _) in TABLE.items()}
    return linear_gaussian(PRIORS, streams)


@pytest.mark.parametrize("name", TABLE)
def test_the_toy_table(pool, name):
    mean, covariance = pool.posterior([name])
    contraction = 1.0 - np.diag(covariance)
    correlation = covariance[0, 1] / np.sqrt(np.prod(np.diag(covariance)))
    nats = -0.5 * np.log(np.linalg.det(covariance))
    *table, gain = TABLE[name][2]
    np.testing.assert_allclose([*contraction, correlation, nats], [*table, gain], atol=0.03)

    rng = np.random.default_rng(1)
    z = rng.multivariate_normal(mean, covariance, 20_000).T
    found = [marginal(row[None, None])[0, 0] for row in z]
    np.testing.assert_allclose([*found, np.corrcoef(z)[0, 1]], table, atol=0.03)
    _, _, reduction, gaussian = information(z[None])[0] * np.log(2)
    assert reduction == pytest.approx(gain, abs=0.03)
    assert gaussian == pytest.approx(gain, abs=0.03)


def test_the_public_measure_tells_the_same_story(pool):
    """A stock fixes one combination of input and turnover; a curve fixes both."""
    names = ("wood_input", "wood_turnover")
    for name in ("stock at 80", "curve"):
        data = constraint(pool.result([name], seed=3), pairs=[names])
        *contraction, _, gain = TABLE[name][2]
        for found, expected in zip(data["contraction"], contraction, strict=True):
            mcse = data["contraction_mcse"].sel(parameter=found["parameter"])
            assert abs(found - expected) < 3 * mcse + 0.005  # the table is rounded
        bits = data["joint_entropy_reduction"].item()
        mcse = data["joint_entropy_reduction_mcse"].item()
        assert abs(bits - gain / np.log(2)) < 3 * mcse
        alone = data["entropy_reduction"].sum().item()
        assert bits > alone + 0.5  # the ridge between them is where a pair says more than two


def test_more_stocks_beside_a_curve_add_little(pool):
    names = ("curve", "stock at 80")
    sets = [(), names[:1], names[1:], names]
    fits = {key: pool.result(key, seed=7 + place) for place, key in enumerate(sets)}
    pair = "wood_input & wood_turnover"
    gains = set_gains(fits, pairs=[("wood_input", "wood_turnover")])
    added = gains.add_one_in(to=["curve"]).sel(stream="stock at 80", target=pair)
    alone = gains.add_one_in().sel(stream="stock at 80", target=pair)
    assert added["add_one_in"] < 0.2
    assert alone["add_one_in"] > 2.4
    redundancy = gains.synergy(*names).sel(target=pair)
    assert redundancy["synergy"] + 3 * redundancy["synergy_mcse"] < 0


@pytest.mark.parametrize("age", [40.0, 80.0])
def test_the_exact_posterior_of_one_stock(age):
    """Not linearised: a bent ridge, whose bits come from quadrature."""
    side = np.linspace(-5.0, 5.0, 1001)
    z = np.stack(np.meshgrid(side, side, indexing="ij"))
    log_prior = -0.5 * np.sum(z**2, axis=0)
    logs = [np.log(v) + s * x for v, s, x in zip((INPUT, TURNOVER), LOG_SD, z, strict=True)]
    residual = np.log(stock(*logs, age) / stock(np.log(INPUT), np.log(TURNOVER), age)) - 0.5
    density = np.exp(log_prior - 0.5 * (residual / 0.15) ** 2)
    density /= density.sum()
    cell = np.log(side[1] - side[0])
    log_normal = log_prior - np.log(2 * np.pi)
    expected = [np.sum(density * (np.log(np.maximum(density, 1e-300)) - 2 * cell - log_normal))]
    for axis in (0, 1):
        own = density.sum(axis=1 - axis)
        log_own = np.log(np.maximum(own, 1e-300)) - cell
        expected.append(np.sum(own * (log_own + 0.5 * side**2 + 0.5 * np.log(2 * np.pi))))

    rng = np.random.default_rng(2)
    place = np.unravel_index(rng.choice(density.size, 4000, p=density.ravel()), density.shape)
    draws = side[np.stack(place)] + rng.uniform(-0.5, 0.5, (2, 4000)) * (side[1] - side[0])
    joint = jackknife(information, draws[None], correct_bias=False)
    single = jackknife(marginal, draws[:, None])
    found = np.array([joint.value[0, 0], *single.value[:, 4]])
    mcse = np.array([joint.mcse[0, 0], *single.mcse[:, 4]])
    assert np.all(np.abs(found - np.array(expected) / np.log(2)) < 3 * mcse)
