"""What one file holds of a site: drivers, observations, or both; a site is made of one or more."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import xarray as xr

from bayes_tbm.errors import InputError
from bayes_tbm.sites.observations import Observations
from bayes_tbm.sites.site import Site

_JOIN = (
    'or join what it observes to drivers: open_site(DRIVERS, observations=["{0}"]) or '
    "bayes-tbm fit DRIVERS --observations {0}"
)


@dataclass(frozen=True, eq=False)
class Contents:
    """What one file holds, in canonical units; less than a site, where parts are absent.

    Parameters
    ----------
    kind : str
        What the file is, as in ``'FLUXNET daily (FULLSET)'``.
    name : str
        Name of the site.
    source : str
        The file, for messages.
    latitude, longitude : float or None
        Degrees north and east, where the file tells them.
    drivers : xarray.Dataset or None
        As of `Site`, from `bayes_tbm.sites.drivers.make_drivers`; None where the file does
        not hold all of them.
    observations : mapping of str to Observations
        Observed series by name; empty ones are left out.
    notes : tuple of str
        What the reader decided, one line each.
    lacks : tuple of str
        What a fit needs and the file does not hold, and the remedy, one line each.
    """

    kind: str
    name: str
    source: str
    latitude: float | None = None
    longitude: float | None = None
    drivers: xr.Dataset | None = None
    observations: Mapping[str, Observations] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    lacks: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        held = {name: seen for name, seen in self.observations.items() if len(seen)}
        object.__setattr__(self, "observations", held)

    @classmethod
    def of_site(cls, site: Site, kind: str) -> "Contents":
        """Return what a site holds, whatever it was read from."""
        return cls(
            kind=kind, name=site.name, source=site.source or site.name, latitude=site.latitude,
            longitude=site.longitude, drivers=site.drivers, observations=site.observations,
            notes=site.notes,
        )  # fmt: skip

    def to_site(self) -> Site:
        """Return the site, checked.

        Raises
        ------
        InputError
            If drivers or the latitude are absent, or a check fails.
        """
        if self.drivers is None:
            join = [_JOIN.format(self.source)] if self.observations else []
            remedy = "; ".join([*self.lacks, *join]) or None
            rule = "holds no complete drivers, which a site needs"
            raise InputError(where=self.source, rule=rule, found=self.kind, remedy=remedy)
        if self.latitude is None:
            remedy = "give it: latitude=61.85 in Python or an experiment file, or --latitude 61.85"
            told = [line for line in self.lacks if line.startswith("latitude: ")]
            if told:  # where it was looked for, and the remedy
                rule, remedy = told[0].removeprefix("latitude: "), None
            else:
                rule = "is not in the file"
            raise InputError(where=self.source, variable="latitude", rule=rule, remedy=remedy)
        return Site(
            name=self.name,
            latitude=self.latitude,
            longitude=self.longitude,
            drivers=self.drivers,
            observations=dict(self.observations),
            source=self.source,
            notes=self.notes,
        )
