# The public names and where they live: `__init__.py` loads each when it is first asked for.

from .calibration import Calibration
from .catalogue.inspection import Inspection, inspect
from .catalogue.open import open_site, site_names
from .catalogue.second_halves import fluxval_validation
from .constraint import SetGains, constraint, constraint_table, set_gains, verdict
from .errors import (
    ConvergenceWarning,
    DataWarning,
    InputError,
    NotCompiledWarning,
    WriteError,
)
from .export import check_callmip, export
from .forward import simulate
from .parameters import (
    TABLE,
    BoundedLogNormal,
    Fixed,
    LogitNormal,
    LogitStudentT,
    LogNormal,
    LogStudentT,
    LogUniform,
    Normal,
    Parameters,
    Uniform,
    from_dalec,
    to_dalec,
)
from .population.attribution import Attribution, attribution
from .population.batch.run import ManyFits, fit_many
from .population.draws import SiteDraws
from .population.hierarchy import (
    JointFit,
    PopulationFit,
    RefitPrior,
    Refits,
    fit_population,
    fit_population_jointly,
    refit_weak_sites,
)
from .population.result import PopulationResult
from .population.study import PopulationStudy
from .prediction import PredictionScores, evaluate, predict
from .results.diagnostics import check_convergence, stream_skill
from .sampling.settings import Settings
from .sites import Observations, Site
from .streams import (
    STREAMS,
    AlongAge,
    Autoregressive,
    BlockMeans,
    Gaussian,
    GrowthCurve,
    LogNormalErrors,
    Stand,
    Stock,
    Stream,
    StudentT,
    fluxval_stand,
)
from .studies import Comparison, PriorRefits, compare, sensitivity
from .version import __version__

__all__ = [
    "STREAMS",
    "TABLE",
    "AlongAge",
    "Attribution",
    "Autoregressive",
    "BlockMeans",
    "BoundedLogNormal",
    "Calibration",
    "Comparison",
    "ConvergenceWarning",
    "DataWarning",
    "Fixed",
    "Gaussian",
    "GrowthCurve",
    "InputError",
    "Inspection",
    "JointFit",
    "LogNormal",
    "LogNormalErrors",
    "LogStudentT",
    "LogUniform",
    "LogitNormal",
    "LogitStudentT",
    "ManyFits",
    "Normal",
    "NotCompiledWarning",
    "Observations",
    "Parameters",
    "PopulationFit",
    "PopulationResult",
    "PopulationStudy",
    "PredictionScores",
    "PriorRefits",
    "RefitPrior",
    "Refits",
    "SetGains",
    "Settings",
    "Site",
    "SiteDraws",
    "Stand",
    "Stock",
    "Stream",
    "StudentT",
    "Uniform",
    "WriteError",
    "__version__",
    "attribution",
    "check_callmip",
    "check_convergence",
    "compare",
    "constraint",
    "constraint_table",
    "evaluate",
    "export",
    "fit_many",
    "fit_population",
    "fit_population_jointly",
    "fluxval_stand",
    "fluxval_validation",
    "from_dalec",
    "inspect",
    "open_site",
    "predict",
    "refit_weak_sites",
    "sensitivity",
    "set_gains",
    "simulate",
    "site_names",
    "stream_skill",
    "to_dalec",
    "verdict",
]
