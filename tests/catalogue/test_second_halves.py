"""Second halves of towers' records: read, held out, joined to the first."""

import csv
import dataclasses

import numpy as np
import pandas as pd
import pytest

import bayes_tbm as bt
from bayes_tbm.catalogue.fluxval import towers
from bayes_tbm.catalogue.registry import DATA_VARIABLE, SECOND_HALVES
from bayes_tbm.catalogue.second_halves import with_second_half
from bayes_tbm.formats.cardamom_validation import read_cardamom_validation
from bayes_tbm.sites.contents import Contents

from .files import own_site

HEAD = "ID,Date,GPP,NEE,ET\n"
ROWS = "85,200801,0.04,0.55,0.27\n86,200802,NaN,0.45,0.28\n87,200803,0.33,0.37,NaN\n"
TOWERS = sorted(name.removeprefix("fluxval:") for name in SECOND_HALVES)


@pytest.fixture
def data(shared_data, monkeypatch):
    monkeypatch.setenv(DATA_VARIABLE, str(shared_data))
    return shared_data


def read(tmp_path, text):
    path = tmp_path / "validation_A-B.csv"
    path.write_text(text)
    return read_cardamom_validation(path)


def test_months_values_units_and_uncertainties(tmp_path):
    seen = read(tmp_path, HEAD + ROWS)
    assert set(seen) == {"gpp", "nee", "nbe", "et"}
    assert seen["gpp"].value.tolist() == [0.04, 0.33]
    assert seen["gpp"].time.astype("datetime64[M]").astype(str).tolist() == ["2008-01", "2008-03"]
    assert seen["nbe"].value.tolist() == seen["nee"].value.tolist() == [0.55, 0.45, 0.37]
    assert [seen[n].unit for n in ("nee", "et")] == ["g C m-2 d-1", "mm d-1"]
    assert (set(seen["nee"].sd), set(seen["et"].sd)) == ({1.0}, {0.5})
    assert "sd assumed: 1 g C m-2 d-1" in seen["nee"].note


@pytest.mark.parametrize(
    ("text", "part"),
    [
        ("ID,Date,GPP,NBE,ET\n" + ROWS, "columns must be ID, Date, GPP, NEE, ET; found ID, Date, "),
        (HEAD + ROWS + ROWS, "ID: every month must come once"),
        (HEAD + "84,200801,1,1,1\n", "Date: must be the month of the record .* found 200801 for"),
    ],
)
def test_a_table_of_another_kind_is_refused(text, part, tmp_path):
    with pytest.raises(bt.InputError, match=f"validation_A-B.csv: {part}"):
        read(tmp_path, text)


def halves(burned=0.0):
    """A site's first twenty days, of NBE alone, and its last twenty."""
    site = own_site()
    drivers = site.drivers.assign(
        burned_fraction=site.drivers["burned_fraction"].copy(data=np.full(site.steps, burned))
    )
    middle = site.drivers["time"].values[20]
    kept = {n: site.observations[n] for n in ("gpp", "nbe", "et", "lai")}
    first = {n: seen.select(seen.time < middle) for n, seen in kept.items()}
    later = {n: site.observations[n] for n in ("gpp", "nee", "et")}
    # Months of another year, since a month must not be in both.
    late = np.timedelta64(365, "D")
    later = {n: dataclasses.replace(seen, time=seen.time + late) for n, seen in later.items()}
    contents = Contents("", "A-B", "A-B.cbf", 61.5, 24.5, drivers, first)
    return contents, later


def test_halves_are_joined_in_time_and_nee_goes_on_as_nbe():
    first, later = halves()
    whole = with_second_half(first, later, "validation_A-B.csv").observations
    for name, other in (("gpp", "gpp"), ("nbe", "nee"), ("nee", "nee"), ("et", "et")):
        before = first.observations["nbe" if name == "nee" else name]
        expected = [*before.value, *later[other].value]
        assert whole[name].value.tolist() == expected
        assert (np.diff(whole[name].time) > np.timedelta64(0, "ns")).all()
    assert whole["lai"].value.tolist() == first.observations["lai"].value.tolist()
    assert "nothing burned" in whole["nee"].note
    assert "nothing burned" not in whole["nbe"].note


def test_nee_stays_apart_from_nbe_where_something_burned():
    first, later = halves(burned=0.01)
    whole = with_second_half(first, later, "validation_A-B.csv").observations
    assert len(whole["nbe"]) == len(first.observations["nbe"])
    assert whole["nee"].value.tolist() == later["nee"].value.tolist()


def test_halves_that_share_a_month_are_refused():
    first, later = halves()
    twice = {**later, "et": first.observations["et"]}
    with pytest.raises(bt.InputError, match=r"v.csv: et: halves .* found 2001-01 in both"):
        with_second_half(first, twice, "v.csv")


def test_names_that_have_no_second_half_are_refused(monkeypatch, tmp_path):
    monkeypatch.setenv(DATA_VARIABLE, str(tmp_path))
    for name, said in (
        ("CA-SF2", "CA-SF2: has no second half that is known"),
        ("fluxval:FI-Hy", "fluxval:FI-Hy: is no tower of FLUXVAL .* did you mean FI-Hyy"),
        ("FI-Hyy", "fluxval:FI-Hyy: fluxval/validation_FI-Hyy.csv is not in the folder"),
    ):
        with pytest.raises(bt.InputError, match=said):
            bt.fluxval_validation(name)
    for name in ("FI-Hyy+validation", "fluxval:XX-Abc+validation"):
        with pytest.raises(bt.InputError, match=r"neither a file nor a known site"):
            bt.open_site(name)


# the published files themselves


def test_rows_and_places_are_those_of_the_published_list(shared_data):
    with (shared_data / "fluxval" / "location_fluxnet.csv").open() as file:
        listed = list(csv.DictReader(file))
    for site, tower in towers().items():
        row = listed[tower.row - 1]
        place = (row["Flux_name"], float(row["Lat"]), float(row["lon"]), row["LC"])
        assert place == (site, tower.latitude, tower.longitude, tower.land_cover)


def test_the_towers_are_the_forests_of_the_population(shared_data):
    table = pd.read_csv(shared_data / "population" / "sites.csv")
    assert {*table["site"], "CA-SF2"} == set(towers())


def seasons(seen, sign=1.0):
    """Mean of each calendar month that was seen, (12,), NaN where none was."""
    month = seen.time.astype("datetime64[M]").astype(int) % 12
    mean = pd.Series(sign * seen.value).groupby(month).mean()
    return mean.reindex(range(12)).to_numpy()


def alike(one, other):
    """Correlation of two seasonal cycles over the months of both."""
    both = np.isfinite(one) & np.isfinite(other)
    return np.corrcoef(one[both], other[both])[0, 1]


@pytest.mark.parametrize("site", TOWERS)
def test_the_second_half_goes_on_where_the_first_ends(site, data):
    first, whole = bt.open_site(f"fluxval:{site}"), bt.open_site(f"fluxval:{site}+validation")
    later = bt.fluxval_validation(site)
    assert not first.drivers["burned_fraction"].any()
    assert (whole.name, whole.steps) == (first.name, first.steps)
    for name, seen in later.items():
        begun = first.observations[name]
        assert np.isin(seen.time, first.drivers["time"].values).all()
        assert begun.time.max() < seen.time.min()
        assert len(whole.observations[name]) == len(begun) + len(seen)
        assert set(whole.observations[name].sd) == set(begun.sd)
        assert alike(seasons(begun), seasons(seen)) > 0.45
    # Of the other sign, the season of NEE would be upside down.
    nee = first.observations["nee"], later["nee"]
    assert alike(seasons(nee[0]), seasons(nee[1], sign=-1.0)) < 0.0


@pytest.mark.parametrize("site", ["FI-Hyy", "BE-Vie", "DE-Hai", "US-Ha1", "RU-Fyo"])
@pytest.mark.filterwarnings("ignore::bayes_tbm.DataWarning")
def test_months_are_the_means_of_the_daily_records_of_the_same_towers(site, data):
    daily, later = bt.open_site(site), bt.fluxval_validation(site)
    for name, tolerance in (("gpp", 0.05), ("nee", 0.05), ("et", 0.12)):
        seen = daily.observations[name]
        grouped = pd.Series(seen.value).groupby(seen.time.astype("datetime64[M]"))
        mean = grouped.mean()[grouped.size() >= 25]
        month = pd.Series(later[name].value, later[name].time.astype("datetime64[M]"))
        both = pd.concat([mean, month], axis=1, join="inner", sort=False).dropna().to_numpy()
        assert np.corrcoef(both.T)[0, 1] > 0.995
        assert np.polyfit(*both.T, 1)[0] == pytest.approx(1.0, abs=tolerance)
