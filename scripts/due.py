"""What takes too long for every run of `.ci/run`, and is due where its files changed.

    python scripts/due.py page                        pages whose blocks changed
    python scripts/due.py slow                        files whose slow tests changed
    python scripts/due.py lowest                      tests of what changed in the numerical core
    python scripts/due.py slow --passed FILE ...      keep that these passed as they are

`make page`, `make slow` and `make lowest` keep in .ci/passed.json what passed, by the hash of its
files. What was never kept is named on the error stream and not due.
"""

import hashlib
import json
import sys
from collections.abc import Iterable

from page_blocks import ROOT, Block, all_blocks

KEPT = ROOT / ".ci" / "passed.json"
# The last three write files by h5netcdf and xarray, and call functions of NumPyro's own.
CORE = (
    "native", "model", "processes", "parameters", "units", "runtime", "sampling/nuts",
    "population/hierarchy/walking.py",
)  # fmt: skip
TESTED = (
    "tests/native", "tests/model", "tests/reference", "tests/runtime", "tests/sampling/nuts",
    "tests/population/test_walking.py",
)  # fmt: skip


def pages() -> dict[str, str]:
    """Hash of the blocks of every page, of all help texts, and of every docstring that has any."""
    texts: dict[str, list[str]] = {}
    for block in all_blocks():
        if not block.why_not:
            texts.setdefault(page_of(block), []).append(f"{block.kind}\n{block.text}")
    return {page: hashed(text.encode() for text in own) for page, own in texts.items()}


def page_of(block: Block) -> str:
    """Name of the page of a block; help texts of commands go together."""
    return block.page.split(" ")[0]


def slow() -> dict[str, str]:
    """Hash of every file that has slow tests."""
    found = {}
    for path in sorted((ROOT / "tests").rglob("test_*.py")):
        text = path.read_bytes()
        if b"mark.slow" in text:
            found[path.relative_to(ROOT).as_posix()] = hashed([text])
    return found


def lowest() -> dict[str, str]:
    """Hash of the numerical core, its tests and the lowest versions."""
    places = [*(ROOT / "bayes_tbm" / name for name in CORE), *(ROOT / name for name in TESTED)]
    files = [file for place in places for file in ([place] if place.is_file() else
             sorted(place.rglob("*.py")))]  # fmt: skip
    files.append(ROOT / "requirements" / "lowest.txt")
    return dict.fromkeys(TESTED, hashed(file.read_bytes() for file in files))


KINDS = {"page": pages, "slow": slow, "lowest": lowest}


def hashed(parts: Iterable[bytes]) -> str:
    """Hash of texts."""
    digest = hashlib.sha256()
    for part in parts:
        digest.update(hashlib.sha256(part).digest())
    return digest.hexdigest()[:16]


def kept() -> dict[str, dict[str, str]]:
    """Hashes of what passed, by kind and name."""
    found: dict[str, dict[str, str]] = json.loads(KEPT.read_text()) if KEPT.is_file() else {}
    return found


def due(kind: str) -> list[str]:
    """Names of what changed since it passed."""
    passed, now = kept().get(kind, {}), KINDS[kind]()
    never = [name for name in now if name not in passed]
    if never:
        print(f"due: {kind}: never kept as passed: {', '.join(never)}", file=sys.stderr)
    return [name for name, each in now.items() if passed.get(name, each) != each]


def keep(kind: str, names: Iterable[str]) -> None:
    """Keep that these passed, or all in folders of these names; what is gone is dropped."""
    found, now, given = kept(), KINDS[kind](), tuple(names)
    own = {name: each for name, each in found.get(kind, {}).items() if name in now}
    own |= {name: each for name, each in now.items() if name.startswith(given)}
    found[kind] = own
    KEPT.write_text(json.dumps(found, indent=1, sort_keys=True) + "\n")


if __name__ == "__main__":
    kind, *rest = sys.argv[1:]
    if rest[:1] == ["--passed"]:
        keep(kind, rest[1:])
    else:
        print(" ".join(due(kind)))
