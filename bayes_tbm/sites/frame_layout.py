"""How a user's table is written: units, names and times."""

from collections.abc import Mapping
from dataclasses import dataclass

from bayes_tbm.errors import InputError, did_you_mean
from bayes_tbm.sites.observations import OBSERVED
from bayes_tbm.units import UNITS, Conversion, check_unit

NEEDED = ("t_min", "t_max", "shortwave", "co2", "vpd", "precipitation")
DRIVEN = (*NEEDED, "burned_fraction")
CANONICAL = "canonical"
Units = Mapping[str, str] | str
KNOWN = (*DRIVEN, *OBSERVED, *(f"{name}_sd" for name in OBSERVED))


@dataclass(frozen=True)
class Layout:
    """How a user's table is written.

    Attributes
    ----------
    units : mapping of str to str, or 'canonical'
        Unit of each column by our name.
    columns : mapping of str to str
        Names in the table by ours, where they differ.
    stamp : str
        What a time is of its step: ``'start'``, ``'middle'`` or ``'end'``.
    where : str
        For messages.
    """

    units: Units
    columns: Mapping[str, str]
    stamp: str
    where: str

    def __post_init__(self) -> None:
        if isinstance(self.units, str) and self.units != CANONICAL:
            rule = "must be a mapping from name to unit, or 'canonical'"
            raise InputError(where=self.where, variable="units", rule=rule, found=self.units)
        units = () if isinstance(self.units, str) else self.units
        for option, names in (("units", units), ("columns", self.columns)):
            for name in names:
                if name not in (*KNOWN, *["time"] * (option == "columns")):
                    raise InputError(
                        where=self.where, variable=option, rule="holds a name that is not known",
                        found=repr(name), remedy=did_you_mean(str(name), KNOWN),
                    )  # fmt: skip

        named = list(self.columns.values())
        if twice := sorted({str(column) for column in named if named.count(column) > 1}):
            raise InputError(
                where=self.where, variable="columns", rule="must name a column once each",
                found=", ".join(twice),
            )  # fmt: skip

    def column(self, name: str) -> str:
        """Return the name in the table."""
        return self.columns.get(name, name)

    def conversion(self, name: str) -> Conversion:
        """Return the conversion to the canonical unit.

        Raises
        ------
        InputError
            If no unit is stated, or it is of something else.
        """
        if isinstance(self.units, str):
            return Conversion()
        if name not in self.units:
            remedy = f"state it, as in units={{{name!r}: {UNITS[name]!r}}}; or units='canonical'"
            raise InputError(where=self.where, variable=name, rule="needs a unit", remedy=remedy)
        return check_unit(
            self.units[name], UNITS[name], where=self.where, variable=name, quantity=name
        )

    def spread(self, name: str) -> Conversion:
        """Return the conversion of a standard deviation: that of the values by default."""
        named = f"{name}_sd"
        if isinstance(self.units, str) or named not in self.units:
            return Conversion(self.conversion(name).factor)
        unit, where = self.units[named], self.where
        found = check_unit(unit, UNITS[name], where=where, variable=named, quantity=name)
        return Conversion(found.factor)
