"""Small sites with one observed stream."""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import pytest

from bayes_tbm.sites import Observations, Site
from bayes_tbm.sites.drivers import make_drivers
from bayes_tbm.sites.time_axis import time_from_days
from bayes_tbm.streams.errors import ErrorData
from bayes_tbm.units import UNITS

Series = tuple[Any, Any, Any]


@pytest.fixture(scope="session")
def make_site() -> Callable[..., Site]:
    """Build a site on given days (middle of steps) from ``name=(days, value, sd)``."""

    def build(days: Any, observed: Mapping[str, Series], step_length: float = 1.0) -> Site:
        columns = dict.fromkeys(("t_min", "t_max", "shortwave", "vpd", "precipitation"), 5.0)
        columns |= {"t_max": 9.0, "co2": 390.0, "step_length": step_length}
        seen = {
            name: Observations(name, UNITS[name], time_from_days(when), value, sd)
            for name, (when, value, sd) in observed.items()
        }
        drivers = make_drivers(time_from_days(days), columns)
        return Site("made-up", 62.0, 24.0, drivers, seen, source="made-up.nc")

    return build


@pytest.fixture(scope="session")
def points() -> ErrorData:
    """Four years with gaps (none at all in the third), every point with its own uncertainty."""
    rng = np.random.default_rng(3)
    day = np.sort(rng.choice(np.arange(5.0, 4 * 365.25, 30.0), 32, replace=False))
    day = day[(day < 730) | (day > 1096)]
    return ErrorData(
        value=rng.normal(3.0, 2.0, day.size),
        measurement_sd=rng.uniform(0.2, 1.5, day.size),
        day=day,
        year=(day // 365.25).astype(np.int64),
        points_per_year=365.25 / 30.0,
    )
