"""What files hold as a page that needs no other file."""

from __future__ import annotations

import html
from pathlib import Path

from bayes_tbm.catalogue.inspection import Inspection
from bayes_tbm.plots.coverage import plot_coverage
from bayes_tbm.plots.save import save_png
from bayes_tbm.report.folder import check_folder
from bayes_tbm.report.page import html_head, html_image, html_section, html_table
from bayes_tbm.runtime.files import write_whole

PAGE, TABLE, FIGURE = "inspect.html", "inspect.csv", "coverage.png"


def write_inspection(found: Inspection, out: str | Path) -> list[Path]:
    """Write the page, its table and its figure.

    Parameters
    ----------
    found
        Result of `bayes_tbm.inspect`.
    out
        Folder; made if missing.

    Returns
    -------
    list of Path
        ``inspect.html``, ``inspect.csv`` and, where there is a series, ``coverage.png``.

    Raises
    ------
    InputError
        The folder cannot be written.
    """
    out = check_folder(out, products=())
    written = [write_whole(out / TABLE, found.table.to_csv(index=False))]
    if len(found.table):
        written.append(save_png(plot_coverage(found.files), out / FIGURE))
    return [write_whole(out / PAGE, _page(found, written[1:])), *written]


def _page(found: Inspection, figures: list[Path]) -> str:
    state = ("pass", "A fit can be made of it") if found.site is not None else (
        "fail", "Lacking for a fit"
    )  # fmt: skip
    verdict = "\n".join([state[1], *(f"  - {line}" for line in found.lacks)])
    files = "\n".join(f"{held.source}: {held.kind}" for held in found.files)
    parts = [
        html_head(found.title),
        f"<pre>{html.escape(files)}</pre>",
        f'<pre class="{state[0]}">{html.escape(verdict)}</pre>',
        html_section("What there is", html_table(found.table.set_index("series"))),
        *(html_section(path.stem, html_image(path)) for path in figures),
    ]
    for heading, lines in (("How values came about", found.remarks), ("Notes", found.notes)):
        if lines:
            items = "".join(f"<li>{html.escape(line)}</li>" for line in lines)
            parts.append(html_section(heading, f"<ul>{items}</ul>"))
    return "\n".join(parts) + "</html>\n"
