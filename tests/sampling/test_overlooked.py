"""Modes that no optimiser's start leads to, and chains do."""

import json

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import bayes_tbm as bt
from bayes_tbm.results.attempts import LED, attempt_lines
from bayes_tbm.sampling.modes import Mode
from bayes_tbm.sampling.search import overlooked

SHORT = {"chains": 2, "warmup": 21, "draws": 12, "max_tree_depth": 3, "progress": False}
FAR = 6.0


@jax.jit
@jax.value_and_grad
def two_hills(z):
    near = -0.5 * jnp.sum(z**2)
    return jnp.logaddexp(near, 3.0 - 0.5 * jnp.sum(((z - FAR) / 0.5) ** 2))


def hill(center, width, height, starts=5):
    return Mode(np.full(2, center), height, width * np.eye(2), starts=starts)


def test_what_chains_found_is_told_apart_by_its_starts():
    known = [hill(0.0, 1.0, 0.0)]
    points = np.array([[0.3, -0.2], [FAR + 0.4, FAR - 0.1]])
    assert overlooked(two_hills, known, points[:1], workers=1) == ()
    first, second = overlooked(two_hills, known, points, workers=1)
    assert (first.starts, second.starts) == (0, 5)
    np.testing.assert_allclose(first.position, FAR, atol=1e-3)
    # two dimensions of half the width, three nats higher
    assert first.weight / second.weight == pytest.approx(np.exp(3.0) / 4.0, rel=0.01)
    both = [hill(0.0, 1.0, 0.0), hill(FAR, 0.5, 3.0)]
    assert overlooked(two_hills, both, points, workers=1) == ()


@pytest.fixture(scope="module")
def calibration():
    return bt.Calibration(bt.open_site("hyytiala-twin", start="2006", end="2008"), ["gpp", "lai"])


@pytest.fixture
def led_astray(calibration, monkeypatch):
    """Let optimisers end on the slope of the only hill, and believe that it is a narrow one."""
    [true, *_] = calibration.modes(bt.Settings(starts=1), progress=False)
    away = 8.0 * true.scale[:, 0]
    height = float(calibration.density.value(jnp.asarray(true.position + away)))
    false = Mode(true.position + away, height, 0.05 * true.scale, starts=1)
    monkeypatch.setattr(bt.Calibration, "modes", lambda *_, **__: (false,))
    return true


@pytest.mark.filterwarnings("ignore::bayes_tbm.ConvergenceWarning")  # too few draws to converge
def test_sampling_begins_anew_with_a_mode_that_chains_found(calibration, led_astray, tmp_path):
    where = tmp_path / "checkpoint"
    tree = calibration.sample(**SHORT, checkpoint=where)
    modes = json.loads(tree.attrs["experiment"])["modes"]
    assert modes[0]["starts"] == 0
    assert modes[0]["log_density"] == pytest.approx(led_astray.log_density, abs=0.01)
    assert modes[0]["weight"] > 0.99
    given_up, line = attempt_lines(tree)
    assert given_up.startswith("discarded 12 draws a chain")
    assert given_up.endswith(LED)
    assert line.startswith("12 draws a chain")
    again = calibration.sample(**SHORT, checkpoint=where, resume=True)
    # killed once the new modes were kept and nothing was drawn with them
    for path in where.glob("phase*.npz"):
        path.unlink()
    resumed = calibration.sample(**SHORT, checkpoint=where, resume=True)
    for other in (again, resumed):
        assert attempt_lines(other) == attempt_lines(tree)
    for name, values in tree.posterior.items():
        np.testing.assert_array_equal(again.posterior[name], values)
        np.testing.assert_array_equal(resumed.posterior[name], values)
    alone = calibration.sample(**SHORT, extensions=0)
    assert [m["starts"] for m in json.loads(alone.attrs["experiment"])["modes"]] == [1]


def test_optimisers_climb_from_all_along_the_chains(calibration, monkeypatch):
    """A mode may be visited in the middle of a chain, which is elsewhere in the end."""
    modes = calibration.modes(bt.Settings(starts=1), progress=False)
    asked = []
    monkeypatch.setattr(
        "bayes_tbm.calibration.overlooked",
        lambda evaluate, modes, points, *, workers: asked.append(points) or (),
    )
    z = np.arange(2 * 40.0).reshape(2, 40, 1)
    assert calibration._with_overlooked(modes, z, bt.Settings(starts=4)) == ()
    np.testing.assert_array_equal(asked[0].ravel(), [10, 20, 29, 39, 50, 60, 69, 79])
    for starts in (1, 60):  # one place, or every one, some of them twice
        calibration._with_overlooked(modes, z, bt.Settings(starts=starts))
        assert len(asked[-1]) == 2 * starts
        assert {39.0, 79.0} <= set(asked[-1].ravel())
