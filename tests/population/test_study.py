"""From the folder of a batch to a verdict: draws, priors, the command, every refusal."""

import json
import shutil

import numpy as np
import pandas as pd
import pytest
import xarray as xr
from scipy import integrate, special, stats

import bayes_tbm as bt
from bayes_tbm.cli import main
from bayes_tbm.population.batch.collect import DRAWS, MANIFEST
from bayes_tbm.population.batch.kept import SHARED
from bayes_tbm.population.runs import LOG, LOGIT, coordinate_of, log_prior_of, site_draws
from bayes_tbm.population.study import PopulationStudy

SITES, COUNT, STEP, TRUE = 24, 400, -0.9, -16.0
RESIDENCE, SHARE = bt.BoundedLogNormal(60.0, 0.8, 2.7, 500.0), bt.LogitNormal(0.42, 0.7)


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    """Return a folder as a batch leaves it, of sites whose likelihoods are normal: known truth."""
    folder = tmp_path_factory.mktemp("runs")
    rng = np.random.default_rng(5)
    coldest = np.linspace(-32.0, 0.0, SITES)
    log_tau = np.log(70.0) + STEP * (coldest > TRUE) + rng.normal(0.0, 0.15, SITES)
    log_odds = np.log(0.42 / 0.58) + rng.normal(0.0, 0.2, SITES)
    draws = []
    for place in range(SITES):
        # Draws of the prior, kept by a normal likelihood: exact, whatever the prior's form.
        z = rng.normal(size=(2, 60_000))
        tau, share = np.asarray(RESIDENCE.from_normal(z[0])), np.asarray(SHARE.from_normal(z[1]))
        away = ((np.log(tau) - log_tau[place]) / 0.25) ** 2
        away += ((np.log(share / (1.0 - share)) - log_odds[place]) / 0.3) ** 2
        chosen = rng.choice(len(tau), COUNT, p=np.exp(-0.5 * away) / np.exp(-0.5 * away).sum())
        draws.append((tau[chosen], share[chosen]))
    priors = json.dumps(dict(zip(SHARED, (RESIDENCE.to_dict(), SHARE.to_dict()), strict=True)))
    names = [f"s{place:02}" for place in range(SITES)]
    store = xr.Dataset(
        {name: (("site", "draw"), np.array([d[k] for d in draws], "float32"))
         for k, name in enumerate(SHARED)}
        | {"effective": ("site", np.full(SITES, float(COUNT))),
           "priors": ("site", np.array([priors] * SITES)),
           "state": ("site", np.array(["done"] * (SITES - 1) + ["not converged"]))},
        coords={"site": names},
    )  # fmt: skip
    store.to_zarr(folder / DRAWS, zarr_format=2, consolidated=True)
    known = {"coldest": coldest, "warmest": 15.0 + rng.normal(0.0, 2.0, SITES), "cell": names}
    known["folder"] = [f"fits/{name}" for name in names]
    pd.DataFrame(known, index=pd.Index(names, name="site")).to_csv(folder / MANIFEST)
    return folder


@pytest.mark.parametrize(
    "prior",
    [RESIDENCE, SHARE, bt.LogUniform(2.7, 110.0), bt.LogNormal(9.0, 0.5), bt.LogNormal(0.2, 0.3)],
)
def test_a_prior_in_its_unbounded_coordinate_is_a_density(prior):
    share = prior in (SHARE, bt.LogNormal(0.2, 0.3))
    own = coordinate_of("allocation_wood" if share else "wood_residence_time")
    assert own is (LOGIT if share else LOG)
    at = (
        np.linspace(np.log(2.7001), np.log(109.99), 4001)
        if own is LOG
        else np.linspace(-9, 9, 4001)
    )
    density = np.exp(log_prior_of(prior, own, at))
    whole = float(integrate.trapezoid(density, at))
    inside = np.asarray(prior.to_normal(own.back(at[[0, -1]])))
    assert whole == pytest.approx(np.diff(stats.norm.cdf(inside))[0], abs=2e-3)


def test_draws_of_a_batch_are_read_with_their_priors(runs):
    draws, known = site_draws(runs)
    assert draws.phi.shape == (SITES - 1, COUNT, 2)
    assert list(known.index) == list(draws.sites)
    phi = draws.phi[3]
    # Of the residence time the logarithm's place between those of the bounds is logit-normal.
    span, middle = np.log(500.0 / 2.7), np.log(60.0 / 2.7) / np.log(500.0 / 2.7)
    place = (phi[:, 0] - np.log(2.7)) / span
    sd = 0.8 / (span * middle * (1.0 - middle))
    odds = special.logit(place) - special.logit(middle)
    slope = np.log(1.0 / (span * place * (1.0 - place)))
    by_hand = stats.norm.logpdf(odds, 0.0, sd) + slope
    by_hand += stats.norm.logpdf(phi[:, 1], np.log(0.42 / 0.58), 0.7)
    np.testing.assert_allclose(draws.log_prior[3], by_hand, atol=1e-6)
    assert len(site_draws(runs, not_converged=True)[0].sites) == SITES


def test_a_share_is_a_logit_at_every_site_whatever_its_prior(runs, tmp_path):
    """One site's share has a log-normal prior: its draws must not be stacked as logarithms."""
    shutil.copytree(runs, tmp_path / "mixed")
    store = xr.open_zarr(tmp_path / "mixed" / DRAWS).load()
    priors = json.loads(str(store["priors"].values[1]))
    other = bt.LogNormal(0.4, 0.3)
    store["priors"].values[1] = json.dumps({**priors, "allocation_wood": other.to_dict()})
    store.to_zarr(tmp_path / "mixed" / DRAWS, mode="w", zarr_format=2, consolidated=True)
    before, after = site_draws(runs)[0], site_draws(tmp_path / "mixed")[0]

    np.testing.assert_allclose(after.phi, before.phi)
    share = special.expit(after.phi[1, :, 1])
    own = stats.norm.logpdf(np.log(share / 0.4), 0.0, 0.3) - np.log(share)  # density of the share
    logit = stats.norm.logpdf(after.phi[1, :, 1], np.log(0.42 / 0.58), 0.7)
    change = own + np.log(share * (1.0 - share)) - logit
    np.testing.assert_allclose(after.log_prior[1] - before.log_prior[1], change, atol=1e-5)


@pytest.mark.parametrize("place", [0, 3])
@pytest.mark.parametrize("name", SHARED)
@pytest.mark.parametrize("prior", [None, bt.Fixed(0.5)])
def test_a_coordinate_that_a_site_holds_fixed_is_refused_by_the_site(
    runs, tmp_path, place, name, prior
):
    """Of such a site a batch keeps no draws of it, or draws that are all the same."""
    shutil.copytree(runs, tmp_path / "fixed")
    store = xr.open_zarr(runs / DRAWS).load()
    priors = json.loads(str(store["priors"].values[place]))
    priors |= {name: prior.to_dict()} if prior else {}
    own = {n: p for n, p in priors.items() if n != name or prior}
    store["priors"].values[place] = json.dumps(own)
    store[name].values[place] = 0.5 if prior else np.nan
    store.to_zarr(tmp_path / "fixed" / DRAWS, mode="w", zarr_format=2, consolidated=True)
    with pytest.raises(bt.InputError, match=f"{name}: must be free.*held fixed at s{place:02}"):
        site_draws(tmp_path / "fixed")
    if name != SHARED[0]:
        assert site_draws(tmp_path / "fixed", SHARED[:1])[0].phi.shape[2] == 1


def test_a_share_cannot_come_first(runs):
    with pytest.raises(bt.InputError, match="must begin with a residence time"):
        site_draws(runs, ("allocation_wood", "wood_residence_time"))


def test_the_command_finds_the_step_that_is_there(runs, tmp_path, capsys):
    study = tmp_path / "study.toml"
    study.write_text(
        f'runs = "{runs}"\nchains = 1\nwarmup = 150\nkeep = 200\nreplicates = 40\n'
        'covariate_sd = 0.5\noffset_sd = 0.0\nmeans = ["constant", "linear", "step"]\n'
        '[groups]\nwinter = ["coldest"]\nsummer = ["warmest"]\n'
    )
    command = ["population", str(study), "--out", str(tmp_path / "pop"), "--seed", "1"]
    assert main([*command, "--believed", "-20", "3"]) == 0
    said = capsys.readouterr().out
    assert said.startswith("threshold near -1")
    left_out = f"1 more sites are left out, whose chains have not converged: s{SITES - 1:02}"
    assert left_out in (tmp_path / "pop" / "verdict.txt").read_text()
    assert left_out in (tmp_path / "pop" / "report.html").read_text()
    names = {path.name for path in (tmp_path / "pop").iterdir()}
    assert {"population.nc", "verdict.txt", "sites.csv", "power.csv", "report.html"} <= names
    posterior = xr.open_datatree(tmp_path / "pop" / "population.nc", engine="h5netcdf").posterior
    low, high = np.quantile(posterior["threshold"], [0.025, 0.975])
    assert low < TRUE < high
    assert float(posterior["step"].mean()) == pytest.approx(STEP, abs=0.35)
    sites = pd.read_csv(tmp_path / "pop" / "sites.csv", index_col="site")
    width = {n: np.log(sites[f"{n}_q95"] / sites[f"{n}_q05"]) for n in ("alone", "pooled")}
    assert (width["pooled"] < width["alone"]).mean() > 0.8
    shares = pd.read_csv(tmp_path / "pop" / "shares.csv", index_col=0)
    assert shares["share"].idxmax() == "winter"
    assert shares["reading"]["winter"] == "predicts"
    assert "winter (" in said
    under = pd.read_csv(tmp_path / "pop" / "thresholds.csv", index_col="prior")
    assert list(under.index) == ["even", "believed"]
    assert (under["median"] - TRUE).abs().max() < 4.0


BAD = {
    "entry": ("rnus = 'x'", "did you mean runs"),
    "no runs": ("mean = 'step'", "must name the folder"),
    "no batch": ("runs = '{tmp}'", "no draws"),
    "mean": ("runs = '{runs}'\nmean = 'stepp'", "did you mean step"),
    "coordinate": ("runs = '{runs}'\ncoordinates = ['wood']", "parameter that the batch kept"),
    "covariates": ("runs = '{runs}'\ncovariates = 'none.csv'", "column site"),
    "toml": ("runs =", "readable TOML"),
    "driver": ("runs = '{runs}'\ndrivers = ['wramest']", "wramest"),
    "refits": ("runs = '{runs}'\nrefits = 2", "no experiment.toml"),
    "rounds": ("runs = '{runs}'\nrefits = -1", "refits"),
    "believed": ("runs = '{runs}'\nbelieved = [-20]", "mean and sd of a threshold"),
    "setting": ("runs = '{runs}'\nkeep = 2", "at least 25"),
}


@pytest.mark.parametrize("name", BAD)
def test_a_bad_study_is_refused_in_one_line(runs, tmp_path, capsys, name):
    text, said = BAD[name]
    study = tmp_path / "study.toml"
    study.write_text(text.format(runs=runs, tmp=tmp_path))
    assert main(["population", str(study), "--out", str(tmp_path / "pop")]) == 2
    error = capsys.readouterr().err
    assert said in error
    assert error.count("\n") == 1
    assert not (tmp_path / "pop").exists()


def test_a_site_without_covariates_is_named(runs, tmp_path):
    table = tmp_path / "more.csv"
    pd.DataFrame({"site": ["s00"], "soil": [1.0]}).to_csv(table, index=False)
    study = PopulationStudy(str(runs), covariates=str(table))
    with pytest.raises(bt.InputError, match="none for s01, s02"):
        study.read_runs()
