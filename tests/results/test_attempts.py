"""How a run went stays with its result."""

import json

import arviz as az
import numpy as np
import pytest
import xarray as xr

from bayes_tbm.errors import ConvergenceWarning
from bayes_tbm.report import load_run
from bayes_tbm.report.folder import save_tree
from bayes_tbm.results import check_convergence
from bayes_tbm.results.attempts import (
    CONVERGENCE,
    LED,
    Attempt,
    attempt_lines,
    convergence_group,
    lonely,
    warn_unless_converged,
)

ATTEMPTS = (Attempt(700, 0, 12, 0.25), Attempt(1050, 1, 3, 0.15), Attempt(1400, 2, 0, 0.09))


def tree_of(shift, attempts=ATTEMPTS):
    rng = np.random.default_rng(1)
    draws = rng.normal(size=(4, 500)) + shift * np.arange(4)[:, None]
    stats = {"energy": rng.normal(size=(4, 500)), "diverging": np.zeros((4, 500), bool)}
    tree = az.from_dict({"posterior": {"a": draws}, "sample_stats": stats})
    report = check_convergence(tree)
    tree.attrs["experiment"] = "{}"
    tree["simulation"] = xr.DataTree(xr.Dataset({"x": ("time", [1.0])}))
    tree[CONVERGENCE] = xr.DataTree(convergence_group(report, attempts))
    return tree, report


def test_report_and_attempts_come_back_from_the_file(tmp_path):
    tree, report = tree_of(1.0)
    found = load_run(save_tree(tree, tmp_path / "posterior.nc"))
    kept = found[CONVERGENCE]
    assert not kept["passed"]
    for name in ("rhat", "ess_bulk", "ess_tail", "bfmi"):
        assert float(kept[name]) == getattr(report, name)
    assert tuple(json.loads(kept.attrs["failures"])) == report.failures
    assert kept.attrs["verdict"] == str(report)
    assert list(kept["divergences"].values) == [12, 3, 0]
    assert attempt_lines(found) == attempt_lines(tree)


def test_what_was_discarded_and_added_is_said_in_order():
    anew = ": draws began anew with shorter steps"
    assert attempt_lines(tree_of(0.0)[0]) == [
        f"discarded 700 draws a chain with 12 divergences at step size 0.25{anew}",
        f"discarded 1050 draws a chain with 3 divergences at step size 0.15, extended once{anew}",
        "1400 draws a chain at step size 0.09, extended 2 times",
    ]
    assert attempt_lines(tree_of(0.0, ATTEMPTS[:1])[0]) == ["700 draws a chain at step size 0.25"]


def test_an_attempt_that_led_to_another_mode_says_so_and_older_results_say_nothing_of_it():
    given_up = Attempt(700, 0, 0, 0.25, led=True)
    tree, _ = tree_of(0.0, (given_up, *ATTEMPTS[2:]))
    first, last = attempt_lines(tree)
    assert first == f"discarded 700 draws a chain with 0 divergences at step size 0.25: {LED}"
    del tree[CONVERGENCE]["led"]
    assert attempt_lines(tree)[0].endswith("draws began anew with shorter steps")
    assert attempt_lines(tree)[1] == last


@pytest.mark.parametrize(
    ("starts", "modes", "said"),
    [
        (12, [1, 5], True),
        (12, [2, 1], False),
        (3, [1, 2], False),
        (12, [0, 1], False),
        (12, [], False),
    ],
)
def test_a_heaviest_mode_that_one_of_many_starts_reached_is_told(starts, modes, said):
    tree, _ = tree_of(0.0)
    record = {"sampling": {"starts": starts}, "modes": [{"starts": each} for each in modes]}
    tree.attrs["experiment"] = json.dumps(record)
    told = [line for line in attempt_lines(tree) if "heaviest mode" in line]
    assert told == lonely(tree)
    assert bool(told) == said
    assert not said or "by 1 of 12 starts" in told[0]


def test_a_tree_that_does_not_know_says_nothing_of_attempts_and_is_judged_by_its_draws():
    tree, report = tree_of(1.0)
    del tree[CONVERGENCE]
    assert attempt_lines(tree) == []
    with pytest.warns(ConvergenceWarning, match=f"{report.failures[0][:20]}"):
        warn_unless_converged(tree)


def test_chains_that_converged_warn_of_nothing():
    tree, report = tree_of(0.0)
    assert report.passed
    warn_unless_converged(tree)


def test_a_real_run_keeps_its_report(short_tree):
    report, kept = check_convergence(short_tree), short_tree[CONVERGENCE]
    assert json.loads(kept.attrs["failures"]) == list(report.failures)
    assert float(kept["rhat"]) == pytest.approx(report.rhat)
    assert list(kept["draws"].values) == [100]
    steps = short_tree["sample_stats"]["step_size"].values
    assert float(kept["step_size"][0]) == pytest.approx(steps.mean())
    with pytest.warns(ConvergenceWarning, match="flux: chains have not converged.*R-hat above"):
        warn_unless_converged(short_tree, name="flux")
