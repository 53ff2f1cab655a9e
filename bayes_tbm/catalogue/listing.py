"""The names that open a site, with what there is behind each."""

from bayes_tbm.catalogue.fluxval import PREFIX
from bayes_tbm.catalogue.inventories import forest_inventories
from bayes_tbm.catalogue.open import EMBEDDED
from bayes_tbm.catalogue.registry import REGISTRY, SECOND_HALVES

HEAD = ("name", "latitude", "longitude", "cover", "more")


def listed_sites() -> list[tuple[str, ...]]:
    """Return a row for each name that `open_site` knows, as `HEAD` calls the columns.

    ``more`` tells of a second half of the record, the stand's origin and an inventory.
    """
    made: list[tuple[str, ...]] = [(name, "", "", "", "made by code") for name in EMBEDDED]
    return made + [
        (name, f"{one.latitude:.4f}", f"{one.longitude:.4f}", one.land_cover, _more(name))
        for name, one in REGISTRY.items()
    ]


def _more(name: str) -> str:
    more = ["+validation"] if name in SECOND_HALVES else []
    stand = forest_inventories().get(name.removeprefix(PREFIX)) if name.startswith(PREFIX) else None
    if stand is not None and stand.origin_year is not None:
        more.append(f"stand of {stand.origin_year}")
    if stand is not None and stand.live_biomass is not None:
        more.append("inventory" if stand.year is None else f"inventory of {stand.year}")
    return ", ".join(more)
