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
# # What sites say together, and when they cannot
#
# Does wood live longer where winters are cold? Fits of single sites do not say; a hierarchy over
# their posteriors does, with its uncertainty. `bayes-tbm many` makes the posteriors and
# `bayes-tbm population` asks them. Here the sites are virtual, so that the truth is known: their
# likelihoods of ln residence time are normal, and draws follow in closed form.

# %%
# %matplotlib inline
import numpy as np
import pandas as pd

import bayes_tbm as bt
from bayes_tbm.plots.population import plot_by_climate, plot_threshold
from bayes_tbm.population.hierarchy import needs_refit, pooled

PRIOR_MEDIAN, PRIOR_SD = np.log(60.0), 0.8


def virtual_sites(count, step, known, seed):
    """Draws of sites whose residence time falls by ``step`` (ln) above -18 degC."""
    rng = np.random.default_rng(seed)
    sites = [f"site {place + 1}" for place in range(count)]
    coldest = np.linspace(-34.0, 2.0, count)
    truth = np.log(80.0) + step / (1.0 + np.exp(-(coldest + 18.0) / 1.5))
    truth += rng.normal(0.0, 0.3, count)  # what else sites differ in
    seen = truth + rng.normal(0.0, known, count)
    precision = known**-2 + PRIOR_SD**-2
    middle = (seen / known**2 + PRIOR_MEDIAN / PRIOR_SD**2) / precision
    phi = middle[:, None, None] + rng.normal(size=(count, 1000, 1)) / np.sqrt(precision)
    log_prior = -0.5 * ((phi[..., 0] - PRIOR_MEDIAN) / PRIOR_SD) ** 2
    draws = bt.SiteDraws(sites, ["wood_residence_time"], phi, log_prior, np.full(count, 1000.0))
    return draws, pd.DataFrame({"coldest": coldest, "cell": sites}, index=sites)


# %% [markdown]
# Forty sites, each known within a factor of 1.35 (as with a growth curve), and a true step by a
# factor of 3.

# %%
draws, known = virtual_sites(40, step=-np.log(3.0), known=0.3, seed=1)
quick = {"chains": 2, "warmup": 150, "keep": 150}
found = bt.attribution(draws, known, means=("constant", "linear", "step"), replicates=50, **quick)
print(found.verdict)
found.comparison

# %% [markdown]
# The comparison leaves each climate cell out in turn; a difference below 4 nats is none. The
# threshold's posterior over its prior, and the sites before and after pooling:

# %%
plot_threshold(found.threshold["probability"], prior=found.threshold["prior"])

# %%
fit = found.fits["step"]
places = pooled(fit, draws, np.random.default_rng(0))
before = draws.phi[..., 0].T
after = np.take_along_axis(before, places, axis=0)
at = np.linspace(-34.0, 2.0, 60)
plot_by_climate(known["coldest"].to_numpy(), before, after, at, fit.curve(at))

# %% [markdown]
# Are there draws enough where the population puts its weight?

# %%
print(needs_refit(fit) or "all sites have draws enough")
fit.tree["diagnostics"].to_dataset()[["error_bits", "total_variance"]]

# %% [markdown]
# ## The same question where data are poor
#
# Fluxes alone leave residence time within a factor of 2.5 or so: hardly less than the prior. The
# same truth, the same number of sites:

# %%
vague, known = virtual_sites(40, step=-np.log(3.0), known=0.9, seed=1)
poor = bt.attribution(vague, known, means=("constant", "linear", "step"), replicates=50, **quick)
print(poor.verdict)
poor.power

# %% [markdown]
# "Cannot tell" is the answer that these data allow. That no threshold is found says nothing where
# one would not have been seen: `power` tells, from the sites' own covariates and errors, how
# often a true step would have been told.
