"""One site of many: what is fitted, under which name and seed, and what makes it another fit."""

from __future__ import annotations

import dataclasses
import functools
import hashlib
import json
import re
import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from bayes_tbm.calibration import Calibration
from bayes_tbm.experiment import Experiment
from bayes_tbm.formats.companions import Companions, companions
from bayes_tbm.sampling import Settings
from bayes_tbm.sampling.identity import facts, source_hash

FITS = "fits"
"""Folder of a batch that holds its fits."""
_PROCESSOR = "device", "compiled"  # a fit is as good on another


@dataclasses.dataclass(frozen=True)
class Job:
    """A site to fit.

    Attributes
    ----------
    name
        Of the site; no other of the batch has it.
    source
        What is fitted.
    settings
        How, the seed of this site included.
    covariates
        What else is known of the site, by name.
    attempt
        1, and more where an earlier one was not good enough.
    """

    name: str
    source: Experiment | Calibration
    settings: Settings
    covariates: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    attempt: int = 1

    def calibration(self) -> Calibration:
        """Open the site and set up what is sampled."""
        return self.source if isinstance(self.source, Calibration) else self.source.calibration()

    @functools.cached_property
    def key(self) -> str:
        """Digest of all that decides the fit: what is asked for, the files' content, the model."""
        asked: dict[str, Any] = {"sampling": dataclasses.asdict(self.settings)}
        if isinstance(self.source, Calibration):
            told = facts(self.source.density, self.source.experiment, self.settings)
            asked["of"] = {name: it for name, it in told.items() if name not in _PROCESSOR}
        else:
            asked["of"] = _without_files(tomllib.loads(self.source.to_toml()))
            asked["files"] = [content_of(path) for path in self.files()]
            asked["places"] = [place for _, place in self._companions() if place]
            asked["model"] = source_hash()
        text = json.dumps(asked, sort_keys=True, default=str)
        return hashlib.sha256(text.encode()).hexdigest()[:12]

    @property
    def folder(self) -> str:
        """Folder of the fit, from that of the batch."""
        return f"{FITS}/{slug(self.name)}-{self.key}"

    @property
    def size(self) -> int:
        """Bytes of the site's own files: what is long takes long."""
        return sum(path.stat().st_size for path in self.files())

    def again(self) -> Job:
        """Return the next attempt: another seed and twice the warm-up."""
        attempt = self.attempt + 1
        seed = seed_of(f"{self.name} {attempt}", self.settings.seed)
        settings = dataclasses.replace(self.settings, warmup=2 * self.settings.warmup, seed=seed)
        return dataclasses.replace(self, settings=settings, attempt=attempt)

    def files(self) -> list[Path]:
        """Files that the source names, and those that are read along with them."""
        if isinstance(self.source, Calibration):
            return []
        e = self.source
        beside = Path(e.where).parent if e.where else Path()
        named = [e.site, *e.observations, e.reading.get("half_hourly", "")]
        named += [str(beside / t["file"]) for t in (e.growth_curve, e.stock) if "file" in t]
        return [*_files(named), *(other for found, _ in self._companions() for other in found)]

    def _companions(self) -> list[Companions]:
        """Tell what is read along with the files of the site."""
        if isinstance(self.source, Calibration):
            return []
        named = _files([self.source.site, *self.source.observations])
        return [companions(path, self.source.reading) for path in named]


def _files(names: Sequence[str]) -> list[Path]:
    return [Path(name) for name in names if name and Path(name).is_file()]


def content_of(path: Path) -> str:
    """Return the digest of a file's content, taken once as long as the file stays as it is."""
    state = path.stat()
    return _content_of(path, state.st_mtime_ns, state.st_size)


@functools.cache
def _content_of(path: Path, changed: int, size: int) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def seed_of(name: str, seed: int) -> int:
    """Return the seed of a site from its name and the seed of the batch, whatever the order.

    Examples
    --------
    >>> seed_of("FI-Hyy", 0), seed_of("FI-Hyy", 1)
    (3430076455, 3482968715)
    """
    digest = hashlib.sha256(f"{seed} {name}".encode()).digest()
    return int.from_bytes(digest[:4], "big")


def slug(name: str) -> str:
    """Return a name that any file system takes.

    Examples
    --------
    >>> slug("fluxval:CA-NS2 (burned 1930)")
    'fluxval-CA-NS2-burned-1930'
    """
    return re.sub(r"[^A-Za-z0-9]+", "-", name).strip("-")[:100] or "site"


def _without_files(data: Any) -> Any:
    """Return plain data without paths of files, which count by their content wherever they lie."""
    if isinstance(data, Mapping):
        return {name: _without_files(entry) for name, entry in data.items()}
    if isinstance(data, list):
        return [_without_files(entry) for entry in data]
    return None if isinstance(data, str) and Path(data).is_file() else data
