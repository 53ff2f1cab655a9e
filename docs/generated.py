"""What the reference does not copy: tables, names and `--help` from the package itself.

A Markdown page asks for one with a directive, such as ```` ```{table} parameters ````; what it
gets is made anew at each build. Formulas become MathML, which browsers draw without a script.
"""

from __future__ import annotations

import argparse
import dataclasses
import inspect
import os
from collections.abc import Callable, Iterable, Sequence
from typing import Any, ClassVar

from docutils import nodes
from docutils.statemachine import StringList
from docutils.utils.math import MathError
from docutils.utils.math.latex2mathml import tex2mathml
from sphinx.application import Sphinx
from sphinx.directives.other import TocTree
from sphinx.util import logging
from sphinx.util.docutils import SphinxDirective

import bayes_tbm as bt
from bayes_tbm import cli
from bayes_tbm.catalogue.listing import HEAD, listed_sites
from bayes_tbm.model.derived import DERIVED, OF_REGROWTH, OF_TIE
from bayes_tbm.parameters import FAMILIES, AbstractPrior
from bayes_tbm.posterior import EDCS
from bayes_tbm.report.folder import PRODUCTS
from bayes_tbm.sites.observations import OBSERVED
from bayes_tbm.streams import ERROR_MODELS

Rows = Iterable[Sequence[object]]
log = logging.getLogger(__name__)
_documented: set[str] = set()
_helped: set[str] = set()
# Public names that are data have no docstring of their own.
DATA = {
    "STREAMS": "Data streams by name, a dict of ``Stream``; *Tables* lists them.",
    "TABLE": "Parameters of the model by name, a dict of rows with ``unit``, ``lower``, "
    "``upper``, ``prior``, ``meaning``, ``source`` and ``group``; *Tables* lists them.",
}


def _markdown(head: Sequence[str], rows: Rows) -> str:
    """Table in Markdown."""
    cells = [[str(cell).replace("|", "\\|").replace("\n", " ") for cell in row] for row in rows]
    lines = [list(head), ["---"] * len(head), *cells]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def _prior(prior: AbstractPrior, lower: float, upper: float) -> str:
    """Prior in a cell: family and numbers, without bounds that stand beside it."""
    usual = {field.name: field.default for field in dataclasses.fields(prior)}
    beside = usual | {"family": prior.family}
    beside |= {"lower": lower, "upper": upper} if prior.family != "lognormal" else {}
    numbers = {name: x for name, x in prior.to_dict().items() if beside.get(name) != x}
    return f"{prior.family}: " + ", ".join(f"{name} {x:g}" for name, x in numbers.items())


def _summary(documented: Any) -> str:
    """First sentence of a docstring."""
    return (inspect.getdoc(documented) or "").split("\n\n")[0].replace("\n", " ")


def _parameters() -> str:
    """Tables of parameters, one a group, each with its heading."""
    parts = []
    for group in dict.fromkeys(row.group for row in bt.TABLE.values()):
        rows = [
            (f"`{p.name}` {p.symbol}", p.unit, f"{p.lower:g} to {p.upper:g}",
             _prior(p.prior, p.lower, p.upper), f"{p.meaning} [{p.source}]")
            for p in bt.TABLE.values() if p.group == group
        ]  # fmt: skip
        head = ("name, symbol", "unit", "bounds", "default prior", "meaning [source]")
        parts.append(f"**{group.capitalize()}**\n\n{_markdown(head, rows)}")
    return "\n\n".join(parts)


def _derived() -> str:
    groups = {"": DERIVED, "with regrowth": OF_REGROWTH, "with a stand age": OF_TIE}
    return _markdown(("name", "unit", "meaning", "only"), (
        (f"`{d.name}`", d.unit, d.meaning, when) for when, group in groups.items() for d in group
    ))  # fmt: skip


def _streams() -> str:
    head = ("name", "what", "unit", "default errors", "error common to all values",
            "can be seen at a stand's age")  # fmt: skip
    return _markdown(head, (
        (f"`{name}`", s.long_name, s.unit, f"`{type(s.errors).__name__}`",
         f"{s.systematic:g} {s.unit}" if s.is_offset else f"{100.0 * s.systematic:g} %",
         "yes" if s.of_stand else "")
        for name, s in sorted(bt.STREAMS.items())
    ))  # fmt: skip


def _error_models() -> str:
    models = {**ERROR_MODELS, "AlongAge": bt.AlongAge}
    return _markdown(("name", "what", "fields"), (
        (f"`{name}`", _summary(model),
         ", ".join(f"`{field.name}`" for field in dataclasses.fields(model)))
        for name, model in models.items()
    ))  # fmt: skip


def _families() -> str:
    return _markdown(("family in TOML", "class", "what", "numbers"), (
        (f"`{name}`", f"`bt.{family.__name__}`", _summary(family),
         ", ".join(f"`{field.name}`" for field in dataclasses.fields(family)))
        for name, family in FAMILIES.items()
    ))  # fmt: skip


def _constraints() -> str:
    head = ("name", "asks that", "width", "on by default")
    return _markdown(head, (
        (f"`{c.name}`", c.rule, f"{c.width:g}", "yes" if c.default else "no")
        for c in EDCS.values()
    ))  # fmt: skip


def _run_files() -> str:
    text = {
        "posterior.nc": "the result, an `xarray.DataTree` in ArviZ's schema",
        "experiment.toml": "the experiment with every default written out: it gives the same run",
        "summary.csv": "`az.summary` of every parameter and derived quantity",
        "streams.csv": "`bt.stream_skill`: how well each stream is fitted",
        "constraint.csv": "`bt.constraint_table`: what data said of each quantity",
        "figures": "PNG files",
        "report.html": "one self-contained page: verdict, fits, figures, tables, provenance",
        "checkpoint": "all that the chains have done, for `--resume` and `--extend`",
    }
    return _markdown(("file", "holds"), ((f"`{name}`", text[name]) for name in PRODUCTS))


def _settings() -> str:
    return _markdown(("setting", "default"), (
        (f"`{field.name}`", f"`{field.default!r}`") for field in dataclasses.fields(bt.Settings)
    ))  # fmt: skip


def _sites() -> str:
    return _markdown(HEAD, ((f"`{name}`", *rest) for name, *rest in listed_sites()))


def _observed() -> str:
    return ", ".join(f"`{name}`" for name in OBSERVED)


TABLES: dict[str, Callable[[], str]] = {
    "parameters": _parameters, "derived": _derived, "streams": _streams,
    "error-models": _error_models, "families": _families, "constraints": _constraints,
    "run-files": _run_files, "settings": _settings, "sites": _sites, "observed": _observed,
}  # fmt: skip


class Table(SphinxDirective):
    """A table of the package: ``{table} parameters``."""

    required_arguments = 1

    def run(self) -> list[nodes.Node]:
        """Return the table."""
        return self.parse_text_to_nodes(TABLES[self.arguments[0]]())


class Public(SphinxDirective):
    """Docstrings of public names: ``{public} open_site Site``."""

    required_arguments = 1
    final_argument_whitespace = True

    def run(self) -> list[nodes.Node]:
        """Return what autodoc makes of them."""
        lines = ["```{eval-rst}"]
        for name in self.arguments[0].split():
            _documented.add(name)
            lines += [*_directive(name), ""]
        return self.parse_text_to_nodes("\n".join([*lines, "```"]))


def _directive(name: str) -> list[str]:
    thing = getattr(bt, name)
    if inspect.isclass(thing):
        of_base = ["   :inherited-members:"] if name == "Calibration" else []
        return [f".. autoclass:: bayes_tbm.{name}", "   :members:", *of_base]
    if name in DATA:
        return [f".. py:data:: bayes_tbm.{name}", "", f"   {DATA[name]}"]
    return [f".. autofunction:: bayes_tbm.{name}"]


class Help(SphinxDirective):
    """What ``bayes-tbm COMMAND --help`` prints: ``{help}`` or ``{help} fit``."""

    optional_arguments = 1
    commands: ClassVar[dict[str, argparse.ArgumentParser]] = {}

    def run(self) -> list[nodes.Node]:
        """Return the text as it is."""
        os.environ["COLUMNS"] = "90"
        parser = cli._parser()
        if self.arguments:
            _helped.add(self.arguments[0])
            parser = commands_of(parser)[self.arguments[0]]
        text = parser.format_help()
        return [nodes.literal_block(text, text, language="text")]


class Pages(TocTree):
    """A table of contents of those pages that are there; of the others it says nothing."""

    def run(self) -> list[nodes.Node]:
        """Return the table."""
        self.content = StringList([page for page in self.content if page in self.env.found_docs])
        found: list[nodes.Node] = super().run()
        return found


def commands_of(parser: argparse.ArgumentParser) -> dict[str, argparse.ArgumentParser]:
    """Parsers of the commands by name."""
    actions = (a for a in parser._actions if isinstance(a, argparse._SubParsersAction))
    return dict(next(actions).choices)


def _check_complete(app: Sphinx, _: object) -> None:
    """Warn of public names and commands that no page documents."""
    commands = set(commands_of(cli._parser()))
    names = {name for name in bt.__all__ if name != "__version__"}
    if missing := sorted(names - _documented) + sorted(commands - _helped):
        log.warning("without a place in the reference: %s", ", ".join(missing))


def _mathml(translator: Any, node: nodes.Element, *, as_block: bool) -> None:
    try:
        translator.body.append(tex2mathml(node.astext(), as_block=as_block))
    except MathError as error:
        log.warning("formula cannot be drawn: %s", error, location=node)
    raise nodes.SkipNode


def setup(app: Sphinx) -> dict[str, Any]:
    """Register directives, formulas and the check that all is documented."""
    app.add_directive("table", Table, override=True)
    app.add_directive("public", Public)
    app.add_directive("help", Help)
    app.add_directive("pages", Pages)
    app.add_html_math_renderer(
        "mathml",
        (lambda translator, node: _mathml(translator, node, as_block=False), None),
        (lambda translator, node: _mathml(translator, node, as_block=True), None),
    )
    app.connect("env-updated", _check_complete)
    return {"parallel_read_safe": False, "parallel_write_safe": True}
