"""Importing the package and asking the command line for help load nothing that takes long."""

import ast
import json
import resource
import subprocess
import sys
from pathlib import Path

import pytest

import bayes_tbm as bt
from bayes_tbm import cli
from bayes_tbm.cli import fitting

IMPORT_BAR_S, HELP_BAR_S = 1.0, 0.3  # of processor time
TRIES = 3

# Prints, for each call, the libraries that were loaded for it, those of Python itself left out.
WATCH = """
import contextlib, io, json, sys
before = set(sys.modules)
def loaded():
    tops = {name.partition(".")[0] for name in set(sys.modules) - before}
    return sorted(tops - sys.stdlib_module_names - {"bayes_tbm"})
found = {}
import bayes_tbm
found["import bayes_tbm"] = loaded()
from bayes_tbm.cli import main
for words in json.loads(sys.argv[1]):
    text = io.StringIO()
    with contextlib.redirect_stdout(text), contextlib.suppress(SystemExit):
        main(words)
    assert text.getvalue(), words
    found[" ".join(words)] = loaded()
print(json.dumps(found))
"""


def run(code, *words):
    return subprocess.run(
        [sys.executable, "-c", code, *words], capture_output=True, text=True, check=True
    ).stdout


def helps():
    """Every call that only prints: --version and the help of each command."""
    actions = cli._parser()._subparsers._group_actions
    return [["--version"], ["--help"], *([name, "--help"] for a in actions for name in a.choices)]


def test_import_and_help_load_the_lazy_loader_alone():
    calls = helps()
    assert len(calls) > 6
    found = json.loads(run(WATCH, json.dumps(calls)))
    assert len(found) == len(calls) + 1
    assert all(libraries == ["lazy_loader"] for libraries in found.values()), found


def processor_time(code):
    """Least processor time of a few processes that run the code."""
    used = []
    for _ in range(TRIES):
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        run(code)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        used.append(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)
    return min(used)


@pytest.mark.parametrize(
    ("code", "bar"),
    [
        ("import bayes_tbm", IMPORT_BAR_S),
        ("from bayes_tbm.cli import main; main(['--version'])", HELP_BAR_S),
        ("from bayes_tbm.cli import main; main(['fit', '--help'])", HELP_BAR_S),
    ],
)
def test_processor_time_of_import_and_help(code, bar):
    assert processor_time(code) < bar


@pytest.mark.parametrize("name", bt.__all__)
def test_every_public_name_loads_once_and_is_listed(name):
    assert getattr(bt, name) is getattr(bt, name)
    assert name in dir(bt)


def test_names_and_stub_agree():
    stub = ast.parse((Path(bt.__path__[0]) / "__init__.pyi").read_text(encoding="utf-8"))
    (listed,) = (node.value for node in stub.body if isinstance(node, ast.Assign))
    assert sorted(ast.literal_eval(listed)) == sorted(bt.__all__)


# Python sets a package's attribute to each submodule that is imported.
FIRST = "import bayes_tbm.constraint.table"
LATER = "bayes_tbm.constraint; import bayes_tbm.constraint.table"


@pytest.mark.parametrize("code", [FIRST, LATER])
def test_a_function_is_not_hidden_by_its_room(code):
    shown = run(f"import bayes_tbm; {code}; print(bayes_tbm.constraint)")
    assert shown.startswith("<function constraint at")


def test_rooms_are_found_and_what_is_not_there_is_said():
    assert bt.plots.plot_growth
    with pytest.raises(AttributeError, match="callibration"):
        _ = bt.callibration
    assert not hasattr(bt, "__wrapped__")


def test_help_names_the_streams_there_are():
    assert sorted(fitting._stream_names()) == sorted(bt.STREAMS)
