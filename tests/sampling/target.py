"""What the samplers need of a density, without a model behind it."""

import collections
import dataclasses

import jax
import jax.numpy as jnp

from bayes_tbm.parameters import Fixed


@jax.tree_util.register_dataclass
@dataclasses.dataclass(frozen=True)
class Traced:
    """The same as JAX traces it: nothing of it is a number."""

    log_density: object = dataclasses.field(metadata={"static": True})


class Target:
    """A log density without a model behind it."""

    def __init__(self, log_density):
        self.log_density = log_density
        self.traced = Traced(log_density)
        self.value_and_gradient = jax.jit(jax.value_and_grad(log_density))
        self.priors = collections.defaultdict(lambda: Fixed(0.0))

    def __call__(self, z):
        return self.log_density(z)

    def values(self, z):
        return collections.defaultdict(lambda: jnp.zeros(()))

    values_at = values
