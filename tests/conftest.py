"""Fixtures and hypothesis settings of the test suite."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import hypothesis
import jax.numpy as jnp
import numpy as np
import pytest

from bayes_tbm.model import Drivers

REPOSITORY = Path(__file__).resolve().parents[1]

# No deadline: the first example pays for compilation. Derandomised: a run can be repeated.
hypothesis.settings.register_profile("repeatable", deadline=None, derandomize=True, database=None)
hypothesis.settings.load_profile("repeatable")


@pytest.hookimpl(tryfirst=True)  # before -m selects
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark every test that reads real data, so that nobody has to remember to."""
    for item in items:
        if "shared_data" in getattr(item, "fixturenames", ()):
            item.add_marker(pytest.mark.real_data)


def _folder_or_skip(variable: str, beside: str) -> Path:
    """Return the folder that an environment variable names, or the one beside the checkout."""
    if named := os.environ.get(variable):
        path = Path(named)
        if not path.is_dir():
            pytest.fail(f"{variable} names {path}, which is not a folder", pytrace=False)
        return path
    path = REPOSITORY.parent / beside
    if not path.is_dir():
        pytest.skip(f"no folder ../{beside} beside the checkout and {variable} is not set")
    return path


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Folder of real site data: $BAYES_TBM_DATA, else ../shared/data; or skips."""
    return _folder_or_skip("BAYES_TBM_DATA", "shared/data")


@pytest.fixture(scope="session")
def shared_reference() -> Path:
    """Folder of reference runs: $BAYES_TBM_REFERENCE, else ../shared/reference; or skips."""
    return _folder_or_skip("BAYES_TBM_REFERENCE", "shared/reference")


@pytest.fixture(scope="session")
def make_weather() -> Callable[..., Drivers]:
    """Build made-up boreal weather, daily or monthly, with a dry spell and, if asked, fires."""

    def build(steps: int, *, daily: bool = True, fire: bool = False, **changes: Any) -> Drivers:
        rng = np.random.default_rng(11)
        length = 1.0 if daily else 30.4375
        days = (np.arange(steps) + 0.5) * length
        summer = np.sin(2 * np.pi * (days - 100.0) / 365.25)
        wet = (rng.random(steps) < 0.4) & ((days < 180) | (days > 215))
        showers = np.where(wet, rng.exponential(4.0, steps), 0.0)
        warmth = 3.0 + 13.0 * summer + rng.normal(0.0, 2.0, steps)
        columns = {
            "days": days,
            "t_min": warmth - rng.uniform(1, 6, steps),
            "t_max": warmth + rng.uniform(1, 6, steps),
            "shortwave": (9.5 + 9.0 * summer) * rng.uniform(0.3, 1.0, steps),
            "co2": np.full(steps, 390.0),
            "day_of_year": np.floor(days % 365.25) + 1,
            "burned_fraction": np.where(np.arange(steps) % 17 == 5, 0.1, 0.0) * fire,
            "vpd": np.clip(4.0 + 3.5 * summer + rng.normal(0, 1, steps), 0.0, None),
            "precipitation": showers if daily else rng.gamma(3.0, 0.6, steps),
            "step_length": np.full(steps, length),
            "latitude": 62.0,
            "reference_temperature": 3.0,
            "reference_precipitation": 1.7,
        }
        # By way of numpy: a Python number would give a weak type, and a compilation of its own.
        arrays = {n: jnp.asarray(np.asarray(v, float)) for n, v in {**columns, **changes}.items()}
        return Drivers(**arrays, fire=fire, daily=daily)

    return build
