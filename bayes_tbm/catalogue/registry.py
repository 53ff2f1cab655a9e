"""Sites that can be opened by name: where they are published, their SHA-256, and where they lie.

With the environment variable ``BAYES_TBM_DATA`` naming a folder, files are taken from there (by
one of the paths below or directly) and the network is never touched; else pooch fetches them once.
"""

import hashlib
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import pooch

from bayes_tbm.catalogue.fluxval import PREFIX, towers
from bayes_tbm.errors import InputError

DATA_VARIABLE = "BAYES_TBM_DATA"
_DIFFERLAND = "https://raw.githubusercontent.com/JianingFang/DifferLand_v1.0/d951012/drivers"
_CARDAMOM = "https://raw.githubusercontent.com/CARDAMOM-framework/CARDAMOM/952d8c0"
_FLUXVAL = f"{_CARDAMOM}/DATA/CARDAMOM-FLUXVAL_v1.0"
_DEMO = "DATA/CARDAMOM_DEMO_DRIVERS_prototype_1005.cbf.nc"
_NR1 = (
    "PYTHON/Point_Run_Tutorial/"
    "fluxval_US-NR1_1100_ABGB_ET_GPP_mLAI_NBE_SCF_SOM_SHORT_REDUCED_UNC.cbf.nc"
)
ACKNOWLEDGEMENT = "FLUXNET2015 data, CC BY 4.0"


@dataclass(frozen=True)
class RemoteFile:
    """A published file and the place of its tower; ``also`` is where else it may lie."""

    path: str
    url: str
    sha256: str
    latitude: float
    longitude: float
    land_cover: str
    also: tuple[str, ...] = ()


def _differland() -> dict[str, RemoteFile]:
    rows = (
        ("BE-Vie", 50.30493, 5.99812, "MF",
         "b61c108f2d8bc2b56b3b1d47bed2cabdbce37cdee231a0cfa9582ccb12acce35"),
        ("DE-Hai", 51.07921, 10.45217, "DBF",
         "e6c7f691f75355e0469e5c69efda6402f4353f87bd8ffe2f38749521030d6747"),
        ("FI-Hyy", 61.84741, 24.29477, "ENF",
         "5a3df71b9dd3562e5d3206844425ad12260734e86c870c214efdb5b430c764b8"),
        ("RU-Fyo", 56.46153, 32.92208, "ENF",
         "742ad944dfb67c045eccd093afd4aabae6529f8f0404f9b6b4c2176026b98e52"),
        ("US-Ha1", 42.5378, -72.1715, "DBF",
         "5c506b479e2cb4bc6b7587b7044bbf1eb47298487a8fc27859ab0e7f62bb6998"),
        ("US-MMS", 39.3232, -86.4131, "DBF",
         "139c0f6b11eb7218493d6c12bfdd68fee3e15a1daf66e184b7bfd4c7144182c4"),
    )  # fmt: skip
    return {
        name: RemoteFile(f"daily/{name}.nc", f"{_DIFFERLAND}/{name}.nc", sha, lat, lon, cover)
        for name, lat, lon, cover, sha in rows
    }


def _fluxval() -> dict[str, RemoteFile]:
    return {
        f"{PREFIX}{site}": RemoteFile(
            f"fluxval/{site}.cbf", f"{_FLUXVAL}/cbf_files/flux_site_{one.row}.cbf", one.sha256,
            one.latitude, one.longitude, one.land_cover, also=(f"population/fluxval/{site}.cbf",),
        )
        for site, one in towers().items()
    }  # fmt: skip


def _second_halves() -> dict[str, RemoteFile]:
    return {
        f"{PREFIX}{site}": RemoteFile(
            f"fluxval/validation_{site}.csv", f"{_FLUXVAL}/validation_data/validation_{site}.csv",
            one.validation_sha256, one.latitude, one.longitude, one.land_cover,
            also=(f"population/validation/{site}.csv",),
        )
        for site, one in towers().items()
        if one.validation_sha256
    }  # fmt: skip


# The demo's own latitude is 40.25, the half-degree pixel of US-NR1, whose fluxes it holds.
REGISTRY: dict[str, RemoteFile] = {
    **_differland(),
    **_fluxval(),
    "cardamom:demo": RemoteFile(
        "cardamom_demo_1005.cbf.nc", f"{_CARDAMOM}/{_DEMO}",
        "fce221c6fe982b35775c2317e8efb8e3e930667c2a7b407857e5ac15781971d2",
        40.0329, -105.5464, "ENF",
    ),
    "cardamom:US-NR1": RemoteFile(
        "cardamom_US-NR1_1100.cbf.nc", f"{_CARDAMOM}/{_NR1}",
        "849b31bd515546ae8083b8334aaff51d1d2db886e87442fa115a6bfe149fcce1",
        40.0329, -105.5464, "ENF",
    ),
}  # fmt: skip
"""Every file that can be opened by name."""
SECOND_HALVES = _second_halves()
"""The table of the second half of a tower's record, by the name that opens the first."""


def fetch(name: str, registry: Mapping[str, RemoteFile] = REGISTRY) -> Path:
    """Return the local path of a registered file, fetched and verified.

    Parameters
    ----------
    name : str
        Key of the registry.
    registry : mapping of str to RemoteFile
        `REGISTRY`, or `SECOND_HALVES`.

    Raises
    ------
    InputError
        If the file is not in the folder named by ``BAYES_TBM_DATA``, cannot be fetched, or has
        another SHA-256.
    """
    entry = registry[name]
    folder = os.environ.get(DATA_VARIABLE)
    if folder:
        return _local(name, entry, Path(folder))
    store = pooch.create(
        path=pooch.os_cache("bayes_tbm"),
        base_url="",
        registry={entry.path: f"sha256:{entry.sha256}"},
        urls={entry.path: entry.url},
    )
    try:
        return Path(store.fetch(entry.path))
    except (OSError, ValueError) as error:  # requests' errors are OSError; a wrong hash ValueError
        remedy = f"name a folder that holds {entry.path} in {DATA_VARIABLE} to work offline"
        rule = f"cannot be fetched from {entry.url} ({error})"
        raise InputError(where=name, rule=rule, remedy=remedy) from error


def _local(name: str, entry: RemoteFile, folder: Path) -> Path:
    places = (entry.path, *entry.also, Path(entry.path).name)
    candidates = (folder / place for place in places)
    path = next((path for path in candidates if path.is_file()), None)
    if path is None:
        rule = f"{entry.path} is not in the folder that {DATA_VARIABLE} names"
        remedy = f"put it there, or unset {DATA_VARIABLE} to fetch it"
        raise InputError(where=name, rule=rule, found=f"no file in {folder}", remedy=remedy)
    found = hashlib.sha256(path.read_bytes()).hexdigest()
    if found != entry.sha256:
        rule = f"SHA-256 must be {entry.sha256[:12]}..., as published"
        remedy = "replace the file, or open it by its path to use it as it is"
        raise InputError(where=path.name, rule=rule, found=f"{found[:12]}...", remedy=remedy)
    return path
