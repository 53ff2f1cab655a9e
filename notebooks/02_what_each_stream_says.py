# ---
# jupyter:
#   jupytext:
#     text_representation:
#       extension: .py
#       format_name: percent
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # What each data stream says: fluxes, a stock, a growth curve
#
# A wood pool fills as `C(t) = (I / k) (1 - exp(-k t))`. One stock fixes one combination of input
# `I` and turnover `k`; a curve of biomass by age fixes both. Here we see that in a posterior of the
# whole model, for a virtual boreal stand whose truth is known.

# %%
# %matplotlib inline
import os

import numpy as np

import bayes_tbm as bt
from bayes_tbm.plots import plot_bits, plot_contraction, plot_growth, plot_joint
from bayes_tbm.synthetic.stands import virtual_stand

QUICK = bool(os.environ.get("BAYES_TBM_QUICK"))
SETTINGS = {"warmup": 90, "draws": 100, "starts": 4, "extensions": 0} if QUICK else {}

stand = virtual_stand("CA-Man", seed=0)  # black spruce climate, coldest month -21 degC
print(f"age {stand.age:.0f} yr, wood lives {stand.truth.wood_residence_time:.0f} yr")
stand.site

# %% [markdown]
# Somebody has measured biomass along a chronosequence, with errors of 10 % that neighbouring ages
# share. `bt.GrowthCurve.from_csv` reads such a curve from a file, `from_chapman_richards` takes
# fitted parameters with their covariance. Errors are correlated along age by default: fifteen
# points of one curve are not fifteen independent facts.

# %%
rng = np.random.default_rng(1)
age = np.arange(10.0, 151.0, 10.0)
correlation = 0.5 + 0.5 * np.exp(-np.abs(np.subtract.outer(age, age)) / 80.0)
noise = np.linalg.cholesky(correlation) @ rng.standard_normal(len(age))
biomass = stand.biomass_at(age) * np.exp(0.1 * noise)

errors = bt.AlongAge(length=bt.Fixed(80.0), common=bt.Fixed(0.5), structural=bt.Fixed(0.0))
curve = bt.GrowthCurve(age, biomass, 0.1 * biomass, errors=errors)
now = float(stand.biomass_at(stand.age))
stock = bt.Stock(now, 0.1 * now, "g C m-2", age=stand.age)

# %% [markdown]
# Three sets of streams, one fit each. `folder="fits"` would keep them by content, so that the
# next call reads what is there. `regrowth=True` gives all three the same prior, that of the stand
# after its disturbance included.

# %%
fluxes = ["gpp", "nee", "et", "lai"]
sets = {"flux": fluxes, "+ stock": [*fluxes, stock], "+ curve": [*fluxes, curve]}
calibrations = {
    name: bt.Calibration(stand.site, streams, regrowth=True) for name, streams in sets.items()
}
found = bt.compare(calibrations, seed=1, progress=False, **SETTINGS)
for name, gate in found.gates.items():
    print(name, gate)

# %%
plot_growth(found.posteriors)

# %% [markdown]
# Fluxes say little about a mature forest: the band is almost the prior's. The stock pins the curve
# at one age. The curve closes it.

# %%
shown = found.table.loc[(slice(None), ["wood_residence_time", "allocation_wood"]), :]
shown[["median", "q05", "q95", "contraction", "bits", "verdict"]].round(2)

# %%
truth = {name: float(getattr(stand.truth, name)) for name in ("allocation_wood",)}
truth["wood_residence_time"] = float(stand.truth.wood_residence_time)
plot_joint(found.posteriors, truth=truth)

# %% [markdown]
# The information gain, bits, jointly for allocation and residence time, with Monte Carlo errors:
# this is what a stream says about the pair, ridge or no ridge.

# %%
found.table.loc[(slice(None), "allocation_wood & wood_residence_time"), ["bits", "bits_mcse"]]

# %% [markdown]
# What each set adds to those within it. The difference of two fits carries the errors of both.

# %%
found.added().xs("wood_residence_time", level="target")[["bits", "bits_mcse"]].round(2)

# %% [markdown]
# Every quantity at a glance. Where the map is dark, no set of streams has anything to say, and the
# answer is the prior's.

# %%
plot_bits(found.table)

# %%
plot_contraction(found.table)

# %% [markdown]
# And the fluxes, do they suffer? They should not: the curve is about what they do not see.

# %%
found.skill["rmse"].unstack("set")[list(sets)].round(3)
