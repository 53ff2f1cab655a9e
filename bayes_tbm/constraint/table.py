"""Constraint as one flat table: a row a quantity, then a row a pair."""

from __future__ import annotations

import pandas as pd
import xarray as xr

from bayes_tbm.constraint.measures import constraint


def constraint_table(tree: xr.DataTree) -> pd.DataFrame:
    """Flatten `constraint` of a result with its defaults, as ``constraint.csv`` holds it.

    Parameters
    ----------
    tree
        Result with groups posterior, prior, log_prior and log_likelihood.

    Returns
    -------
    pandas.DataFrame
        Indexed by parameter or derived quantity, then by pair, joined by `` & ``, of which only
        information is measured. Columns as the variables of `constraint`, those by stream as
        ``psense_<stream>`` and ``verdict_<stream>``.
    """
    data = constraint(tree)
    single = data.drop_dims(["stream", "pair"]).to_dataframe()
    streams = data[["psense_stream", "psense_stream_mcse", "stream_verdict"]]
    for stream in data["stream"].values:
        of = streams.sel(stream=stream)
        single[f"psense_{stream}"] = of["psense_stream"].values
        single[f"psense_{stream}_mcse"] = of["psense_stream_mcse"].values
        single[f"verdict_{stream}"] = of["stream_verdict"].values
    joint = data.drop_dims(["stream", "parameter"]).to_dataframe()
    joint.columns = joint.columns.str.removeprefix("joint_")
    first = ["unit", "scale", "verdict"]
    single = single[[*first, *single.columns.drop(first)]]
    return pd.concat([single, joint]).rename_axis("parameter")
