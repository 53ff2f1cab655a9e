"""Imports in the package run one way; this reads them all and names each one that does not."""

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

PACKAGE = Path(__file__).resolve().parents[1] / "bayes_tbm"

# A room imports itself and the rooms before it.
ORDER = (
    "errors",
    "units",
    "native",
    "parameters",
    "processes",
    "model",
    "streams",
    "priors",
    "inference",
    "constraint",
    "plots",
    "experiment",
    "report",
    "studies",
    "cli",
)
# `sites` stands aside: little goes in, and few may use it.
SITES_IMPORTS = {"errors", "units"}
SITES_IMPORTS_BY_FILE = {
    file: {"parameters", "model"} for file in ("sites/embedded.py", "sites/stands.py")
}
USE_ALL_OF_SITES = {"plots", "experiment", "report", "cli"}
USE_SITE_TYPES = {"streams", "inference"}  # only bayes_tbm.sites.site
# The entry points import what they like, except that `import bayes_tbm` must not load the CLI.
ENTRY_POINTS = {"__init__", "__main__"}

# The numerical core stays light and traceable.
CORE = {"native", "processes", "model"}
CORE_LIBRARIES = {"jax", "jaxtyping", "numpy"}
CORE_LIBRARIES_BY_FILE = {
    f"native/{name}.py": {"llvmlite"}
    for name in ("body", "elementary", "lanes", "loop", "machine", "memory", "operations")
}


def imported_names(path: Path, package: Path) -> Iterator[tuple[int, str]]:
    """Yield line and dotted name of every import in a file: nested and type-only ones too."""
    here = (package.name, *path.relative_to(package).parent.parts)
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = here[: len(here) - node.level + 1] if node.level else ()
            parts = [*base, *([node.module] if node.module else [])]
            yield from ((node.lineno, ".".join([*parts, alias.name])) for alias in node.names)


def room_of(file: str) -> str:
    return file.split("/")[0].removesuffix(".py")


def why_not_sites(file: str, room: str, dotted: str) -> str | None:
    """Say what is wrong with an import into or out of `sites`."""
    if room == "sites":
        allowed = SITES_IMPORTS | SITES_IMPORTS_BY_FILE.get(file, set())
        return None if room_of(dotted.split(".")[1]) in allowed else "sites must not import it"
    if room in USE_ALL_OF_SITES:
        return None
    is_type = f"{dotted}.".startswith("bayes_tbm.sites.site.")
    if room in USE_SITE_TYPES:
        return None if is_type else f"{room} may use bayes_tbm.sites.site only"
    return f"{room} must not import sites"


def why_not_outside(file: str, room: str, library: str) -> str | None:
    """Say what is wrong with an import from outside the package."""
    if room not in CORE or library in sys.stdlib_module_names:
        return None
    allowed = CORE_LIBRARIES | CORE_LIBRARIES_BY_FILE.get(file, set())
    return None if library in allowed else f"{room} stays light: {', '.join(sorted(allowed))} only"


def why_not(file: str, dotted: str, rooms: set[str]) -> str | None:
    """Say what is wrong with one import, or return None."""
    room = room_of(file)
    top, *rest = dotted.split(".")
    if top != "bayes_tbm":
        return why_not_outside(file, room, top)
    target = rest[0] if rest else ""
    if (room, target) == ("__init__", "cli"):
        return "importing the package must not load the CLI"
    if room in ENTRY_POINTS or target in {room, "__version__"}:
        return None
    if target not in rooms:
        return None if room == "cli" else "import from the room itself, not from the package root"
    if "sites" in (room, target):
        return why_not_sites(file, room, dotted)
    if room not in ORDER or target not in ORDER:
        return f"give every room a place in ORDER: {room}, {target}"
    return None if ORDER.index(target) < ORDER.index(room) else f"{target} comes after {room}"


def wrong_imports(package: Path) -> list[str]:
    """Return one line for each import in the package that breaks the rules."""
    paths = sorted(package.rglob("*.py"))
    files = {path: path.relative_to(package).as_posix() for path in paths}
    rooms = {room_of(file) for file in files.values()} - ENTRY_POINTS
    return [
        f"{file}:{line}: {dotted}: {reason}"
        for path, file in files.items()
        for line, dotted in imported_names(path, package)
        if (reason := why_not(file, dotted, rooms))
    ]


def make_package(folder: Path, files: dict[str, str]) -> Path:
    """Write a package with one file in every room, and these files."""
    package = folder / "bayes_tbm"
    for file in [*(f"{room}/__init__.py" for room in (*ORDER, "sites")), "sites/site.py"]:
        files = {file: "", **files}
    for file, text in files.items():
        path = package / file
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return package


def test_package_imports_run_one_way():
    assert list(PACKAGE.rglob("*.py")), f"no modules under {PACKAGE}"
    assert wrong_imports(PACKAGE) == []


@pytest.mark.parametrize(
    ("file", "text", "reason"),
    [
        ("units/a.py", "import bayes_tbm.model", "model comes after units"),
        ("units/a.py", "from bayes_tbm import model", "model comes after units"),
        ("units/a.py", "from .. import model", "model comes after units"),
        ("units/a.py", "from ..model.pools import Pools", "model comes after units"),
        ("units/__init__.py", "from ..cli import main", "cli comes after units"),
        ("priors/a/b.py", "from ...inference import x", "inference comes after priors"),
        ("priors/a.py", "def f():\n    import bayes_tbm.plots", "plots comes after priors"),
        (
            "streams/a.py",
            "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from ..priors import x",
            "priors comes after streams",
        ),
        ("plots/a.py", "from bayes_tbm import Site", "not from the package root"),
        ("plots/a.py", "import bayes_tbm as bt", "not from the package root"),
        ("__init__.py", "from .cli import main", "must not load the CLI"),
        ("attic/a.py", "from bayes_tbm.units import x", "a place in ORDER"),
        ("sites/readers.py", "from ..model import x", "sites must not import it"),
        ("sites/embedded.py", "from ..streams import x", "sites must not import it"),
        ("model/a.py", "from ..sites.site import Site", "model must not import sites"),
        ("constraint/a.py", "from ..sites.site import Site", "constraint must not import sites"),
        ("streams/a.py", "from ..sites.readers import x", "bayes_tbm.sites.site only"),
        ("inference/a.py", "from bayes_tbm import sites", "bayes_tbm.sites.site only"),
        ("processes/a.py", "import numpyro.distributions as dist", "processes stays light"),
        ("model/a.py", "import xarray as xr", "model stays light"),
        ("native/lanes.py", "import arviz", "native stays light"),
        ("native/pack.py", "import llvmlite", "native stays light"),
    ],
)
def test_wrong_import_is_found(tmp_path, file, text, reason):
    found = wrong_imports(make_package(tmp_path, {file: text}))
    assert len(found) == 1
    assert found[0].startswith(f"{file}:")
    assert reason in found[0]


def test_right_imports_pass(tmp_path):
    package = make_package(
        tmp_path,
        {
            "__init__.py": "from .inference import Calibration\nfrom .sites import open_site",
            "units/a.py": "import math\nimport pandas\nfrom ..errors import x\nfrom . import b",
            "model/a.py": "import jax.numpy as jnp\nimport jaxtyping\nfrom ..processes import x",
            "native/lanes.py": "from llvmlite import ir",
            "sites/embedded.py": "from ..model.pools import Pools\nfrom ..units import x",
            "streams/a.py": "from ..sites.site import Site",
            "inference/a.py": "from ..sites import site\nfrom bayes_tbm import __version__",
            "report/a.py": "from ..sites import open_site\nfrom ..plots import x",
            "cli/a.py": "import bayes_tbm as bt\nfrom bayes_tbm import open_site",
        },
    )
    assert wrong_imports(package) == []
