"""What a user may state of a file that does not tell it itself, and how strictly to read it."""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, kw_only=True)
class Reading:
    """Options of reading; each reader takes those that concern its format.

    Parameters
    ----------
    site : str, optional
        Name of the site, where a file holds several or none.
    latitude, longitude : float, optional
        Degrees north and east.
    first_year : int, optional
        Year of the first row, where a file tells only the day of the year or of the run.
    half_hourly : pathlib.Path, optional
        Half-hourly or hourly table of the same tower, for daily extremes of temperature.
    quality : float
        Least share of a step's values that must be measured, or filled well, in 0 to 1.
    closure : bool
        Whether latent heat is that corrected for energy balance closure.
    fill_co2 : bool
        Whether gaps of CO2 are filled: in time by straight lines, at the ends by the nearest value.
    fill_uncertainty : bool
        Whether missing uncertainties of fluxes are made from those of other years.
    scale : float, optional
        Number that turns stored integers into values, where the file does not state it.
    progress : bool
        Whether to show a bar on long files.
    """

    site: str | None = None
    latitude: float | None = None
    longitude: float | None = None
    first_year: int | None = None
    half_hourly: Path | None = None
    quality: float = 0.75
    closure: bool = False
    fill_co2: bool = False
    fill_uncertainty: bool = False
    scale: float | None = None
    progress: bool = False
