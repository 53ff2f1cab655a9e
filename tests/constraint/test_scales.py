import numpy as np
import pytest
from scipy import stats

from bayes_tbm import InputError
from bayes_tbm.constraint.scales import StatedPriors, normal_scores, standardise
from bayes_tbm.parameters import LogNormal, Uniform

STATED = StatedPriors({"wood_residence_time": LogNormal(60.0, 0.8), "u": Uniform(2.0, 4.0)}, {})


def test_a_stated_prior_is_its_own_scale():
    z = np.linspace(-3, 3, 7)
    years = 60.0 * np.exp(0.8 * z)
    for mapped in STATED.latent("wood_residence_time", [years, years]):
        np.testing.assert_allclose(mapped, z)
    np.testing.assert_allclose(STATED.latent("u", [np.array([2.5, 3.0])])[0], [-0.6744897502, 0.0])


@pytest.mark.parametrize(
    ("groups", "expected"),
    [
        ([[0.2, 0.5], [0.8]], [[np.log(0.25), 0.0], [np.log(4.0)]]),  # shares
        ([[0.2, 0.5], [8.0]], [[np.log(0.2), np.log(0.5)], [np.log(8.0)]]),  # one above 1: positive
        ([[0.2, 0.5], [-8.0]], [[0.2, 0.5], [-8.0]]),  # one negative
    ],
)
def test_a_quantity_without_prior_has_one_scale_for_all_groups(groups, expected):
    found = STATED.latent("derived", [np.array(x) for x in groups])
    for own, wanted in zip(found, expected, strict=True):
        np.testing.assert_allclose(own, wanted, atol=1e-15)


def test_draws_outside_the_prior_are_refused():
    with pytest.raises(InputError, match="posterior: u: every draw must be finite"):
        STATED.latent("u", [np.array([3.0, 4.5])])


def test_the_prior_is_exact_where_no_constraint_bends_it():
    bent = StatedPriors(STATED.families, {"steady_wood": 2.0})
    assert STATED.exact(("wood_residence_time", "u"))
    assert not STATED.exact(("u", "derived"))
    assert not bent.exact(("wood_residence_time",))
    assert bent.exact(("u",))  # no parameter of the model: nothing that constraints know
    assert STATED.restricted({"u"}).families == {"u": Uniform(2.0, 4.0)}


@pytest.mark.parametrize("change", [np.asarray, np.sinh, lambda z: -np.exp(-0.4 * z)])
def test_normal_scores_undo_any_monotone_change_of_the_prior(change):
    z = np.random.default_rng(1).normal(size=200_000)
    curve = normal_scores(change(z))
    inside = np.linspace(-2.4, 2.4, 25)
    np.testing.assert_allclose(curve(change(inside)), inside, atol=0.06)
    far = curve(change(np.array([-6.0, -4.0, 4.0, 6.0])))
    assert (np.diff(far) > 0).all()  # monotone in the tails too
    mapped, correlation = standardise(change(z)[None, :4000], change(z)[None, 4000:])
    assert stats.kstest(mapped[0], "norm").pvalue > 0.01
    np.testing.assert_allclose(correlation, [[1.0]])


def test_correlation_of_the_prior_is_that_of_its_scores():
    rng = np.random.default_rng(2)
    z = np.linalg.cholesky([[1.0, 0.7], [0.7, 1.0]]) @ rng.normal(size=(2, 50_000))
    _, correlation = standardise(np.exp(z[:, :10]), np.exp(z))
    np.testing.assert_allclose(correlation, [[1.0, 0.7], [0.7, 1.0]], atol=0.01)
