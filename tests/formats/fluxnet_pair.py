"""A daily and a half-hourly table of FLUXNET2015 (FULLSET), made of a site, with a BIF.

Column names are the product's. Half-hours follow a cosine with the day's extremes at 04:00 and
16:00, the sun a half sine from 06:00 to 18:00, rain falls at noon, and the rest is constant. Days
without an observation of NEE or ET hold a value too, as the product does: filled, of quality 0.2.
"""

import shutil
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from bayes_tbm.sites import Site
from bayes_tbm.units import CARBON_MOLAR_MASS, LATENT_HEAT

CODE = "XX-Twn"
GAP = -9999.0
LATENT = LATENT_HEAT / 0.0864
CARBON = CARBON_MOLAR_MASS * 0.0864
RANDOM = 0.8  # share of an error that is random: 0.8^2 + 0.6^2 = 1
GOOD, FILLED = 46, 10  # half-hours of 48 measured or filled well, on days observed and not
PERCENTILES = ("05", "16", "25", "50", "75", "84", "95")


@dataclass(frozen=True)
class Pair:
    """The files."""

    daily: Path
    fine: Path
    bif: Path

    def copied(self, folder: Path) -> "Pair":
        """Copy them into a folder, to be changed there."""
        files = (self.daily, self.fine, self.bif)
        return Pair(*(Path(shutil.copy(path, folder)) for path in files))


def write_pair(site: Site, folder: Path, *, code: str = CODE, per_day: int = 48) -> Pair:
    """Write a site as the product would."""
    drivers = site.drivers
    years = "-".join(str(day)[:4] for day in drivers["time"].values[[0, -1]])
    stem = f"FLX_{code}_FLUXNET2015_FULLSET_{{}}_{years}_1-4.csv"
    fine_name = "HH" if per_day == 48 else "HR"
    bif = f"FLX_{code}_FLUXNET2015_BIF_{years}_1-4.csv"
    pair = Pair(*(folder / name for name in (stem.format("DD"), stem.format(fine_name), bif)))
    columns = daily_columns(site, per_day)
    frame = pd.DataFrame(columns).reindex(columns=daily_names(), fill_value=GAP)
    _write(frame, pair.daily)
    _write(half_hours(site, columns, per_day), pair.fine)
    rows = [("LOCATION_LAT", site.latitude), ("LOCATION_LONG", site.longitude or 0.0)]
    lines = [f"{code},1,GRP_LOCATION,{name},{value!r}" for name, value in rows]
    pair.bif.write_text("\n".join(["SITE_ID,GROUP_ID,VARIABLE_GROUP,VARIABLE,DATAVALUE", *lines]))
    return pair


def daily_columns(site: Site, per_day: int = 48) -> dict[str, np.ndarray]:
    """Return the columns of the daily table that hold values."""
    drivers = site.drivers
    days = drivers["time"].values.astype("datetime64[D]")
    warmth = temperature_cycle(drivers, per_day).mean(axis=1)
    columns = {
        "TIMESTAMP": pd.DatetimeIndex(days).strftime("%Y%m%d"),
        "TA_F": warmth, "TA_F_DAY": warmth + 0.8, "TA_F_NIGHT": warmth - 0.8,
        "SW_IN_F": drivers["shortwave"].values / 0.0864, "VPD_F": drivers["vpd"].values,
        "P_F": drivers["precipitation"].values, "CO2_F_MDS": drivers["co2"].values,
    }  # fmt: skip
    columns |= {f"{n}_QC": np.ones(days.size) for n in ("TA_F", "SW_IN_F", "VPD_F", "P_F")}
    columns["CO2_F_MDS_QC"] = np.full(days.size, 0.9)
    seen = {name: _on_days(site, name, days) for name in ("nee", "gpp", "et")}
    nee, nee_sd, nee_known = seen["nee"]
    columns |= {
        "NEE_VUT_REF": nee, "NEE_VUT_REF_QC": np.where(nee_known, GOOD, FILLED) / 48,
        "NEE_VUT_REF_RANDUNC": RANDOM * nee_sd, "NEE_VUT_REF_JOINTUNC": nee_sd,
        "NEE_VUT_16": nee - 0.6 * nee_sd, "NEE_VUT_84": nee + 0.6 * nee_sd,
    }  # fmt: skip
    # Quality is that of NEE: GPP observed on other days is lost, and must not be made up.
    gpp, gpp_sd, gpp_known = seen["gpp"]
    gpp = np.where(nee_known & ~gpp_known, np.nan, gpp)
    rest = np.sqrt(np.clip(gpp_sd**2 - (RANDOM * nee_sd) ** 2, 0, None))
    for name, value in (("GPP", gpp), ("RECO", gpp + nee)):
        columns[f"{name}_NT_VUT_REF"] = value
        columns[f"{name}_DT_VUT_REF"] = value + 2 * RANDOM * rest
        columns[f"{name}_NT_VUT_16"] = value - 0.6 * rest
        columns[f"{name}_NT_VUT_84"] = value + 0.6 * rest
    et, et_sd, et_known = seen["et"]
    columns |= {
        "LE_F_MDS": et * LATENT, "LE_F_MDS_QC": np.where(et_known, GOOD, FILLED) / 48,
        "LE_RANDUNC": et_sd * LATENT, "LE_CORR": 1.2 * et * LATENT,
    }  # fmt: skip
    return columns


def half_hours(site: Site, daily: dict[str, np.ndarray], per_day: int = 48) -> pd.DataFrame:
    """Return half-hours whose days are those of the daily table."""
    drivers = site.drivers
    step = np.timedelta64(1440 // per_day, "m")
    days = drivers["time"].values.astype("datetime64[D]")
    start = (days[:, None].astype("datetime64[m]") + np.arange(per_day) * step).ravel()
    hour = (np.arange(per_day) + 0.5) * 24 / per_day
    sun = np.clip(np.sin(np.pi * (hour - 6) / 12), 0, None)
    noon = np.arange(per_day) == per_day // 2

    def over_day(values: np.ndarray, shape: np.ndarray) -> np.ndarray:
        return np.outer(values, shape).ravel()

    flat = np.ones(per_day)
    well = np.arange(per_day) < GOOD * per_day / 48
    columns = {
        "TIMESTAMP_START": pd.DatetimeIndex(start).strftime("%Y%m%d%H%M"),
        "TIMESTAMP_END": pd.DatetimeIndex(start + step).strftime("%Y%m%d%H%M"),
        "TA_F": temperature_cycle(drivers, per_day).ravel(),
        "TA_F_QC": over_day(np.ones(days.size), 2.0 * ~well),
        "SW_IN_F": over_day(daily["SW_IN_F"], sun / sun.mean()),
        "VPD_F": over_day(daily["VPD_F"], 0.5 + sun / sun.mean() / 2),
        "P_F": over_day(daily["P_F"], noon), "CO2_F_MDS": over_day(daily["CO2_F_MDS"], flat),
    }  # fmt: skip
    carbon = [name for name in daily if name.startswith(("NEE", "GPP", "RECO"))]
    for name in [*carbon, "LE_F_MDS", "LE_CORR", "LE_RANDUNC"]:
        unit = CARBON if name in carbon else 1.0
        if not name.endswith(("_QC", "UNC")):
            columns[name] = over_day(daily[name] / unit, flat)
    for flux, of in (("NEE_VUT_REF", "NEE_VUT_REF"), ("LE_F_MDS", "LE")):
        observed = daily[f"{flux}_QC"] > 0.5
        count = np.where(observed, GOOD, FILLED) * per_day // 48
        flag = np.where(np.arange(per_day) < count[:, None], np.arange(per_day) % 2, 2)
        columns[f"{flux}_QC"] = flag.ravel()
        measured = (flag == 0).sum(axis=1)
        unit = CARBON if flux.startswith("NEE") else 1.0
        error = daily[f"{of}_RANDUNC"] * np.sqrt(measured) / unit
        columns[f"{of}_RANDUNC"] = np.where(flag == 0, error[:, None], GAP).ravel()
    return pd.DataFrame(columns)


def temperature_cycle(drivers, per_day: int) -> np.ndarray:
    """Return temperature by day and half-hour: lowest at 04:00, highest at 16:00."""
    hour = np.arange(per_day) * 24 / per_day
    shape = (1 - np.cos(2 * np.pi * (hour - 4) / 24)) / 2
    low, high = drivers["t_min"].values[:, None], drivers["t_max"].values[:, None]
    return low + (high - low) * shape


def _on_days(site: Site, name: str, days: np.ndarray):
    """Return value and sd on every day, and where observed; elsewhere something filled."""
    seen = site.observations[name]
    known = np.isin(days, seen.time.astype("datetime64[D]"))
    value = np.full(days.size, 1.5 * float(np.mean(seen.value)))
    sd = np.full(days.size, float(np.median(seen.sd)))
    value[known], sd[known] = seen.value, seen.sd
    return value, sd, known


def daily_names() -> list[str]:
    """Return the 322 columns of a daily or monthly FULLSET, in their order."""
    parts = ("", "_NIGHT", "_NIGHT_SD", "_NIGHT_QC", "_DAY", "_DAY_SD", "_DAY_QC")
    names = ["TIMESTAMP", "TA_F_MDS", "TA_F_MDS_QC", *(f"TA_F_MDS{part}" for part in parts[1:])]
    names += [f"TA_ERA{part}" for part in parts if not part.endswith("QC")]
    names += ["TA_F", "TA_F_QC", *(f"TA_F{part}" for part in parts[1:])]
    names += """SW_IN_POT SW_IN_F_MDS SW_IN_F_MDS_QC SW_IN_ERA SW_IN_F SW_IN_F_QC LW_IN_F_MDS
        LW_IN_F_MDS_QC LW_IN_ERA LW_IN_F LW_IN_F_QC LW_IN_JSB LW_IN_JSB_QC LW_IN_JSB_ERA
        LW_IN_JSB_F LW_IN_JSB_F_QC VPD_F_MDS VPD_F_MDS_QC VPD_ERA VPD_F VPD_F_QC PA_ERA PA_F
        PA_F_QC P_ERA P_F P_F_QC WS_ERA WS_F WS_F_QC USTAR USTAR_QC NETRAD NETRAD_QC PPFD_IN
        PPFD_IN_QC PPFD_DIF PPFD_DIF_QC SW_OUT SW_OUT_QC LW_OUT LW_OUT_QC CO2_F_MDS CO2_F_MDS_QC
        TS_F_MDS_1 TS_F_MDS_2 TS_F_MDS_1_QC TS_F_MDS_2_QC G_F_MDS G_F_MDS_QC LE_F_MDS LE_F_MDS_QC
        LE_CORR LE_RANDUNC H_F_MDS H_F_MDS_QC H_CORR H_RANDUNC EBC_CF_N EBC_CF_METHOD NIGHT_D
        DAY_D NIGHT_RANDUNC_N DAY_RANDUNC_N""".split()  # noqa: SIM905
    cuts, errors = ("CUT", "VUT"), ("", "_QC", "_RANDUNC", "_JOINTUNC")
    for reference in ("REF", "USTAR50"):
        names += [f"NEE_{cut}_{reference}{error}" for error in errors for cut in cuts]
    names += [f"NEE_{cut}_{kind}" for kind in ("MEAN", "MEAN_QC", "SE") for cut in cuts]
    names += _by_percentile(("", "_QC"))
    for reference in ("REF", "USTAR50"):
        for part in ("NIGHT", "DAY"):
            names += [
                f"NEE_{cut}_{reference}_{part}{error}"
                for error in ("", "_SD", *errors[1:])
                for cut in cuts
            ]
    names += _by_percentile(("_NIGHT", "_NIGHT_QC", "_DAY", "_DAY_QC"))
    for method in ("NT", "DT"):
        for flux in ("RECO", "GPP"):
            for cut in ("VUT", "CUT"):
                kinds = ("REF", "USTAR50", "MEAN", "SE", *PERCENTILES)
                names += [f"{flux}_{method}_{cut}_{kind}" for kind in kinds]
    return [*names, "RECO_SR", "RECO_SR_N"]


def _by_percentile(endings: tuple[str, ...]) -> list[str]:
    return [
        f"NEE_{cut}_{percentile}{ending}"
        for ending in endings
        for cut in ("CUT", "VUT")
        for percentile in PERCENTILES
    ]


def _write(frame: pd.DataFrame, path: Path) -> None:
    frame.fillna(GAP).to_csv(path, index=False, float_format="%.6g")
