"""Short chains, for pages and notebooks that are run to see that they run.

`shorten` caps what a run costs and changes nothing else: every branch of sampling, of its report
and of studies is taken as by a user. As a script it is ``bayes-tbm`` with short chains.
"""

import sys
from typing import Any

LONG = 40  # transitions; a page that asks for fewer gets what it asks for
SHORT = {"warmup": 30, "draws": 20}
MOST = {"chains": 2, "starts": 2, "max_tree_depth": 4}


def fewer(settings: Any) -> dict[str, int]:
    """Fields of settings that are cut, by what they are cut to."""
    asked = {name: getattr(settings, name) for name in (*SHORT, *MOST)}
    whole = {name: number for name, number in asked.items() if isinstance(number, int)}
    cut = {name: SHORT[name] for name, number in whole.items() if name in SHORT and number >= LONG}
    return cut | {n: MOST[n] for n, number in whole.items() if n in MOST and number > MOST[n]}


def shorten() -> None:
    """Let all settings of this process be of short chains."""
    from bayes_tbm.sampling.settings import Settings

    check = Settings.__post_init__

    def short(self: Settings) -> None:
        for name, number in fewer(self).items():
            object.__setattr__(self, name, number)  # before anything reads it, files included
        check(self)

    Settings.__post_init__ = short  # type: ignore[method-assign]


if __name__ == "__main__":
    from bayes_tbm.cli import main

    if not {"--help", "--version"} & set(sys.argv):
        shorten()
    sys.exit(main())
