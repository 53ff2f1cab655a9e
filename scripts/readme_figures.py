r"""Figures and tables of README and docs/benchmarks.md, from what the commands beside them wrote.

    bayes-tbm fit FI-Hyy --streams gpp,nee,et,lai,wood --seed 3 --out run/
    bayes-tbm compare examples/fi-hyy.toml --out sets/
    bayes-tbm fit examples/fi-hyy-independent.toml --out independent/
    python benchmarks/growth_study.py --out study/ | tee study.txt
    python benchmarks/held_out_years.py --out held/
    .venv/bin/python scripts/readme_figures.py --run run/ --sets sets/ --study study.txt \
        --shared run/ independent/ --held held/

writes docs/figures/*.png and puts tables between the markers of the page that has them; each part
may be left out.
"""

import argparse
import json
import re
import shutil
from pathlib import Path

import pandas as pd

from bayes_tbm import check_convergence, constraint_table, stream_skill
from bayes_tbm.plots import plot_prior_posterior, plot_streams
from bayes_tbm.report import load_run

ROOT = Path(__file__).resolve().parents[1]
FIGURES = ROOT / "docs" / "figures"
PAGES = (ROOT / "README.md", ROOT / "docs" / "benchmarks.md")
SHOWN = (
    "allocation_wood", "wood_residence_time", "root_residence_time", "som_residence_time",
    "autotrophic_fraction", "leaf_carbon_per_area", "leaf_lifespan", "gpp_annual", "nee_annual",
    "biomass_at_150",
)  # fmt: skip

IN_SETS = (
    "allocation_wood", "wood_residence_time", "allocation_wood & wood_residence_time",
    "wood_increment", "mature_biomass", "initial_wood", "wood_departure", "autotrophic_fraction",
    "gpp_annual", "nee_annual",
)  # fmt: skip

IN_SHARED = (
    "gpp_annual", "nee_annual", "autotrophic_fraction", "carbon_use_efficiency", "allocation_wood",
    "allocation_root", "wood_residence_time", "som_residence_time", "canopy_efficiency",
    "drainage_storage",
)  # fmt: skip


def markdown(table: pd.DataFrame, digits: str) -> str:
    """Table in Markdown, numbers to so many significant digits."""
    rows = [[table.index.name or "", *map(str, table.columns)], ["---"] * (table.shape[1] + 1)]
    rows += [
        [str(name), *(format(v, digits) if isinstance(v, float) else str(v) for v in row)]
        for name, row in zip(table.index, table.itertuples(index=False), strict=True)
    ]
    return "\n".join("| " + " | ".join(row) + " |" for row in rows)


def put(marker: str, text: str) -> None:
    """Put a text between two markers of the page that has them."""
    block = re.compile(rf"(<!-- BEGIN {marker} -->\n).*?(<!-- END {marker} -->)", re.DOTALL)
    for page in PAGES:
        before = page.read_text(encoding="utf-8")
        if block.search(before):
            page.write_text(block.sub(lambda m: f"{m[1]}{text}\n{m[2]}", before), encoding="utf-8")
            return
    raise SystemExit(f"no page has markers {marker}")


def of_run(folder: Path) -> None:
    """Figures and tables of one run."""
    tree = load_run(folder)
    plot_streams(tree).savefig(FIGURES / "streams.png", dpi=80)
    plot_prior_posterior(tree).savefig(FIGURES / "prior_posterior.png", dpi=70)
    posterior = tree["posterior"].to_dataset()[list(SHOWN)]
    quantiles = posterior.quantile([0.025, 0.5, 0.975], ("chain", "draw")).to_dataframe().T
    quantiles.columns = ["2.5 %", "median", "97.5 %"]
    known = constraint_table(tree).loc[list(SHOWN), ["unit", "contraction", "bits", "overlap"]]
    learned = quantiles.join(known)[["unit", *quantiles.columns, "contraction", "bits", "overlap"]]
    learned.index.name = "parameter"
    skill = stream_skill(tree).drop(columns=["bias", "rmse"])
    parts = [f"```text\n{check_convergence(tree)}\n```", markdown(skill, ".2f")]
    put("RUN", "\n\n".join([*parts, markdown(learned, ".3g")]))


def of_shared(folders: list[Path]) -> None:
    """Tables of a run and of the same without errors that all values of a stream share."""
    told = {}
    for name, folder in zip(("with", "without"), folders, strict=True):
        tree = load_run(folder)
        table = constraint_table(tree)
        for quantity in IN_SHARED:
            low, middle, high = tree["posterior"][quantity].quantile([0.05, 0.5, 0.95]).values
            column = told.setdefault(quantity, {"unit": table.loc[quantity, "unit"]})
            column[name] = f"{middle:.3g} ({low:.3g} to {high:.3g})"
            column[f"bits {name}"] = float(table.loc[quantity, "bits"])
    shown = pd.DataFrame.from_dict(told, orient="index").rename_axis("parameter")
    put("SHARED", markdown(shown, ".2f"))


def of_sets(folder: Path) -> None:
    """Figures and tables of a comparison."""
    table = pd.read_csv(folder / "compare.csv", index_col=["set", "parameter"])
    sets = list(dict.fromkeys(table.index.get_level_values("set")))
    rows = table.swaplevel().loc[list(IN_SETS)]
    rows = rows.loc[[(name, chosen) for name in IN_SETS for chosen in sets]]
    bits = zip(rows["bits"], rows["bits_mcse"], strict=True)
    shown = pd.DataFrame({
        "set": rows.index.get_level_values("set"), "unit": rows["unit"].fillna(""),
        "5 %": rows["q05"], "median": rows["median"], "95 %": rows["q95"],
        "contraction": rows["contraction"],
        "bits": [f"{value:.2f} ± {error:.2f}" for value, error in bits],
    })  # fmt: skip
    shown.index = rows.index.get_level_values("parameter")
    put("SETS", markdown(shown, ".3g").replace("| nan ", "| "))
    for name in ("growth", "allocation_turnover", "bits"):
        shutil.copy(folder / "figures" / f"{name}.png", FIGURES / f"sets_{name}.png")


def of_study(text: Path) -> None:
    """Tables that the growth study printed, as they are."""
    whole = text.read_text(encoding="utf-8").strip()
    tables = whole[whole.index(" stands; all chains") :].split("\n", 1)[1].strip()
    count = re.search(r"(\d+ stands; all chains.*)", whole)
    put("STUDY", f"```text\n{count[1] if count else ''}\n\n{tables}\n```")


def of_held(folder: Path) -> None:
    """Folder of benchmarks/held_out_years.py."""
    files = sorted(folder.glob("*.json"))
    rows = pd.DataFrame([row for file in files for row in json.loads(file.read_text())])
    weighted = rows.assign(
        **{name: rows[name] * rows["n"] for name in ("inside_50", "inside_90")},
        better=rows["cycle"] > 0, sites=1,
    )  # fmt: skip
    total = weighted.groupby("stream")[["sites", "n", "inside_50", "inside_90", "better"]].sum()
    for name in ("inside_50", "inside_90"):
        total[name] /= total["n"]
    total = total.rename(columns={"n": "points", "better": "sites better than the cycle"})
    wide = rows.pivot(index="site", columns="stream", values=["inside_90", "r2", "cycle"])
    wide = wide.swaplevel(axis=1).sort_index(axis=1, level=0, sort_remaining=False)
    wide.columns = [f"{stream} {name.replace('cycle', 'skill')}" for stream, name in wide.columns]
    wide["gate"] = rows.groupby("site")["gate"].first()
    tables = f"{markdown(total, '.2f')}\n\n{markdown(wide, '.2f')}"
    put("HELD", tables.replace("| nan ", "| "))  # leaf area is held out at daily sites alone


def main() -> None:
    """Write the parts that are given."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    for name, make in PARTS.items():
        count = 2 if name == "shared" else None
        parser.add_argument(f"--{name}", type=Path, nargs=count, metavar="PATH", help=make.__doc__)
    FIGURES.mkdir(parents=True, exist_ok=True)
    for name, path in vars(parser.parse_args()).items():
        if path is not None:
            PARTS[name](path)


PARTS = {"run": of_run, "shared": of_shared, "sets": of_sets, "study": of_study, "held": of_held}

if __name__ == "__main__":
    main()
