import dataclasses

import jax
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bayes_tbm.errors import InputError
from bayes_tbm.parameters import (
    DALEC_NAMES,
    TABLE,
    Parameters,
    allocation_shares,
    from_dalec,
    parameter,
    to_dalec,
)

# Published DALEC993 bounds.
DALEC_BOUNDS = {
    "decomposition_rate": (1e-5, 0.01), "f_gpp": (0.2, 0.8), "f_fol": (0.01, 0.5),
    "f_root": (0.01, 0.99), "leaf_lifespan": (1.001, 8), "tor_wood": (2.5e-5, 1e-3),
    "tor_root": (1e-4, 0.01), "tor_litter": (1e-4, 0.01), "tor_som": (1e-7, 1e-3),
    "Q10": (0.018, 0.08), "canopy_efficiency": (5, 50), "Bday": (365.25, 1461),
    "Fday": (365.25, 1461), "flab": (0.01, 0.5), "clab_release_period": (30.4375, 100),
    "leaf_fall_period": (30.4375, 150), "LCMA": (5, 200), "Clab": (1, 2000), "Cfol": (1, 2000),
    "Croot": (1, 2000), "Clitter": (1, 2000), "Cwood": (1, 1e5), "Csom": (1, 2e5),
    "runoff_focal_point": (1, 1e5), "field_capacity": (1, 1e4), "initial_water": (1, 1e4),
    "foliar_cf": (0.01, 1), "ligneous_cf": (0.01, 1), "dom_cf": (0.01, 1), "resilience": (0.01, 1),
    "lab_lifespan": (1.001, 8), "moisture_factor": (0.01, 1), "uWUE": (0.5, 30),
    "boese_r": (0.01, 0.3), "wilting_point_frac": (0.01, 0.5),
}  # fmt: skip
dalec_sets = st.fixed_dictionaries({n: st.floats(*b) for n, b in DALEC_BOUNDS.items()})


def test_table_and_container_name_the_same_parameters_in_the_same_order():
    assert [field.name for field in dataclasses.fields(Parameters)] == list(TABLE)
    assert all(row.name == name for name, row in TABLE.items())
    assert len({row.symbol for row in TABLE.values()}) == len(TABLE)


def test_every_row_is_explained():
    for row in TABLE.values():
        assert row.unit
        assert row.meaning
        assert row.source
        assert row.group in {"process", "initial", "fire", "regrowth", "departure"}
        assert row.lower < row.upper


def test_default_is_the_prior_medians():
    values = Parameters.default(initial_wood=7.0).to_dict()
    assert values.pop("initial_wood") == 7.0
    assert values == {n: row.prior.center for n, row in TABLE.items() if n != "initial_wood"}
    Parameters.default().check_bounds()


def test_missing_and_unknown_names_are_told():
    values = Parameters.default().to_dict()
    del values["initial_som"]
    with pytest.raises(InputError, match="initial_som, tau_wood: every model parameter") as error:
        Parameters.from_mapping({**values, "tau_wood": 1.0})
    assert "\n" not in str(error.value)
    with pytest.raises(InputError, match="parameters: tau_wood: must be a parameter of the model"):
        parameter("tau_wood")
    assert parameter("initial_som").unit == "g C m-2"


@pytest.mark.parametrize("bad", [-366.1, 733.0, np.nan, np.array([20.0, 733.0])])
def test_values_out_of_bounds_are_refused(bad):
    told = "leaf_onset_day: must lie within -366 to 732 day of year; found"
    with pytest.raises(InputError, match=told):
        Parameters.default(leaf_onset_day=bad).check_bounds()


@given(wood=st.floats(0.0, 1.0), ratio=st.floats(1e-3, 1e3), direct=st.floats(0.0, 1.0))
def test_allocation_is_a_composition_with_the_stated_ratios(wood, ratio, direct):
    p = Parameters(
        **dict.fromkeys(TABLE, 0.0)
        | {
            "allocation_wood": wood,
            "canopy_to_root_allocation": ratio,
            "direct_foliage_share": direct,
        }
    )
    shares = allocation_shares(p)
    canopy = shares.foliage + shares.labile
    assert canopy + shares.root + shares.wood == pytest.approx(1, rel=1e-14)
    assert shares.wood == wood
    assert canopy == pytest.approx(ratio * shares.root, rel=1e-14)
    assert shares.foliage == pytest.approx(direct * canopy, rel=1e-14)
    assert min(shares.foliage, shares.labile, shares.root) >= 0.0


@settings(max_examples=40)
@given(values=dalec_sets, step_length=st.sampled_from([1.0, 30.4375]))
def test_dalec_names_go_there_and_back(values, step_length):
    again = to_dalec(from_dalec(values, step_length=step_length), step_length=step_length)
    assert set(again) == set(DALEC_NAMES) == set(values)
    year = 365.25
    expected = {**values, "Bday": values["Bday"] % year, "Fday": values["Fday"] % year}
    for name, value in expected.items():
        # f_root near one leaves little to wood: 1 - f_root keeps its last digits only
        assert float(again[name]) == pytest.approx(value, rel=1e-12), name


@settings(max_examples=40)
@given(values=dalec_sets)
def test_sequential_fractions_give_the_same_fluxes_as_shares(values):
    shares = allocation_shares(from_dalec(values, step_length=1.0))
    foliage = values["f_fol"]
    labile = (1 - foliage) * values["flab"]
    root = (1 - foliage - labile) * values["f_root"]
    wood = 1 - foliage - labile - root
    for share, expected in zip(
        (shares.foliage, shares.labile, shares.root, shares.wood),
        (foliage, labile, root, wood),
        strict=True,
    ):
        assert float(share) == pytest.approx(expected, abs=1e-15, rel=1e-12)


def test_drainage_does_not_depend_on_the_step():
    values = {name: bounds[0] * 1.5 for name, bounds in DALEC_BOUNDS.items()}
    daily = from_dalec({**values, "runoff_focal_point": 60_000.0}, step_length=1.0)
    monthly = from_dalec({**values, "runoff_focal_point": 60_000.0 / 30.0}, step_length=30.0)
    assert float(daily.drainage_storage) == pytest.approx(60_000**0.5, rel=1e-15)
    assert float(monthly.drainage_storage) == pytest.approx(60_000**0.5, rel=1e-15)


def test_fire_may_be_absent_and_nothing_else():
    values = {name: bounds[0] * 1.5 for name, bounds in DALEC_BOUNDS.items()}
    for name in ("foliar_cf", "ligneous_cf", "dom_cf", "resilience"):
        del values[name]
    p = from_dalec({**values, "IWUE": 3.0}, step_length=1.0)
    assert p.fire_resilience == TABLE["fire_resilience"].prior.center
    compiled = jax.jit(lambda v: from_dalec(v, step_length=1.0))(values)
    for name, value in p.to_dict().items():
        assert float(getattr(compiled, name)) == pytest.approx(float(value), rel=1e-6), name
    del values["Cwood"]
    with pytest.raises(InputError, match="Cwood: every DALEC parameter must be given"):
        from_dalec(values, step_length=1.0)
