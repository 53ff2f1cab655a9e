"""Fits keep BLAS to one thread, and give back what they found."""

import scipy.linalg  # noqa: F401 - its BLAS is another than NumPy's
from threadpoolctl import threadpool_info, threadpool_limits

from bayes_tbm.runtime.blas import one_blas_thread


def threads():
    return {found["num_threads"] for found in threadpool_info() if found["user_api"] == "blas"}


def test_the_last_of_several_fits_sets_back_what_was_found():
    with threadpool_limits(2, "blas"):
        first, second = one_blas_thread(), one_blas_thread()
        first.__enter__()
        second.__enter__()
        first.__exit__(None, None, None)
        assert threads() == {1}
        second.__exit__(None, None, None)
        assert threads() == {2}
