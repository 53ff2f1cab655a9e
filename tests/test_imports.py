"""Imports in the package run one way; this reads them all and names each one that does not."""

import ast
import graphlib
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

PACKAGE = Path(__file__).resolve().parents[1] / "bayes_tbm"

# A room imports itself and the rooms before it.
ORDER = (
    "errors",
    "units",
    "version",
    "plain",
    "runtime",
    "native",
    "parameters",
    "processes",
    "model",
    "sites",
    "formats",
    "synthetic",
    "catalogue",
    "streams",
    "posterior",
    "results",
    "sampling",
    "calibration",
    "forward",
    "prediction",
    "constraint",
    "plots",
    "experiment",
    "report",
    "export",
    "studies",
    "population",
    "cli",
)
# The entry points import what they like, except that `import bayes_tbm` must not load the CLI.
ENTRY_POINTS = {"__init__", "__main__"}

# The numerical core stays light and traceable.
CORE = {"native", "processes", "model"}
CORE_LIBRARIES = {"jax", "numpy"}
LLVM = "native/llvm/"  # the one folder that may use llvmlite


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


def why_not_outside(file: str, room: str, library: str) -> str | None:
    """Say what is wrong with an import from outside the package."""
    if room not in CORE or library in sys.stdlib_module_names:
        return None
    allowed = CORE_LIBRARIES | ({"llvmlite"} if file.startswith(LLVM) else set())
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
    if room in ENTRY_POINTS or target == room:
        return None
    if target not in rooms:
        return None if room == "cli" else "import from the room itself, not from the package root"
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


def circle(package: Path) -> list[str]:
    """Return the files of one circle of imports, or nothing; deferred imports count."""
    paths = sorted(package.rglob("*.py"))
    modules = {
        ".".join([package.name, *path.relative_to(package).with_suffix("").parts]).removesuffix(
            ".__init__"
        ): path
        for path in paths
    }
    asked = {}
    for module, path in modules.items():
        names = {dotted for _, dotted in imported_names(path, package)}
        # `from a.b import c` is a.b.c where that is a file, else a.b.
        found = {n if n in modules else n.rpartition(".")[0] for n in names}
        asked[module] = (found & modules.keys()) - {module}
    try:
        graphlib.TopologicalSorter(asked).prepare()
    except graphlib.CycleError as error:
        return list(error.args[1])
    return []


def make_package(folder: Path, files: dict[str, str]) -> Path:
    """Write a package with one file in every room, and these files."""
    package = folder / "bayes_tbm"
    for file in (f"{room}/__init__.py" for room in ORDER):
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
        ("posterior/a/b.py", "from ...sampling import x", "sampling comes after posterior"),
        ("posterior/a.py", "def f():\n    import bayes_tbm.plots", "plots comes after posterior"),
        (
            "streams/a.py",
            "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from ..posterior import x",
            "posterior comes after streams",
        ),
        ("plots/a.py", "from bayes_tbm import Site", "not from the package root"),
        ("plots/a.py", "import bayes_tbm as bt", "not from the package root"),
        ("__init__.py", "from .cli import main", "must not load the CLI"),
        ("attic/a.py", "from bayes_tbm.units import x", "a place in ORDER"),
        ("sites/readers.py", "from ..catalogue import x", "catalogue comes after sites"),
        ("synthetic/twin.py", "from ..streams import x", "streams comes after synthetic"),
        ("model/a.py", "from ..sites.site import Site", "sites comes after model"),
        ("results/a.py", "from bayes_tbm import calibration", "calibration comes after results"),
        ("version.py", "from .native import x", "native comes after version"),
        ("processes/a.py", "import numpyro.distributions as dist", "processes stays light"),
        ("model/a.py", "import xarray as xr", "model stays light"),
        ("native/llvm/vectors.py", "import arviz", "native stays light"),
        ("native/stacked.py", "import llvmlite", "native stays light"),
    ],
)
def test_wrong_import_is_found(tmp_path, file, text, reason):
    found = wrong_imports(make_package(tmp_path, {file: text}))
    assert len(found) == 1
    assert found[0].startswith(f"{file}:")
    assert reason in found[0]


def test_no_file_imports_itself_through_others():
    assert circle(PACKAGE) == []


def test_circle_is_found_also_where_an_import_is_deferred(tmp_path):
    files = {"sites/a.py": "from .b import x", "sites/b.py": "def f():\n    from .a import y"}
    found = circle(make_package(tmp_path, files))
    assert {"bayes_tbm.sites.a", "bayes_tbm.sites.b"} == set(found)


def test_right_imports_pass(tmp_path):
    package = make_package(
        tmp_path,
        {
            "__init__.py": "from .calibration import Calibration\nfrom .sites import open_site",
            "units/a.py": "import math\nimport pandas\nfrom ..errors import x\nfrom . import b",
            "model/a.py": "import jax.numpy as jnp\nimport numpy\nfrom ..processes import x",
            "native/llvm/vectors.py": "from llvmlite import ir",
            "synthetic/twin.py": "from ..model.pools import Pools\nfrom ..units import x",
            "streams/a.py": "from ..sites.site import Site",
            "results/a.py": "from ..sites import site\nfrom bayes_tbm.version import __version__",
            "report/a.py": "from ..catalogue import open_site\nfrom ..plots import x",
            "cli/a.py": "import bayes_tbm as bt\nfrom bayes_tbm import open_site",
        },
    )
    assert wrong_imports(package) == []
