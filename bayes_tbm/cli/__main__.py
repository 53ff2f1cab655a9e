"""``python -m bayes_tbm.cli``."""

import sys

from bayes_tbm.cli import main

sys.exit(main())
