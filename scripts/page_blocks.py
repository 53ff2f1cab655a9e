"""The code blocks of the pages: what a reader may copy and run.

A fenced block of Markdown says what it is: ``bash``, ``python`` and ``toml`` are run; ``text``, and
what Sphinx makes (``{table}``), are shown. One that cannot run says why on the line before it::

    <!-- not run: downloads a gigabyte -->

In help texts and docstrings, indented lines of ``bayes-tbm`` are commands, and ``name = value`` is
TOML.
"""

import argparse
import ast
import dataclasses
import re
import textwrap
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
RUN, SHOWN = ("bash", "python", "toml"), ("text", "csv")
_FENCE = re.compile(
    r"(?:^<!-- not run: (?P<why>(?:(?!-->).)*?) -->\n+)?"
    r"^```(?P<kind>[^\n]*)\n(?P<text>.*?)^```$",
    re.MULTILINE | re.DOTALL,
)
_TOML = re.compile(r"\[\w+\]$|\w+ = ([\"'\[{\d+-]|true|false)", re.MULTILINE)
_INDENTED = re.compile(r"^(?: {2,}\S.*\n+)+", re.MULTILINE)


@dataclasses.dataclass(frozen=True)
class Block:
    """A block of code: the page it stands on and the line, what it is, and why it is not run."""

    page: str
    line: int
    kind: str
    text: str
    why_not: str | None = None

    def __str__(self) -> str:
        first = self.text.strip().splitlines()[0]
        return f"{self.page}:{self.line}: {self.kind}: {first}"


def of_markdown(path: Path) -> Iterator[Block]:
    """Yield the blocks of a page of Markdown.

    Raises
    ------
    ValueError
        A block does not say what it is.
    """
    page, whole = str(path.relative_to(ROOT)), path.read_text(encoding="utf-8")
    for each in _FENCE.finditer(whole):
        line = whole.count("\n", 0, each.start("kind")) + 1
        kind = each["kind"].strip()
        if kind in RUN:
            yield Block(page, line, kind, each["text"], each["why"])
        elif kind not in SHOWN and not kind.startswith("{"):
            raise ValueError(f"{page}:{line}: a block is {' or '.join(RUN + SHOWN)}, not {kind!r}")


def of_text(page: str, first_line: int, whole: str) -> Iterator[Block]:
    """Yield the indented blocks of a help text or docstring that are commands or TOML."""
    for each in _INDENTED.finditer(whole + "\n"):
        text = textwrap.dedent(each[0])
        line = first_line + whole.count("\n", 0, each.start())
        if re.match(r"bayes-tbm ", text):
            lines = [re.split(r"\s{3,}|\s+#", line)[0] for line in text.strip().splitlines()]
            yield Block(page, line, "bash", "\n".join(lines) + "\n")
        elif _TOML.match(text):
            yield Block(page, line, "toml", text)


def of_help(parser: argparse.ArgumentParser) -> Iterator[Block]:
    """Yield the blocks of the help of a parser, and of its commands."""
    yield from of_text(parser.prog, 1, "\n\n".join([parser.description or "", parser.epilog or ""]))
    for action in parser._subparsers._group_actions if parser._subparsers else ():
        for command in action.choices.values():
            yield from of_help(command)


def of_docstrings(path: Path) -> Iterator[Block]:
    """Yield the commands and the TOML of the docstrings of a file (doctests are run by pytest)."""
    kinds = ast.Module | ast.ClassDef | ast.FunctionDef
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, kinds) and (text := ast.get_docstring(node)):
            line = 1 if isinstance(node, ast.Module) else node.body[0].lineno
            yield from of_text(str(path.relative_to(ROOT)), line, text)


def of_example(path: Path) -> Iterator[Block]:
    """Yield the commands in the comment that begins an example."""
    comment = re.match(r"(#.*\n)+", path.read_text(encoding="utf-8"))
    text = re.sub("^# ?", "", comment[0] if comment else "", flags=re.MULTILINE)
    yield from of_text(str(path.relative_to(ROOT)), 1, text)


def all_blocks() -> list[Block]:
    """All blocks of all pages."""
    from bayes_tbm import cli

    pages = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md")), *ROOT.glob("*/README.md")]
    sources = sorted((ROOT / "bayes_tbm").rglob("*.py"))
    examples = sorted((ROOT / "examples").glob("*.toml"))
    return [
        *(block for path in pages for block in of_markdown(path)),
        *of_help(cli._parser()),
        *(block for path in sources for block in of_docstrings(path)),
        *(block for path in examples for block in of_example(path)),
    ]
