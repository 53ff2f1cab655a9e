"""Options of error models that make no sense are refused."""

import pytest

from bayes_tbm.errors import InputError
from bayes_tbm.streams import Balanced, Gaussian, StudentT


@pytest.mark.parametrize(
    ("model", "options"),
    [
        (Balanced, {"balance": -0.1}),
        (Balanced, {"balance": 1.5}),
        (Gaussian, {"averaging": -3.0}),
        (StudentT, {"degrees_of_freedom": 1.0}),
    ],
)
def test_a_senseless_option_is_named(model, options):
    name, value = next(iter(options.items()))
    with pytest.raises(InputError, match=f"^{model.__name__}: {name}: must be .*found {value}$"):
        model(**options)


def test_options_are_the_numbers_of_a_model():
    assert Balanced().options == {"averaging": 10.0, "balance": 0.3}
