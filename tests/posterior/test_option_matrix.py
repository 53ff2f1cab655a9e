"""Every option beside every other: prior families, error models, ecological constraints, curves and
stocks, stand age, fire, length of step, batches.

A few calibrations hold many options each, so that every pair of options stands in one of them (as
`test_every_pair_of_options_stands_in_a_row` counts). In each, value and gradient are finite, those
of machine code are those of XLA, the gradient is the slope, and the parts add up to the whole.
"""

import dataclasses
import itertools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import bayes_tbm as bt
from bayes_tbm.catalogue import open_site
from bayes_tbm.native import is_available
from bayes_tbm.parameters import FAMILIES
from bayes_tbm.posterior import EDCS
from bayes_tbm.streams import ERROR_MODELS, STREAMS

# Every parameter gets a family, those that change nothing in a row too.
pytestmark = pytest.mark.filterwarnings("ignore:.*has no effect")


@dataclasses.dataclass(frozen=True)
class Row:
    """What one calibration stands for; its stand does not regrow, does, or is where it starts."""

    number: int
    daily: bool
    fire: bool
    stand: str
    batch: bool


ROWS = [
    Row(i, *row)
    for i, row in enumerate(
        [
            (False, False, "none", False),
            (True, True, "none", True),
            (True, False, "run", False),
            (False, True, "run", True),
            (True, True, "aged", False),
            (False, False, "aged", True),
        ]
    )
]
WEATHER = {2: "record", 3: "mean year", 4: "mean year", 5: "record"}
INDEPENDENT = (0, 3, 4)  # without errors that all values of a stream share
FAST = 5  # with every family and error model; the whole cover is compiled by `make slow`
CHEAP = {"xla_backend_optimization_level": 0, "xla_llvm_disable_expensive_passes": True}
FLUX_MODELS = (bt.BlockMeans, bt.Autoregressive, bt.Gaussian, bt.StudentT)
POINTS = ([20, 45], [50.0, 90.0], 9.0, "Mg ha-1")
CURVES = {
    "points": lambda **o: bt.GrowthCurve.from_points(*POINTS, **o),
    "above ground": lambda **o: bt.GrowthCurve.from_points(
        *POINTS, quantity="above_ground", root_share=0.2, **o
    ),
    "wood": lambda **o: bt.GrowthCurve.from_points(*POINTS, quantity="wood", **o),
    "age errors": lambda **o: bt.GrowthCurve.from_points(*POINTS, age_sd=4.0, **o),
    "covariance": lambda **o: bt.GrowthCurve.from_points(
        *POINTS, log_covariance=[[0.02, 0.01], [0.01, 0.02]], **o
    ),
    "chapman-richards": lambda **o: bt.GrowthCurve.from_chapman_richards(
        180.0, 0.03, 2.0, np.diag([400.0, 1e-5, 0.01]), "Mg ha-1", ages=[20, 50], **o
    ),
}
QUANTITIES = [
    {"quantity": "live_biomass"}, {"quantity": "above_ground", "root_share": 0.25},
    {"quantity": "wood"},
]  # fmt: skip
WHEN = {"age": {"age": 35}, "date": {"date": "2006-06-01"}, "before": {"date": "1999-06-01"}}
STOCKS = [["date"], ["date"], ["date", "age"], ["age"], ["date", "before"], ["age", "before"]]
OF_ERRORS = {
    "lognormal": bt.LogNormal(0.5, 0.3),
    "bounded_lognormal": bt.BoundedLogNormal(0.5, 0.3, 0.1, 0.9),
    "logitnormal": bt.LogitNormal(0.5, 0.4),
    "uniform": bt.Uniform(0.1, 0.9),
    "loguniform": bt.LogUniform(0.1, 0.9),
    "fixed": bt.Fixed(0.5),
}


def chosen(options, place):
    """One of the options, in turn."""
    options = list(options)
    return options[place % len(options)]


def of_parameter(row, family):
    """Prior of a family between the quantiles of the table's at one standard deviation."""
    low, middle, high = (float(row.prior.from_normal(z)) for z in (-1.0, 0.0, 1.0))
    spread = 0.3 * (high - low)
    if low <= 0.0 and family in ("bounded_lognormal", "loguniform", "log_student_t"):
        family = "uniform"
    return {
        "normal": lambda: bt.Normal(middle, 0.3 * spread),
        "lognormal": lambda: bt.LogNormal(middle, 0.2, low),
        "bounded_lognormal": lambda: bt.BoundedLogNormal(middle, 0.2, low, high),
        "logitnormal": lambda: bt.LogitNormal(middle, 0.5, low, high),
        "uniform": lambda: bt.Uniform(low, high),
        "loguniform": lambda: bt.LogUniform(low, high),
        "log_student_t": lambda: bt.LogStudentT(middle, 0.2, low, high),
        "logit_student_t": lambda: bt.LogitStudentT(middle, 0.5, low, high),
        "fixed": lambda: bt.Fixed(middle),
    }[family]()


def errors(model, place):
    """Error model whose own parameters have priors of the next families."""
    own = {}
    for offset, (field, parameter) in enumerate(model.parameters.items()):
        names = [n for n in OF_ERRORS if n != "lognormal" or parameter.upper > 1.0]
        own[field] = OF_ERRORS[chosen(names, place + offset)]
    return model(**own)


def streams_of(row):
    """Fluxes with all error models in turn, stocks of every kind and, of a stand, curves."""
    for i, name in enumerate(("gpp", "et", "nee", "lai")):
        model = FLUX_MODELS[(i + row.number) % 4]
        yield STREAMS[name].with_errors(errors(model, row.number))
    yield STREAMS["wood"].with_errors(errors(bt.LogNormalErrors, row.number))
    for i, kind in enumerate(STOCKS[row.number]):
        yield bt.Stock(
            value=130.0, sd=20.0, unit="Mg ha-1", name=f"stock_{kind}", **WHEN[kind],
            **QUANTITIES[(row.number + i) % 3],
            errors=errors((bt.LogNormalErrors, bt.Gaussian)[i], row.number + 3),
        )  # fmt: skip
    if row.stand != "none":
        for i, name in enumerate(CURVES):
            if row.number == 2 + i % 4:
                continue  # three rows of the four hold each
            model = errors(bt.AlongAge, 2 * row.number + i)
            yield CURVES[name](name=f"curve_{name.replace(' ', '_')}", errors=model)


def edcs_of(row):
    """Every rule off in one row or two, in each other of another width, so wide that it is felt."""
    chosen = {}
    for i, (name, rule) in enumerate(EDCS.items()):
        off = row.number in ((i, (i + 2) % 6) if i < 6 else (i % 6,))
        width = (1.0 if name.startswith("steady_") else 20.0) * rule.width
        chosen[name] = False if off else width * (1.0 + 0.2 * row.number)
    return chosen


def site_of(row):
    end = "2006-12-31" if row.daily else "2007-12-31"
    name = "hyytiala-twin-daily" if row.daily else "hyytiala-twin"
    site = open_site(name, start="2006-01-01", end=end)
    drivers = site.drivers.copy()
    burnt = np.where(np.arange(drivers.sizes["time"]) % 17 == 5, 0.1, 0.0) * row.fire
    drivers["burned_fraction"] = drivers["burned_fraction"] + burnt
    return dataclasses.replace(site, drivers=drivers)


def build(row):
    priors = {
        name: of_parameter(parameter, chosen(FAMILIES, i + row.number))
        for i, (name, parameter) in enumerate(bt.TABLE.items())
        if not (row.stand == "aged" and name in ("initial_lai", "initial_labile", "initial_root",
                                                 "initial_wood"))
    }  # fmt: skip
    return bt.Calibration(
        site_of(row), list(streams_of(row)), priors=priors, constraints=edcs_of(row),
        stand_age=30.0 if row.stand == "aged" else None,
        regrowth=False if row.stand == "none" else WEATHER[row.number],
        systematic=False if row.number in INDEPENDENT else None,
    )  # fmt: skip


@pytest.fixture(scope="module")
def densities():
    return {row.number: build(row).density for row in ROWS}


def labels_of(row, density):
    """Options that a row stands for, each with the kind of option that it is."""
    yield "step", "daily" if row.daily else "monthly"
    yield "fire", str(density.forcing.fire)
    yield "stand", row.stand
    yield "batch", str(row.batch)
    yield "shared errors", str(row.number not in INDEPENDENT)
    if density.regrowth:
        yield "weather", density.regrowth.weather
    for edc in density.constraints:
        yield "edc", edc.name
    for name in bt.TABLE:
        yield "family", density.priors[name].family
    for bound in density.streams:
        model = bound.stream.errors
        yield "errors", type(model).__name__
        if bound.name.startswith("curve_"):
            yield "curve", bound.name
        if bound.name.startswith("stock_"):
            yield "stock", bound.name
        for field, own in model.parameters.items():
            if prior := density.priors.get(f"{bound.name}_{own.suffix}"):
                yield "family of errors", f"{type(model).__name__}.{field}: {prior.family}"


def cannot_meet(*pair):
    """Whether options exclude each other, or neither is there for what the other does."""
    names = {name for label in pair for name in label}
    of_stand = {"curve", "canopy_closure", "stock_age", "stock_before", "AlongAge"}
    if (("stand", "none") in pair and ("weather" in names or names & of_stand)) or {
        "run",
        "stock_before",
    } <= names:
        return True  # it needs the regrowth, or the stand's age
    # A curve sees the regrowth alone: months, in which nothing burns. Of its weather and of shared
    # errors tests/posterior/test_stand.py tells.
    alone = "curve" in names or "weather" in names
    return (alone and bool(names & {"step", "fire"})) or names >= {"weather", "shared errors"}


def test_every_pair_of_options_stands_in_a_row(densities):
    rows = [set(labels_of(row, densities[row.number])) for row in ROWS]
    every = set().union(*rows)
    known = {(kind, name) for kind, names in {
        "edc": EDCS, "family": FAMILIES, "errors": ERROR_MODELS,
        "curve": [f"curve_{name.replace(' ', '_')}" for name in CURVES],
        "stock": [f"stock_{name}" for name in WHEN],
        "family of errors": [
            f"{name}.{field}: {family}"
            for name, model in ERROR_MODELS.items() for field, own in model.parameters.items()
            for family in OF_ERRORS if family != "lognormal" or own.upper > 1.0
        ],
    }.items() for name in names}  # fmt: skip
    assert known <= every, sorted(known - every)
    single = sorted(label for label in every if label[0] != "family of errors")
    missing = [
        (a, b)
        for a, b in itertools.combinations(single, 2)
        if a[0] != b[0] and not any({a, b} <= row for row in rows)
        and not cannot_meet(a, b)
    ]  # fmt: skip
    assert missing == [], missing


def evaluated(density, row, points, options=None):
    """Values, (point,), and gradients, (point, dimension), by one compiled function."""

    def together(z):
        each = density(z)
        return each.sum(), each

    if row.batch:
        (_, value), slope = jax.jit(
            jax.value_and_grad(together, has_aux=True), compiler_options=options
        )(points)
    else:
        alone = jax.jit(jax.value_and_grad(density), compiler_options=options)
        value, slope = zip(*map(alone, points), strict=True)
    return np.asarray(value), np.asarray(slope)


@pytest.mark.skipif(not is_available(), reason="there is one path where nothing can be compiled")
@pytest.mark.parametrize(
    "row",
    [pytest.param(row, marks=() if row.number == FAST else pytest.mark.slow) for row in ROWS],
    ids=str,
)
def test_value_and_gradient_are_those_of_xla_alone(densities, row, monkeypatch):
    density = densities[row.number]
    rng = np.random.default_rng(row.number)
    middle, way = 0.5 * rng.normal(size=(2, density.dimension))
    step = 1e-5
    points = jnp.asarray([middle, middle + step * way, middle - step * way, 2.0 * middle])
    value, slope = evaluated(density, row, points)
    assert np.isfinite(value).all()
    assert np.isfinite(slope).all()
    assert (slope != 0.0).all(axis=1).any()  # every parameter matters somewhere
    assert (value[1] - value[2]) / (2.0 * step) == pytest.approx(slope[0] @ way, rel=1e-5)

    monkeypatch.setenv("BAYES_TBM_COMPILE", "0")
    assert not is_available()
    plain = dataclasses.replace(density)  # nothing traced before
    plain_value, plain_slope = evaluated(plain, row, points, CHEAP)
    np.testing.assert_allclose(value, plain_value, rtol=1e-9)
    rounding = 1e-12 * np.abs(plain_slope).max()  # of slopes that are differences of larger ones
    np.testing.assert_allclose(slope, plain_slope, rtol=1e-9, atol=rounding)
    if not row.batch:
        return
    parts_of, felt = jax.jit(plain.parts, compiler_options=CHEAP), set()
    for z, total in ((points[0], value[0]), (points[3], value[3])):
        parts = parts_of(z)
        terms = {**parts.constraint, **parts.stream}
        totals = {name: float(jnp.sum(term)) for name, term in terms.items()}
        felt |= {name for name, x in totals.items() if abs(x) > 2e-9 * abs(total)}
        normal = -0.5 * float(z @ z + len(z) * np.log(2.0 * np.pi))
        assert total == pytest.approx(sum(totals.values()) + normal, rel=1e-9)
    assert felt == set(totals)  # none could be lost unnoticed
