"""Resolving priors, and ecological constraints as soft terms."""

import dataclasses
import functools
import math
import types

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from bayes_tbm.errors import DataWarning, InputError
from bayes_tbm.model import Fluxes, Pools, Sums, Trajectory, prepare, regrow, simulate
from bayes_tbm.parameters import TABLE, Fixed, LogNormal, Normal, Parameters
from bayes_tbm.posterior import EDCS, as_edcs, resolve_priors

ERRORS = {"gpp_structural_sd": LogNormal(1.0, 0.7)}
FIRE = [name for name, row in TABLE.items() if row.group == "fire"]


def test_priors_are_those_of_the_table_then_of_the_errors():
    priors = resolve_priors(None, ERRORS)
    assert priors == {name: row.prior for name, row in TABLE.items()} | ERRORS
    assert list(priors) == [*TABLE, *ERRORS]


def test_fire_parameters_are_held_where_nothing_burns():
    priors = resolve_priors({}, ERRORS, unused=FIRE)
    held = {name: prior for name, prior in priors.items() if isinstance(prior, Fixed)}
    assert held == {name: Fixed(TABLE[name].prior.center) for name in FIRE}
    with pytest.warns(DataWarning, match=f"{FIRE[0]} has no effect, .*: nothing burns"):
        changed = resolve_priors({FIRE[0]: Normal(0.5, 0.1)}, {}, unused=FIRE)
    assert changed[FIRE[0]] == Normal(0.5, 0.1)


@pytest.mark.parametrize(
    ("name", "why"), [("wood_departure", "no age of the stand"), ("regrowth_wood", "no stand regr")]
)
def test_priors_that_change_nothing_are_told(name, why):
    prior = TABLE[name].prior
    with pytest.warns(DataWarning, match=f"{name} has no effect, .*: {why}"):
        assert resolve_priors({name: prior}, {}, unused=[name])[name] == prior
    assert isinstance(resolve_priors({name: prior.center}, {}, unused=[name])[name], Fixed)


def test_a_prior_of_what_the_stand_age_decides_is_refused():
    tied = ["initial_wood"]
    again = resolve_priors({"initial_wood": TABLE["initial_wood"].prior.center}, {}, unused=tied)
    assert isinstance(again["initial_wood"], Fixed)
    with pytest.raises(InputError, match=r"initial_wood: must be left out where .* stand's age"):
        resolve_priors({"initial_wood": 4000.0}, {}, unused=tied)


def test_changes_are_priors_plain_data_or_numbers():
    changes = {
        "wood_residence_time": LogNormal(100.0, 0.3),
        "root_residence_time": {"family": "lognormal", "median": 2.0, "log_sd": 0.4},
        "initial_som": 9000,
        "gpp_structural_sd": 0.5,
    }
    priors = resolve_priors(changes, ERRORS)
    assert priors["wood_residence_time"] == LogNormal(100.0, 0.3)
    assert priors["root_residence_time"] == LogNormal(2.0, 0.4)
    assert priors["initial_som"] == Fixed(9000.0)
    assert priors["gpp_structural_sd"] == Fixed(0.5)
    untouched = set(TABLE) - set(changes)
    assert all(priors[name] == TABLE[name].prior for name in untouched)


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"wood_residence": 60.0}, "did you mean wood_residence_time"),
        ({"nee_structural_sd": 60.0}, "did you mean gpp_structural_sd"),
        ({"zzzzzzzz": 60.0}, "did you mean one of canopy_efficiency"),
        ({"initial_som": {"family": "gamma"}}, "family must be one of"),
        ({"initial_som": {"family": "normal", "mean": 1, "sd": -1}}, "sd: must be positive"),
        ({"initial_som": math.inf}, "value: must be a finite number"),
        ({"wood_residence_time": -5.0}, "99.7 % of the prior must lie within 2.7 to 500 yr"),
        ({"leaf_lifespan": LogNormal(2.5, 0.7)}, "must lie within 1.001 to 50 yr"),
    ],
)
def test_a_bad_prior_is_told_in_one_line(changes, told):
    with pytest.raises(InputError) as error:
        resolve_priors(changes, ERRORS, where="run.toml")
    assert str(error.value).startswith(f"run.toml: {next(iter(changes))}: ")
    assert told in str(error.value)
    assert "\n" not in str(error.value)


def test_wood_and_soil_are_not_held_steady_unless_asked():
    default = {c.name for c in as_edcs(None)}
    assert default == set(EDCS) - {"steady_wood", "steady_som"}
    assert as_edcs(True) == as_edcs(None)
    assert as_edcs(False) == ()


def test_constraints_are_chosen_by_name_switch_or_width():
    exactly = as_edcs(["steady_wood", "roots_faster_than_som"])
    assert {c.name for c in exactly} == {"steady_wood", "roots_faster_than_som"}
    mapped = {
        c.name: c for c in as_edcs({"steady_wood": 3.0, "steady_root": False, "steady_som": True})
    }
    assert set(mapped) == set(EDCS) - {"steady_root"}
    assert mapped["steady_wood"].width == 3.0
    assert mapped["steady_som"].width == EDCS["steady_som"].width
    assert EDCS["steady_wood"].width == 2.0


@pytest.mark.parametrize(
    "given",
    [
        ["steady_wod"],
        {"steady_wod": True},
        {"steady_wood": 1.0},
        {"steady_wood": 0.5},
        {"roots_faster_than_som": 0.0},
        {"roots_faster_than_som": -1.0},
        {"roots_faster_than_som": math.nan},
        {"roots_faster_than_som": "0.2"},
    ],
)
def test_a_bad_choice_of_constraints_is_told_in_one_line(given):
    with pytest.raises(InputError) as error:
        as_edcs(given, "run.toml")
    assert str(error.value).startswith(f"run.toml: {next(iter(given))}: ")
    assert "choose from litter_faster_than_som" in str(error.value)
    assert "\n" not in str(error.value)


def empty_run(steps=4, **pools):
    """Build a trajectory without fluxes and with given pools; the rest is one."""
    zero, one = jnp.zeros(steps), jnp.ones(steps + 1)
    named = {field.name: pools.get(field.name, one) for field in dataclasses.fields(Pools)}
    first, last, before = (
        Pools(**{name: part(pool) for name, pool in named.items()})
        for part in (lambda x: x[0], lambda x: x[-1], lambda x: x[:-1])
    )
    total = Sums(before.labile.sum(), before.foliage.sum(), before.root.sum(), 0.0, 0.0)
    fluxes = Fluxes(**{field.name: zero for field in dataclasses.fields(Fluxes)})
    return Trajectory(
        pools=Pools(**named), first=first, last=last, total=total, steps=steps, fluxes=fluxes
    )


# Parameters and trajectory in which the rule holds by the factor given, for every ordering.
def with_shares(ratio):
    """Allocation to foliage and labile over that to roots."""
    return Parameters.default(canopy_to_root_allocation=ratio), empty_run()


def with_stand(run, foliage):
    """A run whose stand holds so much foliage in its twentieth year, and none before."""
    grown = jnp.zeros(21 * 12 + 1).at[19 * 12 : 20 * 12].set(foliage)
    return dataclasses.replace(run, regrowth=dataclasses.replace(run.pools, foliage=grown))


UNBURNT = types.SimpleNamespace(fire=False)  # all that orderings ask of the weather
ORDERINGS = {
    "litter_faster_than_som": lambda x: (
        Parameters.default(som_residence_time=3.0 * x, litter_residence_time=3.0), empty_run()),
    "decomposition_faster_than_som": lambda x: (
        Parameters.default(som_residence_time=3.0 * x, litter_decomposition_time=3.0),
        empty_run()),
    "wood_slower_than_leaves": lambda x: (
        Parameters.default(wood_residence_time=3.0 * x, leaf_lifespan=3.0), empty_run()),
    "roots_faster_than_som": lambda x: (
        Parameters.default(som_residence_time=3.0 * x, root_residence_time=3.0), empty_run()),
    "canopy_root_allocation": lambda x: with_shares(x / 5),
    "canopy_root_pools": lambda x: (
        Parameters.default(), empty_run(foliage=jnp.full(5, 2.0 * x / 5), root=jnp.full(5, 2.0))),
    "canopy_closure": lambda x: (
        Parameters.default(), with_stand(empty_run(foliage=jnp.full(5, 3.0)), 2.0 * x)),
}  # fmt: skip


@pytest.mark.parametrize("name", list(ORDERINGS))
def test_an_ordering_is_a_soft_step_in_the_log_ratio(name):
    constraint = EDCS[name]

    def term(log_ratio, width):
        softened = dataclasses.replace(constraint, width=width)
        return float(softened.log_density(*ORDERINGS[name](math.exp(log_ratio)), UNBURNT))

    # 1.6 is inside both sides of the factor 5, whose logs are 0 and 3.2
    assert -1e-6 < term(1.6, 0.1) <= 0.0
    assert term(0.0, 0.1) == pytest.approx(math.log(0.5), rel=1e-6)
    for width in (0.05, 0.1, 0.3):
        # log sigmoid(x / w) is x / w up to exp(x / w) = exp(-10) and less; the other side of the
        # factor 5 gives no more than exp(-3.2 / 0.3)
        slope = (term(-3.0, width) - term(-4.0, width)) / 1.0
        assert slope == pytest.approx(1 / width, rel=2e-4)


@pytest.mark.parametrize("name", ["canopy_root_allocation", "canopy_root_pools"])
def test_a_factor_is_kept_on_both_sides(name):
    constraint = EDCS[name]

    def term(ratio):
        return float(constraint.log_density(*ORDERINGS[name](5 * ratio), UNBURNT))

    for ratio in (1.5, 5.0, 20.0):
        assert term(ratio) == pytest.approx(term(1 / ratio), rel=1e-12)
    assert term(20.0) == pytest.approx(-math.log(4) / 0.1, rel=1e-5)


INPUTS = {
    "labile": ["labile_allocation"],
    "foliage": ["foliage_allocation", "labile_release"],
    "root": ["root_allocation"],
    "wood": ["wood_allocation"],
    "litter": ["foliage_litterfall", "root_litterfall", "labile_mortality", "foliage_mortality",
               "root_mortality"],
    "som": ["wood_litterfall", "litter_decomposition", "wood_mortality", "litter_mortality"],
}  # fmt: skip


@pytest.mark.parametrize("fire", [True, False], ids=["fire", "no fire"])
@pytest.mark.parametrize("pool", list(INPUTS))
def test_a_steady_state_is_normal_in_the_log_of_gains_over_losses(make_weather, pool, fire):
    drivers = make_weather(60, daily=False, fire=fire)
    run = jax.jit(simulate)(Parameters.default(), drivers)
    size = np.asarray(getattr(run.pools, pool))
    flows = sum(np.asarray(getattr(run.fluxes, name)) for name in INPUTS[pool])
    gained = float((flows * np.asarray(drivers.step_length)).sum())
    log_ratio = math.log(gained / (gained - (size[-1] - size[0])))

    def term(factor):
        constraint = dataclasses.replace(EDCS[f"steady_{pool}"], width=factor)
        return float(constraint.log_density(Parameters.default(), run, prepare(drivers)))

    for factor in (2.0, 1.5):
        # gains known from balances of five years against sums of fluxes
        expected = -0.5 * (log_ratio / math.log(factor)) ** 2
        assert term(factor) == pytest.approx(expected, rel=1e-8)
    assert term(math.exp(abs(log_ratio))) == pytest.approx(-0.5, rel=1e-8)


def test_terms_of_a_run_are_finite_and_so_are_their_gradients(make_weather):
    drivers = make_weather(60, daily=False, fire=True)
    forcing, p = prepare(drivers), jax.tree.map(jnp.asarray, Parameters.default())
    run = jax.jit(simulate)(p, drivers)
    stand = jax.jit(lambda p: regrow(p, prepare(make_weather(12, daily=False)), 20))(p)
    run = dataclasses.replace(run, regrowth=stand)

    @jax.jit
    @functools.partial(jax.value_and_grad, argnums=(0, 1), has_aux=True)
    def total(p, run):
        terms = {c.name: c.log_density(p, run, forcing) for c in EDCS.values()}
        return sum(terms.values()), terms

    # with the finite gradients of runs (tests/model), those of the terms in all parameters
    (_, terms), (by_parameters, by_run) = total(p, run)
    assert all(np.isfinite(term) and term < 0 for term in terms.values())
    for slopes in jax.tree.leaves((by_parameters, by_run)):
        assert np.isfinite(slopes).all()
    assert by_parameters.som_residence_time > 0
    assert all((np.asarray(getattr(by_run.last, pool)) != 0).any() for pool in INPUTS)


def test_steady_terms_see_the_losses_of_a_run(make_weather):
    """Losses known from gains and change are the fluxes that leave."""
    drivers = make_weather(60, daily=False, fire=True)
    run = jax.jit(simulate)(Parameters.default(), drivers)
    f, days = run.fluxes, drivers.step_length
    leaving = {
        "root": f.root_litterfall + f.root_combustion + f.root_mortality,
        "litter": f.litter_respiration + f.litter_decomposition + f.litter_combustion
        + f.litter_mortality,
        "som": f.som_respiration + f.som_combustion,
    }  # fmt: skip
    for pool, out in leaving.items():
        gained = sum(getattr(f, name) for name in INPUTS[pool])
        log_ratio = math.log(float((gained * days).sum() / (out * days).sum()))
        found = EDCS[f"steady_{pool}"].log_density(Parameters.default(), run, prepare(drivers))
        assert float(found) == pytest.approx(-0.5 * (log_ratio / math.log(2)) ** 2, rel=1e-8)
