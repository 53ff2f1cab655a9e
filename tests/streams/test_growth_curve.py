"""Growth curves and single stocks: their likelihood, their readers, what they refuse."""

import dataclasses
import itertools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy import stats

from bayes_tbm.errors import DataWarning, InputError
from bayes_tbm.model import prepare, regrow, simulate
from bayes_tbm.model.regrowth import at_age, departed, live_biomass
from bayes_tbm.parameters import Fixed, LogNormal, Parameters
from bayes_tbm.streams import STREAMS, AlongAge, Gaussian, GrowthCurve, Stock, bind
from bayes_tbm.streams.plot_scatter import own_scatter
from bayes_tbm.streams.select import bind_all

AGE = np.array([12.0, 20.0, 35.0, 60.0, 100.0, 150.0])
RATE, SHAPE = 0.03, 1.5
VALUE = 9000.0 * (1.0 - np.exp(-RATE * AGE)) ** SHAPE
SLOPE = SHAPE * RATE / np.expm1(RATE * AGE)  # of the logarithm
SD = VALUE * np.array([0.1, 0.3, 0.2, 0.15, 0.4, 0.2])
EXPECTED = VALUE * np.exp([0.1, -0.3, 0.2, 0.05, -0.1, 0.3])
P = Parameters.default(wood_departure=0.3, labile_departure=-0.2)
MONTHS = (np.arange(60) + 0.5) * 30.4375


@pytest.fixture(scope="module")
def site(make_site):
    """Sixty months from 2001-01-01."""
    return make_site(MONTHS, {}, step_length=30.4375)


@pytest.fixture(scope="module")
def run(make_weather):
    """A run over the site's sixty months, with a regrowth of as many years."""
    year, record = (prepare(make_weather(n, daily=False)) for n in (12, 60))
    grown = jax.jit(lambda p: regrow(p, year, 60))(P)
    return dataclasses.replace(jax.jit(simulate)(P, record), regrowth=grown)


def curve(**changes):
    given = {"age": AGE, "biomass": VALUE, "sd": SD, "unit": "g C m-2"} | changes
    return GrowthCurve.from_points(**given)


def errors_of(length=40.0, common=0.0, structural=0.05):
    return {
        "growth_curve_error_length": jnp.asarray(length),
        "growth_curve_error_common": jnp.asarray(common),
        "growth_curve_structural_log_sd": jnp.asarray(structural),
    }


def covariance(length, common, structural, age_sd):
    """Covariance of the logarithms of the points, written out."""
    found = np.zeros((6, 6))
    sd = np.sqrt(np.log(1.0 + (SD / VALUE) ** 2))
    for i, j in itertools.product(range(6), range(6)):
        near = np.exp(-abs(AGE[i] - AGE[j]) / length)
        found[i, j] = sd[i] * sd[j] * (common + (1.0 - common) * near)
    return found + np.diag(structural**2 + (SLOPE * age_sd) ** 2)


OPTIONS = [
    (40.0, 0.0, 0.05, 0.0),
    (40.0, 0.7, 0.0, 5.0),
    (5.0, 0.2, 0.3, 0.0),
    (200.0, 1.0, 0.1, 8.0),
]


@pytest.mark.parametrize("options", OPTIONS)
def test_likelihood_is_the_multivariate_normal_of_the_logarithms(site, options):
    bound = curve(age_sd=options[-1]).bind(site)
    terms = bound.log_likelihood(jnp.asarray(EXPECTED), errors_of(*options[:3]))
    assert terms.shape == (6,)
    joint = stats.multivariate_normal(np.log(EXPECTED), covariance(*options))
    by_hand = joint.logpdf(np.log(VALUE)) - np.log(VALUE).sum()
    # a jitter of 1e-9 of the variance
    assert float(terms.sum()) == pytest.approx(by_hand, abs=1e-6)
    total = bound.log_density(jnp.asarray(EXPECTED), errors_of(*options[:3]))
    assert float(total) == pytest.approx(float(terms.sum()), rel=1e-12)


@pytest.mark.parametrize("options", OPTIONS[1:3])
def test_sampled_points_have_that_covariance(site, options):
    bound, draws = curve(age_sd=options[-1]).bind(site), 20_000
    draw = jax.vmap(lambda key: bound.sample(key, jnp.asarray(EXPECTED), errors_of(*options[:3])))
    points = np.log(draw(jax.random.split(jax.random.key(1), draws)))
    exact = covariance(*options)
    variance = np.diag(exact)
    # standard errors of a mean and of a covariance of normal draws; five of each
    off = np.abs(points.mean(axis=0) - np.log(EXPECTED)) / np.sqrt(variance / draws)
    assert off.max() < 5.0
    spread = np.sqrt((np.outer(variance, variance) + exact**2) / draws)
    assert (np.abs(np.cov(points.T) - exact) / spread).max() < 5.0


def test_error_parameters_are_those_of_the_model(site):
    errors = AlongAge(length=LogNormal(40.0, 0.5), common=Fixed(0.3))
    bound = curve(errors=errors, name="plots").bind(site)
    assert bound.priors == {
        "plots_structural_log_sd": Fixed(0.05),
        "plots_error_length": LogNormal(40.0, 0.5),
        "plots_error_common": Fixed(0.3),
    }
    alone = curve(age=[30.0], biomass=[900.0], sd=90.0).bind(site)
    assert set(alone.priors) == {"growth_curve_structural_log_sd"}


TRIPLE = np.array([150.0, 0.03, 1.6])
RELATIVE_SD = np.array([0.10, 0.08, 0.06])
CORRELATION = np.array([[1.0, -0.6, -0.3], [-0.6, 1.0, 0.7], [-0.3, 0.7, 1.0]])
SPREAD = CORRELATION * np.outer(TRIPLE * RELATIVE_SD, TRIPLE * RELATIVE_SD)


def chapman_richards(asymptote, rate, shape, age):
    return asymptote * (1.0 - np.exp(-rate * age)) ** shape


@pytest.mark.filterwarnings("ignore:.*is the unit right")  # 200 kg C m-2
@pytest.mark.parametrize(
    ("unit", "factor"),
    [("Mg ha-1", 47.0), ("Mg C ha-1", 100.0), ("kg C m-2", 1e3), ("g C m-2", 1.0)],
)
def test_a_curve_from_its_parameters_has_their_values(unit, factor):
    found = GrowthCurve.from_chapman_richards(*TRIPLE, SPREAD, unit, ages=AGE)
    np.testing.assert_allclose(found.value, factor * chapman_richards(*TRIPLE, AGE), rtol=1e-13)
    # relative, whatever the unit: exp(variance of the logarithm) - 1
    relative = np.sqrt(np.exp(np.diag(found.log_covariance)) - 1.0)
    np.testing.assert_allclose(found.sd / found.value, relative, rtol=1e-12)


def test_its_covariance_is_what_small_errors_of_parameters_do():
    small, draws = SPREAD * 0.05**2, 100_000  # second order: (0.5 %)^2 of it
    found = GrowthCurve.from_chapman_richards(*TRIPLE, small, "Mg ha-1", ages=AGE).log_covariance
    sets = np.random.default_rng(3).multivariate_normal(TRIPLE, small, draws)
    logs = np.log(chapman_richards(*sets.T[:, :, None], AGE))
    variance = np.diag(found)
    spread = np.sqrt((np.outer(variance, variance) + found**2) / draws)
    assert (np.abs(np.cov(logs.T) - found) / spread).max() < 5.0
    assert np.linalg.matrix_rank(found / variance.mean(), tol=1e-9) == 3


def test_a_curve_of_three_parameters_says_no_more_than_they_do(site):
    """A wrong asymptote costs what its known precision says, however many points are drawn."""
    wrong = 1.3
    precision = TRIPLE[0] ** 2 * np.linalg.inv(SPREAD)[0, 0]
    most = 0.5 * precision * np.log(wrong) ** 2
    costs = []
    for ages in (np.linspace(10, 150, 15), np.linspace(10, 150, 141)):
        bound = GrowthCurve.from_chapman_richards(*TRIPLE, SPREAD, "Mg ha-1", ages=ages).bind(site)
        assert set(bound.priors) == {"growth_curve_structural_log_sd"}
        value = jnp.asarray(bound.data.value)
        right, off = (
            bound.log_density(value * f, errors_of(structural=0.01)) for f in (1.0, wrong)
        )
        costs.append(float(right - off))
    assert 0.5 * most < costs[0] < costs[1] < most


@pytest.mark.parametrize("given", [{}, {"unit": "Mg C ha-1"}])
def test_a_curve_is_read_from_a_table(tmp_path, given):
    path = tmp_path / "plots.csv"
    unit = "" if given else ", Mg ha-1"
    path.write_text(
        f"# plots of 2012\nAge, biomass, sd{', unit' * bool(unit)}\n"
        f"20, 40.5, 8{unit}\n# a comment between\n60, 110, 15.5{unit}\n"
    )
    found = GrowthCurve.from_csv(path, **given, age_sd=3.0)
    factor = 100.0 if given else 47.0
    np.testing.assert_array_equal(found.age, [20.0, 60.0])
    np.testing.assert_allclose(found.value, factor * np.array([40.5, 110.0]), rtol=1e-15)
    np.testing.assert_allclose(found.sd, factor * np.array([8.0, 15.5]), rtol=1e-15)
    assert (found.age_sd, found.source) == (3.0, str(path))


def test_dry_matter_takes_the_carbon_fraction_that_is_given(tmp_path):
    path = tmp_path / "plots.csv"
    path.write_text("age,biomass,sd\n20,40,8\n")
    found = GrowthCurve.from_csv(path, unit="Mg ha-1", carbon_fraction=0.5)
    np.testing.assert_allclose([found.value[0], found.sd[0]], [2000.0, 400.0], rtol=1e-14)
    carbon = GrowthCurve.from_csv(path, unit="Mg C ha-1", carbon_fraction=0.5)
    np.testing.assert_allclose(carbon.value, 4000.0, rtol=1e-14)  # carbon is carbon
    stock = Stock(40.0, 8.0, "Mg ha-1", age=20.0, carbon_fraction=0.5)
    assert stock.carbon() == pytest.approx((2000.0, 400.0), rel=1e-14)


@pytest.mark.parametrize(
    ("text", "variable", "told"),
    [
        ("age,biomass,unit\n20,40,Mg ha-1\n", "sd", "needs a column; found columns age"),
        (
            "old,biomass,sd\n20,40,8\n",
            "age",
            "needs a column; found columns old, biomass, sd; name",
        ),
        ("age,sd,unit\n20,8,Mg ha-1\n", "biomass", "name it, as in value='agbd'"),
        ("age,biomass,sd\n20,40,8\n", "unit", "one unit for all points is needed"),
        ("age,biomass,sd,unit\n20,40,8,g C m-2\n30,50,8,Mg ha-1\n", "unit", "Mg ha-1, g C m-2"),
        ("age,biomass,sd,unit\n20,much,8,Mg ha-1\n", "biomass", "'much' in row 1"),
        ("age,biomass,sd,unit\n20,40,8,Mg ha-1\n30,50,,Mg ha-1\n", "sd", "nan g C m-2 at age 30"),
        ("age,biomass,sd,unit\n20,40,0,Mg ha-1\n", "sd", "must be a positive number"),
        ("age,biomass,sd,unit\n20,40,8,stones\n", "unit", "found 'stones'"),
        ("age,biomass,sd,unit\n20,-40,8,Mg ha-1\n", "biomass", "must be a positive number"),
    ],
)
def test_a_bad_table_is_refused_in_one_line(tmp_path, text, variable, told):
    path = tmp_path / "plots.csv"
    path.write_text(text)
    with pytest.raises(InputError) as error:
        GrowthCurve.from_csv(path)
    assert str(error.value).startswith(": ".join(filter(None, [str(path), variable, ""])).strip())
    assert told in str(error.value)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("changes", "variable", "told"),
    [
        ({"age": AGE[::-1]}, "age", "must not decrease from point to point"),
        ({"age": AGE - 20.0}, "age", "must be positive"),
        ({"age": AGE - 12.0}, "age", "must be positive"),
        ({"age": [np.nan, *AGE[1:]]}, "age", "must be positive"),
        ({"age": AGE + 151.0}, "age", "within the regrowth run of 300 yr"),
        ({"biomass": -VALUE}, "biomass", "must be a positive number at every point"),
        ({"biomass": VALUE * np.nan}, "biomass", "must be a positive number at every point"),
        ({"sd": 0.0}, "sd", "errors are of the logarithm"),
        ({"sd": np.where(AGE > 50, np.nan, 9.0)}, "sd", "at age 60"),
        ({"unit": "t"}, "unit", "Mg ha-1"),
        ({"carbon_fraction": 0.0}, "carbon_fraction", "between 0 and 1"),
        ({"carbon_fraction": 47.0}, "carbon_fraction", "between 0 and 1"),
        ({"quantity": "stems"}, "quantity", "live_biomass, above_ground, wood"),
        ({"quantity": "above_ground"}, "root_share", "must be given for above_ground"),
        ({"root_share": 0.2}, "root_share", "only there"),
        ({"quantity": "above_ground", "root_share": 1.0}, "root_share", "between 0 and 1"),
        ({"age_sd": -1.0}, "age_sd", "0 or more"),
        ({"age_sd": np.nan}, "age_sd", "0 or more"),
        ({"log_covariance": np.eye(5)}, "covariance", "symmetric matrix of shape (6, 6)"),
        ({"log_covariance": 0.1 * np.eye(6) - 0.05}, "covariance", "semidefinite"),
        ({"age": AGE[:5]}, None, "found 5 ages, 6 values, 6 sds"),
    ],
)  # fmt: skip
def test_points_that_are_no_curve_are_refused(changes, variable, told):
    with pytest.raises(InputError) as error:
        curve(**changes, source="plots")
    assert str(error.value).startswith(": ".join(filter(None, ["plots", variable, ""])).strip())
    assert told in str(error.value)


PLOT_AGE = np.array([20.0, 20.0, 35.0, 60.0, 60.0, 60.0])


def test_replicates_share_what_was_stated_and_scatter_besides(site):
    bound = curve(age=PLOT_AGE, age_sd=2.0).bind(site)
    log_value = np.log(VALUE)
    within = [log_value[:2], log_value[3:]]
    pooled = sum(np.sum((group - group.mean()) ** 2) for group in within) / (1 + 2)
    slope = np.polyfit(np.log(PLOT_AGE), log_value, 1)[0] / PLOT_AGE
    own = pooled + (slope * 2.0) ** 2 + 0.05**2
    sd = np.sqrt(np.log(1.0 + (SD / VALUE) ** 2))
    gap = np.abs(np.subtract.outer(PLOT_AGE, PLOT_AGE))
    exact = np.outer(sd, sd) * (0.3 + 0.7 * np.exp(-gap / 40.0)) + np.diag(own)
    joint = stats.multivariate_normal(np.log(EXPECTED), exact)
    found = bound.log_density(jnp.asarray(EXPECTED), errors_of(40.0, 0.3))
    assert float(found) == pytest.approx(joint.logpdf(log_value) - log_value.sum(), abs=1e-6)


def test_replicates_that_agree_are_no_trouble(site):
    same = {"age": [30.0, 30.0], "biomass": [900.0, 900.0], "sd": 90.0, "age_sd": 5.0}
    bound = curve(**same).bind(site)
    value, slope = jax.value_and_grad(lambda x: bound.log_density(x, errors_of()))(
        jnp.asarray([950.0, 950.0])
    )
    assert np.isfinite([float(value), *slope]).all()


def plots(rng, age, own, stated):
    """Logarithms of biomass about a curve, with errors as stated, and others of their own."""
    grown = np.log(200.0) + SHAPE * np.log(-np.expm1(-RATE * age))
    shared = np.linalg.cholesky(stated) @ rng.normal(size=len(age))
    return grown + shared + own * rng.normal(size=len(age))


def stated_of(age):
    near = np.exp(-np.abs(np.subtract.outer(age, age)) / 40.0)
    return 0.1**2 * near + 0.05**2 * np.eye(len(age))


def ages(rng, kind):
    if kind == "six":
        return np.repeat([10.0, 20.0, 40.0, 60.0, 90.0, 130.0], 4)
    found = np.sort(rng.uniform(8.0, 150.0, 24))
    return np.floor(found) if kind == "whole" else found


@pytest.mark.parametrize("kind", ["six", "whole", "apart"])
@pytest.mark.parametrize(("own", "tolerance"), [(0.0, 0.05), (0.3, 0.03)])
def test_plots_scatter_alike_whether_or_not_their_ages_coincide(kind, own, tolerance):
    rng = np.random.default_rng(4)
    found = []
    for _ in range(40):
        age = ages(rng, kind)
        found.append(own_scatter(age, plots(rng, age, own, stated_of(age)), stated_of(age))[0])
    assert np.sqrt(np.mean(np.square(found))) == pytest.approx(own, abs=tolerance)


def test_scatter_is_not_taken_for_growth():
    """Neighbours of 20 and 21 years that differ twofold do not grow so."""
    rng = np.random.default_rng(4)
    age = np.sort(rng.uniform(10.0, 120.0, 300))
    log_value = plots(rng, age, 0.6, stated_of(age))
    slope = own_scatter(age, log_value, stated_of(age))[1]
    np.testing.assert_allclose(slope, SHAPE * RATE / np.expm1(RATE * age), rtol=0.4)
    assert np.abs(np.gradient(log_value, age)).max() > 1.0  # what neighbours alone would say


@pytest.mark.parametrize("by", [0.0, 0.1])
def test_a_few_plots_scatter_the_same_when_their_ages_move_by_a_month(by):
    age = np.array([20.0, 20.0 + by, 60.0, 60.0 + by])
    scatter, slope = own_scatter(age, np.log([50.0, 80.0, 150.0, 110.0]), stated_of(age))
    assert scatter == pytest.approx(0.28156, abs=1e-5)
    np.testing.assert_allclose(slope * age, 0.645, atol=0.003)


def test_a_smooth_curve_does_not_scatter():
    scatter, slope = own_scatter(AGE, np.log(VALUE), np.zeros((6, 6)))
    assert scatter == pytest.approx(0.0, abs=1e-5)
    np.testing.assert_allclose(slope, SLOPE, rtol=1e-4)
    one_age = own_scatter(np.array([30.0, 30.0]), np.array([1.0, 1.0]), np.zeros((2, 2)))
    np.testing.assert_array_equal(one_age[1], 0.0)


B, ERRORS = 0.9, np.array([15.0, 0.003, 0.1, 0.02])
BY_NAME = dict(zip(("asymptote", "rate", "shape", "B"), ERRORS, strict=True))


def from_errors(scale=1.0, **changes):
    given = {f"{name}_error": error * scale for name, error in BY_NAME.items()} | changes
    with pytest.warns(DataWarning, match="taken as independent"):
        return GrowthCurve.from_chapman_richards(*TRIPLE, unit="Mg C ha-1", B=B, ages=AGE, **given)


def test_a_curve_that_does_not_begin_at_nothing():
    found = from_errors()
    expected = 100.0 * TRIPLE[0] * (1.0 - B * np.exp(-TRIPLE[1] * AGE)) ** TRIPLE[2]
    np.testing.assert_allclose(found.value, expected, rtol=1e-13)
    whole = GrowthCurve.from_chapman_richards(
        *TRIPLE, np.diag(ERRORS**2), "Mg C ha-1", B=B, ages=AGE
    )
    np.testing.assert_allclose(found.log_covariance, whole.log_covariance, rtol=1e-12)


def test_independent_errors_are_what_draws_of_the_parameters_do():
    small, draws = 0.05, 100_000
    found = from_errors(small).log_covariance
    sets = np.random.default_rng(3).normal([*TRIPLE, B], ERRORS * small, (draws, 4))
    a, k, p, b = sets.T[:, :, None]
    logs = np.log(a * (1.0 - b * np.exp(-k * AGE)) ** p)
    variance = np.diag(found)
    spread = np.sqrt((np.outer(variance, variance) + found**2) / draws)
    assert (np.abs(np.cov(logs.T) - found) / spread).max() < 5.0


def test_held_parameters_have_no_error():
    found = from_errors(shape_error=None, B_error=0.0)
    assert np.linalg.matrix_rank(found.log_covariance, tol=1e-12) == 2


@pytest.mark.parametrize(
    ("given", "variable", "told"),
    [
        ({}, "asymptote_error", "must be given where there is no covariance"),
        ({"asymptote_error": 9.0}, "rate_error", "the standard error of each"),
        ({"asymptote_error": 9.0, "rate_error": -1.0}, "rate_error", "0 or more"),
        ({"asymptote_error": 0.0, "rate_error": 0.0}, "asymptote_error", "one parameter at least"),
        ({"covariance": SPREAD, "B_error": 0.1}, "B_error", "beside a covariance"),
        ({"covariance": SPREAD, "B": 1.5}, "B", "no biomass at the youngest age"),
        ({"covariance": SPREAD, "B": 0.0}, "B", "must be positive"),
        ({"covariance": SPREAD, "unit": ""}, "unit", "unit must be"),
    ],
)
def test_errors_that_say_nothing_are_refused(given, variable, told):
    with pytest.raises(InputError) as error:
        GrowthCurve.from_chapman_richards(*TRIPLE, **({"unit": "Mg ha-1", "ages": [10.0]} | given))
    assert str(error.value).startswith(f"growth curve: {variable}: ")
    assert told in str(error.value)


SKEW = SPREAD + np.array([[0.0, 1e-3, 0.0], [0.0, 0.0, 0.0], [0.0, 0.0, 0.0]])


@pytest.mark.parametrize(
    ("given", "variable", "told"),
    [
        ({"covariance": SKEW}, "covariance", "must be a symmetric matrix of shape (3, 3)"),
        ({"covariance": SPREAD[:2, :2]}, "covariance", "of shape (3, 3)"),
        ({"covariance": SPREAD * np.nan}, "covariance", "must be a symmetric matrix"),
        ({"covariance": -SPREAD}, "covariance", "must be positive definite"),
        ({"covariance": SPREAD * 2 - np.diag(np.diag(SPREAD)) * 1.3}, "covariance",
         "smallest eigenvalue"),
        ({"asymptote": -1.0}, "asymptote", "must be positive"),
        ({"rate": 0.0}, "rate", "must be positive"),
        ({"shape": np.nan}, "shape", "must be positive"),
        ({"ages": [0.0, 10.0]}, "age", "must be positive"),
        ({"unit": "m"}, "unit", "unit must be"),
    ],
)  # fmt: skip
def test_parameters_that_make_no_curve_are_refused(given, variable, told):
    names = ("asymptote", "rate", "shape")
    known = dict(zip(names, TRIPLE, strict=True)) | {"covariance": SPREAD, "unit": "Mg ha-1"}
    with pytest.raises(InputError) as error:
        GrowthCurve.from_chapman_richards(**(known | given))
    assert str(error.value).startswith(f"growth curve: {variable}: ")
    assert told in str(error.value)


@pytest.mark.parametrize(
    ("options", "seen"),
    [
        ({}, live_biomass),
        ({"quantity": "wood"}, lambda pools: pools.wood),
        ({"quantity": "above_ground", "root_share": 0.2}, lambda pools: 0.8 * live_biomass(pools)),
    ],
)
def test_curves_and_stocks_see_their_quantity_of_the_regrowth(site, run, options, seen):
    ages = [12.0, 35.25]
    found = curve(age=ages, biomass=[900.0, 950.0], sd=90.0, **options).bind(site)
    expected = at_age(seen(run.regrowth), ages)
    np.testing.assert_allclose(found.series(run, P), expected, rtol=1e-14)
    np.testing.assert_array_equal(found.ages, ages)
    stock = Stock(900.0, 90.0, "g C m-2", age=35.25, **options).bind(site)
    series = stock.series(run, P)
    np.testing.assert_allclose(stock.expected(series), expected[1:], rtol=1e-14)
    bare = dataclasses.replace(run, regrowth=None)
    with pytest.raises(ValueError, match=r"stock: ages need the regrowth run"):
        stock.series(bare, P)

    # at a date of the record: the month's mean, from the run
    dated = Stock(900.0, 90.0, "g C m-2", date="2003-07-10", **options).bind(site)
    pools = seen(run.pools)
    month = 30  # July of the third year
    np.testing.assert_allclose(
        dated.expected(dated.series(run, P)), [0.5 * (pools[month] + pools[month + 1])], rtol=1e-14
    )
    assert dated.oldest == 0.0

    # before it: the stand's own past
    past = Stock(900.0, 90.0, "g C m-2", date="1990-07-02", **options).bind(site, stand_age=40.0)
    age = 40.0 - 3836 / 365.25  # days from then to 2001-01-01
    np.testing.assert_allclose(past.ages, [age], rtol=1e-12)
    own = at_age(seen(departed(P, run.regrowth)), age)
    np.testing.assert_allclose(past.expected(past.series(run, P)), [own], rtol=1e-12)


def test_a_stock_is_log_normal_about_what_it_sees(site):
    bound = Stock(5.0, 1.0, "kg C m-2", age=60.0).bind(site)
    found = float(bound.log_density(jnp.asarray([4000.0]), {"stock_structural_log_sd": 0.0}))
    spread = np.sqrt(np.log(1.0 + 0.2**2))
    assert found == pytest.approx(stats.lognorm.logpdf(5000.0, spread, scale=4000.0), rel=1e-12)


def test_a_stock_before_the_record_needs_the_age_of_the_stand(site):
    stock = Stock(900.0, 90.0, "g C m-2", date="1990-07-02")
    for age in (None, 5.0):  # unknown; not yet there
        with pytest.raises(InputError, match=r"state the stand's age at its start"):
            stock.bind(site, stand_age=age)


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({}, r"stock: needs an age or a date, not both; found neither"),
        ({"age": 20.0, "date": "2003-07-10"}, r"needs an age or a date, not both"),
        ({"age": 0.0}, r"stock: age: must be positive"),
        ({"age": 301.0}, r"stock: age: must lie within the regrowth run"),
        ({"age": 20.0, "sd": 0.0}, r"stock: sd: must be a positive number"),
        ({"age": 20.0, "value": -1.0}, r"stock: biomass: must be a positive number"),
        ({"age": 20.0, "unit": "t"}, r"stock: unit: unit must be"),
        ({"age": 20.0, "quantity": "stems"}, r"stock: quantity: must be one of"),
        ({"age": 20.0, "quantity": "above_ground"}, r"stock: root_share: must be given"),
        ({"age": 20.0, "carbon_fraction": 1.0}, r"stock: carbon_fraction: must lie between"),
    ],
)
def test_a_stock_that_cannot_be_placed_is_refused(given, told):
    with pytest.raises(InputError, match=told):
        Stock(**({"value": 900.0, "sd": 90.0, "unit": "g C m-2"} | given))


def test_a_stock_that_is_a_point_of_the_curve_counts_twice(site):
    point = Stock(VALUE[2] * 1.005, 90.0, "g C m-2", age=AGE[2] + 0.4)
    with pytest.warns(DataWarning, match=r"stock \(.* at age 35.4\) is a point of growth_curve"):
        bind_all([curve(), point], site, None)


@pytest.mark.parametrize(
    "changes",
    [{"age": 40.0}, {"value": VALUE[2] * 1.05}, {"quantity": "wood"},
     {"age": None, "date": "2003-07-10"}],
)  # fmt: skip
def test_another_stock_beside_a_curve_is_no_matter(site, changes):
    given = {"value": VALUE[2], "sd": 90.0, "unit": "g C m-2", "age": AGE[2]} | changes
    bound = bind_all([curve(), Stock(**given)], site, None)  # warnings are errors here
    assert [stream.name for stream in bound] == ["growth_curve", "stock"]


def test_means_over_years_keep_the_years_before_the_record(make_site, run):
    when = np.array([-3000.5, -2990.5, *MONTHS[:24:4]])
    site = make_site(
        MONTHS, {"wood": (when, 100.0 * np.arange(1.0, 9.0), 50.0)}, step_length=30.4375
    )
    wood = STREAMS["wood"].with_errors(Gaussian(averaging=365.25))
    bound = bind(wood, site, stand_age=40.0)
    np.testing.assert_allclose(bound.data.value, [150.0, 400.0, 700.0], rtol=1e-15)
    series = bound.series(run, P)
    middle = 0.5 * (run.pools.wood[:-1] + run.pools.wood[1:])
    past = at_age(run.regrowth.wood * np.exp(0.3), 40.0 + when[:2] / 365.25)
    expected = [past.mean(), middle[:12:4].mean(), middle[12:24:4].mean()]
    np.testing.assert_allclose(bound.expected(series), expected, rtol=1e-12)


def test_other_numbers_of_biomass_than_of_ages_and_sds_are_refused():
    with pytest.raises(InputError, match="needs one biomass and one sd for each age; found 2 ages"):
        GrowthCurve.from_points([20, 40], [1.0, 2.0, 3.0], [1.0, 1.0], "Mg ha-1")


def test_a_rate_in_percent_is_doubted():
    with pytest.warns(DataWarning, match=r"rate 3 yr-1: .*is it in percent"):
        GrowthCurve.from_chapman_richards(190.0, 3.0, 2.0, np.diag([100.0, 0.1, 0.01]), "Mg ha-1")
