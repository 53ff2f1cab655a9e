"""Ecological and dynamical constraints (EDCs) as smooth, named log-density terms.

After Bloom & Williams (2015, doi 10.5194/bg-12-1299-2015), who reject what breaks a rule. Here each
rule is a term of stated width, part of the prior: an ordering ``a >= b`` is a logistic step in
``ln(a / b)`` and a steady state a normal in ``ln(in / out)``, so that gradients exist everywhere.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from bayes_tbm.errors import InputError
from bayes_tbm.model import Forcing, RunSummary, Trajectory, summary_of
from bayes_tbm.model.regrowth import CLOSED
from bayes_tbm.parameters import Parameters, allocation_shares
from bayes_tbm.plain import finite_number

Term = Callable[[Parameters, RunSummary, float], jax.Array]


@dataclasses.dataclass(frozen=True)
class EDC:
    """An ecological or dynamical constraint: one named term of the prior.

    Attributes
    ----------
    name
        Short name.
    rule
        What it asks for, in words.
    width
        Softness: of the logistic in log ratio for orderings; the factor of one standard deviation
        for steady states (EQF, 2 in CARDAMOM).
    default
        Whether it holds in any forest and is therefore on unless switched off.
    term
        Log density up to a constant, from parameters, run summary and width.
    age
        Where the term looks at the stand's regrowth, the age in years up to which it does; such a
        term holds only where the regrowth is run.
    """

    name: str
    rule: str
    width: float
    default: bool
    term: Term
    age: float = 0.0

    def log_density(self, p: Parameters, run: Trajectory, forcing: Forcing) -> jax.Array:
        """Log density of the term, up to a constant."""
        return self.of_summary(p, summary_of(run, forcing))

    def of_summary(self, p: Parameters, run: RunSummary) -> jax.Array:
        """Log density of the term from what it sees of a run, numbers."""
        return self.term(p, run, self.width)


def _above(ratio: jax.Array | float, width: float) -> jax.Array:
    """Smooth step: zero where ``ratio`` is well above one, falling linearly in log below."""
    return jax.nn.log_sigmoid(jnp.log(ratio) / width)


def _litter_faster_than_som(p: Parameters, _: RunSummary, w: float) -> jax.Array:
    return _above(p.som_residence_time / p.litter_residence_time, w)


def _decomposition_faster_than_som(p: Parameters, _: RunSummary, w: float) -> jax.Array:
    return _above(p.som_residence_time / p.litter_decomposition_time, w)


def _wood_slower_than_leaves(p: Parameters, _: RunSummary, w: float) -> jax.Array:
    return _above(p.wood_residence_time / p.leaf_lifespan, w)


def _roots_faster_than_som(p: Parameters, _: RunSummary, w: float) -> jax.Array:
    return _above(p.som_residence_time / p.root_residence_time, w)


def _canopy_root_allocation(p: Parameters, _: RunSummary, w: float) -> jax.Array:
    shares = allocation_shares(p)
    ratio = (shares.foliage + shares.labile) / shares.root
    return _above(5.0 * ratio, w) + _above(5.0 / ratio, w)


def _canopy_root_pools(_: Parameters, run: RunSummary, w: float) -> jax.Array:
    ratio = run.mean("foliage") / run.mean("root")
    return _above(5.0 * ratio, w) + _above(5.0 / ratio, w)


def _canopy_closure(_: Parameters, run: RunSummary, w: float) -> jax.Array:
    if run.closure is None:
        raise ValueError("canopy closure needs the regrowth run")
    return _above(run.closure, w)


def _inputs(p: Parameters, run: RunSummary) -> dict[str, jax.Array]:
    """All carbon that entered each pool over the record, g C m-2.

    From production and the balances of the pools: what a pool passed on is what it got, less its
    change and less what fire took. That needs no series of fluxes, which a sampler would pay for.
    """
    shares = allocation_shares(p)

    def passed_on(pool: str, gained: jax.Array) -> jax.Array:
        burnt = run.combusted.get(pool, 0.0) + run.killed.get(pool, 0.0)
        return gained - run.change(pool) - burnt

    def killed(*pools: str) -> jax.Array | float:
        return sum(run.killed.get(pool, 0.0) for pool in pools)

    npp = run.total.gpp * (1.0 - p.autotrophic_fraction)
    labile, root, wood = (shares.labile * npp, shares.root * npp, shares.wood * npp)
    foliage = shares.foliage * npp + passed_on("labile", labile)
    litter = passed_on("foliage", foliage) + passed_on("root", root)
    litter = litter + killed("labile", "foliage", "root")
    decomposed = passed_on("litter", litter) - run.total.litter_respiration
    som = passed_on("wood", wood) + decomposed + killed("wood", "litter")
    return {
        "labile": labile, "foliage": foliage, "root": root,
        "wood": wood, "litter": litter, "som": som,
    }  # fmt: skip


def _steady(pool: str) -> Term:
    """Return a term for ``ln(in / out)``, with ``out`` known from inputs and the pool's change."""

    def term(p: Parameters, run: RunSummary, factor: float) -> jax.Array:
        gained = _inputs(p, run)[pool]
        lost = gained - run.change(pool)
        return -0.5 * (jnp.log(gained / lost) / math.log(factor)) ** 2

    return term


_ORDERINGS = (
    EDC("litter_faster_than_som", "litter respires faster than soil organic matter",
        0.1, True, _litter_faster_than_som),
    EDC("decomposition_faster_than_som",
        "litter decomposes faster than soil organic matter respires",
        0.1, True, _decomposition_faster_than_som),
    EDC("wood_slower_than_leaves", "wood lives longer than leaves",
        0.1, True, _wood_slower_than_leaves),
    EDC("roots_faster_than_som", "roots turn over faster than soil organic matter",
        0.1, True, _roots_faster_than_som),
    EDC("canopy_root_allocation",
        "allocation to foliage and labile is within a factor 5 of that to roots",
        0.1, True, _canopy_root_allocation),
    EDC("canopy_root_pools", "mean foliage is within a factor 5 of mean roots",
        0.1, True, _canopy_root_pools),
    # Light-saturated uptake of burnt spruce was 0.6 of the oldest stand's at age 11 and 1.3 at 19
    # (Litvak et al. 2003, doi 10.1029/2001JD000854). This model's young canopies can stagnate
    # instead, see `regrowth_lai`.
    EDC("canopy_closure",
        "by age 20 the stand's mean foliage is at least two thirds of the record's",
        0.1, True, _canopy_closure, age=CLOSED),
)  # fmt: skip
_STEADY = tuple(
    EDC(
        f"steady_{pool}",
        f"{pool} gains and losses over the record agree within a factor",
        2.0,
        # Wood and soil of a stand that is still growing are not steady, and saying they are
        # would decide the residence time (SCIENCE: in/out > 2 until age 0.69 tau).
        pool not in ("wood", "som"),
        _steady(pool),
    )
    for pool in ("labile", "foliage", "root", "litter", "wood", "som")
)
EDCS: dict[str, EDC] = {c.name: c for c in (*_ORDERINGS, *_STEADY)}


def _is_choice(value: Any, smallest: float) -> bool:
    """Whether a value is on, off, or a width above the smallest."""
    width = finite_number(value)
    return isinstance(value, bool | np.bool_) or (width is not None and width > smallest)


def as_edcs(
    given: Sequence[str] | Mapping[str, bool | float] | bool | None, where: str = "constraints"
) -> tuple[EDC, ...]:
    """Ecological constraints from a user's choice.

    Parameters
    ----------
    given
        None or True for the defaults, False for none, names for exactly these, or a mapping
        that switches named ones on or off (True, False) or sets their width (a number).
    where
        What the choice was read from; only used in messages.

    Raises
    ------
    InputError
        Unknown name, or a width that is not positive and finite.
    """
    if given is None or isinstance(given, bool):
        return tuple(c for c in EDCS.values() if c.default) if given is not False else ()
    given = [given] if isinstance(given, str) else given
    choice: Mapping[str, bool | float] = (
        given if isinstance(given, Mapping) else {n: n in list(given) for n in [*EDCS, *given]}
    )
    unknown = [name for name in choice if name not in EDCS]
    smallest = {n: 1.0 if n.startswith("steady_") else 0.0 for n in choice}
    narrow = [n for n, v in choice.items() if not _is_choice(v, smallest[n])]
    if unknown or narrow:
        raise InputError(
            where=where,
            variable=", ".join(unknown + narrow),
            rule="must be known constraints, on or off or with a finite, positive width (a "
            "factor above 1 for steady states)",
            found=str({name: choice[name] for name in unknown + narrow}),
            remedy=f"choose from {', '.join(EDCS)}",
        )
    chosen = []
    for name, constraint in EDCS.items():
        value = choice.get(name, constraint.default)
        width = finite_number(value)
        if width is None:  # on or off
            width = constraint.width if value else None
        if width is not None:
            chosen.append(dataclasses.replace(constraint, width=width))
    return tuple(chosen)
