"""What CalLMIP phase 1b asks of a file: names, units, sites, scenarios, attributes.

Source: CalLMIP Phase 1 Protocol v2, and the example file that its organisers give.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from numpy.typing import NDArray

from bayes_tbm.units import LATENT_HEAT

Array = NDArray[Any]
PHASE = "Phase1b"
FILL = 1e38
SCENARIOS: dict[str, tuple[str, ...]] = {
    "Scen1": ("NEE", "LE", "H"),
    "Scen2": ("NEE",),
    "Scen3": ("LE",),
    "Scen4": ("H",),
    "Scen5": ("NEE", "LE"),
    "Scen6": ("LE", "H"),
}
"""What each scenario calibrates on."""
OPTIMISED = {"NEE": "nep", "LE": "hfls", "H": "hfss"}
"""The variable whose posterior uncertainty is asked for, by what is calibrated on."""
STAGES = ("Prior", "Posterior")
SPLITS = {"Cal": "Calibration", "Val": "Validation"}
_CALIBRATION = """
CA-Qfo CH-Dav DE-Gri DE-Hai DE-Tha DK-Sor FI-Hyy FR-Pue IT-Lav IT-MBo IT-Noe NL-Loo RU-Fyo US-MMS
US-NR1 US-SRG US-SRM US-Ton US-Var US-Whs US-Wkg
"""
_VALIDATION = "AU-ASM AU-How AU-Stp AU-Tum CH-Cha US-FPe US-GLE US-Ha1 US-Me2 US-UMB"
SITES = {"Cal": frozenset(_CALIBRATION.split()), "Val": frozenset(_VALIDATION.split())}
FILE_NAME = re.compile(
    r"(?P<model>[^_].*)\.(?P<version>[^._]+)_(?P<phase>Phase1[ab])_(?P<scenario>Scen[1-6])"
    r"_(?P<site>[A-Z]{2}-[A-Za-z0-9]{3})_(?P<split>Cal|Val)_(?P<stage>Prior|Posterior)\.nc"
)
SITE_CODE = re.compile(r"[A-Z]{2}-[A-Za-z0-9]{3}")

_CARBON, _WATER, _HEAT, _STOCK = "kgC m-2 s-1", "kg m-2 s-1", "W m-2", "kg m-2"
_NONE = "the model has no such quantity"


@dataclass(frozen=True)
class Output:
    """One variable of an entry.

    Attributes
    ----------
    name, unit, long_name
        Of the protocol.
    least, most
        Values beyond these are not plausible, in the unit.
    of
        The series from those of CMIP6 names, which are in the same units, and the share of wood
        that is above ground; None where the model has none.
    note
        What the values are.
    other_units
        Ways to write the unit that are taken too.
    required
        Whether a file must have it.
    """

    name: str
    unit: str
    long_name: str
    least: float
    most: float
    of: Callable[[Mapping[str, Array], float], Array] | None = None
    note: str = _NONE
    other_units: tuple[str, ...] = ()
    required: bool = True


_TABLE = (
    Output("nep", _CARBON, "net ecosystem production, positive into the land", -6e-7, 6e-7,
           lambda s, _: s["nep"], "gpp - reco, without fire"),
    Output("hfls", _HEAT, "latent heat flux", -150.0, 500.0, lambda s, _: s["hfls"],
           f"evapotranspiration times {LATENT_HEAT} MJ kg-1"),
    Output("hfss", _HEAT, "sensible heat flux", -300.0, 600.0),
    Output("gpp", _CARBON, "gross primary production", -3e-8, 6e-7, lambda s, _: s["gpp"], ""),
    Output("reco", _CARBON, "ecosystem respiration", -3e-8, 6e-7,
           lambda s, _: s["ra"] + s["rh"], "autotrophic and heterotrophic respiration"),
    Output("tran", _WATER, "transpiration", -2e-5, 2e-4, lambda s, _: s["tran"],
           "the part of evapotranspiration that goes with gpp"),
    Output("evspsblsoi", _WATER, "evaporation from soil, sublimation included", -5e-5, 2e-4,
           lambda s, _: s["evspsblsoi"],
           "the part of evapotranspiration that goes with shortwave radiation: it stands for soil, "
           "intercepted water and snow together"),
    Output("hfg", _HEAT, "ground heat flux", -300.0, 300.0, required=False),
    Output("ts", "K", "surface temperature", 200.0, 345.0),
    Output("lai", "m2 m-2", "leaf area index", 0.0, 15.0, lambda s, _: s["lai"], "",
           other_units=("1",)),
    Output("cLiveBioAbove", _STOCK, "carbon in live biomass above ground", 0.0, 150.0,
           lambda s, share: s["cLeaf"] + share * s["cWood"],
           "leaves and {above_ground:g} of wood, which holds stems, branches and coarse roots; "
           "labile carbon left out"),
    Output("cSoil", _STOCK, "carbon in soil", 0.0, 300.0, lambda s, _: s["cSoil"],
           "soil organic matter and dead wood, without the litter pool"),
    Output("mrso", _STOCK, "water in the soil column", 0.0, 20_000.0, lambda s, _: s["mrso"],
           "water of the root zone, which is all the soil the model has"),
    Output("mrsos", _STOCK, "water in the top 10 cm of soil", 0.0, 110.0),
)  # fmt: skip
OUTPUTS: dict[str, Output] = {output.name: output for output in _TABLE}
"""Variables of an entry by name."""
NEEDED = ("nep", "hfls", "gpp", "ra", "rh", "tran", "evspsblsoi", "lai", "cLeaf", "cWood", "cSoil",
          "mrso")  # fmt: skip
"""CMIP6 names that they are made of."""


def uncertainty_of(name: str) -> str:
    """Name of the posterior uncertainty of a variable."""
    return f"{name}_post_unc"
