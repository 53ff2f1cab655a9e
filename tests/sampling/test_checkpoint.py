"""Runs that are stopped and taken up again, and checkpoints that belong to something else."""

import errno
import json
import os
import shutil
import stat

import numpy as np
import pytest

import bayes_tbm as bt
from bayes_tbm.errors import DataWarning, InputError, WriteError
from bayes_tbm.sampling.checkpoint import MANIFEST, Checkpoint
from bayes_tbm.sampling.identity import identity
from bayes_tbm.sampling.modes import Mode, load_modes, save_modes
from bayes_tbm.sampling.nuts import chain as chain_module
from bayes_tbm.sampling.nuts import run as nuts
from bayes_tbm.sampling.progress import Progress
from bayes_tbm.sampling.settings import Settings
from tests.sampling.nuts.test_run import Target, banana

SETTINGS = Settings(chains=2, warmup=60, draws=40, seed=3)
MODE = Mode(np.zeros(2), 0.0, np.eye(2), 1)
TOTAL = 2 * (60 + 40)


class Stop(Exception):
    """What a kill is to a process, in a test."""


class Fuse(Progress):
    """A progress bar that ends the run after so many transitions."""

    def __init__(self, length):
        super().__init__("", 0, show=False)
        self.left = length

    def advance(self, units, note=None):
        if note:  # a transition that was made, not one that was read
            self.left -= units
            if self.left < 0:
                raise Stop


@pytest.fixture(autouse=True)
def saves_every_transition(monkeypatch):
    monkeypatch.setattr(chain_module, "_SECONDS_BETWEEN_SAVES", 0.0)


def sample(folder=None, fuse=10**6, settings=SETTINGS):
    disk = Checkpoint(folder, {"run": 1}, resume=True) if folder else None
    return nuts.sample(Target(banana), [MODE], settings, Fuse(fuse), disk)


def same(a, b):
    np.testing.assert_array_equal(a.z, b.z)
    assert a.stats.keys() == b.stats.keys()
    for name in a.stats:
        np.testing.assert_array_equal(a.stats[name], b.stats[name])


@pytest.fixture(scope="module")
def whole():
    return sample()


@pytest.mark.parametrize("at", [0, 1, 17, 39, 40, 41, 77, 110, 121, 150, 199])
def test_a_stopped_run_ends_as_if_it_had_not_been(whole, tmp_path, at):
    with pytest.raises(Stop):
        sample(tmp_path, at)
    same(sample(tmp_path), whole)


def test_a_run_stopped_again_and_again_ends_the_same(whole, tmp_path):
    attempts = 0
    while True:
        try:
            found = sample(tmp_path, 13)
            break
        except Stop:
            attempts += 1
    assert TOTAL / 15 < attempts < 5 * TOTAL / 13
    same(found, whole)


def test_what_is_done_is_not_done_again(whole, tmp_path):
    sample(tmp_path)
    same(sample(tmp_path, fuse=0), whole)  # not one more transition


def test_a_longer_run_begins_with_the_shorter(whole, tmp_path):
    sample(tmp_path)
    longer = Settings(chains=2, warmup=60, draws=65, seed=3)
    extended, outright = sample(tmp_path, 2 * 25, longer), sample(settings=longer)
    same(extended, outright)
    np.testing.assert_array_equal(extended.z[:, :40], whole.z)


def test_a_half_written_group_is_not_seen(whole, tmp_path):
    with pytest.raises(Stop):
        sample(tmp_path, 150)
    (tmp_path / "phase-3-chain-0.partial").write_bytes(b"PK\x03\x04 torn")
    same(sample(tmp_path), whole)


def test_nothing_is_pickled(tmp_path):
    disk = Checkpoint(tmp_path, {})
    with pytest.raises(ValueError, match="Object arrays cannot be saved"):
        disk.save("bad", {"objects": np.array([{}, []], dtype=object)})
    assert disk.load("bad") is None


def test_modes_go_to_disk_and_back(tmp_path):
    modes = (MODE, Mode(np.array([1.0, 2.0]), -3.0, 2 * np.eye(2), 4, 0.25))
    disk = Checkpoint(tmp_path, {})
    assert load_modes(disk) == ()
    save_modes(disk, modes)
    for found, kept in zip(load_modes(disk), modes, strict=True):
        np.testing.assert_array_equal(found.position, kept.position)
        np.testing.assert_array_equal(found.scale, kept.scale)
        assert (found.log_density, found.starts, found.weight) == (
            kept.log_density, kept.starts, kept.weight,
        )  # fmt: skip


def test_a_run_does_not_begin_on_a_checkpoint(tmp_path):
    Checkpoint(tmp_path, {"a": 1}).begin()
    with pytest.raises(InputError, match="resume it"):
        Checkpoint(tmp_path, {"a": 1})
    Checkpoint(tmp_path, {"a": 1}, resume=True)


def test_nothing_is_written_or_replaced_before_a_run_begins(tmp_path):
    Checkpoint(tmp_path / "a" / "b", {"a": 1})
    assert list(tmp_path.iterdir()) == []
    old = Checkpoint(tmp_path, {"a": 1})
    old.save("modes", {"x": np.ones(3)})
    other = Checkpoint(tmp_path, {"a": 2}, overwrite=True)
    assert other.load("modes") is None  # another run's
    assert set(old.load("modes")) == {"x"}
    other.begin()
    assert [path.name for path in tmp_path.iterdir()] == [MANIFEST]


@pytest.fixture(scope="module")
def stopped(tmp_path_factory):
    """A folder that a run left when it was stopped among its draws."""
    folder = tmp_path_factory.mktemp("stopped")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(chain_module, "_SECONDS_BETWEEN_SAVES", 0.0)
        with pytest.raises(Stop):
            sample(folder, 150)
    save_modes(Checkpoint(folder, {"run": 1}, resume=True), [MODE])
    return folder


KEPT = ("modes.npz", "phase.npz", "phase-3-chain-0.npz", "phase-3-chain-1.npz", MANIFEST)
TORN = {
    "empty": lambda content: b"",
    "one byte": lambda content: content[:1],
    "a quarter": lambda content: content[: len(content) // 4],
    "three quarters": lambda content: content[: 3 * len(content) // 4],
    "no last byte": lambda content: content[:-1],
    "zeros": lambda content: bytes(len(content)),
    "zeros at the end": lambda content: content[: len(content) // 2].ljust(len(content), b"\0"),
    "something else": lambda content: b"nothing",
    "flipped bytes": lambda content: bytes(
        byte ^ 255 if 3 * i // len(content) == 1 else byte for i, byte in enumerate(content)
    ),
}


@pytest.mark.parametrize("how", TORN)
@pytest.mark.parametrize("name", KEPT)
def test_a_torn_file_is_told_in_one_line_before_anything_is_written(stopped, name, how, tmp_path):
    folder = tmp_path / "checkpoint"
    shutil.copytree(stopped, folder)
    path = folder / name
    content = path.read_bytes()
    path.write_bytes(TORN[how](content))
    before = {file.name: file.read_bytes() for file in folder.iterdir()}
    with pytest.raises(InputError) as caught:
        Checkpoint(folder, {"run": 1}, resume=True)
    message = str(caught.value)
    assert str(path) in message
    assert "\n" not in message
    assert ("begin anew" if name == MANIFEST else "remove this file") in message
    assert {file.name: file.read_bytes() for file in folder.iterdir()} == before


@pytest.mark.parametrize("name", KEPT[:-1])
def test_what_a_removed_file_held_is_computed_again(whole, stopped, name, tmp_path):
    folder = tmp_path / "checkpoint"
    shutil.copytree(stopped, folder)
    (folder / name).unlink()
    same(sample(folder), whole)


def test_files_are_on_the_disk_before_they_have_their_names(tmp_path, monkeypatch):
    done = []
    sync, replace = os.fsync, os.replace
    monkeypatch.setattr(os, "fsync", lambda file: done.append(what(file)) or sync(file))
    monkeypatch.setattr(os, "replace", lambda *a: done.append("name") or replace(*a))

    def what(descriptor):
        return "folder" if stat.S_ISDIR(os.fstat(descriptor).st_mode) else "file"

    Checkpoint(tmp_path, {}).save("modes", {"x": np.ones(3)})
    assert done == ["file", "name", "folder"] * 2


def test_a_full_disk_leaves_the_last_good_group(tmp_path, monkeypatch):
    disk = Checkpoint(tmp_path, {})
    disk.save("modes", {"x": np.ones(3)})

    def full(*_):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", full)
        with pytest.raises(WriteError, match=r"modes\.npz: could not be written; found No space"):
            disk.save("modes", {"x": np.zeros(3)})
    assert {path.name for path in tmp_path.iterdir()} == {MANIFEST, "modes.npz"}
    np.testing.assert_array_equal(disk.load("modes")["x"], np.ones(3))


# another kind of processor

ON = {"device": "cpu", "compiled": "skylake", "density": {"at point 0": "-6.719308440e+02"}}


def elsewhere(**changes):
    return ON | {"compiled": "icelake"} | changes


def test_another_processor_goes_on_only_where_that_is_asked_for(tmp_path):
    Checkpoint(tmp_path, ON).save("modes", {"x": np.ones(3)})
    with pytest.raises(InputError, match=r"compiled was skylake, is icelake; .*other-processor"):
        Checkpoint(tmp_path, elsewhere(), resume=True)
    with pytest.warns(DataWarning, match="not bit for bit"):
        disk = Checkpoint(tmp_path, elsewhere(), resume=True, other_processor=True)
    assert disk.load("modes") is not None
    disk.begin()
    assert disk.processors == ["cpu, skylake", "cpu, icelake"]
    again = Checkpoint(tmp_path, elsewhere(), resume=True)  # it is now of this one
    assert again.processors == ["cpu, skylake", "cpu, icelake"]


def test_rounding_of_the_density_is_the_processors_and_no_more(tmp_path):
    Checkpoint(tmp_path, ON).begin()
    rounded = elsewhere(density={"at point 0": "-6.719308441e+02"})
    with pytest.warns(DataWarning, match="not bit for bit"):
        Checkpoint(tmp_path, rounded, resume=True, other_processor=True)
    for density in ({"at point 0": "-6.719318440e+02"}, {"at point 1": "-6.719308440e+02"}, {}):
        with pytest.raises(InputError, match=r"density at point 0 was .* begin anew"):
            Checkpoint(tmp_path, elsewhere(density=density), resume=True, other_processor=True)


def test_another_processor_excuses_no_other_difference(tmp_path):
    Checkpoint(tmp_path, ON | {"data": "a"}).begin()
    with pytest.raises(InputError, match="data was a, is b"):
        Checkpoint(tmp_path, elsewhere(data="b"), resume=True, other_processor=True)


@pytest.fixture(scope="module")
def twin():
    return bt.open_site("hyytiala-twin")


def of(site, streams=("gpp",), settings=SETTINGS, **options):
    calibration = bt.Calibration(site, streams, **options)
    return identity(calibration.density, calibration.experiment, settings)


CHANGES = {
    "seed": lambda site: of(site, settings=Settings(chains=2, warmup=60, seed=4)),
    "warmup": lambda site: of(site, settings=Settings(chains=2, warmup=61, seed=3)),
    "streams": lambda site: of(site, ("gpp", "lai")),
    "priors": lambda site: of(site, priors={"leaf_lifespan": 2.0}),
    "constraints": lambda site: of(site, constraints=False),
    "jax": lambda site: of(site) | {"versions": of(site)["versions"] | {"jax": "0.1"}},
    "model": lambda site: of(site) | {"model": "another"},
    "data": lambda site: of(bt.open_site("hyytiala-twin", uncertainty={"gpp": 0.123})),
}


@pytest.mark.parametrize("name", list(CHANGES))
def test_a_checkpoint_of_something_else_is_refused_by_name(twin, tmp_path, name):
    Checkpoint(tmp_path, of(twin)).begin()
    before = (tmp_path / MANIFEST).read_text()
    with pytest.raises(InputError) as error:
        Checkpoint(tmp_path, CHANGES[name](twin), resume=True)
    message = str(error.value)
    assert name in message
    assert " was " in message
    assert "\n" not in message
    assert (tmp_path / MANIFEST).read_text() == before  # nothing is lost


def test_the_same_run_is_the_same_and_draws_may_grow(twin):
    assert of(twin) == json.loads(json.dumps(of(bt.open_site("hyytiala-twin"))))
    assert of(twin) == of(twin, settings=Settings(chains=2, warmup=60, draws=99, seed=3))
