"""What a site holds: names of drivers and of series, and the label of our own format."""

DRIVERS = (
    "t_min", "t_max", "shortwave", "co2", "day_of_year", "burned_fraction", "vpd",
    "precipitation", "step_length", "days",
)  # fmt: skip
"""Variables of `Site.drivers`, in the order that `Site.data_hash` reads them."""
LONG_NAMES = {
    "t_min": "daily minimum air temperature, mean over the step",
    "t_max": "daily maximum air temperature, mean over the step",
    "shortwave": "downward shortwave radiation",
    "co2": "atmospheric carbon dioxide mole fraction",
    "day_of_year": "day of year",
    "burned_fraction": "fraction of the area burned in the step",
    "vpd": "vapour pressure deficit",
    "precipitation": "precipitation, rain and snow",
    "step_length": "length of the step",
    "days": "days since 2001-01-01 00:00, middle of the step",
    "gpp": "gross primary production",
    "nee": "net ecosystem exchange, positive to the atmosphere",
    "nbe": "net biospheric exchange, fire included, positive to the atmosphere",
    "reco": "ecosystem respiration",
    "et": "evapotranspiration",
    "lai": "leaf area index",
    "live_biomass": "carbon in live biomass, all pools",
    "wood": "carbon in wood",
    "som": "carbon in soil organic matter",
}
FORMAT = "bayes_tbm site 1"
"""Global attribute ``format`` of our own netCDF files."""
TIME_UNITS = "days since 2001-01-01 00:00:00"
