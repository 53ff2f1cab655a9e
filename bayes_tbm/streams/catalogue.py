"""The streams there are: every module of ``streams/observed`` that defines ``STREAM``."""

from __future__ import annotations

import importlib
import pkgutil

from bayes_tbm.streams import observed
from bayes_tbm.streams.definition import Stream


def _find() -> dict[str, Stream]:
    modules = (
        importlib.import_module(f"{observed.__name__}.{module.name}")
        for module in pkgutil.iter_modules(observed.__path__)
    )
    return {module.STREAM.name: module.STREAM for module in modules}


STREAMS: dict[str, Stream] = _find()
FITTED_TO = (*STREAMS, "growth_curve", "stock")
"""Names of all that a site can be fitted to; the last two need a table or a value of their own."""
