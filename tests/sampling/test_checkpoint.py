"""Runs that are stopped and taken up again, and checkpoints that belong to something else."""

import json

import numpy as np
import pytest

import bayes_tbm as bt
from bayes_tbm.errors import InputError
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
    Checkpoint(tmp_path, {"a": 1})
    with pytest.raises(InputError, match="resume it"):
        Checkpoint(tmp_path, {"a": 1})
    Checkpoint(tmp_path, {"a": 1}, resume=True)


def test_a_damaged_checkpoint_is_told(tmp_path):
    disk = Checkpoint(tmp_path, {})
    (tmp_path / "phase.npz").write_bytes(b"nothing")
    with pytest.raises(InputError, match=r"phase\.npz.*remove this file"):
        disk.load("phase")
    (tmp_path / MANIFEST).write_text("{")
    with pytest.raises(InputError, match="readable manifest"):
        Checkpoint(tmp_path, {}, resume=True)


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
    Checkpoint(tmp_path, of(twin))
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
