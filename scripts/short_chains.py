"""Short chains, for pages and notebooks that are run to see that they run.

`shorten` caps what a run costs and changes nothing else: every branch of sampling, of its report
and of studies is taken as by a user. As a script it is ``bayes-tbm`` with short chains.
"""

import dataclasses
import functools
import sys
from typing import Any

LONG = 40  # transitions; a page that asks for fewer gets what it asks for
SHORT = {"warmup": 30, "draws": 20}
MOST = {"chains": 2, "starts": 2, "max_tree_depth": 4}


def shortened(settings: Any) -> Any:
    """Return the settings with few and short chains, of short trajectories."""
    short = {name: few for name, few in SHORT.items() if getattr(settings, name) >= LONG}
    few = {name: min(getattr(settings, name), most) for name, most in MOST.items()}
    return dataclasses.replace(settings, **few, **short)


def shorten() -> None:
    """Let every `Calibration.sample` of this process make short chains."""
    from bayes_tbm.calibration import Calibration
    from bayes_tbm.sampling.settings import Settings

    sample = Calibration.sample
    fields = {field.name for field in dataclasses.fields(Settings)}

    @functools.wraps(sample)
    def short(self: Calibration, settings: Settings | None = None, **options: Any) -> Any:
        own = {name: options.pop(name) for name in fields & options.keys()}
        asked = dataclasses.replace(settings or Settings(), **own)
        return sample(self, shortened(asked), **{**options, "progress": False})

    Calibration.sample = short  # type: ignore[method-assign]


if __name__ == "__main__":
    from bayes_tbm.cli import main

    if not {"--help", "--version"} & set(sys.argv):
        shorten()
    sys.exit(main())
