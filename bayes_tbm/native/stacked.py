"""Numbers of a pytree in one array, as machine code wants them."""

from __future__ import annotations

import dataclasses
from typing import Any

import jax
import jax.numpy as jnp


def shaped(shape: tuple[int, ...], dtype: Any) -> jax.ShapeDtypeStruct:
    """Shape and precision of an array that is not there yet."""
    return jax.ShapeDtypeStruct(shape, dtype)  # type: ignore[no-untyped-call]  # JAX's own


def _floating(leaf: Any) -> jax.Array:
    array = jnp.asarray(leaf)
    return array if jnp.issubdtype(array.dtype, jnp.floating) else array.astype(float)


@jax.tree_util.register_dataclass
@dataclasses.dataclass(frozen=True)
class Stacked:
    """A pytree of arrays of one shape, stacked as the rows of one array.

    Attributes
    ----------
    array
        (member, ...), the batch last.
    structure
        How members make the pytree.
    """

    array: jax.Array
    structure: Any = dataclasses.field(metadata={"static": True})

    @classmethod
    def of(cls, tree: Any, shape: tuple[int, ...] | None = None) -> Stacked:
        """Stack the leaves of a pytree, broadcast to a shape, or to what theirs make together."""
        leaves, structure = jax.tree.flatten(tree)
        arrays = [_floating(leaf) for leaf in leaves]
        shape = jnp.broadcast_shapes(*(x.shape for x in arrays)) if shape is None else shape
        if not arrays:
            return cls(jnp.zeros((0, *shape)), structure)
        return cls(jnp.stack([jnp.broadcast_to(x, shape) for x in arrays]), structure)

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of a member."""
        return self.array.shape[1:]

    @property
    def tree(self) -> Any:
        """The pytree; what is not used of it costs nothing."""
        return self.unflatten(list(self.array))

    def unflatten(self, members: Any) -> Any:
        """Pytree of other members in the same order."""
        return jax.tree.unflatten(self.structure, members)

    def like(self, array: jax.Array) -> Stacked:
        """Return the same structure around another array."""
        return dataclasses.replace(self, array=array)

    def astype(self, dtype: Any) -> Stacked:
        """Return the same numbers in another precision."""
        return self.like(self.array.astype(dtype))
