"""The command that compares predictions of a run with years that it did not see."""

from __future__ import annotations

import argparse
from typing import Any

from bayes_tbm.cli.options import files_of, reading_of, reading_options, run_folder
from bayes_tbm.errors import InputError

_EVALUATE = """
Predict what follows the fitted period of a run, from the state at its end, and compare with what
was observed: scores of each stream against the fitted years' mean seasonal cycle, their last year
and the prior, and means by month and by year.

  bayes-tbm fit FI-Hyy --streams gpp,nee,et --end 2011 --out run/
  bayes-tbm evaluate run/                            all that follows
  bayes-tbm evaluate run/ --start 2012 --end 2013

Where the run's file ends with the fitted period, --site names one with more years of the same site;
options of reading then go with it, those of the run do not.
Writes scores.csv, by_month.csv, by_year.csv, predictions.nc and predictions.png into
RUN/evaluation.
"""
FOLDER = "evaluation"


def add_commands(commands: Any) -> None:
    """Add the command to the parser."""
    layout = argparse.RawDescriptionHelpFormatter
    evaluate = commands.add_parser(
        "evaluate", help="compare a run's predictions with years it did not see",
        description=_EVALUATE, formatter_class=layout,
    )  # fmt: skip
    evaluate.add_argument("folder", metavar="RUN", help="run folder")
    evaluate.add_argument("--start", help="first date to predict (default: after the fit)")
    evaluate.add_argument("--end", help="last date to predict (default: the last there is)")
    evaluate.add_argument("--site", help="name or file (default: the run's own)")
    evaluate.add_argument("--draws", type=int, default=400, help="of the posterior (default 400)")
    evaluate.add_argument("--seed", type=int, default=0, help="of the errors drawn (default 0)")
    reading_options(evaluate)
    evaluate.set_defaults(run=_evaluate)


def _evaluate(arguments: argparse.Namespace) -> int:
    import dataclasses

    from bayes_tbm.experiment import Experiment
    from bayes_tbm.plots.prediction import plot_predictions
    from bayes_tbm.plots.save import save_png
    from bayes_tbm.prediction import evaluate, predict
    from bayes_tbm.report import load_run
    from bayes_tbm.report.folder import save_tree
    from bayes_tbm.results.diagnostics import check_convergence
    from bayes_tbm.runtime.files import write_whole

    folder = run_folder(arguments.folder)
    tree = load_run(folder)
    experiment = Experiment.from_toml(folder / "experiment.toml")
    stated = {**files_of(arguments), "reading": reading_of(arguments)}
    if arguments.site is not None:
        stated = {"observations": (), "replace": (), **stated, "site": arguments.site}
    elif any(stated.values()):
        raise InputError(
            where="options of reading files",
            rule="go with --site, which names what they are for",
            remedy="leave them out: the run's own files are read as they were",
        )
    else:
        stated = {}
    whole = dataclasses.replace(experiment, start=None, end=None, **stated).open_site()
    prediction = predict(
        tree, whole, start=arguments.start, end=arguments.end, draws=arguments.draws,
        seed=arguments.seed,
    )  # fmt: skip
    found = evaluate(prediction)
    print(found)
    gate = check_convergence(tree)
    if not gate.passed:
        print(f"\n{gate}")
    out = folder / FOLDER
    written = [save_tree(prediction, out / "predictions.nc")]
    for name in ("scores", "by_month", "by_year"):
        written.append(write_whole(out / f"{name}.csv", getattr(found, name).to_csv()))
    written.append(save_png(plot_predictions(prediction, found), out / "predictions.png"))
    print(f"\nwrote {', '.join(path.name for path in written)} to {out}/")
    return 0
