import dataclasses
import json

import pytest
import xarray as xr

from bayes_tbm.calibration import Calibration
from bayes_tbm.catalogue import open_site
from bayes_tbm.errors import ConvergenceWarning
from bayes_tbm.sampling import Settings
from bayes_tbm.studies.fits import FITS, content, fit_once

TINY = Settings(chains=2, warmup=20, draws=20, starts=1, extensions=0, max_tree_depth=3)


def three_years(**options):
    """A record as long as those of the batches and of test_cli.py, which share what is compiled."""
    return open_site("hyytiala-twin", end="2008", **options)


@pytest.fixture(scope="module")
def small():
    return Calibration(three_years(), ["gpp", "lai"])


@pytest.fixture(scope="module")
def fitted(small, tmp_path_factory):
    folder = tmp_path_factory.mktemp("study")
    with pytest.warns(ConvergenceWarning, match=r"^Flux & LAI: chains have not converged.*R-hat"):
        return folder, fit_once("Flux & LAI", small, TINY, folder, progress=False)


@pytest.fixture
def told(monkeypatch):
    """Let `Calibration.sample` return at once; what it was asked for is kept here."""
    calls, groups = [], ("posterior", "sample_stats", "simulation")
    tree = xr.DataTree.from_dict({name: xr.Dataset({"x": ("draw", [1.0])}) for name in groups})
    tree["convergence"] = xr.DataTree(xr.Dataset(attrs={"failures": "[]"}))
    tree.attrs["experiment"] = "{}"

    def sample(self, settings, **options):
        calls.append((self, settings, options))
        return tree

    monkeypatch.setattr(Calibration, "sample", sample)
    return calls


def never(*_, **__):
    pytest.fail("it began to sample")


def test_a_second_call_reads_the_same_draws_and_samples_nothing(small, fitted, monkeypatch):
    folder, first = fitted
    monkeypatch.setattr(Calibration, "sample", never)
    with pytest.warns(ConvergenceWarning, match=r"^Flux & LAI: .*R-hat"):  # that it is read
        again = fit_once("Flux & LAI", small, TINY, folder)
    assert set(again.children) == set(first.children)
    for name in first.children:
        xr.testing.assert_equal(again[name].to_dataset(), first[name].to_dataset())
    assert json.loads(again.attrs["experiment"]) == json.loads(first.attrs["experiment"])


def test_a_calibration_set_up_anew_finds_the_fit(fitted, monkeypatch):
    folder, first = fitted
    monkeypatch.setattr(Calibration, "sample", never)
    anew = Calibration(three_years(), ["gpp", "lai"])
    with pytest.warns(ConvergenceWarning):
        again = fit_once("Flux & LAI", anew, dataclasses.replace(TINY), folder)
    xr.testing.assert_equal(again["posterior"].to_dataset(), first["posterior"].to_dataset())


def test_the_folder_says_the_name_and_the_content(small, fitted):
    folder, _ = fitted
    (own,) = (folder / FITS).iterdir()
    assert own.name == f"flux-lai-{content(small, TINY)}"
    assert {path.name for path in own.iterdir()} == {"posterior.nc", "checkpoint"}


OTHER = {
    "seed": lambda cal: (cal, dataclasses.replace(TINY, seed=1)),
    "draws": lambda cal: (cal, dataclasses.replace(TINY, draws=30)),
    "extensions": lambda cal: (cal, dataclasses.replace(TINY, extensions=1)),
    "priors": lambda cal: (cal.with_priors({"wood_residence_time": 50.0}), TINY),
    "data": lambda cal: (
        Calibration(three_years(uncertainty={"lai": 0.3}), ["gpp", "lai"]), TINY,
    ),
    "constraints": lambda cal: (Calibration(cal.site, ["gpp", "lai"], constraints=False), TINY),
}  # fmt: skip


@pytest.mark.parametrize("what", OTHER)
def test_another_fit_is_kept_in_a_folder_of_its_own(what, small, told, tmp_path):
    fit_once("flux", small, TINY, tmp_path)
    other, settings = OTHER[what](small)
    fit_once("flux", other, settings, tmp_path)
    assert [(cal, given) for cal, given, _ in told] == [(small, TINY), (other, settings)]
    assert len(list((tmp_path / FITS).iterdir())) == 2
    fit_once("flux", other, settings, tmp_path)
    assert len(told) == 2  # the third was there


@pytest.mark.slow  # compiles another engine
def test_a_sampler_that_cannot_go_on_keeps_no_checkpoint(small, tmp_path):
    with pytest.warns(ConvergenceWarning, match="^a: "):
        fit_once("a", small, dataclasses.replace(TINY, sampler="blackjax-window"), tmp_path)
    (own,) = (tmp_path / FITS).iterdir()
    assert [path.name for path in own.iterdir()] == ["posterior.nc"]


def test_without_a_folder_nothing_is_written(small, told, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    fit_once("flux", small, TINY)
    fit_once("flux", small, TINY)
    assert len(told) == 2
    assert list(tmp_path.iterdir()) == []


def test_names_without_letters_still_name_a_folder(small, told, tmp_path):
    fit_once("+/..", small, TINY, tmp_path)
    assert [path.name for path in (tmp_path / FITS).iterdir()] == [f"fit-{content(small, TINY)}"]
