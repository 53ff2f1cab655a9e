"""Whole series in a wrong unit, of a wrong sign, or too few for the steps: warned of and noted."""

from dataclasses import replace

import numpy as np
import pytest

from bayes_tbm.catalogue import open_site
from bayes_tbm.errors import DataWarning
from bayes_tbm.sites import Observations

DAILY, MONTHLY = "hyytiala-twin-daily", "hyytiala-twin"


@pytest.fixture(scope="module")
def site():
    return open_site(DAILY)


def scaled(site, name, factor):
    if name in site.drivers:
        driver = site.drivers[name]
        return {"drivers": site.drivers.assign({name: driver.copy(data=driver.values * factor)})}
    seen = site.observations.get(name, site.observations["gpp"])
    value = seen.value * (-factor if name == "nbe" else factor)
    changed = replace(seen, name=name, value=value, sd=seen.sd * factor)
    return {"observations": {name: changed}}


@pytest.mark.parametrize(
    ("name", "factor"),
    [("precipitation", 1 / 86400), ("shortwave", 0.0864), ("vpd", 0.1), ("gpp", 1e-3),
     ("reco", 1e-3), ("nee", 1e-3), ("nbe", 1e-3), ("et", 1 / 86400)],
)  # fmt: skip
def test_a_series_too_small_by_a_factor_is_doubted_once(name, factor, site):
    changes = scaled(site, name, factor)
    with pytest.warns(DataWarning, match=f"{name}: very small: .*is the unit right"):
        doubted = replace(site, **changes)
    assert sum(note.startswith(f"{name}: very small") for note in doubted.notes) == 1
    replace(doubted, name="again")  # would warn, an error here


def test_half_a_dry_and_dark_year_is_not_doubted(site):
    part = site.window(start="2008-09-01", end="2008-12-31")
    for name, factor in (("precipitation", 1e-3), ("shortwave", 0.0864), ("gpp", 1e-3)):
        replace(part, **scaled(part, name, factor))


def fluxes(site, sign):
    """NEE of either sign, with GPP and RECO at the same times and at others."""
    gpp = site.observations["gpp"]
    rng = np.random.default_rng(3)
    reco = replace(gpp, name="reco", value=0.5 * np.abs(gpp.value) + 1.0)
    nee = sign * (reco.value - gpp.value) + rng.normal(0.0, 0.5, len(gpp))
    return {"gpp": gpp, "reco": reco, "nee": replace(gpp, name="nee", value=nee).select(
        np.arange(len(gpp)) % 3 > 0)}  # fmt: skip


def test_the_sign_of_nee_is_doubted_by_reco_and_gpp(site):
    replace(site, observations=fluxes(site, 1.0))
    with pytest.warns(DataWarning, match="nee: against RECO - GPP: correlation -0.*into the land"):
        replace(site, observations=fluxes(site, -1.0))


@pytest.mark.filterwarnings("ignore:.*less than clouds leave")
@pytest.mark.parametrize("step", [DAILY, MONTHLY])
@pytest.mark.parametrize("name", ["nee", "nbe"])
def test_the_sign_is_doubted_by_the_season_where_there_is_no_gpp(name, step):
    site = open_site(step).window(end="2009")
    time = site.drivers["time"].values
    summer = -np.cos(2.0 * np.pi * site.drivers["day_of_year"].values / 365.25)

    def seen_at(latitude, sign, keep=slice(None), **others):
        flux = Observations(name, "g C m-2 d-1", time[keep], sign * summer[keep], np.array(0.5))
        return replace(site, latitude=latitude, observations={name: flux, **others})

    seen_at(61.85, -1.0)
    seen_at(40.0, 1.0)  # where a dry summer may do it
    seen_at(61.85, 1.0, slice(0, 19))  # winter and spring of days, a year and a half of months
    head = f"{name.upper()} is higher in summer than in winter"
    with pytest.warns(DataWarning, match=f"{head}: is it positive into the land here"):
        doubted = seen_at(61.85, 1.0)
    replace(doubted, name="again")  # would warn, an error here
    replace(site, observations=doubted.observations, notes=(f"nee.nc: {head}: told there",))


def test_the_season_does_not_judge_nee_that_gpp_does(site):
    gpp = site.observations["gpp"]
    reco = replace(gpp, name="reco", value=3.0 * gpp.value)  # a clear-cut breathes more in summer
    nee = replace(gpp, name="nee", value=2.0 * gpp.value)
    replace(site, observations={"gpp": gpp, "reco": reco, "nee": nee})


@pytest.mark.filterwarnings("ignore:.*against the season", "ignore:.*more than the sun gives")
def test_seasons_of_the_south_are_turned(site):
    nee = replace(site.observations["gpp"], name="nee")
    replace(site, latitude=-61.85, observations={"nee": nee})  # the north's summer is its winter
    with pytest.warns(DataWarning, match="NEE is higher in summer than in winter"):
        replace(site, latitude=-61.85, observations={"nee": replace(nee, value=-nee.value)})


def days_of(per_month, monthly):
    """Return GPP of the first days of every month, under monthly drivers."""
    time = np.arange("2008-01-01", "2010-01-01", dtype="datetime64[D]")
    day = (time - time.astype("datetime64[M]")).astype(int)
    time = time[day < per_month] + np.timedelta64(12, "h")
    seen = Observations("gpp", "g C m-2 d-1", time, np.full(time.size, 4.0), np.array(1.0))
    return replace(monthly, observations={"gpp": seen})


def test_few_days_in_months_are_doubted():
    monthly = open_site(MONTHLY).window(start="2008-01-01", end="2009-12-31")
    with pytest.warns(DataWarning, match="gpp: few days in a step: 3 of 30.* means over steps"):
        days_of(3, monthly)
    days_of(20, monthly)


def test_real_sites_are_not_doubted(shared_data):
    for folder in ("daily", "fluxval", "population/fluxval"):
        files = [path for path in sorted((shared_data / folder).glob("*.*"))
                 if path.suffix in (".nc", ".cbf")][::4]  # fmt: skip
        for path in files:
            notes = open_site(path).notes
            assert not any("is the unit right" in n or "into the land" in n for n in notes), path
