import hashlib
from dataclasses import replace

import pooch
import pytest

from bayes_tbm.catalogue import open_site, site_names
from bayes_tbm.catalogue.fluxval import towers
from bayes_tbm.catalogue.registry import DATA_VARIABLE, REGISTRY, SECOND_HALVES, fetch
from bayes_tbm.errors import InputError


@pytest.fixture(autouse=True)
def offline(monkeypatch):
    def refuse(*_, **__):
        raise ConnectionError("no network in tests")

    monkeypatch.setattr(pooch.HTTPDownloader, "__call__", refuse)


@pytest.fixture
def registered(monkeypatch, differland, tmp_path):
    """A made-up file, registered under its own hash, in the folder of the user."""
    path = differland()
    entry = replace(REGISTRY["FI-Hyy"], path=f"daily/{path.name}", latitude=61.6, longitude=24.0)
    entry = replace(entry, sha256=hashlib.sha256(path.read_bytes()).hexdigest())
    monkeypatch.setitem(REGISTRY, "A-B", entry)
    monkeypatch.setenv(DATA_VARIABLE, str(tmp_path))
    return path


def test_folder_of_the_user_is_used_flat_or_nested(registered):
    assert fetch("A-B") == registered
    nested = registered.parent / "daily" / registered.name
    nested.parent.mkdir()
    registered.rename(nested)
    assert fetch("A-B") == nested


def test_name_adds_the_place_of_the_tower(registered):
    site = open_site("A-B", end="2001-01-20")
    assert (site.name, site.latitude, site.longitude, site.steps) == ("A-B", 61.5, 24.0, 20)
    assert "61.6000 N" in site.notes[-1]
    assert open_site(registered).longitude is None


def test_changed_file_is_refused(registered):
    registered.write_bytes(registered.read_bytes() + b"\0")
    with pytest.raises(InputError, match=r"A-B.nc: SHA-256 must be .*; found .*; replace"):
        open_site("A-B")


def test_absent_file_never_touches_the_network(registered):
    registered.unlink()
    with pytest.raises(InputError, match=r"A-B: daily/A-B.nc is not in the folder") as caught:
        open_site("A-B")
    assert "no network" not in str(caught.value)


def test_failed_download_tells_of_the_folder(monkeypatch, tmp_path):
    monkeypatch.delenv(DATA_VARIABLE, raising=False)
    monkeypatch.setattr(pooch, "os_cache", lambda _: tmp_path)
    with pytest.raises(InputError, match=r"FI-Hyy: cannot be fetched from https://raw") as caught:
        open_site("FI-Hyy")
    assert DATA_VARIABLE in str(caught.value)
    assert "\n" not in str(caught.value)


def test_every_name_is_published_once():
    files = [*REGISTRY.values(), *SECOND_HALVES.values()]
    assert set(REGISTRY) < set(site_names())
    assert (len(REGISTRY), len(SECOND_HALVES)) == (59, 50)
    for part in ("url", "sha256", "path"):
        assert len({getattr(entry, part) for entry in files}) == len(files) == 109
    assert all(len(bytes.fromhex(entry.sha256)) == 32 for entry in files)
    assert all(entry.url.startswith("https://raw.git") for entry in files)


def test_fluxval_is_a_table_of_51_towers():
    assert len(towers()) == 51
    assert set(SECOND_HALVES) == {f"fluxval:{site}" for site in towers()} - {"fluxval:CA-SF2"}
    hyytiala = REGISTRY["fluxval:FI-Hyy"]
    assert (hyytiala.latitude, hyytiala.longitude, hyytiala.land_cover) == (61.8474, 24.2948, "ENF")
    folder = "DATA/CARDAMOM-FLUXVAL_v1.0"
    assert hyytiala.url.endswith(f"/952d8c0/{folder}/cbf_files/flux_site_76.cbf")
    seen = SECOND_HALVES["fluxval:FI-Hyy"].url
    assert seen.endswith(f"/952d8c0/{folder}/validation_data/validation_FI-Hyy.csv")


def test_a_file_is_found_in_each_of_its_places(monkeypatch, binary, tmp_path):
    path = binary()
    sha256 = hashlib.sha256(path.read_bytes()).hexdigest()
    entry = replace(REGISTRY["fluxval:FI-Hyy"], sha256=sha256)
    monkeypatch.setitem(REGISTRY, "A-B", entry)
    monkeypatch.setenv(DATA_VARIABLE, str(tmp_path))
    for place in ("FI-Hyy.cbf", "population/fluxval/FI-Hyy.cbf", "fluxval/FI-Hyy.cbf"):
        (tmp_path / place).parent.mkdir(parents=True, exist_ok=True)
        path = path.rename(tmp_path / place)
        assert fetch("A-B") == path
    path.rename(tmp_path / "fluxval" / "flux_site_76.cbf")
    with pytest.raises(InputError, match=r"fluxval/FI-Hyy.cbf is not in the folder"):
        fetch("A-B")
