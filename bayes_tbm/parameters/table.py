"""The one table of model parameters: name, symbol, unit, bounds, default prior, meaning, source.

Bounds state where the equations make sense; priors state what is believed. Default priors are
centred on boreal needleleaf forest. Pools are in g C m-2, residence times in years.

Sources: [DALEC993] Fang et al. (2024, doi 10.1029/2024MS004308) and its published bounds;
[B&W15] Bloom & Williams (2015, doi 10.5194/bg-12-1299-2015); [W97] Williams et al. (1997, ACM);
[C&P19] Collalti & Prentice (2019) on carbon use efficiency; [own] chosen here.
"""

from __future__ import annotations

import dataclasses

from bayes_tbm.errors import InputError
from bayes_tbm.parameters.families import AbstractPrior, LogitNormal, LogNormal, Normal


@dataclasses.dataclass(frozen=True)
class Parameter:
    """One row of the table.

    Attributes
    ----------
    name, symbol, unit, meaning, source
        Text for people; ``name`` is also the field of `Parameters`.
    lower, upper
        Bounds within which the model's equations hold, in ``unit``.
    prior
        Default prior.
    group
        ``"process"``, ``"initial"`` or ``"fire"``; fire parameters are sampled only where it burns.
    """

    name: str
    symbol: str
    unit: str
    lower: float
    upper: float
    prior: AbstractPrior
    meaning: str
    source: str
    group: str = "process"


_ROWS = (
    Parameter(
        "canopy_efficiency", "c_eff", "1", 1.0, 200.0, LogNormal(18.0, 0.4),
        "Canopy photosynthetic efficiency, nitrogen times rate, in the aggregated canopy model",
        "W97, DALEC993",
    ),
    Parameter(
        "autotrophic_fraction", "f_auto", "1", 0.01, 0.99, LogitNormal(0.5, 0.4),
        "Autotrophic respiration over GPP; one minus carbon use efficiency", "C&P19, DALEC993",
    ),
    Parameter(
        "foliage_to_wood", "a_fol/a_wood", "1", 1e-4, 1e3, LogNormal(0.25, 0.7),
        "NPP given straight to foliage over NPP given to wood", "own",
    ),
    Parameter(
        "labile_to_wood", "a_lab/a_wood", "1", 1e-4, 1e3, LogNormal(0.3, 0.7),
        "NPP given to the labile pool, which feeds leaf flush, over NPP given to wood", "own",
    ),
    Parameter(
        "root_to_wood", "a_root/a_wood", "1", 1e-4, 1e3, LogNormal(0.7, 0.8),
        "NPP given to fine roots over NPP given to wood", "own",
    ),
    Parameter(
        "leaf_carbon_per_area", "LCMA", "g C m-2", 5.0, 400.0, LogNormal(90.0, 0.4),
        "Leaf carbon per leaf area", "DALEC993",
    ),
    Parameter(
        "leaf_lifespan", "L_leaf", "yr", 1.001, 20.0, LogNormal(2.5, 0.7, lower=1.0),
        "Leaf lifespan, which sets the fraction of foliage shed each autumn", "B&W15",
    ),
    Parameter(
        "labile_lifespan", "L_lab", "yr", 1.001, 20.0, LogNormal(1.8, 0.7, lower=1.0),
        "Lifespan of the labile store, which sets the fraction released each spring", "B&W15",
    ),
    Parameter(
        "leaf_onset_day", "D_onset", "day of year", -366.0, 732.0, Normal(120.0, 25.0),
        "Day of peak labile release; a point on the yearly circle", "B&W15",
    ),
    Parameter(
        "leaf_fall_day", "D_fall", "day of year", -366.0, 732.0, Normal(270.0, 30.0),
        "Day of peak leaf fall; a point on the yearly circle", "B&W15",
    ),
    Parameter(
        "labile_release_period", "P_lab", "d", 5.0, 365.0, LogNormal(45.0, 0.3),
        "Length of the labile release", "B&W15",
    ),
    Parameter(
        "leaf_fall_period", "P_fall", "d", 5.0, 365.0, LogNormal(80.0, 0.3),
        "Length of the leaf fall", "B&W15",
    ),
    Parameter(
        "wood_residence_time", "tau_wood", "yr", 2.0, 1000.0, LogNormal(60.0, 0.8),
        "Mean residence time of carbon in wood, fire apart", "own (boreal: 20 to 300 yr)",
    ),
    Parameter(
        "root_residence_time", "tau_root", "yr", 0.1, 50.0, LogNormal(1.4, 0.8),
        "Mean residence time of fine-root carbon", "DALEC993",
    ),
    Parameter(
        "litter_residence_time", "tau_lit", "yr", 0.1, 100.0, LogNormal(1.4, 0.8),
        "Residence time of litter against respiration alone, at mean climate", "DALEC993",
    ),
    Parameter(
        "litter_decomposition_time", "tau_dec", "yr", 0.1, 500.0, LogNormal(2.7, 1.0),
        "Residence time of litter against transfer to soil alone, at mean climate", "DALEC993",
    ),
    Parameter(
        "som_residence_time", "tau_som", "yr", 1.0, 3e4, LogNormal(90.0, 1.0),
        "Mean residence time of soil organic matter at mean climate", "DALEC993",
    ),
    Parameter(
        "temperature_sensitivity", "Q", "degC-1", 0.0, 0.2, LogNormal(0.05, 0.3),
        "Exponent of heterotrophic rates against temperature; true Q10 = exp(10 Q)", "DALEC993",
    ),
    Parameter(
        "moisture_sensitivity", "s_moist", "1", 0.0, 1.0, LogitNormal(0.1, 1.0),
        "Weight of precipitation over its mean in heterotrophic rates", "DALEC993",
    ),
    Parameter(
        "underlying_water_use_efficiency", "uWUE", "g C hPa0.5 (kg H2O)-1", 0.1, 100.0,
        LogNormal(10.0, 0.4), "Underlying water use efficiency of transpiration", "DALEC993",
    ),
    Parameter(
        "radiative_evaporation", "r_evap", "mm m2 MJ-1", 1e-4, 0.4, LogNormal(0.03, 0.5),
        "Evaporation per unit of shortwave radiation", "DALEC993",
    ),
    Parameter(
        "field_capacity", "W_fc", "mm", 5.0, 1e4, LogNormal(200.0, 0.35),
        "Root-zone water at which stress ends; 100 to 400 mm in most soils", "own",
    ),
    Parameter(
        "wilting_fraction", "f_wilt", "1", 0.005, 0.9, LogitNormal(0.15, 0.7),
        "Wilting point over field capacity", "DALEC993",
    ),
    Parameter(
        "drainage_storage", "W_1", "mm", 2.0, 1e4, LogNormal(245.0, 0.35),
        "Root-zone water at which drainage is 1 mm d-1; drainage = (W / W_1)^2 mm d-1", "own",
    ),
    Parameter(
        "initial_lai", "LAI_0", "m2 m-2", 0.001, 15.0, LogNormal(1.8, 0.6),
        "LAI at the start; initial foliage = LAI_0 LCMA", "own", "initial",
    ),
    Parameter(
        "initial_labile", "C_lab0", "g C m-2", 0.1, 1e4, LogNormal(100.0, 0.8),
        "Labile carbon at the start", "DALEC993", "initial",
    ),
    Parameter(
        "initial_root", "C_root0", "g C m-2", 0.1, 1e4, LogNormal(200.0, 0.8),
        "Fine-root carbon at the start", "DALEC993", "initial",
    ),
    Parameter(
        "initial_wood", "C_wood0", "g C m-2", 0.1, 1e5, LogNormal(5000.0, 0.8),
        "Wood carbon at the start, coarse roots included", "own", "initial",
    ),
    Parameter(
        "initial_litter", "C_lit0", "g C m-2", 0.1, 1e4, LogNormal(250.0, 1.0),
        "Litter carbon at the start", "DALEC993", "initial",
    ),
    Parameter(
        "initial_som", "C_som0", "g C m-2", 1.0, 3e5, LogNormal(10000.0, 0.8),
        "Soil organic carbon at the start", "own", "initial",
    ),
    Parameter(
        "initial_saturation", "W_0/W_fc", "1", 0.01, 50.0, LogNormal(1.0, 0.35),
        "Root-zone water at the start over field capacity", "own", "initial",
    ),
    Parameter(
        "foliar_combustion", "cf_fol", "1", 0.01, 1.0, LogitNormal(0.6, 0.7),
        "Combustion completeness of foliage", "DALEC993", "fire",
    ),
    Parameter(
        "ligneous_combustion", "cf_lig", "1", 0.01, 1.0, LogitNormal(0.2, 0.7),
        "Combustion completeness of labile, root and wood carbon", "DALEC993", "fire",
    ),
    Parameter(
        "dead_combustion", "cf_dom", "1", 0.01, 1.0, LogitNormal(0.15, 0.7),
        "Combustion completeness of soil organic matter; litter takes the mean with wood",
        "DALEC993", "fire",
    ),
    Parameter(
        "fire_resilience", "r_fire", "1", 0.01, 1.0, LogitNormal(0.5, 0.7),
        "Share of unburnt carbon in the burnt area that survives", "DALEC993", "fire",
    ),
)  # fmt: skip

TABLE: dict[str, Parameter] = {row.name: row for row in _ROWS}


def parameter(name: str) -> Parameter:
    """Row of the table for one parameter.

    Raises
    ------
    InputError
        The name is not in the table; the message lists near matches.
    """
    if name not in TABLE:
        raise InputError(
            where="parameters",
            variable=name,
            rule="must be a parameter of the model",
            found=name,
            remedy=f"choose from {', '.join(TABLE)}",
        )
    return TABLE[name]
