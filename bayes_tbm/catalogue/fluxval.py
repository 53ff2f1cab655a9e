"""The towers of CARDAMOM-FLUXVAL that open by name: a table, read when it is first asked for."""

import csv
import functools
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import resources
from types import MappingProxyType

from bayes_tbm.errors import InputError, did_you_mean, nearest

PREFIX = "fluxval:"


def packaged_rows(file: str) -> list[dict[str, str]]:
    """Return the rows of a table that lies beside this module."""
    text = resources.files("bayes_tbm.catalogue").joinpath(file).read_text(encoding="utf-8")
    return list(csv.DictReader(text.splitlines()))


@dataclass(frozen=True)
class Tower:
    """A tower and its published files.

    Attributes
    ----------
    site : str
        As FLUXNET calls it.
    row : int
        Its row in ``location_fluxnet.csv``: the number of its ``flux_site_N.cbf``.
    latitude, longitude : float
        Degrees north and east.
    land_cover : str
        IGBP class.
    sha256, validation_sha256 : str
        Of the file, and of the table of its second half; empty where there is none.
    """

    site: str
    row: int
    latitude: float
    longitude: float
    land_cover: str
    sha256: str
    validation_sha256: str


@functools.cache
def towers() -> Mapping[str, Tower]:
    """Return the towers by site."""
    found = (
        Tower(
            one["site"], int(one["row"]), float(one["latitude"]), float(one["longitude"]),
            one["land_cover"], one["sha256"], one["validation_sha256"],
        )
        for one in packaged_rows("fluxval.csv")
    )  # fmt: skip
    return MappingProxyType({tower.site: tower for tower in found})


def unknown_tower(site: str) -> InputError:
    """Return the error of a name that is of none of the towers."""
    rule = "is no tower of FLUXVAL that opens by name"
    alike = nearest(site.removeprefix(PREFIX), towers())
    remedy = did_you_mean(site.removeprefix(PREFIX), towers()) if alike else "see bayes-tbm sites"
    return InputError(where=site, rule=rule, remedy=remedy)
