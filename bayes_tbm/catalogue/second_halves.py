"""The second half of a FLUXVAL tower's record, held out by itself or joined to the first."""

from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from bayes_tbm.catalogue.fluxval import PREFIX, towers, unknown_tower
from bayes_tbm.catalogue.registry import SECOND_HALVES, fetch
from bayes_tbm.errors import InputError
from bayes_tbm.formats.cardamom_validation import read_cardamom_validation
from bayes_tbm.formats.common import collect, without_copies
from bayes_tbm.sites.contents import Contents
from bayes_tbm.sites.observations import Observations, joined

SUFFIX = "+validation"
"""Of a name that opens both halves."""


def fluxval_validation(site: str) -> dict[str, Observations]:
    """Return the second half of a FLUXVAL tower's record, which its file does not hold.

    Fit the site that is opened by name, and ask how the posterior predicts these months:
    ``bt.evaluate(bt.predict(tree, site, observations=bt.fluxval_validation("FI-Hyy")))``. To fit
    both halves, open ``"fluxval:FI-Hyy+validation"``.

    Parameters
    ----------
    site : str
        ``"FI-Hyy"`` or ``"fluxval:FI-Hyy"``.

    Returns
    -------
    dict of str to Observations
        Monthly ``gpp``, ``nee`` [g C m-2 d-1, positive to the atmosphere] and ``et`` [mm d-1], with
        the uncertainties that are assumed of the first half; and ``nbe``, the same as NEE, since
        nothing burned at these towers.

    Raises
    ------
    InputError
        If the tower is not known or has no second half, or the file cannot be fetched.
    """
    code = site.removeprefix(PREFIX)
    name = f"{PREFIX}{code}"
    if name not in SECOND_HALVES:
        if code in towers():
            raise InputError(where=site, rule="has no second half that is known")
        raise unknown_tower(site)
    return read_cardamom_validation(fetch(name, SECOND_HALVES))


def with_second_half(held: Contents, later: Mapping[str, Observations], source: str) -> Contents:
    """Return contents with the second half of each flux joined to the first.

    Parameters
    ----------
    held : Contents
        Of the file, with drivers.
    later : mapping of str to Observations
        Of `fluxval_validation`.
    source : str
        Where they are from, for messages.

    Raises
    ------
    InputError
        If the halves share a month.
    """
    burned = np.zeros(1) if held.drivers is None else held.drivers["burned_fraction"].values
    first, second = without_copies(held.observations), without_copies(later)
    if "nbe" in first and "nee" in second and not burned.any():
        second["nbe"] = replace(second.pop("nee"), name="nbe")
    for name, seen in second.items():
        own = replace(seen, note="second half of the tower's record")
        if name in first:
            _refuse_overlap(first[name], own, source)
            own = joined(first[name], own)
        first[name] = own
    counts = ", ".join(f"{name} {len(seen)}" for name, seen in second.items())
    note = f"months of {source} joined: {counts}"
    return replace(
        held, observations=collect(first.values(), burned), notes=(*held.notes, note),
        source=f"{held.source} + {source}",
    )  # fmt: skip


def _refuse_overlap(one: Observations, other: Observations, source: str) -> None:
    twice = np.intersect1d(one.time.astype("datetime64[M]"), other.time.astype("datetime64[M]"))
    if twice.size:
        rule, found = "halves of a record must not share a month", f"{twice[0]} in both"
        raise InputError(where=source, variable=one.name, rule=rule, found=found)
