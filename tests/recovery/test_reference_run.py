"""Both engines give the posterior of a long run, kept by `benchmarks/engines.py --write`."""

from pathlib import Path

import arviz as az
import numpy as np
import pandas as pd
import pytest

TABLE = Path(__file__).resolve().parents[2] / "benchmarks/reference/hyytiala-twin.csv"


@pytest.fixture(scope="module")
def reference():
    return pd.read_csv(TABLE, index_col="quantity")


def scores(tree, reference):
    """Differences of means and sds in units of the Monte Carlo errors of both."""
    draws = tree["posterior"].to_dataset()
    assert set(draws.data_vars) == set(reference.index)
    found = {"mean": draws.mean(("chain", "draw")), "sd": draws.std(("chain", "draw"))}
    errors = {name: az.mcse(draws, method=name) for name in found}
    return np.array(
        [
            (float(found[name][quantity]) - reference.loc[quantity, name])
            / np.hypot(float(errors[name][quantity]), reference.loc[quantity, f"{name}_mcse"])
            for quantity in reference.index
            for name in found
        ]
    )


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::bayes_tbm.ConvergenceWarning")  # the scores judge the draws
@pytest.mark.parametrize("method", ["numpyro", "blackjax-window", "blackjax-low-rank"])
def test_engines_agree_with_the_reference(calibration, reference, method):
    found = scores(calibration.sample(seed=3, sampler=method, progress=False), reference)
    # about a hundred correlated scores: one above 4.5 by chance in a thousand runs
    assert np.abs(found).max() < 4.5
    assert np.sqrt(np.mean(found**2)) < 1.5
