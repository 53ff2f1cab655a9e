"""The equations of docs/model.md, written out in plain numbers, are what a step computes."""

import dataclasses
import math

import numpy as np
import pytest

from bayes_tbm.model.containers import Drivers, Pools
from bayes_tbm.model.forcing import prepare
from bayes_tbm.model.rates import coefficients, rates_under
from bayes_tbm.model.steps import step
from bayes_tbm.parameters import Parameters
from bayes_tbm.processes.water import WaterForm

OFFSET = (
    2.3599784710e-5, 3.32730053021e-4, 9.01865258885e-4, -5.437736864888e-3,
    -2.0836027517787e-2, 1.26972018064287e-1, -1.88459767342504e-1,
)  # fmt: skip
POOLS = Pools(
    labile=120.0, foliage=190.0, root=170.0, wood=6000.0, litter=240.0, som=11000.0, water=150.0
)


def weather(day: float, step_length: float, burned: float) -> Drivers:
    numbers = {
        "days": day, "t_min": 4.0, "t_max": 13.5, "shortwave": 14.0, "co2": 390.0,
        "day_of_year": day % 365.25, "burned_fraction": burned, "vpd": 6.0, "precipitation": 2.5,
        "step_length": step_length, "latitude": 61.8, "reference_temperature": 3.9,
        "reference_precipitation": 1.9,
    }  # fmt: skip
    arrays = {name: np.float64(x) for name, x in numbers.items()}
    return Drivers(**arrays, fire=burned > 0.0, daily=step_length == 1.0)


def gpp_without_stress(p: Parameters, w: Drivers, lai: float) -> float:
    g = 2.0**0.789798 / (0.37836 + 0.5 * (w.t_max - w.t_min))
    carboxylation = lai * p.canopy_efficiency * math.exp(0.011136 * w.t_max) / g
    ca, q = w.co2, 4.22273 - 208.868
    b = ca + q - carboxylation
    ci = 0.5 * (b + math.sqrt(b**2 - 4.0 * (ca * q - 4.22273 * carboxylation)))
    diffusion = g * (ca - ci)
    light = 7.19298 * lai**2 / (2.1001 + lai**2) * w.shortwave
    delta = -math.radians(23.4) * math.cos(2.0 * math.pi * (w.day_of_year + 10.0) / 365.0)
    hours = 24.0 / math.pi * math.acos(-math.tan(math.radians(w.latitude)) * math.tan(delta))
    return light * diffusion / (light + diffusion) * (0.0156935 * hours + 0.0453194)


def pulse(t: float, lifespan: float, period: float, day: float) -> float:
    width = math.sqrt(2.0) / 2.0 * period
    fraction = 0.5 * math.log(lifespan / (lifespan - 1.0))
    offset = width * float(np.polyval(OFFSET, math.log(lifespan - 1.0)))
    sine = math.sin(math.pi * (t - day + offset) / 365.25)
    return (
        2.0 / math.sqrt(math.pi) * fraction / width
        * math.exp(-((365.25 / (math.pi * width) * sine) ** 2))
    )  # fmt: skip


def one_step(p: Parameters, w: Drivers, c: Pools) -> tuple[dict[str, float], float, float]:
    """Pools after a step, GPP and NEE, as the page states them."""
    d = w.step_length
    x = (c.water - p.wilting_fraction * p.field_capacity) / (
        p.field_capacity * (1.0 - p.wilting_fraction)
    )
    beta = 0.5 * (1.0 + math.hypot(x, 0.05) - math.hypot(x - 1.0, 0.05))
    gpp = beta * gpp_without_stress(p, w, c.foliage / p.leaf_carbon_per_area)
    npp = (1.0 - p.autotrophic_fraction) * gpp * d
    r, s = p.canopy_to_root_allocation, p.direct_foliage_share
    canopy = (1.0 - p.allocation_wood) * r / (1.0 + r)

    def lost(rate: float) -> float:
        return 1.0 - (1.0 - rate) ** d

    t = 0.5 * (w.t_min + w.t_max) - w.reference_temperature
    wet = w.precipitation / w.reference_precipitation - 1.0
    climate = math.exp(p.temperature_sensitivity * t) * (1.0 + p.moisture_sensitivity * wet)
    per_day = {
        "root": 1.0 / (365.25 * p.root_residence_time),
        "wood": 1.0 / (365.25 * p.wood_residence_time),
        "lit": climate / (365.25 * p.litter_residence_time),
        "dec": climate / (365.25 * p.litter_decomposition_time),
        "som": climate / (365.25 * p.som_residence_time),
        "rel": pulse(w.days, p.labile_lifespan, p.labile_release_period, p.leaf_onset_day),
        "fall": pulse(w.days, p.leaf_lifespan, p.leaf_fall_period, p.leaf_fall_day),
    }
    f = {name: lost(rate) for name, rate in per_day.items()}
    focal = p.drainage_storage**2 / d
    drained = c.water**2 / focal if c.water <= focal / 2.0 else c.water - focal / 4.0
    demand = (
        gpp * math.sqrt(w.vpd) / p.underlying_water_use_efficiency
        + p.radiative_evaporation * w.shortwave
    ) * d  # fmt: skip
    there = c.water + w.precipitation * d - drained
    both = demand + there
    et = (both - math.sqrt(both**2 - 4.0 * 0.99 * demand * there)) / (2.0 * 0.99)
    after = {
        "labile": c.labile + (1.0 - s) * canopy * npp - f["rel"] * c.labile,
        "foliage": c.foliage + s * canopy * npp + f["rel"] * c.labile - f["fall"] * c.foliage,
        "root": c.root + (1.0 - p.allocation_wood) / (1.0 + r) * npp - f["root"] * c.root,
        "wood": c.wood + p.allocation_wood * npp - f["wood"] * c.wood,
        "litter": c.litter + f["fall"] * c.foliage + f["root"] * c.root
        - (f["lit"] + f["dec"]) * c.litter,
        "som": c.som + f["wood"] * c.wood + f["dec"] * c.litter - f["som"] * c.som,
        "water": there - et,
    }  # fmt: skip
    respired = (f["lit"] * c.litter + f["som"] * c.som) / d
    return after, gpp, p.autotrophic_fraction * gpp + respired - gpp


def burn(p: Parameters, burned: float, pools: dict[str, float]) -> dict[str, float]:
    wood, leaf = p.ligneous_combustion, p.foliar_combustion
    share = {
        "labile": wood, "foliage": leaf, "root": wood, "wood": wood,
        "litter": 0.5 * (wood + leaf), "som": p.dead_combustion,
    }  # fmt: skip
    dead = {
        name: pools[name] * burned * (1.0 - cf) * (1.0 - p.fire_resilience)
        for name, cf in share.items() if name != "som"
    }  # fmt: skip
    left = {n: pools[n] * (1.0 - burned * cf) - dead.get(n, 0.0) for n, cf in share.items()}
    left["litter"] += dead["labile"] + dead["foliage"] + dead["root"]
    left["som"] += dead["wood"] + dead["litter"]
    return left | {"water": pools["water"]}


@pytest.mark.parametrize("water", [8.0, 150.0, 1200.0])
@pytest.mark.parametrize("burned", [0.0, 0.3])
@pytest.mark.parametrize(("day", "step_length"), [(130.3, 1.0), (280.8, 30.4375), (2000.5, 8.0)])
def test_step_is_that_of_the_page(day, step_length, burned, water):
    p, w = Parameters.default(), weather(day, step_length, burned)
    pools = dataclasses.replace(POOLS, water=water)
    after, gpp, nee = one_step(p, w, pools)
    expected = burn(p, burned, after) if burned else after
    forcing = prepare(w)
    rates = rates_under(forcing, coefficients(p, fire=w.fire))
    found, exchange, _ = step(pools, forcing, rates, WaterForm())
    assert {n: float(x) for n, x in vars(found).items()} == pytest.approx(expected, rel=1e-10)
    assert (float(exchange.gpp), float(exchange.nee)) == pytest.approx((gpp, nee), rel=1e-10)
