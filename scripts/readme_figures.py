"""Figures and tables of the README, from a run folder.

    bayes-tbm fit FI-Hyy --streams gpp,nee,et,lai,wood --out run/
    .venv/bin/python scripts/readme_figures.py run/

writes docs/figures/*.png and puts the tables between the README's markers.
"""

import re
import sys
from pathlib import Path

import pandas as pd

from bayes_tbm import check_convergence, constraint_table, stream_skill
from bayes_tbm.plots import plot_prior_posterior, plot_streams
from bayes_tbm.report import load_run

ROOT = Path(__file__).resolve().parents[1]
SHOWN = (
    "allocation_wood", "wood_residence_time", "root_residence_time", "som_residence_time",
    "autotrophic_fraction", "leaf_carbon_per_area", "leaf_lifespan", "gpp_annual", "nee_annual",
    "biomass_at_150",
)  # fmt: skip


def markdown(table: pd.DataFrame, digits: str) -> str:
    """Table in Markdown, numbers to so many significant digits."""
    rows = [[table.index.name or "", *map(str, table.columns)], ["---"] * (table.shape[1] + 1)]
    rows += [
        [str(name), *(format(v, digits) if isinstance(v, float) else str(v) for v in row)]
        for name, row in zip(table.index, table.itertuples(index=False), strict=True)
    ]
    return "\n".join("| " + " | ".join(row) + " |" for row in rows)


def main(folder: str) -> None:
    """Write figures and tables."""
    tree = load_run(folder)
    figures = ROOT / "docs" / "figures"
    figures.mkdir(parents=True, exist_ok=True)
    plot_streams(tree).savefig(figures / "streams.png", dpi=80)
    plot_prior_posterior(tree).savefig(figures / "prior_posterior.png", dpi=70)
    posterior = tree["posterior"].to_dataset()[list(SHOWN)]
    quantiles = posterior.quantile([0.025, 0.5, 0.975], ("chain", "draw")).to_dataframe().T
    quantiles.columns = ["2.5 %", "median", "97.5 %"]
    known = constraint_table(tree).loc[list(SHOWN), ["unit", "contraction", "bits", "overlap"]]
    learned = quantiles.join(known)[["unit", *quantiles.columns, "contraction", "bits", "overlap"]]
    learned.index.name = "parameter"
    skill = stream_skill(tree).drop(columns=["bias", "rmse"])
    text = "\n\n".join(
        [f"```\n{check_convergence(tree)}\n```", markdown(skill, ".2f"), markdown(learned, ".3g")]
    )
    readme = ROOT / "README.md"
    block = re.compile(r"(<!-- BEGIN RUN -->\n).*?(<!-- END RUN -->)", re.DOTALL)
    readme.write_text(block.sub(lambda m: f"{m[1]}{text}\n{m[2]}", readme.read_text()))


if __name__ == "__main__":
    main(sys.argv[1])
