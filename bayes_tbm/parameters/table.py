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
from bayes_tbm.parameters.families import (
    AbstractPrior,
    BoundedLogNormal,
    LogitNormal,
    LogNormal,
    Normal,
)


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
        ``"process"``, ``"initial"``; ``"fire"``, sampled only where it burns; ``"regrowth"``, pools
        after the disturbance, sampled where the stand's regrowth is run; ``"departure"``, of the
        pools at the start from the regrowth at the stand's age, sampled where that is known.
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


def _bounded(
    name: str, symbol: str, unit: str, support: tuple[float, float], prior: tuple[float, float],
    meaning: str, source: str, group: str = "process",
) -> Parameter:  # fmt: skip
    """Row of a positive parameter: its default prior ends at its bounds."""
    lower, upper = support
    return Parameter(
        name, symbol, unit, lower, upper, BoundedLogNormal(*prior, lower, upper), meaning, source,
        group,
    )  # fmt: skip


def _share(
    name: str, symbol: str, support: tuple[float, float], prior: tuple[float, float],
    meaning: str, source: str, group: str = "process",
) -> Parameter:  # fmt: skip
    """Row of a fraction: its default prior is logit-normal between its bounds."""
    lower, upper = support
    return Parameter(
        name, symbol, "1", lower, upper, LogitNormal(*prior, lower, upper), meaning, source, group
    )


_ROWS = (
    _bounded("canopy_efficiency", "c_eff", "1", (2.0, 100.0), (18.0, 0.4),
             "Photosynthetic efficiency, nitrogen times rate, in the aggregated canopy model",
             "W97, DALEC993"),
    _share("autotrophic_fraction", "f_auto", (0.1, 0.9), (0.5, 0.5),
           "Autotrophic respiration over GPP; one minus carbon use efficiency", "C&P19, DALEC993"),
    _share("allocation_wood", "a_wood", (0.0, 1.0), (0.42, 0.7),
           "Share of NPP given to wood, coarse roots included", "own"),
    Parameter("canopy_to_root_allocation", "a_can/a_root", "1", 1e-3, 1e3, LogNormal(0.75, 0.6),
              "NPP given to foliage and labile over NPP given to fine roots", "own, B&W15"),
    _share("direct_foliage_share", "a_fol/a_can", (0.0, 1.0), (0.45, 0.9),
           "Part of canopy allocation that becomes foliage at once; the rest is stored as labile "
           "carbon until spring", "own"),
    Parameter("leaf_carbon_per_area", "LCMA", "g C m-2", 5.0, 400.0, LogNormal(80.0, 0.4),
              "Leaf carbon per leaf area", "DALEC993"),
    Parameter("leaf_lifespan", "L_leaf", "yr", 1.001, 50.0, LogNormal(2.5, 0.7, lower=1.0),
              "Leaf lifespan, which sets the fraction of foliage shed each autumn", "B&W15"),
    Parameter("labile_lifespan", "L_lab", "yr", 1.001, 50.0, LogNormal(1.8, 0.7, lower=1.0),
              "Lifespan of the labile store, which sets the fraction released each spring",
              "B&W15"),
    Parameter("leaf_onset_day", "D_onset", "day of year", -366.0, 732.0, Normal(120.0, 25.0),
              "Day of peak labile release; a point on the yearly circle", "B&W15"),
    Parameter("leaf_fall_day", "D_fall", "day of year", -366.0, 732.0, Normal(270.0, 30.0),
              "Day of peak leaf fall; a point on the yearly circle", "B&W15"),
    _bounded("labile_release_period", "P_lab", "d", (10.0, 200.0), (45.0, 0.3),
             "Length of the labile release", "B&W15"),
    _bounded("leaf_fall_period", "P_fall", "d", (10.0, 300.0), (80.0, 0.3),
             "Length of the leaf fall", "B&W15"),
    _bounded("wood_residence_time", "tau_wood", "yr", (2.7, 500.0), (60.0, 0.8),
             "Mean residence time of carbon in wood, fire apart", "own (boreal: 20 to 300 yr)"),
    _bounded("root_residence_time", "tau_root", "yr", (0.25, 30.0), (1.4, 0.7),
             "Mean residence time of fine-root carbon", "DALEC993"),
    _bounded("litter_residence_time", "tau_lit", "yr", (0.2, 30.0), (1.4, 0.8),
             "Residence time of litter against respiration alone, at mean climate", "DALEC993"),
    _bounded("litter_decomposition_time", "tau_dec", "yr", (0.2, 300.0), (2.7, 1.0),
             "Residence time of litter against transfer to soil alone, at mean climate",
             "DALEC993"),
    _bounded("som_residence_time", "tau_som", "yr", (2.7, 3e4), (90.0, 1.0),
             "Mean residence time of soil organic matter at mean climate", "DALEC993"),
    _bounded("temperature_sensitivity", "Q", "degC-1", (0.01, 0.12), (0.05, 0.3),
             "Exponent of heterotrophic rates against temperature; true Q10 = exp(10 Q)",
             "DALEC993"),
    _share("moisture_sensitivity", "s_moist", (0.0, 1.0), (0.1, 1.0),
           "Weight of precipitation over its mean in heterotrophic rates", "DALEC993"),
    _bounded("underlying_water_use_efficiency", "uWUE", "g C hPa0.5 (kg H2O)-1", (0.5, 50.0),
             (10.0, 0.4), "Underlying water use efficiency of transpiration", "DALEC993"),
    _bounded("radiative_evaporation", "r_evap", "mm m2 MJ-1", (0.001, 0.3), (0.03, 0.5),
             "Evaporation per unit of shortwave radiation", "DALEC993"),
    _bounded("field_capacity", "W_fc", "mm", (20.0, 2000.0), (200.0, 0.35),
             "Root-zone water at which stress ends; 100 to 400 mm in most soils", "own"),
    _share("wilting_fraction", "f_wilt", (0.0, 0.9), (0.15, 0.7),
           "Wilting point over field capacity", "DALEC993"),
    _bounded("drainage_storage", "W_1", "mm", (10.0, 5000.0), (245.0, 0.35),
             "Root-zone water at which drainage is 1 mm d-1; drainage = (W / W_1)^2 mm d-1", "own"),
    Parameter("initial_lai", "LAI_0", "m2 m-2", 0.001, 50.0, LogNormal(1.8, 0.6),
              "LAI at the start; initial foliage = LAI_0 LCMA", "own", "initial"),
    Parameter("initial_labile", "C_lab0", "g C m-2", 0.1, 1e4, LogNormal(100.0, 0.8),
              "Labile carbon at the start", "DALEC993", "initial"),
    Parameter("initial_root", "C_root0", "g C m-2", 0.1, 1e4, LogNormal(200.0, 0.8),
              "Fine-root carbon at the start", "DALEC993", "initial"),
    Parameter("initial_wood", "C_wood0", "g C m-2", 0.1, 3e5, LogNormal(5000.0, 0.8),
              "Wood carbon at the start, coarse roots included", "own", "initial"),
    Parameter("initial_litter", "C_lit0", "g C m-2", 0.1, 1e5, LogNormal(250.0, 1.0),
              "Litter carbon at the start", "DALEC993", "initial"),
    Parameter("initial_som", "C_som0", "g C m-2", 1.0, 3e5, LogNormal(10000.0, 0.8),
              "Soil organic carbon at the start", "own", "initial"),
    Parameter("initial_saturation", "W_0/W_fc", "1", 0.01, 50.0, LogNormal(1.0, 0.35),
              "Root-zone water at the start over field capacity", "own", "initial"),
    _share("foliar_combustion", "cf_fol", (0.0, 1.0), (0.6, 0.7),
           "Combustion completeness of foliage", "DALEC993", "fire"),
    _share("ligneous_combustion", "cf_lig", (0.0, 1.0), (0.2, 0.7),
           "Combustion completeness of labile, root and wood carbon", "DALEC993", "fire"),
    _share("dead_combustion", "cf_dom", (0.0, 1.0), (0.15, 0.7),
           "Combustion completeness of soil organic matter; litter takes the mean of foliage and "
           "wood", "DALEC993", "fire"),
    _share("fire_resilience", "r_fire", (0.0, 1.0), (0.5, 0.7),
           "Share of unburnt carbon in the burnt area that survives", "DALEC993", "fire"),
    Parameter("regrowth_labile", "C_lab(0)", "g C m-2", 0.1, 1e4, LogNormal(200.0, 0.3),
              "Labile carbon just after the disturbance", "own", "regrowth"),
    Parameter("regrowth_lai", "LAI(0)", "m2 m-2", 0.001, 50.0, LogNormal(1.5, 0.3),
              "LAI of all that grows soon after the disturbance, herbs and shrubs too. The canopy "
              "model's light use begins as LAI squared: a stand that begins far below half "
              "saturation, an LAI of 1.4, stagnates or dies out, and the prior keeps clear of that",
              "own", "regrowth"),
    Parameter("regrowth_root", "C_root(0)", "g C m-2", 0.1, 1e4, LogNormal(16.0, 0.6),
              "Fine roots just after the disturbance", "own (5 to 50)", "regrowth"),
    Parameter("regrowth_wood", "C_wood(0)", "g C m-2", 0.1, 3e5, LogNormal(22.0, 0.75),
              "Living wood just after the disturbance", "own (5 to 100)", "regrowth"),
    *(
        Parameter(f"{pool}_departure", f"d_{short}", "1", -5.0, 5.0, Normal(0.0, sd),
                  f"Logarithm of {text} at the start over that of the regrowth at the stand's age",
                  "own", "departure")
        for pool, short, text, sd in (
            ("labile", "lab", "labile carbon", 0.5), ("foliage", "fol", "foliage", 0.5),
            ("root", "root", "fine roots", 0.3), ("wood", "wood", "wood", 0.2),
        )
    ),
)  # fmt: skip

TABLE: dict[str, Parameter] = {row.name: row for row in _ROWS}


def names_in(*groups: str) -> frozenset[str]:
    """Names of the parameters of some groups."""
    return frozenset(name for name, row in TABLE.items() if row.group in groups)


def parameter(name: str) -> Parameter:
    """Row of the table for one parameter.

    Raises
    ------
    InputError
        The name is not in the table; the message lists those that are.
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
