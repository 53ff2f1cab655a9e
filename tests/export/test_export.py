"""What is exported are the model's numbers in CMIP6's units and signs, and carbon closes in it."""

import csv
import re
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import xarray as xr

import bayes_tbm as bt
from bayes_tbm.cli import main
from bayes_tbm.errors import InputError
from bayes_tbm.export import export
from bayes_tbm.export.variables import VARIABLES
from bayes_tbm.parameters import TABLE
from bayes_tbm.posterior.evaluate import QUANTILES
from bayes_tbm.prediction.fitted import elsewhere
from bayes_tbm.report.folder import save_tree

ROOT = Path(__file__).resolve().parents[2]
FLUX = 1e-3 / 86400.0  # g C m-2 d-1 in kg m-2 s-1


@pytest.fixture(scope="module")
def files(of_months, months, tmp_path_factory):
    folder = tmp_path_factory.mktemp("cmip6")
    return folder, export(of_months, folder, site=months)


@pytest.fixture(scope="module")
def drawn(of_months, months, tmp_path_factory):
    """Posterior by draw, all of them."""
    folder = tmp_path_factory.mktemp("drawn")
    path = export(of_months, folder, site=months, ensemble=40)[0]
    with xr.open_dataset(path, decode_times=False) as data:
        return data.load()


def read(path):
    with xr.open_dataset(path) as data:
        return data.load()


def parameters_of(tree, draw):
    """Parameters of a draw; those that were not sampled at their default."""
    of_draw = tree["posterior"].to_dataset().isel(chain=0, draw=draw)
    default = bt.Parameters.default().to_dict()
    return {n: float(of_draw[n]) if n in of_draw else default[n] for n in TABLE}


def by_hand(p, run, drivers):
    """Every exported variable from a simulation, in the units of CMIP6."""
    pool = {n: 0.5 * (run[n].values[1:] + run[n].values[:-1]) / 1e3 for n in (
        "labile", "foliage", "root", "wood", "litter", "som")}  # fmt: skip
    f = {str(name): run[name].values for name in run.data_vars}
    et = f["evapotranspiration"]
    leaves = f["gpp"] * np.sqrt(drivers.vpd.values) / p["underlying_water_use_efficiency"]
    ground = p["radiative_evaporation"] * drivers.shortwave.values
    live = pool["labile"] + pool["foliage"] + pool["root"] + pool["wood"]
    return {
        "gpp": f["gpp"] * FLUX,
        "npp": (f["gpp"] - f["autotrophic_respiration"]) * FLUX,
        "nep": -f["nee"] * FLUX,
        "nbp": -(f["nee"] + f["combustion"]) * FLUX,
        "ra": f["autotrophic_respiration"] * FLUX,
        "rh": (f["litter_respiration"] + f["som_respiration"]) * FLUX,
        "fFire": f["combustion"] * FLUX,
        "nppLeaf": (f["foliage_allocation"] + f["labile_allocation"]) * FLUX,
        "nppRoot": f["root_allocation"] * FLUX,
        "nppWood": f["wood_allocation"] * FLUX,
        "cLeaf": pool["foliage"],
        "cWood": pool["wood"],
        "cRoot": pool["root"],
        "cOther": pool["labile"],
        "cVeg": live,
        "cLitter": pool["litter"],
        "cSoil": pool["som"],
        "cLand": live + pool["litter"] + pool["som"],
        "lai": pool["foliage"] * 1e3 / p["leaf_carbon_per_area"],
        "evspsbl": et / 86400.0,
        "tran": et * leaves / (leaves + ground) / 86400.0,
        "evspsblsoi": et * ground / (leaves + ground) / 86400.0,
        "mrro": f["drainage"] / 86400.0,
        "mrso": 0.5 * (run["water"].values[1:] + run["water"].values[:-1]),
        "hfls": et * 2.45e6 / 86400.0,
    }


def test_each_variable_is_that_of_a_simulation(of_months, months, drawn):
    """Decomposition refers to the climate of the fit, hence only its years are compared."""
    fitted = months.window(end="2008")
    steps = fitted.steps
    p = parameters_of(of_months, 7)
    expected = by_hand(p, bt.simulate(bt.Parameters.from_mapping(p), fitted), fitted.drivers)
    assert set(expected) == set(VARIABLES)
    for name, values in expected.items():
        found = drawn[name].isel(realization=7).values[:steps]
        np.testing.assert_allclose(found, values, rtol=1e-9, atol=1e-18, err_msg=name)
        assert np.ptp(found) > 0


def test_carbon_closes_in_the_file(drawn):
    """Stocks are means over steps: they change by what comes in from middle to middle."""
    seconds = np.diff(drawn.time_bounds.values, axis=1)[:, 0] * 86400.0
    gained = drawn.nbp.values * seconds
    change = np.diff(drawn.cLand.values, axis=1)
    np.testing.assert_allclose(change, 0.5 * (gained[:, 1:] + gained[:, :-1]), atol=1e-12)
    parts = drawn.cLeaf + drawn.cWood + drawn.cRoot + drawn.cOther
    np.testing.assert_allclose(drawn.cVeg, parts, rtol=1e-12)
    np.testing.assert_allclose(drawn.nppLeaf + drawn.nppRoot + drawn.nppWood, drawn.npp, rtol=1e-9)
    np.testing.assert_allclose(drawn.tran + drawn.evspsblsoi, drawn.evspsbl, rtol=1e-12)
    np.testing.assert_allclose(drawn.nep - drawn.fFire, drawn.nbp, rtol=1e-9, atol=1e-18)


def test_signs(drawn):
    """A boreal stand takes carbon up in July and gives it off in January; fire is a loss."""
    month = np.arange(drawn.sizes["time"]) % 12
    assert float(drawn.nep[:, month == 6].median()) > 0 > float(drawn.nep[:, month == 0].median())
    burns = drawn.time.values == drawn.time.values[18]
    assert (drawn.fFire.isel(time=burns) > 0).all()
    assert (drawn.fFire.isel(time=~burns) == 0).all()
    assert (drawn.nbp < drawn.nep).isel(time=burns).all()


def test_quantiles_are_those_of_the_draws(files, drawn):
    data = read(files[1][0])
    np.testing.assert_allclose(data["quantile"], QUANTILES)
    for name in VARIABLES:
        assert data[name].dims == ("quantile", "time")
        assert (data[name].diff("quantile") >= 0).all()
        expected = np.quantile(drawn[name], QUANTILES, axis=0)
        np.testing.assert_allclose(data[name], expected, rtol=1e-12)


def test_layout(files, months, of_months):
    folder, (posterior, prior) = files
    assert {p.name for p in folder.iterdir()} == {posterior.name, prior.name}
    assert (posterior.name, prior.name) == ("hyytiala-twin_posterior.nc", "hyytiala-twin_prior.nc")
    data = read(posterior)
    assert list(data.data_vars)[1:] == list(VARIABLES)
    np.testing.assert_array_equal(data.time, months.drivers.time)  # years after the fit too
    bounds = data.time_bounds.values
    assert (np.abs(bounds[1:, 0] - bounds[:-1, 1]) < np.timedelta64(1, "s")).all()
    assert data.time.attrs["bounds"] == "time_bounds"
    assert (float(data.lat), float(data.lon)) == (months.latitude, months.longitude)
    assert data.attrs["Conventions"].startswith("CF-")
    assert data.attrs["fitted_streams"] == "gpp, lai"
    assert data.attrs["fitted_period"] == "2006-01-01 to 2008-12-31"
    assert "draws of the prior" in data.attrs["comment"]  # they stand in for a posterior's
    assert (data.attrs["stage"], data.attrs["draws"]) == ("posterior", 40)
    for name, variable in VARIABLES.items():
        attrs = data[name].attrs
        assert (attrs["units"], attrs["standard_name"]) == (variable.unit, variable.standard_name)
        assert attrs["cell_methods"] == "time: mean"
    assert len(of_months["prior"].draw) == read(prior).attrs["draws"]


def test_names_units_and_signs_are_those_of_cmip6(shared_data):
    path = shared_data / "formats" / "gridded" / "cmip6_land_variables.csv"
    if not path.is_file():
        pytest.skip("no table of CMIP6 variables")
    with path.open(newline="") as file:
        rows = {row["name"]: row for row in csv.DictReader(file)}
    for name, variable in VARIABLES.items():
        row = rows[name]
        assert variable.unit == row["units"], name
        assert variable.standard_name == row["standard_name"], name
        assert (variable.positive or "-") == row["positive"], name
        assert row["cell_methods"].endswith(variable.cell_methods), name


def test_table_of_the_documentation_is_the_code_s():
    text = (ROOT / "docs" / "cmip-names.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| `(\w+)` \| (.*?) \| (.*?) \| (.*?) \|$", text, re.MULTILINE)
    expected = [(n, v.unit, v.positive, v.ours) for n, v in VARIABLES.items()]
    assert [tuple(cell.strip() for cell in row) for row in rows] == expected


def test_another_site_is_run_with_what_was_fitted(of_months, months, tmp_path):
    """At the fitted site itself that is the run; elsewhere it is not."""
    fitted = months.window(end="2008")
    own = export(of_months, tmp_path / "own", site=fitted, variables=["rh"])
    same = export(of_months, tmp_path / "same", site=fitted, at=fitted, variables=["rh"])
    np.testing.assert_allclose(read(own[0]).rh, read(same[0]).rh, rtol=1e-12)
    other = bt.open_site("hyytiala-twin").window("2010", "2012")
    there = read(export(of_months, tmp_path / "o", site=fitted, at=other, variables=["rh"])[0])
    np.testing.assert_array_equal(there.time, other.drivers.time)
    assert "fitted at hyytiala-twin" in there.attrs["comment"]
    assert not np.allclose(there.rh, read(own[0]).rh)


@pytest.mark.parametrize(
    ("options", "rule"),
    [
        ({"convention": "cmip5"}, "cmip6"),
        ({"variables": ["gppp"]}, "did you mean gpp"),
        ({"variables": []}, "at least one"),
        ({"ensemble": 0}, "at least 1"),
        ({"ensemble": 41}, "41 of 40 posterior, 40 prior"),
        ({"draws": 1}, "at least 2"),
        ({"draws": 20, "ensemble": 3}, "draws 20, ensemble 3; give one of them"),
        ({"ensemble": 3, "convention": "ilamb"}, "goes with convention cmip6"),
        ({"scenario": 5}, "goes with convention callmip"),
        ({"variables": ["gpp"], "convention": "callmip"}, "goes with convention cmip6 or ilamb"),
        ({"senario": 5, "convention": "callmip"}, "did you mean scenario"),
        ({"longitude": 400}, "-180 to 360"),
        ({"longitude": float("nan")}, "-180 to 360 degrees east; found nan"),
        ({"site": None}, "must be given with a result"),
        ({"site": []}, "one for each run"),
    ],
)
def test_what_is_not_known_is_refused(of_months, months, tmp_path, options, rule):
    with pytest.raises(InputError, match=re.escape(rule)) as caught:
        export(of_months, tmp_path, **({"site": months} | options))
    assert "\n" not in str(caught.value)
    assert not list(tmp_path.iterdir())


def test_a_stand_of_known_age_stays_where_it_is(months):
    tied = SimpleNamespace(density=SimpleNamespace(regrowth=SimpleNamespace(age=40.0)))
    with pytest.raises(InputError, match="stand_age"):
        elsewhere(tied, months)


def test_callmip_refuses_months(of_months, months, tmp_path):
    with pytest.raises(InputError, match=r"calendar days.*monthly steps"):
        export(of_months, tmp_path, "callmip", site=months, site_code="FI-Hyy", force=True)


def test_other_data_are_refused(of_months, tmp_path):
    with pytest.raises(InputError, match="what was fitted"):
        export(of_months, tmp_path, site=bt.open_site("hyytiala-twin").window("2007"))


def test_from_the_command_line(of_months, months, tmp_path, capsys):
    """The site is that of the folder's experiment, years after the fit included."""
    run = tmp_path / "run"
    run.mkdir()
    months.to_netcdf(run / "site.nc")
    (run / "experiment.toml").write_text(
        'site = "site.nc"\nend = "2008"\nstreams = ["gpp", "lai"]\n'
    )
    save_tree(of_months, run / "posterior.nc")
    out = tmp_path / "out"
    words = ["export", str(run), "--out", str(out), "--variables", "gpp,nep", "--end", "2009"]
    assert main([*words, "--ensemble", "3"]) == 0
    assert "hyytiala-twin_posterior.nc" in capsys.readouterr().out
    data = read(out / "hyytiala-twin_posterior.nc")
    assert data.gpp.sizes == {"realization": 3, "time": 48}
    assert main([*words, "--ensemble", "3", "--draws", "20"]) == 2
    assert "give one of them" in capsys.readouterr().err
    assert main([*words, "--convention", "callmip"]) == 2  # variables are CalLMIP's own
    assert main(["export", str(run), "--out", str(out), "--convention", "callmip"]) == 2
    assert "site_code" in capsys.readouterr().err
