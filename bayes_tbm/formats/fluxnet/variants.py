"""Which of the product's versions of a carbon flux are read: by threshold of u* and reference."""

from collections.abc import Container
from dataclasses import dataclass

LATENT_COLUMNS = (
    "LE_F_MDS", "LE_F_MDS_QC", "LE_RANDUNC", "LE_CORR", "LE_CORR_JOINTUNC", "LE_CORR_25",
    "LE_CORR_75",
)  # fmt: skip
_PERCENTILES = ("16", "84", "25", "75")


@dataclass(frozen=True)
class Variant:
    """A threshold of u*, by year (VUT) or for all (CUT), and the reference among its percentiles.

    Attributes
    ----------
    threshold : str
        ``'VUT'`` or ``'CUT'``.
    reference : str
        ``'REF'`` or ``'USTAR50'``.
    """

    threshold: str
    reference: str

    @property
    def nee(self) -> str:
        """Column of NEE."""
        return f"NEE_{self.threshold}_{self.reference}"

    def parted(self, flux: str, method: str) -> str:
        """Column of GPP or RECO, by night-time (NT) or day-time (DT) partitioning."""
        return f"{flux}_{method}_{self.threshold}_{self.reference}"

    def stem(self, flux: str, method: str = "") -> str:
        """Return what comes before a percentile: ``'GPP_NT_VUT'``."""
        return "_".join(part for part in (flux, method, self.threshold) if part)

    @property
    def main(self) -> tuple[str, ...]:
        """Columns of which one at least makes the variant worth reading, NEE first."""
        parted = [self.parted(flux, way) for flux in ("GPP", "RECO") for way in ("NT", "DT")]
        return (self.nee, *parted)

    @property
    def columns(self) -> tuple[str, ...]:
        """Every column that is read of it."""
        stems = [self.stem("NEE"), *(self.stem(flux, "NT") for flux in ("GPP", "RECO"))]
        stems += [self.stem(flux, "DT") for flux in ("GPP", "RECO")]
        spread = [f"{stem}_{percentile}" for stem in stems for percentile in _PERCENTILES]
        errors = [f"{self.nee}_{ending}" for ending in ("QC", "RANDUNC", "JOINTUNC")]
        return (*self.main, *errors, *spread)


_ORDER = [Variant(cut, reference) for reference in ("REF", "USTAR50") for cut in ("VUT", "CUT")]


def variants(names: Container[str]) -> list[Variant]:
    """Return the variants a table has, the best first: those with NEE, VUT, REF.

    Parameters
    ----------
    names : container of str
        Columns in capitals.
    """
    held = [variant for variant in _ORDER if any(name in names for name in variant.main)]
    return sorted(held, key=lambda variant: variant.nee not in names)
