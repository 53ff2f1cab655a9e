"""Functions of two numbers, of all kinds that JAX can write, and what compiles none of them."""

from collections.abc import Callable
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax
from jax.scipy import special

# How JAX writes the derivative of erf: by bits since 0.12, for which there is no machine code.
BY_BITS = "bitcast_convert_type" in str(jax.make_jaxpr(jax.grad(lax.erf))(0.5))


class Case(NamedTuple):
    """A function, the first thing that has no machine code, and whether JAX has its gradient."""

    function: Callable[[jax.Array, jax.Array], jax.Array]
    missing: str | None = None
    graded: bool = True
    backward: str | None = None  # missing in the gradient only

    @property
    def first_missing(self) -> str | None:
        """What is named first."""
        return self.backward if self.missing is None else self.missing


@jax.custom_jvp
def _own_derivative(x):
    return x * x


_own_derivative.defjvp(lambda at, slopes: (at[0] ** 2, 3.0 * at[0] * slopes[0]))


@jax.custom_vjp
def _own_gradient(x):
    return x * x


_own_gradient.defvjp(lambda x: (x * x, x), lambda x, cotangent: (5.0 * x * cotangent,))

COMPILED = {
    "sums": Case(lambda x, k: x + k - 2.0 * x + (-k)),
    "quotients": Case(lambda x, k: x / k + 1.0 / x),
    "powers": Case(lambda x, k: x**3 + k**-2 + x**0 + lax.square(k)),
    "roots": Case(lambda x, k: jnp.sqrt(x * k)),
    "exponentials": Case(lambda x, k: jnp.exp(-x * k) + jnp.expm1(0.1 * x)),
    "logarithms": Case(lambda x, k: jnp.log(x) * k + jnp.log1p(k)),
    "waves": Case(lambda x, k: jnp.sin(3.0 * x) * jnp.cos(k)),
    "sigmoid": Case(lambda x, k: jax.nn.sigmoid(4.0 * (x - k))),
    "sizes": Case(lambda x, k: jnp.abs(x - 1.0) * jnp.abs(-k)),
    "extremes": Case(lambda x, k: jnp.maximum(x, k) * jnp.minimum(1.0, x) + jnp.maximum(0.0, -x)),
    "clip": Case(lambda x, k: jnp.clip(x, 0, 1) * k),
    "choices": Case(lambda x, k: jnp.where(x > 1.0, x * k, jnp.where(k <= 0.5, 2.0 * x, k / x))),
    "truths": Case(lambda x, k: jnp.where(((x > 1.0) & ~(k < 0.5)) | ((x < 0.4) ^ (x == k)), x, k)),
    "truths alike": Case(lambda x, k: jnp.where(lax.eq(x > 1.0, k > 1.0), x, k)),
    "truths apart": Case(lambda x, k: jnp.where(lax.ne(x > 1.0, k > 1.0), x, k)),
    "a choice of truths": Case(lambda x, k: jnp.where(jnp.where(x > k, x > 1.0, k > 1.0), x, k)),
    "truths as numbers": Case(lambda x, k: (x > 1.0) * k + (k != x).astype(x.dtype) * x),
    "numbers as truths": Case(lambda x, k: jnp.where((x - 1.0).astype(bool), x, k)),
    "a truth": Case(lambda x, k: x > k),
    "an ignored argument": Case(lambda x, _: x),
    "a number alone": Case(lambda _x, _k: 2.5),
    "jit": Case(lambda x, k: jax.jit(lambda y: y * k)(x)),
    "checkpoint": Case(lambda x, k: jax.checkpoint(lambda y: jnp.sin(y) * k)(x)),
    "custom_jvp": Case(lambda x, k: _own_derivative(x) * k),
    "custom_vjp": Case(lambda x, k: _own_gradient(x) * k),
    "stop_gradient": Case(lambda x, k: lax.stop_gradient(x) * x * k),
    "barrier": Case(lambda x, k: lax.optimization_barrier(x) * k),
    "a gradient": Case(lambda x, k: jax.grad(lambda y: jnp.exp(k * y))(x)),
    "erf": Case(
        lambda x, k: special.erf(x) * special.erfc(k),
        backward="bitcast_convert_type" if BY_BITS else None,
    ),
}
"""Which machine code runs, at least forwards."""

LEFT = {
    "tan": Case(lambda x, k: jnp.tan(x) * k, "'tan'"),
    "tanh": Case(lambda x, k: jnp.tanh(x) * k, "'tanh'"),
    "a real power": Case(lambda x, k: x**k, "'pow'"),
    "arcs": Case(lambda x, k: jnp.arctan2(x, k) + jnp.arcsin(0.5 * x), "'atan2'"),
    "cube root": Case(lambda x, k: jnp.cbrt(x) * k, "'cbrt'"),
    "rsqrt": Case(lambda x, k: lax.rsqrt(x) * k, "'rsqrt'"),
    "exp2": Case(lambda x, k: jnp.exp2(x) * k, "'exp2'"),
    "gamma": Case(lambda x, k: special.gammaln(x) * k, "'lgamma'", graded=False),
    "whole numbers": Case(lambda x, k: lax.div(jnp.where(x > 1, 7, 3), 2) * x * k, "int"),
    "rounding": Case(lambda x, k: jnp.floor(3.3 * x) + jnp.round(2.2 * k) * x, "'floor'"),
    "signs": Case(lambda x, k: jnp.sign(x - 1.0) * k, "'sign'"),
    "remainder": Case(lambda x, k: jnp.mod(x, k), "'rem'"),
    "finite": Case(lambda x, k: jnp.where(jnp.isfinite(x), x, k), "'is_finite'"),
    "cast": Case(lambda x, k: (3.3 * x).astype(int).astype(x.dtype) * k, "int"),
    "half": Case(lambda x, k: (x > k).astype(jnp.float16).astype(x.dtype) * k, "float16"),
    "bits": Case(lambda x, k: lax.bitcast_convert_type(x, lax.dtype(x)) * k, "'bitcast_conv"),
    "next": Case(lambda x, k: jnp.nextafter(x, k), "'nextafter'", graded=False),
    "a vector": Case(lambda x, k: jnp.broadcast_to(x, (3,)).sum() * k, "on arrays"),
    "stacked": Case(lambda x, k: jnp.stack([x, k, x * k]).max(), "on arrays"),
    "sorted": Case(lambda x, k: jnp.sort(jnp.array([x, k, 1.0]))[1] * x, "on arrays"),
    "a product of matrices": Case(lambda x, k: (jnp.eye(2) * x @ jnp.full((2, 2), k)).sum(), ""),
    "a table": Case(lambda x, k: jnp.interp(x, jnp.arange(4.0), jnp.arange(4.0) ** 2) * k, ""),
    "a constant array": Case(lambda x, k: (np.arange(3.0) * x).sum() * k, ""),
    "an index": Case(lambda x, k: jnp.array([1.0, 2.0, 4.0])[(2 * x).astype(int)] * k, ""),
    "complex": Case(lambda x, k: jnp.abs(x + 1j * k), "complex"),
    "random": Case(lambda x, k: x * k * jax.random.uniform(jax.random.key(3), dtype=x.dtype), ""),
    "fori_loop": Case(lambda x, k: lax.fori_loop(0, 4, lambda _, y: y * x, k), "'scan'"),
    "while_loop": Case(
        lambda x, k: lax.while_loop(lambda y: y < 5.0, lambda y: y + x, k), "'while'", graded=False
    ),
    "scan": Case(lambda x, k: lax.scan(lambda y, z: (y * x, z), k, None, 3)[0], "'scan'"),
    "cond": Case(lambda x, k: lax.cond(x > 1.0, jnp.exp, jnp.sin, x) * k, ""),
    "switch": Case(lambda x, k: lax.switch(1, [jnp.exp, jnp.sin], x * k), "'clamp'"),
    "vmap": Case(lambda x, k: jax.vmap(lambda y: y * x)(jnp.arange(3.0)).sum() * k, ""),
}
"""Which are left to XLA."""
