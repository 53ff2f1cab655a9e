"""Physical constants, and the canonical unit of everything a site holds."""

DAYS_PER_YEAR = 365.25
"""Mean Julian year [d]; the period of the DALEC phenology."""
DAYS_PER_MONTH = DAYS_PER_YEAR / 12
"""Mean month [d]: 30.4375, the step of CARDAMOM's monthly files."""
SECONDS_PER_DAY = 86400.0
CARBON_FRACTION = 0.47
"""Carbon in dry wood [g C per g dry matter]; IPCC 2006 Guidelines, vol. 4, table 4.3."""
CARBON_MOLAR_MASS = 12.011
"""Standard atomic weight of carbon [g mol-1]; IUPAC 2021."""
OXYGEN_MOLAR_MASS = 15.999
HYDROGEN_MOLAR_MASS = 1.008
LATENT_HEAT = 2.45
"""Latent heat of vaporisation of water at 20 degC [MJ kg-1]; Allen et al. (1998, FAO 56)."""
GRAMS_PER_M2_IN_MEGAGRAMS_PER_HA = 100.0
"""1 Mg ha-1 = 1e6 g / 1e4 m2."""

FLUX, STOCK = "g C m-2 d-1", "g C m-2"
UNITS: dict[str, str] = {
    "t_min": "degC",
    "t_max": "degC",
    "shortwave": "MJ m-2 d-1",
    "co2": "ppm",
    "day_of_year": "d",
    "burned_fraction": "1",
    "vpd": "hPa",
    "precipitation": "mm d-1",
    "step_length": "d",
    "days": "d",
    "latitude": "degrees_north",
    "longitude": "degrees_east",
    **dict.fromkeys(("gpp", "nee", "nbe", "reco"), FLUX),
    "et": "mm d-1",
    "lai": "m2 m-2",
    **dict.fromkeys(("live_biomass", "wood", "som"), STOCK),
}
"""Canonical unit of every driver and observed variable."""
