"""Bayesian inference on a differentiable terrestrial biosphere model.

Names are loaded when they are first asked for (SPEC 1): ``import bayes_tbm`` itself loads neither
JAX nor ArviZ. ``__init__.pyi`` lists them, for `lazy_loader` and for type checkers alike.
"""

import importlib
import importlib.util
import warnings

import lazy_loader

_load, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)


_RENAMED = {"Balanced": "BlockMeans"}


def __getattr__(name: str) -> object:
    """Load a public name, or a room of the package, when it is first asked for."""
    if name in _RENAMED:
        message = f"bayes_tbm.{name} is called bayes_tbm.{_RENAMED[name]} now"
        warnings.warn(message, DeprecationWarning, stacklevel=2)
        return _load(_RENAMED[name])
    is_room = name not in __all__ and not name.startswith("_")
    if is_room and importlib.util.find_spec(f"{__name__}.{name}"):
        return importlib.import_module(f"{__name__}.{name}")
    return _load(name)
