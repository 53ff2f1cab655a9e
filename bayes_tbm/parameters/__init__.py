"""Parameters: the one table, prior families, values by name, DALEC names."""

from bayes_tbm.parameters.families import (
    AbstractPrior,
    BoundedLogNormal,
    Fixed,
    LogitNormal,
    LogNormal,
    LogUniform,
    Normal,
    Uniform,
)
from bayes_tbm.parameters.heavy_tailed import LogitStudentT, LogStudentT
from bayes_tbm.parameters.prior_like import FAMILIES, PriorLike, as_prior, prior_from_dict
from bayes_tbm.parameters.table import TABLE, Parameter, names_in, parameter
from bayes_tbm.parameters.values import (
    DALEC_NAMES,
    AllocationShares,
    Parameters,
    allocation_shares,
    from_dalec,
    to_dalec,
)

__all__ = [
    "DALEC_NAMES",
    "FAMILIES",
    "TABLE",
    "AbstractPrior",
    "AllocationShares",
    "BoundedLogNormal",
    "Fixed",
    "LogNormal",
    "LogStudentT",
    "LogUniform",
    "LogitNormal",
    "LogitStudentT",
    "Normal",
    "Parameter",
    "Parameters",
    "PriorLike",
    "Uniform",
    "allocation_shares",
    "as_prior",
    "from_dalec",
    "names_in",
    "parameter",
    "prior_from_dict",
    "to_dalec",
]
