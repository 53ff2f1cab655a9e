"""One self-contained HTML page a run."""

from __future__ import annotations

import base64
import html
import json
from collections.abc import Mapping, Sequence
from pathlib import Path

import pandas as pd
import xarray as xr

from bayes_tbm.results import ConvergenceReport
from bayes_tbm.results.attempts import attempt_lines
from bayes_tbm.streams import STREAMS

_STYLE = """
body {font: 15px/1.5 system-ui, sans-serif; max-width: 72rem; margin: 2rem auto; padding: 0 1rem}
table {border-collapse: collapse; font-variant-numeric: tabular-nums; font-size: 13px}
th, td {padding: .15rem .6rem; text-align: right; border-bottom: 1px solid #ddd}
th:first-child, td:first-child {text-align: left}
pre {background: #f5f5f5; padding: 1rem; overflow-x: auto}
img {max-width: 100%}
.pass {border-left: 6px solid #009e73; padding-left: 1rem}
.fail {border-left: 6px solid #d55e00; padding-left: 1rem}
"""
_HEADINGS = {
    "streams.csv": "How well each stream is fitted",
    "constraint.csv": "How much was learned of each parameter",
    "summary.csv": "Posterior",
}


def html_page(
    tree: xr.DataTree,
    report: ConvergenceReport,
    tables: Mapping[str, pd.DataFrame],
    figures: Sequence[Path],
    experiment_toml: str,
) -> str:
    """Return the page: verdict first, then fits, figures, tables, experiment, provenance."""
    verdict = "\n".join([str(report), *(f"  {line}" for line in attempt_lines(tree))])
    title = str(tree.attrs.get("title", "bayes_tbm run"))
    parts = [
        html_head(title),
        f'<pre class="{"pass" if report.passed else "fail"}">{html.escape(verdict)}</pre>',
    ]
    fitted = html_table(tables["streams.csv"]) + _shared_errors(tree)
    parts += [html_section(_HEADINGS["streams.csv"], fitted)]
    parts += [html_section(path.stem.replace("_", " "), html_image(path)) for path in figures]
    shown = _main_columns(tables["constraint.csv"])
    parts.append(html_section(_HEADINGS["constraint.csv"], html_table(shown)))
    parts.append(html_section(_HEADINGS["summary.csv"], html_table(tables["summary.csv"])))
    parts.append(html_section("Experiment", f"<pre>{html.escape(experiment_toml)}</pre>"))
    facts = {k: v for k, v in tree.attrs.items() if k not in ("experiment", "title")}
    lines = "\n".join(f"{name}: {value}" for name, value in facts.items())
    parts.append(html_section("Provenance", f"<pre>{html.escape(lines)}</pre>"))
    return "\n".join(parts) + "</html>\n"


def html_head(title: str) -> str:
    """Return the beginning of a page, up to its title."""
    title = html.escape(title)
    return (
        f"<!doctype html><html lang=en><meta charset=utf-8><title>{title}</title>\n"
        f"<style>{_STYLE}</style><h1>{title}</h1>"
    )


def html_section(heading: str, body: str) -> str:
    """Return a heading and what stands below it."""
    return f"<h2>{html.escape(heading.capitalize())}</h2>\n{body}"


def _shared_errors(tree: xr.DataTree) -> str:
    """Say which error all values of a stream share, which the posterior allows for."""
    sizes = json.loads(str(tree.attrs.get("experiment", "{}"))).get("systematic", {})
    told = [f"{name} {_size(name, size)}" for name, size in sizes.items() if size]
    if not told:
        return "<p>No error is taken to be common to all values of a stream.</p>"
    return f"<p>Error common to all values of a stream, one sd: {html.escape(', '.join(told))}.</p>"


def _size(name: str, size: float) -> str:
    stream = STREAMS.get(name)
    return f"{size:g} {stream.unit}" if stream and stream.is_offset else f"{100.0 * size:.3g} %"


def _main_columns(table: pd.DataFrame) -> pd.DataFrame:
    """Columns of the constraint table that a reader wants first; the file has them all."""
    first = ["unit", "verdict", "contraction", "contraction_mcse", "tension", "bits", "bits_mcse",
             "overlap", "psense_prior"]  # fmt: skip
    streams = [n for n in table if str(n).startswith("psense_") and not str(n).endswith("_mcse")]
    return table[[n for n in dict.fromkeys([*first, *streams]) if n in table]]


def html_table(table: pd.DataFrame) -> str:
    """Return a table."""
    return str(table.to_html(float_format="{:.4g}".format, border=0, na_rep=""))


def html_image(path: Path) -> str:
    """Return a figure within the page."""
    data = base64.b64encode(path.read_bytes()).decode()
    return f'<img alt="{html.escape(path.stem)}" src="data:image/png;base64,{data}">'
