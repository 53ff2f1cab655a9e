"""What a name adds to a published file: the tower's place, and what else was measured there."""

from dataclasses import replace

from bayes_tbm.catalogue.fluxval import PREFIX
from bayes_tbm.catalogue.inventories import forest_inventories, hyytiala_wood
from bayes_tbm.catalogue.registry import REGISTRY
from bayes_tbm.catalogue.second_halves import SUFFIX, fluxval_validation, with_second_half
from bayes_tbm.sites.contents import Contents


def is_published(name: str) -> bool:
    """Return whether a name is that of a published file, or of a tower with both halves."""
    base = name.removesuffix(SUFFIX)
    return base in REGISTRY and (base == name or base.startswith(PREFIX))


def published(name: str, held: Contents) -> Contents:
    """Return what a published file holds with what its name adds.

    Parameters
    ----------
    name : str
        As `is_published` knows it.
    held : Contents
        Of the file.

    Raises
    ------
    InputError
        If a second half is asked for where there is none, or it cannot be fetched.
    """
    base = name.removesuffix(SUFFIX)
    entry, code = REGISTRY[base], base.split(":")[-1]
    notes, observations = held.notes, held.observations
    if held.latitude is not None and abs(held.latitude - entry.latitude) > 0.01:
        tower = f"the tower stands at {entry.latitude:.4f} N"
        notes = (*notes, f"latitude {held.latitude:g} is the pixel of the drivers; {tower}")
    if base == "FI-Hyy":
        observations = {**observations, "wood": hyytiala_wood()}
    longitude = entry.longitude if held.longitude is None else held.longitude
    label = code if code != "demo" else held.name
    whole = replace(held, name=label, longitude=longitude, notes=notes, observations=observations)
    if base.startswith(PREFIX):
        whole = _without_map(code, whole)
    if name == base:
        return whole
    return with_second_half(whole, fluxval_validation(code), f"validation_{code}.csv")


def _without_map(code: str, held: Contents) -> Contents:
    """Return contents without a map's biomass where the stand itself was measured."""
    stand, seen = forest_inventories().get(code), dict(held.observations)
    if stand is None or stand.live_biomass is None or "live_biomass" not in seen:
        return held
    left = seen.pop("live_biomass").value
    note = (
        f"live_biomass: the map's {', '.join(f'{value:.0f}' for value in left)} g C m-2 is left "
        f"out; the stand has {stand.live_biomass:g} ({stand.source}): bt.fluxval_stand"
    )
    return replace(held, observations=seen, notes=(*held.notes, note))
