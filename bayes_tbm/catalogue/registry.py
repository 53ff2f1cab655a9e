"""Sites that can be opened by name: where they are published, their SHA-256, and where they lie.

With the environment variable ``BAYES_TBM_DATA`` naming a folder, files are taken from there (by
the path below or directly) and the network is never touched; else pooch fetches them once.
"""

import hashlib
import os
from dataclasses import dataclass
from pathlib import Path

import pooch

from bayes_tbm.errors import InputError

DATA_VARIABLE = "BAYES_TBM_DATA"
_DIFFERLAND = "https://raw.githubusercontent.com/JianingFang/DifferLand_v1.0/d951012/drivers"
_CARDAMOM = "https://raw.githubusercontent.com/CARDAMOM-framework/CARDAMOM/952d8c0"
_DEMO = "DATA/CARDAMOM_DEMO_DRIVERS_prototype_1005.cbf.nc"
_NR1 = (
    "PYTHON/Point_Run_Tutorial/"
    "fluxval_US-NR1_1100_ABGB_ET_GPP_mLAI_NBE_SCF_SOM_SHORT_REDUCED_UNC.cbf.nc"
)
ACKNOWLEDGEMENT = "FLUXNET2015 data, CC BY 4.0"


@dataclass(frozen=True)
class RemoteFile:
    """A published site file and the place of its tower."""

    path: str
    url: str
    sha256: str
    latitude: float
    longitude: float
    land_cover: str


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
    rows = (
        ("CA-NS1", 29, 55.8792, -98.4839, "ENF",
         "e691e20ba985b46d298b86d84034587217a0bdddc31b166f3de2f7e73c21bb10"),
        ("CA-NS2", 30, 55.9058, -98.5247, "ENF",
         "5fa12297a7cbe186bab63ed73d11f49a7125d980ea88e80237c7ae59660638e3"),
        ("CA-NS3", 31, 55.9117, -98.3822, "ENF",
         "3adc975742b7a1d655a739d63f4e1e4f7862cf1605442ca9d7452527214076cc"),
        ("CA-NS4", 32, 55.9144, -98.3806, "ENF",
         "6a1e28c545b0328b4a918c2623a4d8b902e190023d004bd0c7f9a54d993cdcdb"),
        ("CA-NS5", 33, 55.8631, -98.485, "ENF",
         "88d3400fc010f21692f648249570f3b3baa8d23423a8c4bdc7ddf1538eaf08f4"),
        ("CA-NS6", 34, 55.9167, -98.9644, "OSH",
         "22a616a0f49911ef24712d9779024454972cd816264c8528e20212a0bf0e3719"),
        ("CA-NS7", 35, 56.6358, -99.9483, "OSH",
         "e5f338ba1a04fdc3f84a79ec69769f1ec84709501e8837b4364db68685aa1a0e"),
        ("CA-Qfo", 36, 49.6925, -74.3421, "ENF",
         "ced47ef445386adefec44180d4642fd78c5de07cca23be856645181ad2b8a345"),
        ("CA-SF1", 37, 54.485, -105.8176, "ENF",
         "5e3908b845032a6b5a16feb5b83c1e7798e89014271b999925d1d7052f32874f"),
        ("CA-SF2", 38, 54.2539, -105.8775, "ENF",
         "3b8e4bdebe8dfdfd2859446b95924d90f8e0dc3866e91cc6628bda07ddb4d8ca"),
        ("CA-SF3", 39, 54.0916, -106.0053, "OSH",
         "6b426ed24a06e8b56a9f7a9a48d7b2695ffee7638b6bd2c7c86c154813b71181"),
        ("FI-Hyy", 76, 61.8474, 24.2948, "ENF",
         "61af91f1849201fd8144e35a9f0c8783b6810bc1f1feaefb91a5d161928ccb95"),
        ("CA-Oas", 163, 53.6289, -106.1978, "DBF",
         "507ed25bb0139055e6dfd3255b1755a571834fcf77b266bcf8607b03004e3fb9"),
    )  # fmt: skip
    folder = f"{_CARDAMOM}/DATA/CARDAMOM-FLUXVAL_v1.0/cbf_files"
    return {
        f"fluxval:{name}": RemoteFile(
            f"fluxval/{name}.cbf", f"{folder}/flux_site_{row}.cbf", sha, lat, lon, cover
        )
        for name, row, lat, lon, cover, sha in rows
    }


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


def fetch(name: str) -> Path:
    """Return the local path of a registered file, fetched and verified.

    Parameters
    ----------
    name : str
        Key of `REGISTRY`.

    Raises
    ------
    InputError
        If the file is not in the folder named by ``BAYES_TBM_DATA``, cannot be fetched, or has
        another SHA-256.
    """
    entry = REGISTRY[name]
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
    candidates = (folder / entry.path, folder / Path(entry.path).name)
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
