"""The run folder and its page; values in and out of runs."""

from bayes_tbm.report.folder import load_run, prepare_folder, write_run
from bayes_tbm.report.values import median_parameters, read_parameters, truth_lines

__all__ = [
    "load_run",
    "median_parameters",
    "prepare_folder",
    "read_parameters",
    "truth_lines",
    "write_run",
]
