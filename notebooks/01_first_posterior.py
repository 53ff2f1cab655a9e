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
# # A first posterior, and whether to believe it
#
# `bayes_tbm` fits the DALEC carbon model to the data of a site. This notebook fits the embedded
# site `hyytiala-twin`: ten years of monthly data made up from a known truth, so that we can see
# what the posterior got right. Any other site works the same way: give `bt.open_site` a name or
# a file.

# %%
# %matplotlib inline
import arviz as az
import numpy as np

import bayes_tbm as bt

site = bt.open_site("hyytiala-twin")
site

# %% [markdown]
# A calibration is a site, the data streams to use, and priors. The defaults are boreal and weakly
# informative; `bt.TABLE` holds every parameter with its unit, bounds, prior and source.

# %%
cal = bt.Calibration(site, streams=["gpp", "nee", "et", "lai", "wood", "som"])
print(len(cal.density.sampled), "parameters, the error model's included")
bt.TABLE["wood_residence_time"]

# %% [markdown]
# Before looking at data: what does the prior say? `prior` draws from it, ecological constraints
# included, and predicts every stream.

# %%
before = cal.prior(500, seed=1)
before["posterior"].to_dataset()["gpp_annual"].quantile([0.05, 0.5, 0.95]).values.round()

# %% [markdown]
# Now sample. Optimisers first look for modes from several prior draws; four NUTS chains start from
# what they find, and share a metric that they learn in warm-up.

# %%
post = cal.sample(seed=1, progress=False)
gate = bt.check_convergence(post)
print(gate)

# %% [markdown]
# The gate holds R-hat, effective sample sizes, divergences and E-BFMI against the field's
# thresholds. **Do not read a posterior that fails it.** The result is an ArviZ tree, so ArviZ's own
# diagnostics work as they are:

# %%
az.summary(post, var_names=["wood_residence_time", "allocation_wood", "autotrophic_fraction"])

# %%
az.plot_rank(post, var_names=["wood_residence_time", "allocation_wood"])
# %% [markdown]
# Does the model fit? R², bias, the memory of residuals, the share of variance that the structural
# error took, and the coverage of predictive intervals, stream by stream:

# %%
bt.stream_skill(post).round(2)

# %%
from bayes_tbm.plots import plot_streams

plot_streams(post)

# %% [markdown]
# What did the data say? Contraction is one minus the posterior's variance over the prior's, on the
# scale on which the prior is normal; bits are the information gained.

# %%
table = bt.constraint_table(post)
table[["contraction", "bits", "overlap", "verdict"]].sort_values("bits").round(2).tail(12)

# %% [markdown]
# And since this site's truth is known: which parameters lie inside their 90 % interval?

# %%
from bayes_tbm.synthetic.twin import embedded_truth

truth = embedded_truth().to_dict()
posterior = post["posterior"].to_dataset()
names = [name for name in truth if name in posterior]
low, high = (posterior[names].quantile(q, ("chain", "draw")) for q in (0.05, 0.95))
inside = [bool(low[name] <= truth[name] <= high[name]) for name in names]
print(f"{sum(inside)} of {len(names)}; outside: {np.array(names)[~np.array(inside)]}")

# %% [markdown]
# Fluxes, leaf area and one inventory fix the canopy and the flow of carbon through it. What they
# leave open is how long wood lives: compare `wood_residence_time` with its prior above. The next
# notebook adds what does close it, a growth curve.
