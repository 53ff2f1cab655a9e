"""Fixtures and hypothesis settings of the test suite."""

import os
from pathlib import Path

import hypothesis
import pytest

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
