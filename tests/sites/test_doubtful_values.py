"""Rounding, marks of missing values, impossible and unusual ones: every reader, every variable."""

import warnings
from dataclasses import replace

import numpy as np
import pytest
import xarray as xr

from bayes_tbm.catalogue import open_site
from bayes_tbm.errors import DataWarning, InputError
from bayes_tbm.sites import Observations, Site
from bayes_tbm.sites.missing import MARKS
from bayes_tbm.sites.ranges import DRIVER_RANGES, OBSERVED_RANGES
from bayes_tbm.units import UNITS
from tests.sites.conftest import FIELD, SERIES

READERS = ("own", "differland", "cardamom", "binary")
LOW = ["shortwave", "vpd", "precipitation", "burned_fraction", "t_min", "co2", *SERIES]
HIGH = ["shortwave", "vpd", "precipitation", "burned_fraction", "t_max", "co2", *SERIES]
RANGES = {**DRIVER_RANGES, **OBSERVED_RANGES}
PLACE = {"live_biomass": 20, "som": 5}


def turns(names):
    """Pair every name with one reader, each in turn: what is tested is common to all."""
    return [(READERS[i % len(READERS)], name) for i, name in enumerate(names)]


@pytest.fixture
def put(request, content):
    """Write a file of a reader's format in which variables hold other values."""

    def write(reader, changes, **attrs):
        file = request.getfixturevalue(reader)
        if reader == "binary":
            for name, values in changes.items():
                content["drivers" if name in FIELD else "series"][name] = values
            return file()
        if reader == "own":
            drop = tuple(f"{name}_sd" for name in changes if name in SERIES)
            units = {name: {"units": UNITS[name], **attrs} for name in changes}
            return file(drop=drop, **{n: ("time", x, units[n]) for n, x in changes.items()})
        names = {**FIELD, **SERIES}
        return file(**{names[name]: ("time", x, attrs) for name, x in changes.items()})

    return write


@pytest.fixture
def values(content):
    """Values of a variable, some of them changed."""

    def of(name, value):
        changed = (content["drivers"] | content["series"])[name].copy()
        place = PLACE.get(name, 1)
        changed[place : place + np.size(value)] = value
        return changed

    return of


def read(site, name):
    """Values and note of a variable; DifferLand's NBE is NEE."""
    if name in FIELD:
        return site.drivers[name].values, "; ".join(site.notes)
    return site.observations[name].value, site.observations[name].note


def beyond(name, end, share):
    """Value beyond a bound by a share of what rounding may do."""
    allowed = RANGES[name]
    if end == "low":
        return allowed.low - share * allowed.slack
    return allowed.high + share * allowed.slack


@pytest.mark.filterwarnings("ignore:.*unusual values")
@pytest.mark.parametrize("reader", READERS)
@pytest.mark.parametrize(("end", "names"), [("low", LOW), ("high", HIGH)])
def test_rounding_is_set_to_the_bound_in_every_variable(reader, end, names, put, values):
    if reader == "differland":  # its NBE is NEE
        names = [name for name in names if name != "nbe"]
    site = open_site(put(reader, {name: values(name, beyond(name, end, 0.5)) for name in names}))
    for name in names:
        numbers, note = read(site, name)
        assert getattr(RANGES[name], end) in numbers, name
        assert f"1 of {numbers.size} values beyond" in note, name


@pytest.mark.filterwarnings("ignore:.*unusual values")
@pytest.mark.parametrize("name", [*DRIVER_RANGES, *OBSERVED_RANGES])
@pytest.mark.parametrize("end", ["low", "high"])
def test_more_than_rounding_is_refused_in_every_variable(name, end, site):
    value = beyond(name, end, 3.0)
    drivers, seen = site.drivers, dict(site.observations)
    if name in DRIVER_RANGES:
        changed = drivers[name].values.copy()
        changed[3] = value
        drivers = drivers.assign({name: ("time", changed)})
    else:
        time = drivers.time.values[:2]
        seen[name] = Observations(name, UNITS[name], time, [value, RANGES[name].high / 2], 1.0)
    with pytest.raises(InputError, match=rf"^made-up: {name}: must be within .* \(1 of"):
        replace(site, drivers=drivers, observations=seen)


@pytest.mark.parametrize(("reader", "step"), list(zip(READERS, [-1e-7, -7e-15] * 2, strict=True)))
def test_t_max_below_t_min_by_rounding_is_set_to_it(reader, step, put, content):
    warm = content["drivers"]["t_max"].copy()
    warm[4] = content["drivers"]["t_min"][4] + step
    site = open_site(put(reader, {"t_max": warm}))
    assert site.drivers.t_max[4] == site.drivers.t_min[4]
    assert "t_max - t_min: 1 of 40 values" in site.notes[-1]
    warm[4] = content["drivers"]["t_min"][4] - 0.01
    with pytest.raises(InputError, match="t_max - t_min: must not be negative"):
        replace(site, drivers=site.drivers.assign(t_max=("time", warm)))


ALL_MARKS = (*MARKS, 9.969209968386869e36, 1e20, -3.4028234663852886e38)


@pytest.mark.parametrize("reader", READERS)
def test_marks_of_missing_observations_are_known(reader, put, values):
    names = ("gpp", "lai", "et")
    site = open_site(put(reader, {name: values(name, ALL_MARKS) for name in names}))
    for name in names:
        expected = values(name, [np.nan] * len(ALL_MARKS))
        np.testing.assert_array_equal(read(site, name)[0], expected[np.isfinite(expected)])
        for mark in set(ALL_MARKS) - {-9999.0}:
            assert f"1 of {mark:g}" in read(site, name)[1]


@pytest.mark.parametrize(("reader", "name"), turns(sorted(set(FIELD) - {"burned_fraction"}) * 2))
def test_a_mark_in_a_driver_is_a_gap(reader, name, put, values):
    with pytest.raises(InputError, match=rf"{name}: a driver must have a value .*\(3 of 40"):
        open_site(put(reader, {name: values(name, [-999.0, -9999.0, 9.969209968386869e36])}))


@pytest.mark.parametrize(("reader", "name"), turns([n for n in SERIES if n != "nbe"]))
def test_a_mark_that_went_through_a_conversion_is_refused(reader, name, put, values):
    with pytest.raises(InputError, match=rf"{name}: must be within .*-10376 .*as NaN"):
        open_site(put(reader, {name: values(name, -9999 * 1.0377)}))


UNUSUAL = {"gpp": 55.0, "precipitation": 700.0, "et": 25.0, "lai": 14.0, "live_biomass": 1e5,
           "vpd": 90.0, "som": 2e5, "co2": 120.0}  # fmt: skip


@pytest.mark.parametrize(("reader", "name"), turns(UNUSUAL))
def test_unusual_values_are_used_and_warned_of_once(reader, name, put, values):
    path, value = put(reader, {name: values(name, UNUSUAL[name])}), UNUSUAL[name]
    with pytest.warns(DataWarning, match=rf"{name}: unusual values, such as {value:g}"):
        site = open_site(path)
    assert value in read(site, name)[0]
    assert any(note.startswith(f"{name}: unusual values") for note in site.notes)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        site.window(start="2001-01-01")


# What is refused, the remedy that its message gives, and the file after following it.
@pytest.mark.parametrize(
    ("name", "wrong", "said", "remedy", "unit"),
    [
        ("t_min", lambda x: x + 273.15, "kelvin", lambda x: x + 273.15, "K"),
        ("shortwave", lambda x: x / 0.0864, "W m-2", lambda x: x / 0.0864, "W m-2"),
        ("shortwave", lambda x: x - 20.0, "set what is negative to 0", np.abs, None),
        ("vpd", lambda x: x - 20.0, "set what is negative to 0", lambda x: np.fmax(x, 0), None),
        ("vpd", lambda x: 100 * x, "Pa", lambda x: 100 * x, "Pa"),
        ("precipitation", lambda x: x - 1, "negative to 0", lambda x: np.fmax(x - 1, 0), None),
        ("precipitation", lambda x: 365.25 * (x + 6), "per month or year",
         lambda x: 365.25 * (x + 6), "mm yr-1"),
        ("co2", lambda x: x * 1e-6, "mol mol-1", lambda x: x * 1e-6, "mol mol-1"),
        ("co2", lambda x: x * 1e3, "ppb", lambda x: x * 1e3, "ppb"),
        ("burned_fraction", lambda x: x + 7.0, "%", lambda x: x + 7.0, "%"),
        ("gpp", lambda x: x * 100, "unit the values are in", lambda x: x * 100, "mg C m-2 d-1"),
        ("lai", lambda x: x * 10, "unit the values are in", lambda x: x * 10, "0.1 m2 m-2"),
        ("et", lambda x: x * 28, "unit the values are in", lambda x: x * 28, "W m-2"),
    ],
)  # fmt: skip
def test_remedies_work(name, wrong, said, remedy, unit, put, content):
    values = (content["drivers"] | content["series"])[name]
    reader = "own" if name in ("co2", "et") else "cardamom"
    with pytest.raises(InputError) as caught:
        open_site(put(reader, {name: wrong(values)}))
    assert said in caught.value.remedy
    open_site(put(reader, {name: remedy(values)}, **({"units": unit} if unit else {})))


@pytest.mark.parametrize(
    ("attrs", "missing"),
    [({"valid_min": 0.0}, 1), ({"valid_range": [0.0, 20.0]}, 2), ({"valid_max": 20}, 1),
     ({"missing_value": [-5.0, 33.0]}, 2), ({"_FillValue": -5.0}, 1), ({"valid_min": "0"}, 1)],
)  # fmt: skip
def test_what_the_file_calls_missing_is(attrs, missing, put, content):
    values = content["series"]["nbe"].copy()
    values[[1, 2]] = -5.0, 33.0
    attrs = {key: np.array(x) if isinstance(x, list) else x for key, x in attrs.items()}
    seen = open_site(
        put("cardamom", {"nbe": np.nan_to_num(values, nan=-9999.0)}, **attrs)
    ).observations
    assert len(seen["nbe"]) == np.isfinite(values).sum() - missing


def test_a_valid_range_does_not_take_rounding_for_a_gap(put, values):
    site = open_site(put("own", {"precipitation": values("precipitation", -7e-15)}, valid_min=0))
    assert site.drivers.precipitation[1] == 0.0


def test_packed_numbers_are_unpacked_and_their_marks_known(put, content):
    packed = np.round(np.nan_to_num(content["series"]["gpp"], nan=-9999) * 100).astype(np.int32)
    packed[0] = -999
    attrs = {"scale_factor": 0.01, "_FillValue": np.int32(-999900), "valid_min": np.int32(0)}
    site = open_site(put("differland", {"gpp": packed}, **attrs))
    np.testing.assert_array_equal(
        site.observations["gpp"].value, packed[(packed != -999) & (packed != -999900)] * 0.01
    )


@pytest.mark.parametrize("bad", [np.inf, -np.inf])
def test_infinite_observations_are_refused(bad, put, values):
    with pytest.raises(InputError, match=r"own.nc: et: must be finite.*inf at .*, 1 of 40 v"):
        open_site(put("own", {"et": values("et", bad)}))


def test_one_missing_sd_is_the_median_in_our_format_too(own, site):
    sd = site.observations["gpp"].sd.copy()
    sd[3] = np.nan
    opened = open_site(own(gpp_sd=("gpp_time", sd, {"units": UNITS["gpp"]})))
    assert opened.observations["gpp"].sd.tolist() == [0.5] * sd.size
    assert f"1 of {sd.size} sd missing, set to the median 0.5" in opened.observations["gpp"].note


@pytest.mark.parametrize("mark", [np.nan, -9999.0, 9.969209968386869e36])
def test_a_value_without_a_time_is_told(mark, own, site):
    days = (site.observations["gpp"].time - np.datetime64("2001-01-01", "ns")) / np.timedelta64(
        1, "D"
    )
    days[2] = mark
    axis = ("gpp_time", days, {"units": "days since 2001-01-01"})
    with pytest.warns(DataWarning, match="gpp: 1 of 26 values without a time, left out"):
        opened = open_site(own(gpp_time=axis))
    assert len(opened.observations["gpp"]) == 25
    assert "without a time" in opened.observations["gpp"].note


@pytest.mark.parametrize("name", OBSERVED_RANGES)
def test_values_that_differ_at_one_time_are_counted(name, site):
    time = np.repeat(site.drivers.time.values[10:14], [1, 2, 3, 2])
    values = np.array([3.0, 4.0, 4.5, 4.0, 4.5, 4.0, 4.0, 4.0])  # the last two are one
    if name in ("live_biomass", "wood", "som"):
        values *= 100.0
    told = f"{name}: values differ at one time: 2 times, first on 2001-01-12: their mean counts"
    seen = Observations(name, UNITS[name], time, values, 0.5)
    with pytest.warns(DataWarning, match=told):
        several = replace(site, observations={name: seen})
    assert any(told in note for note in several.notes)
    several.window(end="2001-01-12")  # would warn, an error here


@pytest.mark.parametrize("name", ["gpp", "nee", "nbe", "reco", "et"])
@pytest.mark.parametrize("every", [2, 4])
def test_fluxes_over_longer_than_a_step_are_warned_of(name, every, site):
    time = site.drivers.time.values[::every]
    seen = Observations(name, UNITS[name], time, np.ones(time.size), 0.5)
    with pytest.warns(DataWarning, match=rf"{name}: values every {every} d against steps of 1 d"):
        longer = Site("x", 61.5, None, site.drivers, {name: seen})
    assert f"every {every} d" in longer.observations[name].note
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        longer.window(end="2001-02")
    lai = Observations("lai", UNITS["lai"], time, np.ones(time.size), 0.5)
    assert not Site("x", 61.5, None, site.drivers, {"lai": lai}).observations["lai"].note


def test_units_of_sites_made_in_python_count_too(site):
    drivers, gpp = site.drivers, site.observations["gpp"]
    kelvin = (drivers.t_min + 273.15).assign_attrs(units="K")
    kilo = replace(gpp, unit="kg C m-2 8d-1", value=gpp.value * 8e-3, sd=gpp.sd * 8e-3)
    other = replace(site, drivers=drivers.assign(t_min=kelvin), observations={"gpp": kilo})
    np.testing.assert_allclose(other.drivers.t_min, drivers.t_min, atol=1e-12)
    assert other.drivers.t_min.attrs["units"] == "degC"
    np.testing.assert_allclose(other.observations["gpp"].value, gpp.value)
    np.testing.assert_allclose(other.observations["gpp"].sd, gpp.sd)
    assert other.observations["gpp"].unit == UNITS["gpp"]
    for odd in (
        {"observations": {"gpp": replace(gpp, unit="furlong")}},
        {"drivers": drivers.assign(vpd=drivers.vpd.assign_attrs(units="mm"))},
    ):
        with pytest.raises(InputError, match=r"made-up: (gpp|vpd): unit must be"):
            replace(site, **odd)


@pytest.mark.parametrize("size", [np.float32(0.5), 0.5])
def test_uncertainty_may_be_text_or_a_numpy_number(size, own):
    assert set(open_site(own(), uncertainty={"gpp": size}).observations["gpp"].sd) == {0.5}


@pytest.mark.parametrize("size", ["much", None, True, "-1", [1.0, 2.0]])
def test_other_uncertainties_are_refused_by_name(size, own):
    with pytest.raises(InputError, match=r"own.nc: gpp: uncertainty must be positive"):
        open_site(own(), uncertainty={"gpp": size})


@pytest.mark.parametrize("folder", ["population/fluxval", "fluxval"])
def test_every_fluxval_file_opens(folder, shared_data):
    paths = sorted((shared_data / folder).glob("*.cbf"))
    assert len(paths) >= 14
    for path in paths:
        assert open_site(path).steps == 192


def test_cases_of_rounding(shared_data):
    folder = shared_data / "cases" / "01-tiny-negative-drivers"
    notes = [open_site(folder / name).notes for name in ("flux_site_4.cbf", "dry-month.nc")]
    assert ["7 of 192" in notes[0][-1], "1 of 120" in notes[1][-1]] == [True, True]
    assert "precipitation" in notes[0][-1]
    data = xr.load_dataset(folder / "dry-month.nc", engine="h5netcdf", decode_times=False)
    assert data.precipitation.min() < 0
