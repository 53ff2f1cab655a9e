"""The run folder and its page; values in and out of runs."""

from bayes_tbm.report.folder import check_folder, load_run, write_run
from bayes_tbm.report.values import median_parameters, read_parameters, truth_lines

__all__ = [
    "check_folder",
    "load_run",
    "median_parameters",
    "read_parameters",
    "truth_lines",
    "write_run",
]
