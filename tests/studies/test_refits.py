import numpy as np
import pytest
from scipy.stats import norm

import bayes_tbm as bt
from bayes_tbm.parameters import TABLE
from bayes_tbm.studies import alternatives
from bayes_tbm.studies.refits import ALTERNATIVES, DEFAULT, elasticity, refit_verdict
from bayes_tbm.units import DAYS_PER_YEAR

PRIORS = {name: row.prior for name, row in TABLE.items()}
Z = np.array([-2.0, -0.7, 0.0, 0.5, 1.3])
FAMILIES = sorted({prior.family for prior in PRIORS.values()})


def leaves_the_equations(row):
    """Whether three sd of a prior of twice the spread leave the bounds of the table."""
    low, high = (float(row.prior.from_normal(2.0 * z)) for z in (-3.0, 3.0))
    return not row.lower <= low <= high <= row.upper


TOO_WIDE = {name for name, row in TABLE.items() if leaves_the_equations(row)}


def changed(name, which, prior=None):
    found = alternatives({name: prior or PRIORS[name]}, [name], [which])
    return found[which].get(name)


def test_every_family_of_the_table_is_looked_at():
    assert FAMILIES == ["bounded_lognormal", "logitnormal", "lognormal", "normal"]


@pytest.mark.parametrize(("which", "factor"), [("wider", 2.0), ("narrower", 0.5)])
@pytest.mark.parametrize("name", TABLE)
def test_wider_and_narrower_keep_the_median_and_scale_the_spread(name, which, factor):
    prior, other = PRIORS[name], changed(name, which)
    if name in TOO_WIDE and which == "wider":
        assert other is None
        return
    assert type(other) is type(prior)
    assert other.center == pytest.approx(prior.center, rel=1e-12, abs=1e-12)
    # on the family's own scale: z spreads there lie where factor times z lay
    np.testing.assert_allclose(other.from_normal(Z), prior.from_normal(factor * Z), rtol=1e-10)


def test_few_priors_cannot_be_widened_and_none_that_are_by_default():
    assert not TOO_WIDE & set(DEFAULT)
    assert len(TOO_WIDE) < 10


@pytest.mark.parametrize("family", [bt.Uniform(1.2, 8.0), bt.LogUniform(1.2, 8.0)])
def test_a_prior_without_a_spread_is_neither_widened_nor_narrowed(family):
    assert changed("leaf_lifespan", "wider", family) is None
    assert changed("leaf_lifespan", "narrower", family) is None


@pytest.mark.parametrize("name", TABLE)
def test_flat_covers_the_central_95_percent(name):
    prior, flat = PRIORS[name], changed(name, "flat")
    assert isinstance(flat, bt.Uniform | bt.LogUniform)
    below, above = norm.cdf([float(prior.to_normal(x)) for x in (flat.lower, flat.upper)])
    # 1.96 is rounded in the fifth decimal
    assert below == pytest.approx(0.025, abs=1e-5)
    assert above == pytest.approx(0.975, abs=1e-5)


# Published rates (d-1) of DALEC993
RATES = {
    "wood_residence_time": (2.5e-5, 1e-3), "root_residence_time": (1e-4, 1e-2),
    "litter_residence_time": (1e-4, 1e-2), "litter_decomposition_time": (1e-5, 1e-2),
    "som_residence_time": (1e-7, 1e-3),
}  # fmt: skip


@pytest.mark.parametrize("name", RATES)
def test_dalec_is_log_uniform_between_the_published_rates(name):
    prior = changed(name, "dalec")
    assert isinstance(prior, bt.LogUniform)
    rates = 1.0 / (DAYS_PER_YEAR * np.array([prior.upper, prior.lower]))
    np.testing.assert_allclose(rates, RATES[name], rtol=1e-12)


def test_dalec_wood_lives_3_to_110_years():
    prior = changed("wood_residence_time", "dalec")
    assert (prior.lower, prior.upper) == pytest.approx((2.74, 109.5), rel=1e-3)


@pytest.mark.parametrize("name", ["autotrophic_fraction", "allocation_wood"])
def test_dalec_is_uniform_for_shares(name):
    assert isinstance(changed(name, "dalec"), bt.Uniform)


@pytest.mark.parametrize("name", ["leaf_onset_day", "initial_wood", "field_capacity"])
def test_dalec_leaves_out_what_has_no_published_bounds_here(name):
    assert changed(name, "dalec") is None


@pytest.mark.parametrize(
    ("names", "which", "said"),
    [
        (["wood_time"], ["wider"], r"wood_time: parameters must be sampled"),
        (["allocation_wood"], ["broad"], r"broad: .* wider, narrower, dalec, flat"),
        (["gpp_memory"], ["flat"], r"sensitivity: gpp_memory"),
    ],
)
def test_what_is_unknown_is_refused(names, which, said):
    with pytest.raises(bt.InputError, match=said):
        alternatives(PRIORS, names, which)


def test_fixed_parameters_stay_fixed():
    priors = PRIORS | {"wood_residence_time": bt.Fixed(60.0)}
    for own in alternatives(priors).values():
        assert set(own) == set(DEFAULT) - {"wood_residence_time"}


def test_only_what_is_named_changes():
    assert set(alternatives(PRIORS, ["allocation_wood"])) == set(ALTERNATIVES)
    for own in alternatives(PRIORS, ["allocation_wood"]).values():
        assert set(own) == {"allocation_wood"}


@pytest.mark.parametrize("which", ALTERNATIVES)
def test_a_calibration_takes_every_alternative(calibration, which):
    before = calibration.density.priors
    names = {"dalec": list(before), "flat": list(before)}.get(which, DEFAULT)
    own = alternatives(before, [n for n in names if n in TABLE], [which])[which]
    assert set(DEFAULT) <= set(own)
    other = calibration.with_priors(own)
    assert other.density.priors == {**before, **own}
    assert calibration.density.priors == before
    # and has a density where the parameters of the alternative are at its centre
    assert np.isfinite(float(other.density(np.zeros(other.density.dimension))))


def test_elasticity_needs_both_refits():
    assert elasticity(3.0, 3.0) == 0.0
    assert elasticity(2.0, 1.0) == pytest.approx(0.5)
    assert np.isnan(elasticity(2.0, None))
    assert np.isnan(elasticity(None, 1.0))


@pytest.mark.parametrize(
    ("elastic", "shift", "tension", "said"),
    [
        (0.5, 0.0, 0.0, "data-driven"),
        (0.51, 0.49, 5.0, "prior-driven"),
        (0.51, 5.0, 1.99, "prior-driven"),
        (0.9, 0.5, -2.0, "in conflict"),
        (0.1, 0.5, 2.0, "in conflict"),
    ],
)
def test_refit_verdict(elastic, shift, tension, said):
    assert refit_verdict(elastic, shift, tension) == said
