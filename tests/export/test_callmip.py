"""An entry of CalLMIP phase 1b, and the check that judges such files."""

import dataclasses
import re

import h5netcdf
import hypothesis
import numpy as np
import pytest
from hypothesis import strategies as st
from scipy.io import netcdf_file

import bayes_tbm as bt
from bayes_tbm.cli import main
from bayes_tbm.errors import DataWarning, InputError
from bayes_tbm.export import check_callmip, export
from bayes_tbm.export.callmip_check import judge
from bayes_tbm.export.callmip_content import Content, Held, plain, read_content
from bayes_tbm.export.callmip_names import FILL, OUTPUTS
from bayes_tbm.parameters import TABLE

FLUX = 1e-3 / 86400.0
POSTERIOR = "bayes_tbm.1_Phase1b_Scen5_FI-Hyy_Cal_Posterior.nc"
PRIOR = "bayes_tbm.1_Phase1b_Scen5_FI-Hyy_Cal_Prior.nc"
TEMPLATE = "CLASSIC.v2_Phase1b_Scen1_DK-Sor_Cal_Prior.nc"
ABSENT = {"hfss", "hfg", "ts", "mrsos", "hfss_post_unc"}


@pytest.fixture(scope="module")
def entry(of_days, days, tmp_path_factory):
    folder = tmp_path_factory.mktemp("entry")
    files = export(of_days, folder, "callmip", site=days, site_code="FI-Hyy")
    assert [file.name for file in files] == [PRIOR, POSTERIOR]
    return folder


def values_of(path):
    content = read_content(path)
    return {n: v.values[:, 0, 0] for n, v in content.variables.items() if v.values.ndim == 3}


def test_prior_is_the_run_with_default_parameters(entry, days):
    found, run = values_of(entry / PRIOR), bt.simulate(bt.Parameters.default(), days)
    wood, leaf = (0.5 * (run[n].values[1:] + run[n].values[:-1]) for n in ("wood", "foliage"))
    reco = run.autotrophic_respiration + run.litter_respiration + run.som_respiration
    for name, expected in {
        "nep": -run.nee.values * FLUX,
        "gpp": run.gpp.values * FLUX,
        "reco": reco.values * FLUX,
        "hfls": run.evapotranspiration.values * 2.45e6 / 86400.0,
        "lai": leaf / bt.Parameters.default().leaf_carbon_per_area,
        "cLiveBioAbove": (leaf + 0.8 * wood) / 1e3,
    }.items():
        np.testing.assert_allclose(found[name], expected, rtol=1e-9, atol=1e-18, err_msg=name)
    assert not any(name.endswith("_post_unc") for name in found)


def test_posterior_is_mean_and_spread_of_the_draws(entry, of_days, days):
    """Of all forty, each simulated alone."""
    found = values_of(entry / POSTERIOR)
    posterior = of_days["posterior"].to_dataset().isel(chain=0)
    default = bt.Parameters.default().to_dict()
    nee = []
    for draw in range(40):
        p = {n: float(posterior[n][draw]) if n in posterior else default[n] for n in TABLE}
        nee.append(bt.simulate(bt.Parameters.from_mapping(p), days).nee.values)
    nep = -np.array(nee) * FLUX
    np.testing.assert_allclose(found["nep"], nep.mean(axis=0), rtol=1e-8, atol=1e-18)
    np.testing.assert_allclose(found["nep_post_unc"], nep.std(axis=0, ddof=1), rtol=1e-8)
    np.testing.assert_allclose(found["nep"], found["gpp"] - found["reco"], atol=1e-20)
    assert {name for name, v in found.items() if (v == FILL).all()} == ABSENT


def test_layout_is_the_example_s(entry, days):
    with netcdf_file(entry / POSTERIOR, mmap=False) as file:  # classic, which xarray cannot open
        assert file.version_byte == 1
        assert file.dimensions == {"time": days.steps, "lat": 1, "lon": 1}
        assert file.variables["lat"].dimensions == file.variables["lon"].dimensions == ()
        assert float(file.variables["lat"].getValue()) == days.latitude
        assert file.variables["latitude"].dimensions == ("lat",)
        assert file.variables["time"].units == b"days since 2006-01-01 00:00:00"
        np.testing.assert_array_equal(file.variables["time"].data, np.arange(days.steps) + 0.5)
        assert file.variables["nep"]._FillValue == FILL
        assert file.variables["nep"].typecode() == "d"
        assert b"structural error" in file.variables["nep_post_unc"].note
        assert b"0.8 of wood" in file.variables["cLiveBioAbove"].note
        assert file.Model == b"bayes_tbm.1"
        assert file.Calibration_stage == b"Posterior"
        assert b"initial pools are prescribed" in file.comment
    assert b"default parameters" in read_content(entry / PRIOR).attributes["comment"].encode()


def test_own_files_have_only_departures_that_are_known(entry):
    for path in (entry / PRIOR, entry / POSTERIOR):
        found = check_callmip(path)
        assert not [d for d in found if d.matters]
        assert {d.where for d in found} == ABSENT & set(read_content(path).variables)


def test_example_of_the_organisers_passes(shared_data, capsys):
    path = shared_data / "formats" / "callmip" / TEMPLATE
    if not path.is_file():
        pytest.skip("no example of an entry")
    assert main(["check-callmip", str(path)]) == 0
    noted = re.findall(r"noted (\w+): (.*)", capsys.readouterr().out)
    assert [where for where, _ in noted] == [
        "latitude", "longitude", "time", "time", "cSoil", "hfls",
    ]  # fmt: skip
    assert "1996-12-31" in noted[3][1]
    assert "cannot be seen" in noted[4][1]  # a space of no width


def planted(source, target, change):
    """Copy an entry as netCDF-4, with something changed in its content."""
    content = read_content(source)
    dims, attributes = dict(content.dims), dict(content.attributes)
    held = {n: [v.dims, dict(v.attributes), v.values] for n, v in content.variables.items()}
    change(dims, attributes, held)
    with h5netcdf.File(target, "w") as file:
        file.dimensions = dims
        file.attrs.update(attributes)
        for name, (of, attrs, values) in held.items():
            fill = attrs.pop("_FillValue", None)
            plain = "_nc4_non_coord_" + name if name in dims and of != (name,) else name
            made = file.create_variable(plain, of, values.dtype, data=values, fillvalue=fill)
            made.attrs.update(attrs)
    return [d for d in check_callmip(target) if d.matters]


def set_attribute(name, attribute, value):
    def change(dims, attributes, held):
        (attributes if name is None else held[name][1])[attribute] = value

    return change


def drop(name, attribute=None):
    def change(dims, attributes, held):
        if name is None:
            del attributes[attribute]
        elif attribute is None:
            del held[name]
        else:
            del held[name][1][attribute]

    return change


def values(name, function):
    def change(dims, attributes, held):
        held[name][2] = function(held[name][2].copy())

    return change


def with_first(value):
    def change(array):
        array[0] = value
        return array

    return change


def flat(dims, attributes, held):
    held["gpp"][0], held["gpp"][2] = ("time",), held["gpp"][2][:, 0, 0]


def scalar_with_dimension(dims, attributes, held):
    held["lat"][0], held["lat"][2] = ("lat",), held["lat"][2].reshape(1)


PLANTED = {
    "nothing": (lambda *_: None, None, ""),
    "unit": (set_attribute("gpp", "units", "gC m-2 d-1"), "gpp", "units must be kgC m-2 s-1"),
    "no unit": (drop("hfls", "units"), "hfls", "has no units"),
    "attribute": (drop(None, "Cal_Val"), "Cal_Val", "missing"),
    "model": (set_attribute(None, "Model", "other.1"), "Model", "file's name says"),
    "stage": (set_attribute(None, "Calibration_stage", "post"), "Calibration_stage", "must be"),
    "phase": (set_attribute(None, "CalLMIP_Phase", "Phase2"), "CalLMIP_Phase", "must be Phase1b"),
    "dimension": (flat, "gpp", "must have dimensions"),
    "place": (scalar_with_dimension, "lat", "scalar"),
    "place twice": (values("latitude", lambda v: v + 1.0), "latitude", "lat is"),
    "sign": (values("nep", np.negative), "nep", "opposite sign"),
    "sign of heat": (values("hfls", np.negative), "hfls", "opposite sign"),
    "negative gpp": (values("gpp", np.negative), "gpp", "not plausible"),
    "numbers in another unit": (values("gpp", lambda v: v * 8.64e7), "gpp", "not plausible"),
    "missing as NaN": (values("lai", with_first(np.nan)), "lai", "not finite"),
    "all NaN": (values("ts", lambda v: v * np.nan), "ts", "not finite"),
    "another fill": (values("lai", with_first(1e20)), "lai", "are not _FillValue"),
    "no fill": (drop("lai", "_FillValue"), "lai", "no _FillValue"),
    "all missing": (values("gpp", lambda v: np.full_like(v, FILL)), "gpp", "values are missing"),
    "no note": (drop("hfss", "note"), "hfss", "no attribute note"),
    "variable": (drop("mrso"), "mrso", "variable is missing"),
    "uncertainty": (drop("nep_post_unc"), "nep_post_unc", "a posterior must have"),
    "negative spread": (values("nep_post_unc", np.negative), "nep_post_unc", "not plausible"),
    "no time": (drop("time"), "time", "variable is missing"),
    "units of time": (
        set_attribute("time", "units", "seconds since 2006-01-01 00:00:00"), "time", "days since",
    ),
    "calendar": (set_attribute("time", "calendar", "noleap"), "time", "calendar"),
    "a day lost": (values("time", lambda v: v + (v > 58)), "time", "steps must be days"),
    "no such date": (
        set_attribute("time", "units", "days since 2006-13-41 00:00:00"), "time", "name a date",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", PLANTED)
def test_planted_error_is_found(entry, tmp_path, name):
    change, where, text = PLANTED[name]
    found = planted(entry / POSTERIOR, tmp_path / POSTERIOR, change)
    if where is None:
        assert found == []  # netCDF-4 is as good
        return
    assert any(d.where == where and text in d.text for d in found), [str(d) for d in found]
    assert len(found) <= 3  # and little else: a sum of the wrong one may not close


ANY = st.one_of(
    st.text(max_size=8), st.floats(), st.integers(-5, 5), st.just("days since 0001-01-01"),
    st.just(np.array([1.0, 2.0])), st.just(np.float32(1e20)),
)  # fmt: skip
ARRAYS = st.sampled_from([
    np.zeros(()), np.zeros((0,)), np.full((3,), np.nan), np.array([b"a", b"b"]), np.array([1e300]),
    np.ones((2, 1, 1), np.int32), np.full((2, 1, 1), np.float32(1e38)), np.array("text", object),
])  # fmt: skip


@hypothesis.settings(max_examples=30)
@hypothesis.given(data=st.data())
def test_any_content_is_judged(entry, data):
    """Whatever a file holds, departures come out."""
    content = read_content(entry / POSTERIOR)
    held = dict(content.variables)
    for _ in range(4):
        name = data.draw(st.sampled_from(sorted(held)))
        attributes = dict(held[name].attributes)
        key = data.draw(st.sampled_from(["units", "_FillValue", "calendar", "coordinates", "note"]))
        attributes[key] = data.draw(ANY)
        values = data.draw(st.one_of(st.just(held[name].values), ARRAYS))
        dims = data.draw(st.sampled_from([held[name].dims, (), ("time",)]))
        held[name] = Held(dims, plain(attributes), values)
    about = dict(content.attributes) | {data.draw(st.sampled_from(list(content.attributes))): 1}
    changed = Content({**content.dims, "lat": data.draw(st.integers(0, 2))}, about, held)
    assert all("\n" not in str(d) or "note" in d.text for d in judge(POSTERIOR, changed))


@pytest.mark.parametrize(
    ("name", "text"),
    [("entry.nc", "file name"), (POSTERIOR.replace("FI-Hyy", "US-Ha1"), "no site of calibration"),
     (POSTERIOR.replace("Scen5", "Scen2"), "Calibration_Scenario"),
     (POSTERIOR.replace("Posterior", "Prior"), "Calibration_stage")],
)  # fmt: skip
def test_name_of_the_file(entry, tmp_path, name, text, capsys):
    path = tmp_path / name
    path.write_bytes((entry / POSTERIOR).read_bytes())
    assert main(["check-callmip", str(path)]) == 1
    assert text in capsys.readouterr().out


@pytest.mark.parametrize(
    ("start", "count", "latitude", "text"),
    [(0.0, 365, 61.85, ""), (0.0, 731, 61.85, "731 days from 2006-01-01; found 365"),
     (86400.0, 365, 61.85, "from 2006-01-02"), (0.0, 365, 55.5, "at 55.5")],
)  # fmt: skip
def test_days_and_place_of_the_observations(entry, tmp_path, start, count, latitude, text):
    flux = tmp_path / "flux.nc"
    with netcdf_file(flux, "w", version=2) as file:
        file.createDimension("time", count)
        file.createDimension("y", 1)
        file.createVariable("time", "d", ("time",))[:] = start + 86400.0 * np.arange(count)
        file.variables["time"].units = b"seconds since 2006-01-01 00:00:00"
        file.createVariable("latitude", "f", ("y",))[:] = latitude
    found = [str(d) for d in check_callmip(entry / POSTERIOR, flux) if d.matters]
    assert (len(found) == 1 and text in found[0]) if text else found == []


def test_observations_without_days_are_refused(entry, tmp_path):
    planted(entry / PRIOR, tmp_path / PRIOR, drop("time"))
    with pytest.raises(InputError, match="must have a time"):
        check_callmip(entry / POSTERIOR, tmp_path / PRIOR)


def test_days_of_genuine_observations(entry, shared_data):
    flux = shared_data / "formats/callmip/FI-Hyy_daily_aggregated_1996-2014_FLUXNET2015_Flux.nc"
    if not flux.is_file():
        pytest.skip("no CalLMIP flux file")
    (found,) = (d for d in check_callmip(entry / PRIOR, flux) if d.matters)
    assert "6940 days from 1996-01-01; found 365 days from 2006-01-01" in found.text


@pytest.mark.parametrize("content", [b"", b"time,nep\n", b"CDF\x01torn", b"\x89HDF\r\n\x1a\ntorn"])
def test_no_netcdf_is_refused_in_one_line(tmp_path, content, capsys):
    path = tmp_path / POSTERIOR
    path.write_bytes(content)
    assert main(["check-callmip", str(path)]) == 2
    assert len(capsys.readouterr().err.strip().splitlines()) == 1
    assert main(["check-callmip", str(tmp_path / "absent.nc")]) == 2


def test_cut_file_is_refused(entry, tmp_path):
    path = tmp_path / POSTERIOR
    path.write_bytes((entry / POSTERIOR).read_bytes()[:4000])
    with pytest.raises(InputError, match="whole netCDF"):
        check_callmip(path)


@pytest.mark.parametrize(
    ("options", "rule"),
    [
        ({"scenario": 1}, "calibrates on H"),
        ({"scenario": "Scen2"}, "run was fitted to et, nee"),
        ({"site_code": "US-Ha1"}, "no site of calibration"),
        ({"split": "Val"}, "another site than was fitted"),
        ({"site_code": None}, "must be a site's code"),
        ({"scenario": 9}, "must be one of Scen1"),
        ({"above_ground": 1.2}, "within 0 to 1"),
        ({"model_version": "1_0"}, "letters and digits"),
        ({"end": "2006-06-30"}, "whole record"),
    ],
)
def test_what_the_protocol_does_not_allow_is_refused(of_days, days, tmp_path, options, rule):
    options = {"site_code": "FI-Hyy"} | options
    with pytest.raises(InputError, match=re.escape(rule)):
        export(of_days, tmp_path, "callmip", site=days, **options)
    assert not list(tmp_path.iterdir())


def test_what_is_forced_says_so(of_days, days, tmp_path):
    files = export(
        of_days, tmp_path, "callmip", site=days, site_code="FI-Hyy", scenario="1", force=True
    )
    found = read_content(files[1]).attributes
    assert found["Calibration_Scenario"] == "Scen1"
    assert "calibrates on H" in found["departures"]


def test_validation_site(of_days, days, tmp_path):
    with pytest.warns(DataWarning, match="shortwave: less than clouds leave"):  # at FI-Hyy's light
        there = dataclasses.replace(days, name="US-Ha1", latitude=42.5, longitude=-72.2)
    files = export(of_days, tmp_path, "callmip", site=days, at=there, split="Val")
    assert files[1].name == "bayes_tbm.1_Phase1b_Scen5_US-Ha1_Val_Posterior.nc"
    assert not [d for d in check_callmip(files[1]) if d.matters]
    assert "fitted at hyytiala-twin-daily" in read_content(files[1]).attributes["comment"]


def test_every_variable_of_the_protocol_is_known():
    assert list(OUTPUTS) == [
        "nep", "hfls", "hfss", "gpp", "reco", "tran", "evspsblsoi", "hfg", "ts", "lai",
        "cLiveBioAbove", "cSoil", "mrso", "mrsos",
    ]  # fmt: skip
