"""Attributes of every kind that files hold, and what is said of what is not read."""

import numpy as np
import pytest
import xarray as xr

from bayes_tbm.catalogue import open_site
from bayes_tbm.errors import DataWarning, InputError
from bayes_tbm.formats.attributes import number, numbers, text

HERE = {"where": "a.nc", "variable": "GPP"}
OPTIONS = ("single_unc", "structural_unc", "min_threshold", "opt_unc_type", "opt_filter")


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (1.25, 1.25), (np.float32(2), 2.0), (np.int32(3), 3.0), ("1.25", 1.25), (b" 2 ", 2.0),
        (np.array([4.0]), 4.0), (np.array(["0.5"], dtype=object), 0.5), ("", None), ("NaN", None),
        (np.array([]), None), (np.nan, None), (-9999.0, None), ("-9999", None), ("none", None),
        (None, None), (-np.inf, None), (True, None),
    ],
)  # fmt: skip
def test_one_number(value, expected):
    if value is True:
        with pytest.raises(InputError, match="must be a number; found 'True'"):
            number({"unc": value}, "unc", **HERE)
        return
    assert number({"unc": value}, "unc", **HERE) == expected


@pytest.mark.parametrize("value", ["about 2", "1,5 or so", b"\xff", np.array(["x"], dtype=object)])
def test_text_that_is_no_number_is_refused(value):
    with pytest.raises(InputError, match=r"^a\.nc: GPP: attribute unc must be a number") as caught:
        number({"unc": value}, "unc", **HERE)
    assert "\n" not in str(caught.value)


def test_several_numbers_are_refused_where_one_is_meant():
    for value in (np.array([1.0, 2.0]), "1 2", "1, 2"):
        with pytest.raises(InputError, match=r"attribute unc must be one number; found 2 values"):
            number({"unc": value}, "unc", **HERE)
        assert numbers({"unc": value}, "unc", **HERE).tolist() == [1.0, 2.0]


def test_text_of_any_kind():
    kinds = {"a": "x", "b": b"x", "c": np.array(["x"], dtype=object), "d": 1, "e": np.array([])}
    assert [text(kinds, name) for name in "abcdef"] == ["x", "x", "x", "1", "", ""]


@pytest.mark.parametrize("option", OPTIONS)
@pytest.mark.parametrize(
    ("value", "said"),
    [("1.0", None), ("", None), (np.array([1.0, 1.0]), "must be one number"),
     ("a lot", "must be a number")],
)  # fmt: skip
def test_options_of_cardamom_are_numbers_of_any_kind(option, value, said, cardamom, content):
    attrs = {"single_unc": 1.5, "opt_unc_type": 1.0, option: value}
    none = ("time", np.full(40, -9999.0))
    path = cardamom(GPP=("time", content["series"]["gpp"], attrs), GPPunc=none)
    if said is not None:
        with pytest.raises(InputError, match=rf"A-B.cbf.nc: GPP: attribute {option} {said}"):
            open_site(path)
    elif option == "opt_filter" and value:
        with pytest.warns(DataWarning, match="opt_filter = 1"):
            open_site(path)
    else:
        sd = open_site(path).observations["gpp"].sd
        assert np.isfinite(sd).all() == (option != "single_unc" or value != "")


@pytest.mark.parametrize(
    ("reader", "attribute"),
    [("own", "_FillValue"), ("differland", "missing_value"), ("cardamom", "scale_factor"),
     ("own", "valid_range")],
)  # fmt: skip
def test_text_where_the_file_format_means_a_number(reader, attribute, content, request, tmp_path):
    import h5py

    path = request.getfixturevalue(reader)()
    name = "gpp" if reader == "own" else "GPP"
    with h5py.File(path, "a") as file:
        file[name].attrs.pop(attribute, None)
        file[name].attrs[attribute] = "rather not"
    with pytest.raises(InputError, match=rf"{name}: attribute {attribute} must be a number"):
        open_site(path)


def test_numbers_held_as_text_are_read(cardamom):
    path = cardamom(LAT=((), "61.5"))
    assert open_site(path).latitude == 61.5
    with pytest.raises(InputError, match=r"A-B.cbf.nc: LAT: must be numbers"):
        open_site(cardamom(LAT=((), "north")))


@pytest.mark.parametrize("units", [1, np.array([1.0, 2.0]), "", b"d"])
def test_units_of_any_kind(units, cardamom, content):
    path = cardamom(VPD=("time", content["drivers"]["vpd"], {"units": units}))
    if isinstance(units, str):
        open_site(path)
        return
    with pytest.raises(InputError, match=r"A-B.cbf.nc: VPD: unit must be 'hPa'"):
        open_site(path)


def test_uncertainties_are_in_the_unit_of_their_variable(cardamom, differland, content):
    """Absolute ones go through the conversion, factors and fractions do not."""
    gpp = np.nan_to_num(content["series"]["gpp"] * 1e-3, nan=-9999.0)
    attrs = {"units": "kg C m-2 d-1", "single_unc": 5e-4, "structural_unc": 5e-4}
    none = ("time", np.full(40, -9999.0))
    seen = open_site(cardamom(GPP=("time", gpp, attrs), GPPunc=none)).observations["gpp"]
    np.testing.assert_allclose(seen.sd, np.hypot(0.5, 0.5))
    assert "single_unc = 0.0005" in seen.note
    attrs = {"units": "kg C m-2 d-1", "single_unc": 2.0, "opt_unc_type": 1, "min_threshold": 1e-3}
    seen = open_site(cardamom(GPP=("time", gpp, attrs), GPPunc=none)).observations["gpp"]
    np.testing.assert_allclose(seen.sd, np.log(2) * np.maximum(seen.value, 1.0))
    attrs = {"units": "g C m-2", "single_unc": 3.0, "opt_unc_type": 1}
    wood = ("time", np.full(40, 5000.0), attrs)
    seen = open_site(cardamom(CWOOD=wood)).observations["wood"]  # its errors are log-normal
    np.testing.assert_allclose(np.sqrt(np.log1p((seen.sd / seen.value) ** 2)), np.log(3.0))
    each = ("time", np.full(40, 5e-4))
    for write in (cardamom, differland):
        data = write(GPP=("time", gpp, {"units": "kg C m-2 d-1"}), GPPunc=each)
        np.testing.assert_allclose(open_site(data).observations["gpp"].sd, 0.5)
    each = ("time", np.full(40, 0.5), {"units": "g C m-2 d-1"})
    data = differland(GPP=("time", gpp, {"units": "kg C m-2 d-1"}), GPPunc=each)
    np.testing.assert_allclose(open_site(data).observations["gpp"].sd, 0.5)


def test_temperature_needs_no_offset_in_a_standard_deviation(own, site):
    """None is observed today; a conversion with an offset must not move a spread."""
    from bayes_tbm.formats.netcdf import column
    from bayes_tbm.units import Conversion

    data = xr.Dataset({"t_sd": ("time", [1.0], {"units": "K"})})
    read = column(data, "t_sd", "t_min", "a.nc", like=Conversion(1.0, -273.15))
    assert read.values.tolist() == [1.0]


def test_what_a_cardamom_file_holds_beside_is_said(cardamom, content):
    extra = {
        "PEQ_CUE": ((), 0.5, {"unc": 0.25, "opt_unc_type": 0}),
        "PEQ_Cefficiency": ((), -9999.0, {"unc": 1.5}),
        "PEQ_iniSOM": ((), 9000.0, {"unc": 1.5, "opt_unc_type": 1.0}),
        "Mean_FIR": ((), 0.008),
        "PARPRIORS": ("nopars", [-9999.0, 0.5, 17.5]),
        "PARPRIORUNC": ("nopars", [-9999.0, 1.5, -9999.0]),
        "SCF": ("time", np.ones(40)),
        "EWT": ("time", np.full(40, -9999.0)),
        "GPP": ("time", content["series"]["gpp"], {"single_unc": 1.0, "single_annual_unc": 0.3,
                                                   "opt_normalization": 2.0}),
    }  # fmt: skip
    site = open_site(cardamom(**extra))
    assert set(site.notes) >= {
        "PEQ_CUE = 0.5 (unc = 0.25, opt_unc_type = 0) is not used",
        "PEQ_iniSOM = 9000 (unc = 1.5, opt_unc_type = 1) is not used",  # SOM itself is observed
        "Mean_FIR = 0.008 is not used",
        "PARPRIORS 2 = 0.5 (uncertainty 1.5) is not used",
        "PARPRIORS 3 = 17.5 is not used",
        "not used: SCF (40 values)",
    }
    assert "attributes not used: single_annual_unc = 0.3, opt_normalization = 2" in (
        site.observations["gpp"].note
    )
    assert not any("EWT" in note or "Cefficiency" in note for note in site.notes)


def test_what_a_binary_file_holds_beside_is_said(binary):
    path = binary()
    numbers = np.fromfile(path, dtype="<f8")
    numbers[[15, 100 + 1, 150 + 1, 100 + 22, 200 + 3]] = 1.0, 0.5, 1.5, 9000.0, 7.0
    numbers[300 + 9 + 5] = 12.0  # EWT of the first step
    numbers.tofile(path)
    assert set(open_site(path).notes) >= {
        "parameter prior 2 of model 1005 = 0.5 (uncertainty 1.5) is not used",
        "parameter prior 23 of model 1005 = 9000 is not used",  # SOM itself is observed
        "other prior 4 of model 1005 = 7 is not used",
        "observed field 6 (1 values) is not used",
        "header values 16 = 1, options of CARDAMOM's, are not used",
    }


def test_what_other_files_hold_beside_is_said(differland, own):
    beside = ("time", np.ones(40), {"units": "kPa"})
    assert "not used: PA (40 values)" in open_site(differland(PA=beside)).notes
    assert "not used: soil_water (40 values)" in open_site(own(soil_water=beside)).notes


def test_cases_of_attributes(shared_data):
    folder = shared_data / "cases" / "08-attributes-of-other-kinds"
    for path in sorted(folder.glob("*.nc")):
        if path.name.startswith("time-units"):
            with pytest.raises(InputError, match="time: unit must be 'days since"):
                open_site(path)
        elif path.name.startswith("opt_filter"):
            open_site(path)
        else:
            with pytest.warns(DataWarning, match="opt_filter = 1"):
                open_site(path)
