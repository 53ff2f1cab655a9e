"""Parameter values as a container with one field a parameter, and the DALEC names for them."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping

import jax
import jax.numpy as jnp
import numpy as np
from jax.typing import ArrayLike

from bayes_tbm.errors import InputError, did_you_mean, nearest
from bayes_tbm.parameters.table import TABLE
from bayes_tbm.units import DAYS_PER_YEAR

Scalar = jax.Array | float


@jax.tree_util.register_dataclass
@dataclasses.dataclass(frozen=True, kw_only=True)
class Parameters:
    """Values of all model parameters, each a scalar or an array of one shared batch shape.

    Fields, units and meanings are the rows of `bayes_tbm.parameters.TABLE`.
    """

    canopy_efficiency: Scalar
    autotrophic_fraction: Scalar
    allocation_wood: Scalar
    canopy_to_root_allocation: Scalar
    direct_foliage_share: Scalar
    leaf_carbon_per_area: Scalar
    leaf_lifespan: Scalar
    labile_lifespan: Scalar
    leaf_onset_day: Scalar
    leaf_fall_day: Scalar
    labile_release_period: Scalar
    leaf_fall_period: Scalar
    wood_residence_time: Scalar
    root_residence_time: Scalar
    litter_residence_time: Scalar
    litter_decomposition_time: Scalar
    som_residence_time: Scalar
    temperature_sensitivity: Scalar
    moisture_sensitivity: Scalar
    underlying_water_use_efficiency: Scalar
    radiative_evaporation: Scalar
    field_capacity: Scalar
    wilting_fraction: Scalar
    drainage_storage: Scalar
    initial_lai: Scalar
    initial_labile: Scalar
    initial_root: Scalar
    initial_wood: Scalar
    initial_litter: Scalar
    initial_som: Scalar
    initial_saturation: Scalar
    foliar_combustion: Scalar
    ligneous_combustion: Scalar
    dead_combustion: Scalar
    fire_resilience: Scalar
    regrowth_labile: Scalar
    regrowth_lai: Scalar
    regrowth_root: Scalar
    regrowth_wood: Scalar
    labile_departure: Scalar
    foliage_departure: Scalar
    root_departure: Scalar
    wood_departure: Scalar

    @classmethod
    def default(cls, **changes: Scalar) -> Parameters:
        """Prior medians of the table.

        Parameters
        ----------
        **changes
            Values that replace medians, by name, in the table's units.

        Returns
        -------
        bayes_tbm.Parameters
            All of them.
        """
        return cls.from_mapping({**{n: row.prior.center for n, row in TABLE.items()}, **changes})

    @classmethod
    def from_mapping(cls, values: Mapping[str, ArrayLike]) -> Parameters:
        """Build from names; every parameter exactly once.

        Parameters
        ----------
        values
            By name, in the table's units: scalars, or arrays of one shape.

        Returns
        -------
        bayes_tbm.Parameters
            All of them.

        Raises
        ------
        InputError
            A name is missing or unknown.
        """
        missing = [name for name in TABLE if name not in values]
        surplus = [name for name in values if name not in TABLE]
        if missing or surplus:
            raise InputError(
                where="parameters",
                variable=", ".join(missing + surplus),
                rule="every model parameter must be given once, by its name",
                found=f"missing {_listed(missing)}; unknown {_listed(surplus)}",
                remedy=did_you_mean(surplus[0], TABLE)
                if surplus and nearest(surplus[0], TABLE)
                else "start from Parameters.default(...) to keep prior medians for the rest",
            )
        return cls(**{name: values[name] for name in TABLE})  # type: ignore[arg-type] # ArrayLike in

    def to_dict(self) -> dict[str, Scalar]:
        """Values by name.

        Returns
        -------
        dict
            In the order of the table.
        """
        return {field.name: getattr(self, field.name) for field in dataclasses.fields(self)}

    def check_bounds(self) -> None:
        """Refuse concrete values outside the table's bounds.

        Raises
        ------
        InputError
            Any value is not finite or lies outside its bounds.
        """
        for name, value in self.to_dict().items():
            row, array = TABLE[name], np.asarray(value)
            if not (np.isfinite(array).all() and (array >= row.lower).all()
                    and (array <= row.upper).all()):  # fmt: skip
                raise InputError(
                    where="parameters",
                    variable=name,
                    rule=f"must lie within {row.lower:g} to {row.upper:g} {row.unit}",
                    found=str(array),
                    remedy=f"{row.meaning}; see the parameter table",
                )


@jax.tree_util.register_dataclass
@dataclasses.dataclass(frozen=True)
class AllocationShares:
    """Shares of NPP given to each live pool; they sum to one."""

    foliage: Scalar
    labile: Scalar
    root: Scalar
    wood: Scalar


def allocation_shares(parameters: Parameters) -> AllocationShares:
    """Shares of NPP: wood, then canopy against roots, then foliage at once against stored labile.

    With normal logits and log ratios this is a logistic-normal composition, written in the three
    balances that data can tell apart.
    """
    rest = 1.0 - parameters.allocation_wood
    ratio = parameters.canopy_to_root_allocation
    canopy = rest * ratio / (1.0 + ratio)
    return AllocationShares(
        foliage=canopy * parameters.direct_foliage_share,
        labile=canopy * (1.0 - parameters.direct_foliage_share),
        root=rest / (1.0 + ratio),
        wood=parameters.allocation_wood,
    )


_DALEC_DIRECT = {
    "canopy_efficiency": "canopy_efficiency",
    "f_gpp": "autotrophic_fraction",
    "LCMA": "leaf_carbon_per_area",
    "leaf_lifespan": "leaf_lifespan",
    "lab_lifespan": "labile_lifespan",
    "Bday": "leaf_onset_day",
    "Fday": "leaf_fall_day",
    "clab_release_period": "labile_release_period",
    "leaf_fall_period": "leaf_fall_period",
    "Q10": "temperature_sensitivity",
    "moisture_factor": "moisture_sensitivity",
    "uWUE": "underlying_water_use_efficiency",
    "boese_r": "radiative_evaporation",
    "field_capacity": "field_capacity",
    "wilting_point_frac": "wilting_fraction",
    "Clab": "initial_labile",
    "Croot": "initial_root",
    "Cwood": "initial_wood",
    "Clitter": "initial_litter",
    "Csom": "initial_som",
    "foliar_cf": "foliar_combustion",
    "ligneous_cf": "ligneous_combustion",
    "dom_cf": "dead_combustion",
    "resilience": "fire_resilience",
}
_DALEC_RATES = {
    "tor_wood": "wood_residence_time",
    "tor_root": "root_residence_time",
    "tor_litter": "litter_residence_time",
    "decomposition_rate": "litter_decomposition_time",
    "tor_som": "som_residence_time",
}
_DALEC_DERIVED = ("f_fol", "flab", "f_root", "Cfol", "initial_water", "runoff_focal_point")
_FIRE = ("foliar_cf", "ligneous_cf", "dom_cf", "resilience")
DALEC_NAMES = (*_DALEC_DIRECT, *_DALEC_RATES, *_DALEC_DERIVED)
_CIRCLE = ("leaf_onset_day", "leaf_fall_day")


def from_dalec(values: Mapping[str, ArrayLike], *, step_length: float) -> Parameters:
    """Convert from DALEC names: sequential allocation fractions and daily turnover rates.

    Parameters
    ----------
    values
        By DALEC993 name: rates in d-1, pools in g C m-2, water in mm. Parameters of SIF, VOD and
        the unused ``IWUE`` may be present and are ignored; the four fire parameters may be absent.
    step_length
        Length of a model step in days. DALEC's runoff focal point Q means
        ``runoff = W^2 / (Q step)`` and therefore another soil at another step length; here it
        becomes the water storage at which drainage is 1 mm d-1, ``sqrt(Q step)``.

    Returns
    -------
    bayes_tbm.Parameters
        What DALEC has no name for (regrowth, departures) at prior medians.

    Raises
    ------
    InputError
        A DALEC name is missing.
    """
    missing = [name for name in DALEC_NAMES if name not in values and name not in _FIRE]
    if missing:
        raise InputError(
            where="parameters",
            variable=", ".join(missing),
            rule="every DALEC parameter must be given",
            found=f"{len(missing)} missing",
            remedy="add them by their DALEC993 names",
        )
    v = {name: jnp.asarray(value) for name, value in values.items()}
    own = {name: v[dalec] for dalec, name in _DALEC_DIRECT.items() if dalec in v}
    own |= {name: 1.0 / (DAYS_PER_YEAR * v[dalec]) for dalec, name in _DALEC_RATES.items()}
    own |= {name: own[name] % DAYS_PER_YEAR for name in _CIRCLE}
    after_foliage = 1.0 - v["f_fol"]
    after_labile = after_foliage * (1.0 - v["flab"])
    wood = after_labile * (1.0 - v["f_root"])
    own["allocation_wood"] = wood
    labile, root = after_foliage * v["flab"], after_labile * v["f_root"]
    own["canopy_to_root_allocation"] = (v["f_fol"] + labile) / root
    own["direct_foliage_share"] = v["f_fol"] / (v["f_fol"] + labile)
    own["initial_lai"] = v["Cfol"] / v["LCMA"]
    own["initial_saturation"] = v["initial_water"] / v["field_capacity"]
    own["drainage_storage"] = jnp.sqrt(v["runoff_focal_point"] * step_length)
    defaults = {n: TABLE[n].prior.center for n in TABLE if n not in own}
    return Parameters.from_mapping({**defaults, **own})


def to_dalec(parameters: Parameters, *, step_length: float) -> dict[str, jax.Array]:
    """DALEC names and units for parameters; the inverse of `from_dalec`.

    Parameters
    ----------
    parameters
        Values by our names.
    step_length
        Length of a model step in days, on which DALEC's runoff focal point depends.

    Returns
    -------
    dict
        By DALEC993 name: rates in d-1, pools in g C m-2, water in mm.
    """
    p = {name: jnp.asarray(value) for name, value in parameters.to_dict().items()}
    shares = allocation_shares(parameters)
    dalec = {dalec: p[name] for dalec, name in _DALEC_DIRECT.items()}
    dalec |= {dalec: 1.0 / (DAYS_PER_YEAR * p[name]) for dalec, name in _DALEC_RATES.items()}
    dalec["f_fol"] = jnp.asarray(shares.foliage)
    dalec["flab"] = jnp.asarray(shares.labile / (1.0 - shares.foliage))
    dalec["f_root"] = jnp.asarray(shares.root / (shares.root + shares.wood))
    dalec["Cfol"] = p["initial_lai"] * p["leaf_carbon_per_area"]
    dalec["initial_water"] = p["initial_saturation"] * p["field_capacity"]
    dalec["runoff_focal_point"] = p["drainage_storage"] ** 2 / step_length
    return dalec


def _listed(names: list[str]) -> str:
    return ", ".join(names) or "none"
