"""The key of a site counts all that its reader would take, files beside the named one too."""

import pytest

import bayes_tbm as bt
from bayes_tbm.experiment import Experiment
from bayes_tbm.population.batch.jobs import Job

DAY, HALF_HOUR = "TIMESTAMP,TA_F\n20030101,3\n", "TIMESTAMP_START,TA_F\n200301010000,{}\n"
PRODUCT = "FLX_FI-Hyy_FLUXNET2015_FULLSET_{}_2003-2004_1-4.csv"
BIF = "SITE_ID,GROUP_ID,VARIABLE_GROUP,VARIABLE,DATAVALUE\n" + "".join(
    f"{site},{n},GRP_LOCATION,{what},{value}\n"
    for n, (site, latitude) in enumerate((("FI-Hyy", "{}"), ("FI-Sod", "{other}")))
    for what, value in (("LOCATION_LAT", latitude), ("LOCATION_LONG", 24.3))
)
BESIDE = {
    "PLUMBER2": ("XX-Abc_2003_Met.nc", "", "XX-Abc_2003_Flux.nc", "{}"),
    "Edinburgh, observations": ("a_timeseries_met.csv", "", "a_timeseries_obs.csv", "{}"),
    "Edinburgh, initial values": ("a_timeseries_met.csv", "", "a_initial_obs.csv", "{}"),
    "Edinburgh, a name of one's own": ("a.csv", "", "a_timeseries_obs.csv", "{}"),
    "half-hours": (PRODUCT.format("DD"), DAY, PRODUCT.format("HH"), HALF_HOUR),
    "hours of other years": ("mine_FI-Hyy.csv", DAY, "FLX_FI-Hyy_HR_1999-2004.csv", HALF_HOUR),
    "BIF": (PRODUCT.format("DD"), DAY, "FLX_AA-Flx_BIF_DD_2020.csv", BIF),
    "BIF by its columns": (PRODUCT.format("HH"), HALF_HOUR.format(3), "sites.csv", BIF),
}


def written(path, text, *values, **more):
    path.write_text(text.format(*values, **{"other": 67.4, **more}))


def key(path, **of):
    return Job("A", Experiment(str(path), ("gpp",), **of), bt.Settings()).key


@pytest.mark.parametrize("name", BESIDE)
@pytest.mark.parametrize("observed", [False, True])
def test_what_is_read_along_with_a_file_is_of_its_key(tmp_path, name, observed):
    named, content, beside, text = BESIDE[name]
    path = tmp_path / named
    path.write_text(content)
    of = {"observations": (str(path),)} if observed else {}
    site = "hyytiala-twin" if observed else path
    keys = [key(site, **of)]
    for value in (61.8, 62.9):
        written(tmp_path / beside, text, value)
        keys.append(key(site, **of))
    assert len(set(keys)) == 3
    (tmp_path / beside).unlink()
    (tmp_path / "README.csv").write_text("of,nobody\n1,2\n")
    assert key(site, **of) == keys[0]


def test_places_of_other_towers_and_those_that_are_stated_do_not_count(tmp_path):
    path, bif = tmp_path / PRODUCT.format("DD"), tmp_path / "FLX_AA-Flx_BIF_DD_2020.csv"
    path.write_text(DAY)
    stated, keys = {"reading": {"latitude": 61.8, "longitude": 24.3}}, []
    for own, other in ((61.8, 67.4), (61.8, 68.0), (61.9, 68.0)):
        written(bif, BIF, own, other=other)
        keys.append((key(path), key(path, **stated)))
    assert keys[0] == keys[1]
    assert keys[1][0] != keys[2][0]
    assert keys[1][1] == keys[2][1]


def test_half_hours_that_are_named_stand_for_those_beside(tmp_path):
    path, beside = tmp_path / PRODUCT.format("DD"), tmp_path / PRODUCT.format("HH")
    path.write_text(DAY)
    named = tmp_path / "mine.csv"
    written(named, HALF_HOUR, 1)
    of = {"reading": {"half_hourly": str(named)}}
    keys = []
    for value in (1, 2):
        written(beside, HALF_HOUR, value)
        keys.append(key(path, **of))
    written(named, HALF_HOUR, 2)
    assert keys[0] == keys[1] != key(path, **of)
